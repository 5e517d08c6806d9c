/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One HTTP request and its answer. In the main context in which it was started.
 * */

#include "pmss-exchange.h"

#include "libpmss/pmss-error.h"
#include "pmss-sending.h"
#include "libpmss/reader/pmss-sockets.h"

/* One read of the body. */
#define PIECE (256u * 1024)
/* Bytes of a body that count as progress: a peer that trickles has not moved. */
#define PROGRESS (16u * 1024)
/* The idle timeout is counted in this many ticks: a context that nobody ran for a while then costs one tick, not the request. */
#define IDLE_TICKS 4
/* Answers of the kind "100 Continue" that one request may get. */
#define MAX_INFORMATIONAL 8

typedef struct
{
  SoupSession *session;
  SoupMessage *message;
  PmssExchangeOptions options;
  char *peer;
  PmssLifeline *lifeline;
  PmssSending *sending;         /* stopped by the caller, the timeout and our own reasons */
  GCancellable *outer;          /* (nullable): the caller's */
  gulong outer_handler;
  GSource *cancelled;           /* (nullable): becomes ready when `outer` is cancelled */
  gulong message_handlers[4];
  GSource *watch;
  guint ticks;                  /* since the last progress */
  guint all_ticks;
  guint64 moved;                /* bytes since the last progress */
  guint informational;
  gboolean continued;           /* "100 Continue" has come */
  GError *why;                  /* (nullable): our own reason to have stopped */
  GInputStream *stream;
  guint8 *piece;
  guint64 received;
  GByteArray *body;
} Exchange;

/* What another thread that cancels the exchange gets hold of. */
typedef struct
{
  GSource *cancelled;
  PmssLifeline *lifeline;
} Follower;

static void read_piece (GTask * task);

SoupSession *
pmss_exchange_session_new (guint max_connections, guint all_connections,
    GProxyResolver * proxies, GTlsDatabase * tls_database,
    GTlsInteraction * tls_interaction)
{
  /* no timeout of the socket's: the exchange has its own. Nor does an idle connection end by a timer: where nobody ran the context while it
   * ran out, libsoup 3.2 ends the connection under the next request, which then never ends. Servers close idle ones, and the session does when it goes */
  SoupSession *session = soup_session_new_with_options ("timeout", 0,
      "idle-timeout", 0, "user-agent", "pmss", "max-conns",
      all_connections, "max-conns-per-host", max_connections, NULL);

  pmss_sockets_get (session);
  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);
  soup_session_set_proxy_resolver (session, proxies);
  if (tls_database != NULL)
    soup_session_set_tls_database (session, tls_database);
  if (tls_interaction != NULL)
    soup_session_set_tls_interaction (session, tls_interaction);
  return session;
}

SoupMessage *
pmss_exchange_message_new (const char *method, const char *uri,
    const char *token)
{
  SoupMessage *message = soup_message_new (method, uri);
  SoupMessageHeaders *headers;

  if (message == NULL)
    return NULL;
  /* Taking the auth manager out of the session would make libsoup collect the whole body of a 401, however long. */
  soup_message_disable_feature (message, SOUP_TYPE_AUTH_MANAGER);
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  headers = soup_message_get_request_headers (message);
  if (token != NULL) {
    g_autofree char *value = g_strconcat ("Bearer ", token, NULL);

    soup_message_headers_replace (headers, "Authorization", value);
  }
  return message;
}

static void
on_restarted (SoupMessage * message, gpointer body)
{
  const char *type = soup_message_headers_get_content_type
      (soup_message_get_request_headers (message), NULL);
  g_autofree char *copy = g_strdup (type);

  soup_message_set_request_body_from_bytes (message, copy, body);
}

static void
drop_body (gpointer body, GClosure * closure)
{
  g_bytes_unref (body);
}

void
pmss_exchange_set_body (SoupMessage * message, const char *content_type,
    GBytes * body)
{
  soup_message_set_request_body_from_bytes (message, content_type, body);
  g_signal_connect_data (message, "restarted", G_CALLBACK (on_restarted),
      g_bytes_ref (body), drop_body, 0);
}

char *
pmss_exchange_peer (const char *host, guint16 port)
{
  if (strchr (host, ':') != NULL)
    return g_strdup_printf ("[%s]:%u", host, port);
  return g_strdup_printf ("%s:%u", host, port);
}

