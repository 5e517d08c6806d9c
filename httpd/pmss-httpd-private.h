/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdatomic.h>

#include "httpd/pmss-httpd.h"
#include "pmss-http-accept.h"
#include "pmss-http-rules.h"
#include "pmss-http-watchdog.h"

G_BEGIN_DECLS

/* Forward secrecy and AEAD only. */
#define PMSS_HTTP_TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:" \
  "-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305:%SERVER_PRECEDENCE"

/* The part that both engines have in common. Each library has this and one engine (pmss-http-mhd.h,
 * pmss-http-soup.h), which is found when it is linked. */

/* An unwanted body is read and thrown away up to this size. So a peer that reads only after it has
 * written gets the answer. */
#define PMSS_HTTP_DISCARD_MAX (64u * 1024 * 1024)
#define PMSS_HTTP_PROBLEM_TYPE "application/problem+json"

typedef struct _PmssHttpEngine PmssHttpEngine;

struct _PmssHttpd
{
  PmssHttpEngine *engine;
  PmssAcceptor *acceptor;
  guint16 port;
  PmssHttpdHandler handler;
  gpointer user_data;
  PmssWatchdog *watchdog;
  gint64 certificate_end;       /* seconds since 1970; 0: no TLS. Set when the engine starts */

  atomic_uint alive;            /* requests that are not freed */
  atomic_bool stopping;
  /* requests between begin and end, and those that are refused before */
  atomic_uint running;
  _Atomic guint64 accepted;
  _Atomic guint64 refused;
  _Atomic guint64 requests;
  _Atomic guint64 answers[600];
};

/* pmss_httpd_start() without a listening socket. */
PmssHttpd *pmss_httpd_new (const PmssHttpdConfig *config, const PmssHttpdHandler *handler,
    gpointer user_data, GError **error);
/* A newcomer. Takes @fd, a non-blocking one. */
void     pmss_httpd_take (PmssHttpd *httpd, int fd, const struct sockaddr *address,
    socklen_t length);

/* Complete settings: each has its default. Sets httpd->engine, also where it fails, and
 * httpd->certificate_end. */
gboolean pmss_http_engine_start (PmssHttpd *httpd, const PmssHttpdConfig *config, GError **error);
/* Takes @fd, which the watchdog has admitted. On the acceptor's thread. */
void     pmss_http_engine_take  (PmssHttpd *httpd, int fd, const struct sockaddr *address,
    socklen_t length);
/* No more come. Requests may go on until @end (monotonic us); all are over when it returns. */
void     pmss_http_engine_stop  (PmssHttpd *httpd, gint64 end);
void     pmss_http_engine_free  (PmssHttpEngine *engine);

/*
 *   NEW ──begin──▶ EMPTY ─────────────────complete──▶ done
 *    │  ├────────▶ BODY ──▶ (pieces) ─────complete──▶ done
 *    │  ├────────▶ JSON ──▶ (pieces) ─────complete──▶ done
 *    │  └────────▶ DISCARD ◀── BODY, JSON refused ──▶ done
 *    └─ refused by the rules: answered and closed
 */
typedef enum
{
  PMSS_HTTP_STAGE_NEW,
  PMSS_HTTP_STAGE_EMPTY,        /* no body */
  PMSS_HTTP_STAGE_BODY,         /* pieces go to the handler */
  PMSS_HTTP_STAGE_JSON,         /* pieces are collected */
  PMSS_HTTP_STAGE_DISCARD,      /* answered; the rest of the body is thrown away */
} PmssHttpStage;

typedef struct
{
  guint status;                 /* 0: there is none yet */
  char *content_type;           /* nullable */
  GPtrArray *headers;           /* name, value, name, value; nullable */
  GBytes *body;                 /* nullable */
  int fd;                       /* -1; else the body is @length bytes of it from @offset */
  gpointer source;              /* (nullable) the engine's: the body is @length bytes of it */
  GDestroyNotify drop_source;
  guint64 offset;
  guint64 length;               /* of the body */
} PmssHttpAnswer;

struct _PmssHttpRequest
{
  PmssHttpd *httpd;
  gpointer connection;          /* the engine's */
  PmssPeer *peer;
  PmssHttpStage stage;
  gboolean begun;               /* the handler knows of it */
  gboolean running;             /* counted in the server's `running` */
  gboolean end_may_wait;
  gboolean for_people;          /* its problems may be pages */

  char *target;
  char *path;
  char *bearer;
  GHashTable *query;            /* nullable */
  const char *method;           /* the engine's */
  PmssHttpFraming framing;
  guint64 received;             /* bytes of the body */
  guint64 discarded;
  GByteArray *json_text;
  JsonNode *json;
  gpointer data;
  PmssHttpWork work;            /* that was deferred, */
  PmssHttpWait wait;            /* and what it waits for */
  gboolean elsewhere;           /* or that only begins: somebody else answers */

  PmssHttpAnswer answer;
  gboolean sent_early;          /* the answer went out past the engine */
};

void     pmss_http_request_init  (PmssHttpRequest *request, PmssHttpd *httpd, PmssPeer *peer,
    const char *target);
void     pmss_http_request_clear (PmssHttpRequest *request);
/* The collected body as an object; FALSE: answered. */
gboolean pmss_http_request_parse_json (PmssHttpRequest *request);

/* The answer to fill in; NULL: there is one already. */
PmssHttpAnswer *pmss_http_answer_begin (PmssHttpRequest *request, guint status,
    const char *content_type);
/* It should have answered. */
void        pmss_http_answer_for_handler (PmssHttpRequest *request);
void        pmss_http_answer_clear  (PmssHttpAnswer *answer);
/* How the body of an answer follows on its head. */
typedef enum
{
  PMSS_HTTP_BODY_WHOLE,
  PMSS_HTTP_BODY_NONE,          /* the request was a HEAD */
  PMSS_HTTP_BODY_CHUNKED,       /* is to come, in chunks */
  PMSS_HTTP_BODY_TO_THE_END,    /* is to come, until the connection ends */
} PmssHttpBodyForm;
/* Head and, if it is to be whole, body (not from a file) of the last answer of a connection. */
GBytes     *pmss_http_answer_write  (const PmssHttpAnswer *answer, PmssHttpBodyForm form);
/* The body of a problem. @instance: nullable. */
/* The same as a page. */
GBytes     *pmss_http_page_new      (guint status, const char *detail, const char *instance);
/* Says of an answer with a page what browsers are to do with it. */
void        pmss_http_page_add_headers (PmssHttpRequest *request);
GBytes     *pmss_http_problem_new   (guint status, const char *detail, const char *instance);
const char *pmss_http_reason_phrase (guint status);

G_END_DECLS
