/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <microhttpd.h>
#include <stdatomic.h>

#include "httpd/pmss-httpd.h"
#include "pmss-http-accept.h"
#include "pmss-http-guard.h"
#include "pmss-http-watchdog.h"

G_BEGIN_DECLS

/* A body that nobody wants any more is read and thrown away up to this size, so that the peer, which may read only after it has written, gets the answer. */
#define PMSS_HTTP_DISCARD_MAX (64u * 1024 * 1024)

struct _PmssHttpd {
  struct MHD_Daemon *daemon;
  PmssAcceptor *acceptor;
  guint16 port;
  PmssHttpdHandler handler;
  gpointer user_data;
  PmssWatchdog *watchdog;
  GThreadPool *pools[PMSS_HTTP_N_WAITS];        /* run deferred work; NULL with a thread per connection */

  GMutex links_lock;            /* protects the next three */
  GQueue links;                 /* open connections */
  GCond link_gone;              /* one less is in it */
  gboolean closing;             /* newcomers are shut down */

  atomic_uint alive;            /* requests that are not freed */
  atomic_uint deferred;         /* requests that are with it */
  atomic_bool stopping;
  atomic_uint running;          /* requests between begin and end, and those that are refused before */
  _Atomic guint64 accepted;
  _Atomic guint64 refused;
  _Atomic guint64 requests;
  _Atomic guint64 answers[600];
};

/*
 *   NEW ──begin──▶ EMPTY ─────────────────complete──▶ done
 *    │  ├────────▶ BODY ──▶ (pieces) ─────complete──▶ done
 *    │  ├────────▶ JSON ──▶ (pieces) ─────complete──▶ done
 *    │  └────────▶ DISCARD ◀── BODY, JSON refused ──▶ done
 *    └─ refused by the guard: answered and closed
 *
 * A request that is deferred in complete is set aside by libmicrohttpd until its work has answered; then complete comes again and finds the answer.
 */
typedef enum {
  PMSS_HTTP_STAGE_NEW,
  PMSS_HTTP_STAGE_EMPTY,        /* no body */
  PMSS_HTTP_STAGE_BODY,         /* pieces go to the handler */
  PMSS_HTTP_STAGE_JSON,         /* pieces are collected */
  PMSS_HTTP_STAGE_DISCARD,      /* answered; the rest of the body is thrown away */
} PmssHttpStage;

struct _PmssHttpRequest {
  PmssHttpd *httpd;
  struct MHD_Connection *connection;
  PmssPeer *peer;
  PmssHttpStage stage;
  gboolean begun;               /* the handler knows of it */
  gboolean running;             /* counted in the server's `running` */

  char *target;
  char *path;
  char *bearer;
  GHashTable *query;            /* nullable */
  const char *method;           /* libmicrohttpd's */
  PmssHttpHead head;
  guint64 received;             /* bytes of the body */
  guint64 discarded;
  GByteArray *json_text;
  JsonNode *json;
  gpointer data;
  PmssHttpWork work;            /* that was deferred, */
  PmssHttpWait wait;            /* and what it waits for */

  GPtrArray *headers;           /* name, value, name, value; to be added to the answer */
  struct MHD_Response *answer;
  guint status;
  GBytes *body;                 /* of the answer, unless it comes from a file */
  char *content_type;           /* of @body */
  gboolean sent_early;          /* the answer went out by pmss_http_request_send_early() */
};

/* For libmicrohttpd (pmss-http-events.c); @data: the #PmssHttpd. */
void            *pmss_http_on_target     (void *data, const char *target, struct MHD_Connection *connection);
enum MHD_Result  pmss_http_on_access     (void *data, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload_data, size_t *upload_size, void **context);
void             pmss_http_on_completed  (void *data, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code);
void             pmss_http_on_connection (void *data, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code);
/* Shuts all connections down, and waits until they are gone, for a second at most. */
void             pmss_http_close_links   (PmssHttpd *httpd);
/* For the pools; @item: a request that is deferred. */
void             pmss_http_do_work       (gpointer item, gpointer data);

PmssHttpRequest *pmss_http_request_new      (PmssHttpd *httpd, struct MHD_Connection *connection, PmssPeer *peer, const char *target);
void             pmss_http_request_free     (PmssHttpRequest *request);
/* Gives the answer to libmicrohttpd. */
enum MHD_Result  pmss_http_request_queue    (PmssHttpRequest *request);
/* For an answer to a body that is too large to be thrown away: writes it past libmicrohttpd, which takes none while a body is coming in. */
void             pmss_http_request_send_early (PmssHttpRequest *request);
/* Ends the connection behind what was sent early; libmicrohttpd finds it closed. */
void             pmss_http_request_hang_up  (PmssHttpRequest *request);
/* The collected body as an object; FALSE: answered. */
gboolean         pmss_http_request_parse_json (PmssHttpRequest *request);

G_END_DECLS
