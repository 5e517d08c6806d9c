/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-transport-soup.h"

#include <sys/socket.h>

#include "libpmss/client/pmss-exchange.h"
#include "libpmss/client/pmss-sending.h"
#include "libpmss/format/pmss-shard.h"
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-sockets.h"

/* The kernel makes the receive buffer large enough for what is to be waited
 * for; larger units wake us more than once. */
#define MAX_LOW_WATER (PMSS_RECORD_HEADER_SIZE + PMSS_DEFAULT_UNIT)
/* Answers of the kind "100 Continue" that one request may get. */
#define MAX_INFORMATIONAL 8
#define MAX_PROBE_BODY 4096

typedef struct
{
  PmssTransport transport;
  SoupSession *session;
  PmssSockets *sockets;         /* the session's */
} SoupTransport;

typedef struct
{
  PmssRequest request;
  const PmssRequestFuncs *funcs;
  gpointer user_data;
  PmssSockets *sockets;
  SoupMessage *message;
  PmssSending *sending;
  GInputStream *body;           /* NULL: no head yet */
  GSocket *socket;              /* under body; NULL: not known */
  gint low_water;               /* bytes that it waits for; 1 between answers */
  GSource *source;              /* body is readable */
  gint priority;                /* of what it does in the main loop */
  guint informational;
  GError *why;                  /* (nullable): it was stopped by us */
} SoupRequest;

/* --- The answer's body --- */

static gssize
soup_read (PmssRequest * request, void *memory, gsize size, GError ** error)
{
  SoupRequest *self = (SoupRequest *) request;

  return g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM
      (self->body), memory, size, NULL, error);
}

static void
set_low_water (SoupRequest * self, gsize bytes)
{
  g_autoptr (GError) error = NULL;
  gint low_water = MIN (bytes, MAX_LOW_WATER);

  if (self->socket == NULL || low_water == self->low_water)
    return;
  self->low_water = low_water;
  if (!g_socket_set_option (self->socket, SOL_SOCKET, SO_RCVLOWAT, low_water,
          &error))
    g_debug ("SO_RCVLOWAT %d: %s", low_water, error->message);
}

static void
soup_set_low_water (PmssRequest * request, gsize bytes)
{
  set_low_water ((SoupRequest *) request, bytes);
}

static gboolean
socket_readable (GSocket * socket, GIOCondition condition, gpointer user_data)
{
  SoupRequest *self = user_data;

  self->funcs->readable (&self->request, self->user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
body_readable (GObject * body, gpointer user_data)
{
  SoupRequest *self = user_data;

  g_source_set_ready_time (self->source, -1);
  self->funcs->readable (&self->request, self->user_data);
  return G_SOURCE_CONTINUE;
}

/* The socket itself, where we know it: libsoup's source for the body is one
 * upon one upon one, and GLib blocks each while it is dispatched, that is,
 * takes the descriptor out of the poll and back and wakes itself each time. */
static GSource *
new_source (SoupRequest * self)
{
  GSource *source;

  if (self->socket == NULL) {
    source = g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM
        (self->body), NULL);
    g_source_set_callback (source, G_SOURCE_FUNC (body_readable), self, NULL);
  } else {
    source = g_socket_create_source (self->socket, G_IO_IN, NULL);
    g_source_set_callback (source, G_SOURCE_FUNC (socket_readable), self, NULL);
    g_source_set_can_recurse (source, TRUE);
  }
  return source;
}

/* With nothing left in libsoup of the body's first bytes, which come with the
 * head: a source for the body that is made while there is says "ready" for
 * ever, and never looks at the socket. */
static void
soup_wait (PmssRequest * request, gsize bytes, gboolean more)
{
  SoupRequest *self = (SoupRequest *) request;

  set_low_water (self, bytes);
  if (self->source == NULL) {
    self->source = new_source (self);
    g_source_set_priority (self->source, self->priority);
    g_source_attach (self->source, g_main_context_get_thread_default ());
  }
  if (more && self->socket == NULL)
    g_source_set_ready_time (self->source, 0);
}

static void
soup_set_priority (PmssRequest * request, gint priority)
{
  SoupRequest *self = (SoupRequest *) request;

  self->priority = priority;
  if (self->source != NULL)
    g_source_set_priority (self->source, priority);
}

/* Wakes the pending send or the readable source. */
static void
soup_cancel (PmssRequest * request)
{
  SoupRequest *self = (SoupRequest *) request;

  if (self->source != NULL)
    g_source_set_ready_time (self->source, 0);
  else
    pmss_sending_cancel (self->sending);
}

/* libsoup gives the connection back when it has seen the end of the body. */
static void
read_end (SoupRequest * self)
{
  guint8 byte;
  g_autoptr (GError) error = NULL;
  gssize n;

  n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM
      (self->body), &byte, 1, NULL, &error);
  if (n != 0)
    g_debug ("a body does not end: %s",
        error != NULL ? error->message : "more bytes");
}

