/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "httpd/pmss-http-places.h"

G_BEGIN_DECLS

/**
 * PmssHttpd:
 *
 * The listener that both servers stand behind. It is an HTTP engine behind strict rules, and a
 * watchdog that cuts peers that are too slow. The linked library decides the engine: libmicrohttpd
 * or libsoup. docs/architecture.md has the reasons, docs/operations.md the limits.
 */
typedef struct _PmssHttpd PmssHttpd;

/**
 * PmssHttpRequest:
 *
 * One request, from `begin` to `end`. All functions on it are called from inside the handler's
 * functions. With libmicrohttpd these run on the worker thread that the connection belongs to. They
 * defer work that may wait for a disk with pmss_http_request_defer(). With libsoup they run on
 * threads of a pool, one at a time for each connection, and may block.
 */
typedef struct _PmssHttpRequest PmssHttpRequest;

typedef struct
{
  const char *listen;           /* "127.0.0.1:8470", "[::]:8470", port 0: any free one */
  const char *tls_certificate;  /* nullable: PEM files; both or none */
  const char *tls_key;
  guint threads;                /* libmicrohttpd's workers; 0: one per processor, at least 2 */
  guint max_connections;        /* 0: 1000 */
  guint max_connections_per_address;    /* of strangers; 0: half */
  /* storage servers connect, too: room is kept for them (pmss-http-places.h) */
  gboolean nodes;
  /* seconds in which a request's head has to be complete, and an idle connection is kept; 0: 10 */
  guint head_timeout;
  /* seconds that a user's or node's connection is kept idle; 0: as head_timeout */
  guint idle_timeout;
  /* bytes/s that a body or an answer has to make in each min_rate_window; 0: 1024 */
  guint min_rate;
  guint min_rate_window;        /* seconds; 0: 10 */
} PmssHttpdConfig;

typedef struct
{
  /* The head is complete and passed the guard. Either answer at once, or call one of the accept
   * functions when there is a body. Without a body, `complete` follows at once. When you answer at
   * once, a body on its way is thrown away, within limits, so that the peer gets to read the
   * answer. With `Expect: 100-continue` the peer gets the answer instead of the 100. */
  void (*begin)    (PmssHttpRequest *request, gpointer user_data);
  /* A piece of an accepted body (not for pmss_http_request_accept_json). Return FALSE after having
   * answered to refuse the rest; `complete` is then not called. */
  gboolean (*body) (PmssHttpRequest *request, const void *data, gsize length, gpointer user_data);
  /* The body is complete (or there is none): has to answer. */
  void (*complete) (PmssHttpRequest *request, gpointer user_data);
  /* The request is over: answered, or its peer has gone (@answered FALSE) . Free what belongs to
   * it. Always called once after begin. */
  void (*end)      (PmssHttpRequest *request, gboolean answered, gpointer user_data);
} PmssHttpdHandler;

/* Whether a listener could be made of @config on some machine: the form of the address, certificate
 * and key. PMSS_ERROR_INVALID that begins with the setting. */
gboolean   pmss_httpd_check_config (const PmssHttpdConfig *config, GError **error);
/* Whether the engine that is linked reads requests as PMSS knows it to: sends some that could have
 * another one hidden in them to a listener of its own, without a network. PMSS_ERROR_FAILED: an
 * engine of a version that is not known does not; a server must not start behind it. */
gboolean   pmss_httpd_self_test (GError **error);
PmssHttpd *pmss_httpd_start     (const PmssHttpdConfig *config, const PmssHttpdHandler *handler,
    gpointer user_data, GError **error);
guint16    pmss_httpd_get_port  (PmssHttpd *httpd);
/* Takes no more connections, lets running requests finish for up to @grace_seconds, then cuts them;
 * joins all threads. Frees @httpd. */
void       pmss_httpd_stop      (PmssHttpd *httpd, guint grace_seconds);

typedef struct
{
  guint connections;            /* open now */
  guint64 accepted;             /* connections */
  guint64 refused;              /* requests that the guard refused */
  guint64 requests;             /* heads that were complete, refused ones included */
  guint strangers, users, nodes;        /* of them */
  guint64 displaced;            /* connections that were closed to make room */
  guint64 turned_away;          /* connections for which there was no place */
  guint64 cut_slow;             /* connections that the watchdog cut */
  guint64 bytes_in, bytes_out;  /* TCP payload, heads and TLS included, up to the last second */
} PmssHttpdStats;
void       pmss_httpd_get_stats (PmssHttpd *httpd, PmssHttpdStats *stats);
/* When the TLS certificate that is served ends, in seconds since 1970; 0: there is no TLS. */
gint64     pmss_httpd_get_certificate_end (PmssHttpd *httpd);
/* How many answers had @status (100..599). */
guint64    pmss_httpd_get_answers (PmssHttpd *httpd, guint status);

/* The request. Strings are valid until `end`. */
const char *pmss_http_request_get_method  (PmssHttpRequest *request);
/* The target's path, checked against a strict grammar (no NUL, no control characters, valid percent
 * encoding, valid UTF-8 after decoding) but not decoded. */
