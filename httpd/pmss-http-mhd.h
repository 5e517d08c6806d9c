/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <microhttpd.h>

#include "pmss-http-guard.h"
#include "pmss-http-mhd-worker.h"
#include "pmss-httpd-private.h"

G_BEGIN_DECLS

/* The engine on libmicrohttpd. A request that is deferred in complete is set aside by it until its
 * work has answered; then complete comes again and finds the answer. */

struct _PmssHttpEngine
{
  GPtrArray *workers;           /* of PmssHttpWorker */
  guint next;                   /* worker for the next connection; the accept thread's */
  GThreadPool *pools[PMSS_HTTP_N_WAITS];        /* run deferred work */

  GMutex links_lock;            /* protects the next four */
  guint handed;                 /* connections that it was handed and has not begun */
  GQueue links;                 /* open connections */
  GCond link_gone;              /* one less is in it */
  gboolean closing;             /* newcomers are shut down */

  atomic_uint deferred;         /* requests that are with it, or with somebody else */

  GMutex sources_lock;          /* protects these two */
  GQueue waiting_sources;       /* (owned) whose connections are set aside */
  gboolean cut_sources;         /* none is set aside any more */
};

/* For libmicrohttpd (pmss-http-mhd-events.c); @data: the #PmssHttpd. */
void            *pmss_http_on_target     (void *data, const char *target,
    struct MHD_Connection *connection);
enum MHD_Result  pmss_http_on_access     (void *data, struct MHD_Connection *connection,
    const char *url, const char *method,
    const char *version, const char *upload_data, size_t *upload_size, void **context);
void             pmss_http_on_completed  (void *data, struct MHD_Connection *connection,
    void **context, enum MHD_RequestTerminationCode code);
void             pmss_http_on_connection (void *data, struct MHD_Connection *connection,
    void **context, enum MHD_ConnectionNotificationCode code);
/* So many more were handed to it. */
void             pmss_http_hand_over     (PmssHttpd *httpd, int number);
/* Shuts all connections down, and waits until they are gone, for a second at most. */
void             pmss_http_close_links   (PmssHttpd *httpd);
/* MHD_resume_connection(), and its worker looks at it. Any thread. */
void             pmss_http_resume        (PmssHttpd *httpd, struct MHD_Connection *connection);
/* For the pools; @item: a request that is deferred. */
void             pmss_http_do_work       (gpointer item, gpointer data);

/* pmss-http-mhd-source.c */

/* NULL: no memory. Takes the answer's source. */
struct MHD_Response *pmss_http_source_make_response (PmssHttpAnswer *answer);
/* Answers that wait for bytes are cut, those that come to wait, too. */
void             pmss_http_cut_sources   (PmssHttpd *httpd);

/* Gives the answer to libmicrohttpd. */
enum MHD_Result  pmss_http_request_queue    (PmssHttpRequest *request);
/* Writes the answer past libmicrohttpd, which takes none while a body is coming in. For bodies that
 * are too large to be thrown away. */
void             pmss_http_request_send_early (PmssHttpRequest *request);
/* Ends the connection behind an answer that was sent early. libmicrohttpd finds it closed. */
void             pmss_http_request_hang_up  (PmssHttpRequest *request);

G_END_DECLS