/* What is left of the answer is not wanted: without the cancellation libsoup
 * might keep a connection that is in the middle of a body. */
static void
give_up_body (SoupRequest * self)
{
  pmss_sending_cancel (self->sending);
  g_input_stream_close (self->body,
      pmss_sending_get_cancellable (self->sending), NULL);
}

static void
soup_free (PmssRequest * request, gboolean whole)
{
  SoupRequest *self = (SoupRequest *) request;

  if (whole) {
    set_low_water (self, 1);
    read_end (self);
  } else if (self->body != NULL) {
    give_up_body (self);
  }
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  g_clear_object (&self->body);
  g_clear_object (&self->socket);
  g_signal_handlers_disconnect_by_data (self->message, self);
  pmss_sending_free (self->sending);
  g_object_unref (self->message);
  g_clear_error (&self->why);
  g_free (self);
}

/* --- Its head --- */

static void
fill_head (SoupRequest * self, PmssHead * head)
{
  SoupMessageHeaders *headers =
      soup_message_get_response_headers (self->message);
  goffset first = 0, last = 0, total;

  head->status = soup_message_get_status (self->message);
  head->phrase = soup_status_get_phrase (head->status);
  head->has_range = soup_message_headers_get_content_range (headers, &first,
      &last, &total);
  head->first = first;
  head->last = last;
  head->has_length = soup_message_headers_get_encoding (headers) ==
      SOUP_ENCODING_CONTENT_LENGTH;
  if (head->has_length)
    head->length = soup_message_headers_get_content_length (headers);
  head->direct = self->socket != NULL;
}

static void
on_answer (GObject * session, GAsyncResult * result, gpointer user_data)
{
  SoupRequest *self = user_data;
  PmssHead head = { 0, };
  g_autoptr (GError) error = NULL;

  self->body = soup_session_send_finish (SOUP_SESSION (session), result,
      &error);
  pmss_sending_answered (self->sending);
  if (self->why != NULL) {
    g_clear_error (&error);
    error = g_steal_pointer (&self->why);
  } else if (self->body != NULL) {
    self->socket = pmss_sockets_find (self->sockets, self->message);
    fill_head (self, &head);
  } else {
    pmss_error_adopt (&error, NULL);
  }
  self->funcs->answered (&self->request, error == NULL ? &head : NULL, error,
      self->user_data);
}

static void
stop (SoupRequest * self, const char *why)
{
  if (self->why != NULL || self->body != NULL)
    return;
  self->why = g_error_new_literal (PMSS_ERROR, PMSS_ERROR_PROTOCOL, why);
  pmss_sending_cancel (self->sending);
}

/* libsoup would collect the body of a 421 by itself, however long. */
static void
on_got_headers (SoupMessage * message, SoupRequest * self)
{
  if (soup_message_get_status (message) == SOUP_STATUS_MISDIRECTED_REQUEST)
    stop (self, "says that it is another server (HTTP status 421)");
}

static void
on_informational (SoupMessage * message, SoupRequest * self)
{
  if (++self->informational > MAX_INFORMATIONAL)
    stop (self, "keeps sending interim answers");
}