const char *pmss_http_request_get_path    (PmssHttpRequest *request);
/* The target as it was sent, query included. */
const char *pmss_http_request_get_target  (PmssHttpRequest *request);
/* A query parameter, decoded; NULL if it is absent. Repeated parameters are refused by the guard.
 * "+" is a plus and not a space (RFC 3986, not HTML forms): pages have to use encodeURIComponent()
 * and not URLSearchParams. */
const char *pmss_http_request_get_query   (PmssHttpRequest *request, const char *name);
const char *pmss_http_request_get_header  (PmssHttpRequest *request, const char *name);
/* "192.0.2.1", "2001:db8::1" */
/* Of the answer that was given; 0: none yet. */
guint       pmss_http_request_get_status  (PmssHttpRequest *request);
const char *pmss_http_request_get_address (PmssHttpRequest *request);
/* TRUE and the length if there is a body (Content-Length > 0, or = 0 given). Chunked bodies never
 * get here: the guard answers 411. */
gboolean    pmss_http_request_get_content_length (PmssHttpRequest *request, guint64 *length);
/* The token of "Authorization: Bearer TOKEN"; NULL if absent or malformed. */
const char *pmss_http_request_get_bearer  (PmssHttpRequest *request);
/* The request was authenticated: its connection is a stranger no more, and keeps its place when
 * there are too many. @owner: a user's name, a node's id; NULL: the address counts. */
void        pmss_http_request_set_class   (PmssHttpRequest *request, PmssPlaceClass class,
    const char *owner);
/* Whether it may read how the server is doing: it comes from this machine, or has @token (NULL:
 * none is good). FALSE: answered. */
gboolean    pmss_http_request_may_watch   (PmssHttpRequest *request, const char *token);
/* The same of an address and a bearer token (nullable). */
gboolean    pmss_http_may_watch           (const char *address, const char *bearer,
    const char *token);
/* Nobody waits for the request's `end`. After an answer it may come a little later, with the next
 * request of the connection, which saves a turn of a thread. */
void        pmss_http_request_let_end_wait (PmssHttpRequest *request);
/* The handler's own data of the request. */
void        pmss_http_request_set_data    (PmssHttpRequest *request, gpointer data);
gpointer    pmss_http_request_get_data    (PmssHttpRequest *request);

typedef enum { PMSS_HTTP_RANGE_NONE, PMSS_HTTP_RANGE_OK, PMSS_HTTP_RANGE_UNSATISFIABLE,
    PMSS_HTTP_RANGE_MALFORMED } PmssHttpRange;
/* One byte range against @size. More than one range is malformed. */
PmssHttpRange pmss_http_request_get_range (PmssHttpRequest *request, guint64 size, guint64 *first,
    guint64 *length);

/* The part of an object of @size bytes that a GET or HEAD asks for, by Range and If-Range. */
typedef struct
{
  guint status;                 /* 200, 206 */
  guint64 first, length, size;
} PmssHttpPart;
/* FALSE: answered with 416 or 400. @etag: with its quotation marks */
gboolean    pmss_http_request_find_part (PmssHttpRequest *request, const char *etag, guint64 size,
    PmssHttpPart *part);
/* Adds ETag, Accept-Ranges and Content-Range to an answer that has the part. */
void        pmss_http_request_add_part  (PmssHttpRequest *request, const char *etag,
    const PmssHttpPart *part);

/* Bodies: refuses by itself with 413 when Content-Length is over @max. FALSE: answered already,
 * return from begin. */
gboolean    pmss_http_request_accept_body (PmssHttpRequest *request, guint64 max);
/* Collects the body, parses it as a JSON object (depth and size bounded), and then calls
 * `complete`. Any other body is answered with 400, 413 or 415. */
gboolean    pmss_http_request_accept_json (PmssHttpRequest *request, gsize max);
JsonObject *pmss_http_request_get_json    (PmssHttpRequest *request);

/* For work that may block longer than a worker thread should be held up (fsync, long scans). Call
 * it instead of answering: from `complete`, or from `begin` of a request without a body. In the
 * latter case `complete` is not called. The connection is set aside. A thread of a small pool calls
 * @work, which has to answer; `end` comes after it. */
typedef void (*PmssHttpWork) (PmssHttpRequest *request, gpointer user_data);
/* Each has a pool of its own: a read is not held up by the fsyncs of an ingest. */
typedef enum { PMSS_HTTP_WAIT_READ, PMSS_HTTP_WAIT_WRITE, PMSS_HTTP_N_WAITS } PmssHttpWait;
void        pmss_http_request_defer       (PmssHttpRequest *request, PmssHttpWait wait,
    PmssHttpWork work);

/* For an answer that comes from elsewhere; with libmicrohttpd alone. Call it instead of answering,
 * from `begin` of a request without a body; `complete` is then not called. The connection is set
 * aside, and @start is called, which must not block. Later, on any thread, the request is answered
 * and goes on, once; `end` comes after it. A server that stops answers by itself, and does not call
 * @start. It waits for each request that was set aside before, however long that takes. */
void        pmss_http_request_set_aside   (PmssHttpRequest *request, PmssHttpWork start);
void        pmss_http_request_go_on       (PmssHttpRequest *request);

