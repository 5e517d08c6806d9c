/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "libpmss/format/pmss-layout.h"

G_BEGIN_DECLS

/**
 * PmssClient:
 *
 * A client of the control server's API. It follows no redirects and keeps no cookies. It uses a
 * proxy only where the environment names one (docs/operations.md) and the server is not on
 * loopback. Answers are bounded to 64 MiB, and every request to `timeout` in all. Connections are
 * kept for the next call: each main context has a SoupSession of its own, blocking calls share a
 * few.
 *
 * Threads: any thread may make the synchronous calls, which block it and run no context of the
 * caller's. The asynchronous calls answer in the thread-default main context of the caller.
 * Properties are set before the first request.
 */
#define PMSS_TYPE_CLIENT (pmss_client_get_type ())
G_DECLARE_FINAL_TYPE (PmssClient, pmss_client, PMSS, CLIENT, GObject)

/* @url: "http://host:port" or "https://host:port" of the control server, without a port 80 or 443.
 * PMSS_ERROR_INVALID if it is something else. Properties: "url" (construct only), "timeout" (uint,
 * seconds, default 15, 0: none), "tls-database" (GTlsDatabase), "tls-interaction",
 * "tls-validation-flags" (GTlsCertificateFlags). Signal "accept-certificate" (GTlsCertificate,
 * GTlsCertificateFlags) -> gboolean, emitted in the thread that does the request. */
PmssClient *pmss_client_new (const char *url, GError **error);
const char *pmss_client_get_url (PmssClient *client);

/* Sets the credentials. A token is used as it is. User and password are exchanged for a token at
 * the first request that needs one, and again once when it is refused. NULL, NULL, NULL: none.
 * Without user and password a 401 is a PMSS_ERROR_NOT_AUTHORIZED whose text names the remedy. No
 * error has a token or password in its text. */
void        pmss_client_set_credentials (PmssClient *client, const char *token, const char *user,
    const char *password);

/* Fills in credentials from the first of: those that were set, @uri_user and @uri_password,
 * PMSS_TOKEN from the environment, the login that `pmss login` stored for this URL. */
void        pmss_client_find_credentials (PmssClient *client, const char *uri_user,
    const char *uri_password);

/* @path: a file of PEM certificates to trust instead of the system's. Sets "tls-database" from it.
 * Every error names it. */
gboolean    pmss_client_set_ca_file (PmssClient *client, const char *path, GError **error);
/* Finds the authorities to trust, unless "tls-database" is set. They are the first of: PMSS_CA_FILE
 * from the environment, the file that `pmss login --ca-file` stored for this URL, the system's.
 * TRUE without a look at either where the URL has no TLS. */
gboolean    pmss_client_find_authorities (PmssClient *client, GError **error);

/* One API request. @path: below /api/v1, already encoded ("/media/films/a%20b.webm?x=y"). @body:
 * (nullable). Returns the answer's JSON, or a null node for 204. Errors: a problem document becomes
 * a PMSS_ERROR with its detail as text and the status in the details. 409 is PMSS_ERROR_EXISTS
 * where something was to be made (media, uploads, users), and PMSS_ERROR_CONFLICT elsewhere. */
JsonNode   *pmss_client_request        (PmssClient *client, const char *method, const char *path,
    JsonNode *body, GCancellable *cancellable, GError **error);