static SoupMessage *
new_message (SoupRequest * self, const PmssRange * range)
{
  g_autoptr (GUri) uri =
      g_uri_build (G_URI_FLAGS_NONE, g_uri_get_scheme (range->base), NULL,
      g_uri_get_host (range->base), g_uri_get_port (range->base), range->path,
      NULL, NULL);
  g_autofree char *text = g_uri_to_string (uri);
  SoupMessage *message = pmss_exchange_message_new (SOUP_METHOD_GET, text,
      NULL);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);

  g_signal_connect (message, "got-headers", G_CALLBACK (on_got_headers), self);
  g_signal_connect (message, "got-informational",
      G_CALLBACK (on_informational), self);
  soup_message_headers_replace (headers, "Authorization", range->authorization);
  soup_message_headers_set_range (headers, range->first,
      range->first + range->length - 1);
  if (range->priority < G_PRIORITY_DEFAULT)
    soup_message_set_priority (message, SOUP_MESSAGE_PRIORITY_HIGH);
  return message;
}

static PmssRequest *
soup_start (PmssTransport * transport, const PmssRange * range,
    const PmssRequestFuncs * funcs, gpointer user_data)
{
  SoupTransport *own = (SoupTransport *) transport;
  SoupRequest *self = g_new0 (SoupRequest, 1);

  self->request.funcs = transport->funcs;
  self->funcs = funcs;
  self->user_data = user_data;
  self->sockets = own->sockets;
  self->low_water = 1;
  self->priority = range->priority;
  self->message = new_message (self, range);
  self->sending = pmss_sending_new (self->message, NULL);
  soup_session_send_async (own->session, self->message, self->priority,
      pmss_sending_get_cancellable (self->sending), on_answer, self);
  return &self->request;
}

/* --- Probes --- */

typedef struct
{
  SoupMessage *message;
  char *peer;
  PmssProbeFunc func;
  gpointer user_data;
} Probe;

/* With 503 a node says that something is the matter with it: its disk takes no
 * more writes, say. What it has it may give: its answers for shards tell. */
static gboolean
is_answer (SoupMessage * message)
{
  guint status = soup_message_get_status (message);

  return status == SOUP_STATUS_OK || status == SOUP_STATUS_SERVICE_UNAVAILABLE;
}

static void
probe_answered (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Probe *probe = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = pmss_exchange_finish (result, &error);

  if (body != NULL && !is_answer (probe->message))
    error = pmss_exchange_problem (probe->message, body, probe->peer);
  probe->func (error, probe->user_data);
  g_object_unref (probe->message);
  g_free (probe->peer);
  g_free (probe);
}

static void
soup_probe (PmssTransport * transport, GUri * base, const char *peer,
    guint timeout, GCancellable * cancellable, PmssProbeFunc func,
    gpointer user_data)
{
  SoupTransport *self = (SoupTransport *) transport;
  const PmssExchangeOptions options = {.timeout = timeout,.max_body =
        MAX_PROBE_BODY,.peer = peer
  };
  Probe *probe = g_new0 (Probe, 1);
  g_autoptr (GUri) uri =
      g_uri_parse_relative (base, "/healthz", G_URI_FLAGS_NONE, NULL);
  g_autofree char *text = g_uri_to_string (uri);

  probe->peer = g_strdup (peer);
  probe->func = func;
  probe->user_data = user_data;
  probe->message = pmss_exchange_message_new (SOUP_METHOD_GET, text, NULL);
  pmss_exchange_async (self->session, probe->message, &options, cancellable,
      probe_answered, probe);
}

/* --- The transport --- */

static const PmssTransportFuncs soup_funcs = {
  .start = soup_start,.read = soup_read,.wait = soup_wait,.set_low_water =
      soup_set_low_water,.set_priority = soup_set_priority,.cancel =
      soup_cancel,.free = soup_free,.probe = soup_probe
};

PmssTransport *
pmss_transport_soup_new (PmssLoop * loop, SoupSession * session)
{
  SoupTransport *self = g_new0 (SoupTransport, 1);

  self->transport.funcs = &soup_funcs;
  self->transport.loop = loop;
  self->session = g_object_ref (session);
  self->sockets = pmss_sockets_get (session);
  return &self->transport;
}

void
pmss_transport_soup_free (PmssTransport * transport)
{
  SoupTransport *self = (SoupTransport *) transport;

  g_object_unref (self->session);
  g_free (self);
}