/* Answers: exactly one per request, a second one is a programmer's mistake. Headers are added
 * before; values with control characters are left out and warned about. A handler that returns from
 * `complete` without an answer gets a 500 sent in its name. */
void pmss_http_request_add_header    (PmssHttpRequest *request, const char *name,
    const char *value);
void pmss_http_request_respond       (PmssHttpRequest *request, guint status,
    const char *content_type, GBytes *body);
void pmss_http_request_respond_empty (PmssHttpRequest *request, guint status);
/* Takes @json. */
void pmss_http_request_respond_json  (PmssHttpRequest *request, guint status, JsonNode *json);
/* application/problem+json, RFC 9457. */
void pmss_http_request_respond_problem (PmssHttpRequest *request, guint status,
    const char *detail_format, ...) G_GNUC_PRINTF (3, 4);
/* The same with further members: those of @members, an object, which it takes. */
void pmss_http_request_respond_problem_with (PmssHttpRequest *request, guint status,
    const char *detail, JsonNode *members);
/* People may open the request's URL in a browser: from now on its problems are small pages where
 * the request prefers HTML (Accept), and application/problem+json where not. */
void pmss_http_request_let_people_read (PmssHttpRequest *request);
/* Whether that is so. */
gboolean pmss_http_request_wants_page (PmssHttpRequest *request);
/* The status that goes with a PMSS_ERROR, and its text: it is for the client to read, without SQL
 * or paths of the server. PMSS_ERROR_FAILED and all other domains are
 * pmss_http_request_respond_internal(). */
void pmss_http_request_respond_error (PmssHttpRequest *request, const GError *error);
/* 500 without a reason: @why goes to the log, with a random id that the client gets as
 * `instance`. */
void pmss_http_request_respond_internal (PmssHttpRequest *request, const char *why);
/* @length bytes of @fd from @offset, by sendfile; takes @fd. */
void pmss_http_request_respond_fd    (PmssHttpRequest *request, guint status,
    const char *content_type, int fd, guint64 offset, guint64 length);

/**
 * PmssHttpSource:
 *
 * An answer of a known length whose bytes are fetched as its peer takes them. With libmicrohttpd
 * alone. It holds no thread: while no bytes are there its connection is set aside. A peer that
 * takes too few is cut by the watchdog, one that waits for bytes is not. Reference counted; any
 * thread.
 */
typedef struct _PmssHttpSource PmssHttpSource;
/* Puts up to @max next bytes into @buffer and returns how many. 0: none are there yet, and
 * pmss_http_source_wake() is called when they are. -1: there are none, and the connection is cut.
 * On the connection's worker; must not block. */
typedef gssize (*PmssHttpSourceRead) (PmssHttpSource *source, void *buffer, gsize max,
    gpointer user_data);

/* Answers with @length bytes, at least one, that @read brings. A HEAD reads none. @user_data: lives
 * until `end`. Returns: (transfer full) */
PmssHttpSource *pmss_http_request_respond_source (PmssHttpRequest *request, guint status,
    const char *content_type, guint64 length, PmssHttpSourceRead read, gpointer user_data);
/* There are bytes, or there will be none: it is read again. Does nothing after the end. */
void            pmss_http_source_wake  (PmssHttpSource *source);
PmssHttpSource *pmss_http_source_ref   (PmssHttpSource *source);
void            pmss_http_source_unref (PmssHttpSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssHttpSource, pmss_http_source_unref)

/**
 * PmssHttpFeed:
 *
 * An answer that goes on: server-sent events, an export. With libsoup alone. It holds no thread. It
 * is over when it was finished and all has gone out, when its peer has gone or was cut, or when the
 * server stops; then the handler's `end` is called. Reference counted; any thread.
 */
typedef struct _PmssHttpFeed PmssHttpFeed;
/* There is room: all that was sent so far has gone out, or nothing was sent yet. Runs on a thread
 * of the pool as handlers do, never beside them. Sends a next piece, or finishes. */
typedef void (*PmssHttpFeedRoom) (PmssHttpFeed *feed, gpointer user_data);

/* Answers, from a handler, with what pmss_http_feed_send() brings. @max_pending: bytes that may
 * wait for the peer; one that is slower is cut. @room: nullable. @user_data: lives until `end`.
 * Returns: (transfer full) */
PmssHttpFeed *pmss_http_request_respond_feed (PmssHttpRequest *request, guint status,
    const char *content_type, gsize max_pending, PmssHttpFeedRoom room, gpointer user_data);
/* FALSE: the feed is over or was finished, or is cut now, because its peer is too slow. */
gboolean      pmss_http_feed_send   (PmssHttpFeed *feed, GBytes *piece);
/* No more follows. What was sent goes out, with the mark of a whole answer behind it. */
void          pmss_http_feed_finish (PmssHttpFeed *feed);
PmssHttpFeed *pmss_http_feed_ref    (PmssHttpFeed *feed);
void          pmss_http_feed_unref  (PmssHttpFeed *feed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssHttpFeed, pmss_http_feed_unref)

G_END_DECLS