void        pmss_client_request_async  (PmssClient *client, const char *method, const char *path,
    JsonNode *body, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
JsonNode   *pmss_client_request_finish (PmssClient *client, GAsyncResult *result, GError **error);

/* A piece of an answer, as it came; FALSE and an error end it with that. It may make requests of
 * its own. */
typedef gboolean (*PmssClientPiece)    (const char *data, gsize length, gpointer user_data,
    GError **error);
/**
 * pmss_client_follow: (skip)
 * @path: as of pmss_client_request()
 * @last_id: (nullable): sent as Last-Event-ID
 * @quiet: seconds
 *
 * GETs @path and hands the answer to @func piece by piece, until it ends, which is no error.
 * Blocks. With a token alone. %PMSS_ERROR_TIMED_OUT: nothing came for @quiet.
 */
gboolean    pmss_client_follow         (PmssClient *client, const char *path, const char *last_id,
    guint quiet, PmssClientPiece func, gpointer user_data, GCancellable *cancellable,
    GError **error);

/* Exchanges user and password for a token; the token is kept for later requests and returned with
 * its expiry. */
gboolean    pmss_client_login  (PmssClient *client, const char *user, const char *password,
    char **token, char **expires, GCancellable *cancellable, GError **error);

/* Whether the last login was with a one-time password. Until that is changed, its token allows no
 * more than changing it (PUT /users/NAME/password) and logout. */
gboolean    pmss_client_has_one_time_password (PmssClient *client);

/* "films/a b.webm" -> "films/a%20b.webm" */
char       *pmss_client_encode_name (const char *name);

/* One admitted stream: docs/protocol.md section 6, Session. */
typedef struct
{
  char *id;
  guint lease;                  /* seconds; renew at a third of it */
  gboolean measured;            /* control takes measures with renewals */
  char *token;                  /* capability token for the nodes */
  char *user;
  char *title;
  char *content_type;           /* nullable */
  char *sha256;                 /* of all bytes, 64 hex digits in lower case; nullable */
  guint64 avg_bitrate;          /* bit/s, 0: unknown */
  guint64 peak_bitrate;         /* bit/s over 10 s, 0: unknown */
  guint64 duration;             /* ns, 0: unknown */
  PmssLayout *layout;
  /* ns from the answer on, > 0: control keeps this start for the session. It has only its id and
   * its lease yet, and is asked for again: with the same id, then, and within the lease. */
  gint64 start_in;
} PmssSession;

void         pmss_session_free (PmssSession *session);
/* (transfer full): the layout is shared */
PmssSession *pmss_session_copy (const PmssSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssSession, pmss_session_free)

/* 128 random bits as 32 hex digits. */
char        *pmss_client_new_session_id       (void);
/**
 * pmss_client_open_session_async:
 * @id: (nullable): of pmss_client_new_session_id(), for this session alone; %NULL: make one
 * @medium: name of the medium to read
 *
 * Asks for a session with its whole layout, which may take several requests. A failure may leave
 * open whether the session was opened. When asked again with the same @id, control opens no second
 * one.
 */
void         pmss_client_open_session_async   (PmssClient *client, const char *id,
    const char *medium, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
/* A session as it is wanted. */
typedef struct
{
  const char *id;               /* (nullable): as above */
  const char *medium;           /* its name; with a ticket only for errors */
  /* (nullable): id of the ticket of a viewer that this gateway plays for (docs/gateway.md). The
   * credentials are a storage server's secret. */
  const char *ticket;
  gint64 max_wait;              /* ns: a start that much later is of use, too; 0: none is */
  gboolean bulk;                /* for what is left over: no rate is promised */
} PmssSessionWish;

/* The same for more wishes. Finished by pmss_client_open_session_finish(), too. With a `max_wait`
 * control may keep a start (start_in). A refusal (PMSS_ERROR_BUSY) says what binds and when to ask
 * again, in its text and in its details. */
void         pmss_client_ask_for_session_async (PmssClient *client, const PmssSessionWish *wish,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/**
 * pmss_client_open_session_finish: (skip)
 *
 * Returns: (transfer full): the session; free with pmss_session_free()
 */
PmssSession *pmss_client_open_session_finish  (PmssClient *client, GAsyncResult *result,
    GError **error);
/* The result of a renewal. */
typedef struct
{
  guint lease;                  /* seconds, from now on */
  gboolean measured;            /* control takes measures with the next one */
  char *token;                  /* a new one for the nodes */
  PmssVersionId version;        /* that the session reads, */
  guint64 generation;           /* and that of its layout by now; 0: control does not say */
} PmssRenewal;

void         pmss_client_renewal_free         (PmssRenewal *renewal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssRenewal, pmss_client_renewal_free)

/* @measure: (nullable): what control is told of the reading (docs/protocol.md, "What a reader
 * tells"). PMSS_ERROR_NOT_FOUND: the session has ended. */
void         pmss_client_renew_session_async  (PmssClient *client, const char *session,
    JsonNode *measure, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
/**
 * pmss_client_renew_session_finish: (skip)
 *
 * Returns: (transfer full): its result; free with pmss_client_renewal_free()
 */
PmssRenewal *pmss_client_renew_session_finish (PmssClient *client, GAsyncResult *result,
    GError **error);
/**
 * pmss_client_refresh_layout_async:
 * @session: id of a session
 * @layout: the layout that is known of it
 *
 * Asks for the present layout: for its changes, or for all of it where control has an older one.
 * The call checks only that the answers are valid. pmss_layout_check_same_geometry() tells whether
 * the result can take the place of @layout.
 */
void         pmss_client_refresh_layout_async (PmssClient *client, const char *session,
    PmssLayout *layout, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
/**
 * pmss_client_refresh_layout_finish:
 *
 * Returns: (transfer full): the layout
 */
PmssLayout  *pmss_client_refresh_layout_finish (PmssClient *client, GAsyncResult *result,
    GError **error);
void         pmss_client_close_session_async  (PmssClient *client, const char *session,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean     pmss_client_close_session_finish (PmssClient *client, GAsyncResult *result,
    GError **error);

/* A finding of a reader: a unit, a shard or a node that does not give the right bytes.
 * docs/protocol.md, `POST /sessions/{id}/reports`. */
typedef enum
{
  PMSS_REPORT_CHECKSUM,         /* a record does not match its checksum */
  PMSS_REPORT_LENGTH,           /* the shard is shorter than it has to be */
  /* an answer that is none, or a record that contradicts the others */
  PMSS_REPORT_WRONG,
  PMSS_REPORT_MISSING,          /* the node does not have the shard */
  PMSS_REPORT_UNREADABLE,       /* the node cannot read the shard */
  PMSS_REPORT_UNREACHABLE,      /* the node does not answer */
} PmssReportKind;
#define PMSS_N_REPORT_KINDS (PMSS_REPORT_UNREACHABLE + 1)

typedef struct
{
  guint32 extent;
  guint index;                  /* of the shard */
  gint64 row;                   /* in the extent; -1: none in particular */
  guint node;
  PmssReportKind kind;
} PmssReport;

#define PMSS_MAX_REPORTS 32

/**
 * pmss_client_report_async:
 * @reports: (array length=n_reports): 1 to %PMSS_MAX_REPORTS
 *
 * Tells control the findings of a session's reader. Control accepts one such request a second for a
 * session (%PMSS_ERROR_BUSY).
 */
void         pmss_client_report_async         (PmssClient *client, const char *session,
    const PmssReport *reports, guint n_reports, GCancellable *cancellable,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean     pmss_client_report_finish        (PmssClient *client, GAsyncResult *result,
    GError **error);

G_END_DECLS