static void
exchange_free (Exchange * exchange)
{
  for (guint i = 0; i < G_N_ELEMENTS (exchange->message_handlers); i++)
    if (exchange->message_handlers[i] != 0)
      g_signal_handler_disconnect (exchange->message,
          exchange->message_handlers[i]);
  if (exchange->watch != NULL) {
    g_source_destroy (exchange->watch);
    g_source_unref (exchange->watch);
  }
  if (exchange->outer != NULL) {
    g_cancellable_disconnect (exchange->outer, exchange->outer_handler);
    g_object_unref (exchange->outer);
    g_source_destroy (exchange->cancelled);
    g_source_unref (exchange->cancelled);
  }
  if (exchange->stream != NULL) {
    /* what was not read is not wanted: without this the stream would be closed in blocking calls */
    pmss_lifeline_cut (exchange->lifeline);
    pmss_sending_cancel (exchange->sending);
    g_input_stream_close_async (exchange->stream, G_PRIORITY_DEFAULT,
        pmss_sending_get_cancellable (exchange->sending), NULL, NULL);
    g_object_unref (exchange->stream);
  }
  pmss_lifeline_end (exchange->lifeline);
  pmss_lifeline_unref (exchange->lifeline);
  pmss_sending_free (exchange->sending);
  g_clear_error (&exchange->why);
  g_object_unref (exchange->message);
  g_object_unref (exchange->session);
  g_free (exchange->piece);
  g_clear_pointer (&exchange->body, g_byte_array_unref);
  g_free (exchange->peer);
  g_free (exchange);
}

/* Ends the exchange for a reason of our own; the first reason counts. Takes @why. */
static void
stop_exchange (Exchange * exchange, GError * why)
{
  if (exchange->why == NULL)
    exchange->why = why;
  else
    g_error_free (why);
  pmss_lifeline_cut (exchange->lifeline);
  pmss_sending_cancel (exchange->sending);
}

static void
progress (Exchange * exchange, guint64 bytes)
{
  exchange->moved += bytes;
  if (exchange->moved >= PROGRESS) {
    exchange->moved = 0;
    exchange->ticks = 0;
  }
}

static void
on_wrote_body_data (SoupMessage * message, guint size, gpointer user_data)
{
  progress (user_data, size);
}

static void
on_wrote_body (SoupMessage * message, gpointer user_data)
{
  progress (user_data, PROGRESS);
}

static void
on_informational (SoupMessage * message, gpointer user_data)
{
  Exchange *exchange = user_data;

  if (soup_message_get_status (message) == SOUP_STATUS_CONTINUE)
    exchange->continued = TRUE;
  if (++exchange->informational > MAX_INFORMATIONAL)
    stop_exchange (exchange, g_error_new (PMSS_ERROR, PMSS_ERROR_PROTOCOL,
            "%s keeps sending interim answers", exchange->peer));
}

static gboolean
wanted (Exchange * exchange)
{
  guint status = soup_message_get_status (exchange->message);

  return exchange->options.sink != NULL && (status == 200 || status == 206);
}

/* Refuses by the head alone what would be refused later: and 421, the body of which libsoup would collect, however long. */
static void
on_got_headers (SoupMessage * message, gpointer user_data)
{
  Exchange *exchange = user_data;
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  gboolean sized = soup_message_headers_get_encoding (headers)
      == SOUP_ENCODING_CONTENT_LENGTH;
  guint64 length =
      sized ? soup_message_headers_get_content_length (headers) : 0;

  progress (exchange, PROGRESS);
  /* libsoup takes a 204, which has no length, for an answer that ends with its connection, and closes that. */
  if (soup_message_get_status (message) == SOUP_STATUS_NO_CONTENT)
    soup_message_headers_set_encoding (headers, SOUP_ENCODING_NONE);
  if (soup_message_get_status (message) == SOUP_STATUS_MISDIRECTED_REQUEST)
    stop_exchange (exchange, g_error_new (PMSS_ERROR, PMSS_ERROR_MISDIRECTED,
            "%s says that it is another server (421)", exchange->peer));
  else if (!wanted (exchange) && length > exchange->options.max_body
      && soup_message_get_method (message) != SOUP_METHOD_HEAD)
    stop_exchange (exchange, g_error_new (PMSS_ERROR, PMSS_ERROR_PROTOCOL,
            "the answer of %s is too long: %" G_GUINT64_FORMAT " bytes",
            exchange->peer, length));
}

/* Whether the exchange has gone on for longer than it may, however much moves. Counted in ticks, as idleness. */
static gboolean
is_overdue (Exchange * exchange)
{
  return exchange->options.deadline > 0 && (guint64) exchange->all_ticks
      * exchange->options.timeout / IDLE_TICKS >= exchange->options.deadline;
}

