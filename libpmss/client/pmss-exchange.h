/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

/* One HTTP request and its answer, bounded in time and memory. API client and node client share it.
 * Private to libpmss.
 *
 * Threads: an exchange lives in the thread-default main context in which it was started, and its
 * SoupSession in no other. Cancelling: any thread cancels by the exchange's GCancellable. The
 * answer comes as soon as the context runs. The connection is cut first, so that a peer that takes
 * nothing more does not delay it, with TLS too. */

/* A piece of the body of a 200 or 206. FALSE and an error end the exchange with that error. */
typedef gboolean (*PmssExchangeSink) (const guint8 *data, gsize length, gpointer user_data,
    GError **error);

typedef struct
{
  guint timeout;                /* ms, 0: none */
  /* `timeout` counts anew at every progress (16 KiB of body, or a step of the request); else it is
   * for the whole exchange */
  gboolean idle;
  /* ms, 0: none: for the whole exchange, whatever moves; with `idle` */
  guint64 deadline;
  /* bytes of an answer that are collected; a longer answer is PMSS_ERROR_PROTOCOL */
  gsize max_body;
  /* (nullable): takes the body of a 200 or 206 instead of its being collected */
  PmssExchangeSink sink;
  gpointer sink_data;
  const char *peer;             /* "host:port", for errors */
} PmssExchangeOptions;

/* A session of HTTP/1.1 with no redirects, cookies, decoding of contents or logins by itself. Every
 * session of libpmss comes from here.
 * @max_connections: to one peer, @all_connections: to all of them; further requests wait for their
 * turn. @proxies: (nullable):
 * pmss_proxy_resolver_new(); NULL: directly, as to all nodes. @tls_database, @tls_interaction:
 * (nullable) */
/* Connections to one peer, for callers that send no more requests than that at once. */
#define PMSS_EXCHANGE_CONNECTIONS 16
#define PMSS_EXCHANGE_ALL_CONNECTIONS 65536     /* any number */
SoupSession *pmss_exchange_session_new (guint max_connections, guint all_connections,
    GProxyResolver *proxies,
    GTlsDatabase *tls_database, GTlsInteraction *tls_interaction);

/* @uri: encoded. @token: (nullable): sent as Authorization. NULL if @uri is malformed. Use it
 * once. */
SoupMessage *pmss_exchange_message_new (const char *method, const char *uri, const char *token);

/* Gives @message a body. When libsoup repeats the message because a kept connection proved dead, it
 * sends the body again. By itself it would send the spent stream. */
void         pmss_exchange_set_body (SoupMessage *message, const char *content_type, GBytes *body);

/* Copies @options. */
void         pmss_exchange_async  (SoupSession *session, SoupMessage *message,
    const PmssExchangeOptions *options,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* The collected body (empty after a sink), whatever the status: ask @message for that. */
GBytes      *pmss_exchange_finish (GAsyncResult *result, GError **error);

/* The JSON of an answer, by pmss_json_parse(); PMSS_ERROR_PROTOCOL if it is none. */
JsonNode    *pmss_exchange_parse  (GBytes *body, const char *peer, GError **error);
/* Sets the PMSS_ERROR_PROTOCOL of an answer that makes no sense. */
void         pmss_exchange_senseless (const char *peer, const char *why, GError **error);

/* The error that goes with an answer that is not the wanted one: text of its problem document, code
 * of its status, details. */
GError      *pmss_exchange_problem (SoupMessage *message, GBytes *body, const char *peer);

/* "host:port", with brackets around an IPv6 address. */
char        *pmss_exchange_peer   (const char *host, guint16 port);

G_END_DECLS