static gboolean
on_watch (gpointer user_data)
{
  Exchange *exchange = user_data;

  exchange->ticks++;
  exchange->all_ticks++;
  if (is_overdue (exchange)) {
    stop_exchange (exchange, g_error_new (PMSS_ERROR, PMSS_ERROR_TIMED_OUT,
            "%s: not done within %.3g s", exchange->peer,
            exchange->options.deadline / 1000.0));
    return G_SOURCE_REMOVE;
  }
  if (exchange->options.idle && exchange->ticks < IDLE_TICKS)
    return G_SOURCE_CONTINUE;
  stop_exchange (exchange, g_error_new (PMSS_ERROR, PMSS_ERROR_TIMED_OUT,
          exchange->options.idle ? "%s: nothing moved for %.3g s"
          : "%s: no answer within %.3g s", exchange->peer,
          exchange->options.timeout / 1000.0));
  return G_SOURCE_REMOVE;
}

/* Ends the task with @error (taken) or what was the reason for it. */
static void
fail (GTask * task, GError * error)
{
  Exchange *exchange = g_task_get_task_data (task);
  PmssErrorDetails *details;

  if (exchange->why != NULL) {
    g_clear_error (&error);
    error = g_steal_pointer (&exchange->why);
  }
  pmss_error_adopt (&error, exchange->peer);
  details = pmss_error_get_details (error);
  if (details != NULL && details->peer == NULL)
    details->peer = g_strdup (exchange->peer);
  g_task_return_error (task, error);
  g_object_unref (task);
}

/* libsoup takes the end of a connection that is to be closed for the end of the body. */
static gboolean
body_is_whole (Exchange * exchange)
{
  SoupMessageHeaders *headers =
      soup_message_get_response_headers (exchange->message);

  if (soup_message_get_method (exchange->message) == SOUP_METHOD_HEAD
      || soup_message_get_status (exchange->message) == SOUP_STATUS_NO_CONTENT
      || soup_message_headers_get_encoding (headers)
      != SOUP_ENCODING_CONTENT_LENGTH)
    return TRUE;
  return exchange->received
      == (guint64) soup_message_headers_get_content_length (headers);
}

static void
succeed (GTask * task)
{
  Exchange *exchange = g_task_get_task_data (task);

  g_task_return_pointer (task, g_byte_array_free_to_bytes
      (g_steal_pointer (&exchange->body)), (GDestroyNotify) g_bytes_unref);
  g_object_unref (task);
}

static void
on_closed (GObject * source, GAsyncResult * result, gpointer user_data)
{
  GTask *task = user_data;
  Exchange *exchange = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_input_stream_close_finish (G_INPUT_STREAM (source), result, &error)) {
    fail (task, error);
    return;
  }
  g_clear_object (&exchange->stream);
  succeed (task);
}

/* Whether the answer came instead of the leave to send the body. */
static gboolean
was_refused_early (Exchange * exchange)
{
  SoupMessageHeaders *headers =
      soup_message_get_request_headers (exchange->message);

  return !exchange->continued
      && (soup_message_headers_get_expectations (headers)
      & SOUP_EXPECTATION_CONTINUE) != 0;
}

/* Only once the stream is closed can the next request have the connection; after an early refusal there is none to have:
 * libsoup 3.2 would then wait for a second answer. */
static void
end_of_body (GTask * task)
{
  Exchange *exchange = g_task_get_task_data (task);

  if (!body_is_whole (exchange))
    fail (task, g_error_new (PMSS_ERROR, PMSS_ERROR_UNREACHABLE,
            "%s: the connection ended in the middle of an answer",
            exchange->peer));
  else if (was_refused_early (exchange))
    succeed (task);
  else
    g_input_stream_close_async (exchange->stream, G_PRIORITY_DEFAULT,
        pmss_sending_get_cancellable (exchange->sending), on_closed, task);
}

static gboolean
take_piece (Exchange * exchange, gsize length, GError ** error)
{
  exchange->received += length;
  if (wanted (exchange))
    return exchange->options.sink (exchange->piece, length,
        exchange->options.sink_data, error);
  if (exchange->received > exchange->options.max_body) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "the answer of %s is longer than %" G_GSIZE_FORMAT " bytes",
        exchange->peer, exchange->options.max_body);
    return FALSE;
  }
  g_byte_array_append (exchange->body, exchange->piece, length);
  return TRUE;
}

static void
on_piece (GObject * source, GAsyncResult * result, gpointer user_data)
{
  GTask *task = user_data;
  Exchange *exchange = g_task_get_task_data (task);
  GError *error = NULL;
  gssize length = g_input_stream_read_finish (G_INPUT_STREAM (source), result,
      &error);

  if (length > 0) {
    progress (exchange, length);
    if (exchange->why != NULL)
      fail (task, NULL);
    else if (take_piece (exchange, length, &error))
      read_piece (task);
    else
      fail (task, error);
  } else if (length == 0) {
    end_of_body (task);
  } else {
    fail (task, error);
  }
}

static void
read_piece (GTask * task)
{
  Exchange *exchange = g_task_get_task_data (task);

  g_input_stream_read_async (exchange->stream, exchange->piece, PIECE,
      G_PRIORITY_DEFAULT, pmss_sending_get_cancellable (exchange->sending),
      on_piece, task);
}

static void
on_answer (GObject * source, GAsyncResult * result, gpointer user_data)
{
  GTask *task = user_data;
  Exchange *exchange = g_task_get_task_data (task);
  GError *error = NULL;

  exchange->stream = soup_session_send_finish (SOUP_SESSION (source), result,
      &error);
  pmss_sending_answered (exchange->sending);
  if (exchange->stream == NULL || exchange->why != NULL) {
    fail (task, error);
    return;
  }
  exchange->piece = g_malloc (PIECE);
  read_piece (task);
}

static gboolean
dispatch (GSource * source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static gboolean
on_cancelled (gpointer sending)
{
  pmss_sending_cancel (sending);
  return G_SOURCE_REMOVE;
}

/* Any thread. Cuts by itself, too: the exchange's thread may stand in a call that only this ends. */
static void
on_outer_cancelled (GCancellable * outer, gpointer user_data)
{
  Follower *follower = user_data;

  g_source_set_ready_time (follower->cancelled, 0);
  pmss_lifeline_cut (follower->lifeline);
}

static void
follower_free (gpointer user_data)
{
  Follower *follower = user_data;

  g_source_unref (follower->cancelled);
  pmss_lifeline_unref (follower->lifeline);
  g_free (follower);
}

/* libsoup 3.2 crashes when another thread cancels while it hands an answer over (GNOME/libsoup bd3f16bd is not in it): its send_finish() then ends the message, and closes
 * the stream of it afterwards. So it hears of that in its own context. */
static void
follow_outer (Exchange * exchange)
{
  static GSourceFuncs funcs = {.dispatch = dispatch };
  Follower *follower;

  if (exchange->outer == NULL)
    return;
  exchange->cancelled = g_source_new (&funcs, sizeof (GSource));
  g_source_set_priority (exchange->cancelled, G_PRIORITY_HIGH);
  g_source_set_callback (exchange->cancelled, on_cancelled, exchange->sending,
      NULL);
  g_source_attach (exchange->cancelled, g_main_context_get_thread_default ());
  follower = g_new0 (Follower, 1);
  follower->cancelled = g_source_ref (exchange->cancelled);
  follower->lifeline = pmss_lifeline_ref (exchange->lifeline);
  exchange->outer_handler = g_cancellable_connect (exchange->outer,
      G_CALLBACK (on_outer_cancelled), follower, follower_free);
}

static void
connect_handlers (Exchange * exchange)
{
  SoupMessage *message = exchange->message;
  gulong *handlers = exchange->message_handlers;

  handlers[0] = g_signal_connect (message, "got-headers",
      G_CALLBACK (on_got_headers), exchange);
  handlers[1] = g_signal_connect (message, "got-informational",
      G_CALLBACK (on_informational), exchange);
  handlers[2] = g_signal_connect (message, "wrote-body-data",
      G_CALLBACK (on_wrote_body_data), exchange);
  handlers[3] = g_signal_connect (message, "wrote-body",
      G_CALLBACK (on_wrote_body), exchange);
}

static void
start_watch (Exchange * exchange)
{
  guint interval = exchange->options.timeout;

  if (interval == 0)
    return;
  if (exchange->options.idle)
    interval = MAX (interval / IDLE_TICKS, 1);
  exchange->watch = g_timeout_source_new (interval);
  g_source_set_callback (exchange->watch, on_watch, exchange, NULL);
  g_source_attach (exchange->watch, g_main_context_get_thread_default ());
}

void
pmss_exchange_async (SoupSession * session, SoupMessage * message,
    const PmssExchangeOptions * options, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (message, cancellable, callback, user_data);
  Exchange *exchange = g_new0 (Exchange, 1);

  g_task_set_source_tag (task, pmss_exchange_async);
  g_task_set_task_data (task, exchange, (GDestroyNotify) exchange_free);
  exchange->session = g_object_ref (session);
  exchange->message = g_object_ref (message);
  exchange->options = *options;
  exchange->peer = g_strdup (options->peer);
  exchange->lifeline = pmss_lifeline_new (pmss_sockets_get (session), message);
  exchange->outer = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  exchange->body = g_byte_array_new ();
  connect_handlers (exchange);
  exchange->sending = pmss_sending_new (message, NULL);
  follow_outer (exchange);
  start_watch (exchange);
  soup_session_send_async (session, message, G_PRIORITY_DEFAULT,
      pmss_sending_get_cancellable (exchange->sending), on_answer, task);
}

GBytes *
pmss_exchange_finish (GAsyncResult * result, GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
