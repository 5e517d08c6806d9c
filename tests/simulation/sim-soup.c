/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libsoup's sending, simulated: the program's own functions come before the library's. */
#include "sim-soup.h"

#define STATUS "sim-status"
#define BODY "sim-body"

static struct
{
  SimFindPeer find;
  gpointer user_data;
  guint n_calls;
} network;

void
sim_soup_set_finder (SimFindPeer find, gpointer user_data)
{
  network.find = find;
  network.user_data = user_data;
  network.n_calls = 0;
}

guint
sim_soup_count_calls (void)
{
  return network.n_calls;
}

/* --- The body of an answer --- */

#define SIM_TYPE_BODY (sim_body_get_type ())
G_DECLARE_FINAL_TYPE (SimBody, sim_body, SIM, BODY, GInputStream);

struct _SimBody
{
  GInputStream parent_instance;

  SimCall *call;
};

static void sim_body_pollable_init (GPollableInputStreamInterface * iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SimBody, sim_body, G_TYPE_INPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
        sim_body_pollable_init));

static gboolean
is_readable (SimCall * call)
{
  const guint8 *bytes;

  return call->ended || sim_call_peek (call, &bytes) > 0;
}

static gboolean
body_is_readable (GPollableInputStream * stream)
{
  return is_readable (SIM_BODY (stream)->call);
}

static gssize
body_read_nonblocking (GPollableInputStream * stream, void *out, gsize max,
    GError ** error)
{
  SimCall *call = SIM_BODY (stream)->call;
  const guint8 *bytes;
  gsize n = MIN (sim_call_peek (call, &bytes), max);

  if (n > 0) {
    memcpy (out, bytes, n);
    sim_call_take (call, n);
    return (gssize) n;
  }
  if (!call->ended) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK,
        "nothing is there");
    return -1;
  }
  if (call->error == NULL)
    return 0;
  g_propagate_error (error, g_error_copy (call->error));
  return -1;
}

static gssize
body_read (GInputStream * stream, void *out, gsize max,
    GCancellable * cancellable, GError ** error)
{
  return body_read_nonblocking (G_POLLABLE_INPUT_STREAM (stream), out, max,
      error);
}

typedef struct
{
  GSource source;
  SimBody *body;
} BodySource;

static gboolean
source_check (GSource * source)
{
  return is_readable (((BodySource *) source)->body->call);
}

static gboolean
source_prepare (GSource * source, gint * timeout)
{
  *timeout = -1;
  return source_check (source);
}

static gboolean
source_dispatch (GSource * source, GSourceFunc callback, gpointer user_data)
{
  GPollableSourceFunc func = (GPollableSourceFunc) (void (*)(void)) callback;

  return func (G_OBJECT (((BodySource *) source)->body), user_data);
}

static void
source_finalize (GSource * source)
{
  g_object_unref (((BodySource *) source)->body);
}

static GSource *
body_create_source (GPollableInputStream * stream, GCancellable * cancellable)
{
  static GSourceFuncs funcs = {
    source_prepare, source_check, source_dispatch, source_finalize
  };
  GSource *source = g_source_new (&funcs, sizeof (BodySource));

  ((BodySource *) source)->body = g_object_ref (SIM_BODY (stream));
  if (cancellable != NULL) {
    g_autoptr (GSource) child = g_cancellable_source_new (cancellable);

    g_source_set_dummy_callback (child);
    g_source_add_child_source (source, child);
  }
  return source;
}

static void
sim_body_pollable_init (GPollableInputStreamInterface * iface)
{
  iface->is_readable = body_is_readable;
  iface->read_nonblocking = body_read_nonblocking;
  iface->create_source = body_create_source;
}

static void
drop_call (SimBody * self)
{
  if (self->call == NULL)
    return;
  sim_call_leave (self->call);
  g_clear_pointer (&self->call, sim_call_unref);
  network.n_calls--;
}

static gboolean
body_close (GInputStream * stream, GCancellable * cancellable, GError ** error)
{
  sim_call_leave (SIM_BODY (stream)->call);
  return TRUE;
}

/* GIO's own would do it in a thread. */
static void
body_close_async (GInputStream * stream, int priority,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback,
      user_data);

  g_task_set_priority (task, priority);
  sim_call_leave (SIM_BODY (stream)->call);
  g_task_return_boolean (task, TRUE);
}

static gboolean
body_close_finish (GInputStream * stream, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
sim_body_finalize (GObject * object)
{
  drop_call (SIM_BODY (object));
  G_OBJECT_CLASS (sim_body_parent_class)->finalize (object);
}

static void
sim_body_class_init (SimBodyClass * class)
{
  G_OBJECT_CLASS (class)->finalize = sim_body_finalize;
  G_INPUT_STREAM_CLASS (class)->read_fn = body_read;
  G_INPUT_STREAM_CLASS (class)->close_fn = body_close;
  G_INPUT_STREAM_CLASS (class)->close_async = body_close_async;
  G_INPUT_STREAM_CLASS (class)->close_finish = body_close_finish;
}

static void
sim_body_init (SimBody * self)
{
}

/* --- Sending --- */

typedef struct
{
  SimCall *call;
  gulong cancelled;             /* handler */
  SimEvent *ending;             /* it was cancelled */
} Send;

/* The task ends now. */
static void
leave (GTask * task)
{
  Send *send = g_task_get_task_data (task);

  if (send->cancelled != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (task),
        send->cancelled);
  if (send->ending != NULL)
    sim_clock_cancel (g_steal_pointer (&send->ending));
}

static void
fail (GTask * task, GError * error)
{
  Send *send = g_task_get_task_data (task);

  leave (task);
  if (send->call != NULL) {
    sim_call_leave (send->call);
    g_clear_pointer (&send->call, sim_call_unref);
    network.n_calls--;
  }
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
fill_head (SimCall * call)
{
  const SimAnswer *answer = &call->answer;
  gsize length = g_bytes_get_size (answer->body);
  SoupMessageHeaders *headers =
      soup_message_get_response_headers (call->message);

  g_object_set_data (G_OBJECT (call->message), STATUS,
      GUINT_TO_POINTER (answer->status));
  if (answer->status != SOUP_STATUS_NO_CONTENT)
    soup_message_headers_set_content_length (headers, (goffset) length);
  if (answer->is_range)
    soup_message_headers_set_content_range (headers, (goffset) answer->first,
        (goffset) (answer->first + length - 1), (goffset) answer->total);
  if (length > 0 && answer->status != SOUP_STATUS_PARTIAL_CONTENT)
    soup_message_headers_replace (headers, "Content-Type", "application/json");
}

static void
call_head (SimCall * call)
{
  GTask *task = call->user_data;
  Send *send = g_task_get_task_data (task);
  SimBody *body;

  fill_head (call);
  g_signal_emit_by_name (call->message, "got-headers");
  /* a handler may have cancelled it */
  if (send->ending != NULL)
    return;
  leave (task);
  body = g_object_new (SIM_TYPE_BODY, NULL);
  body->call = g_steal_pointer (&send->call);
  g_task_return_pointer (task, body, g_object_unref);
  g_object_unref (task);
}

static void
call_more (SimCall * call)
{
  /* a body's source looks at each turn */
}

static void
call_failed (SimCall * call)
{
  fail (call->user_data, g_error_copy (call->error));
}

static const SimCallFuncs call_funcs = { call_head, call_more, call_failed };

static void
end_cancelled (gpointer task)
{
  Send *send = g_task_get_task_data (task);

  send->ending = NULL;
  fail (task, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
          "cancelled"));
}

static void
on_cancelled (GCancellable * cancellable, gpointer task)
{
  Send *send = g_task_get_task_data (task);

  if (send->ending == NULL)
    send->ending = sim_clock_after (0, end_cancelled, task);
}

static void
end_unresolved (gpointer task)
{
  fail (task, g_error_new_literal (G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND,
          "no such host"));
}

void
soup_session_send_async (SoupSession * session, SoupMessage * message,
    int priority, GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task = g_task_new (session, cancellable, callback, user_data);
  Send *send = g_new0 (Send, 1);
  SimPeer *peer = network.find (g_uri_get_host (soup_message_get_uri
          (message)), network.user_data);

  g_task_set_priority (task, priority);
  g_task_set_task_data (task, send, g_free);
  if (peer == NULL) {
    sim_clock_after (0, end_unresolved, task);
    return;
  }
  network.n_calls++;
  send->call = sim_call_new (peer, message, &call_funcs, task);
  if (cancellable == NULL)
    return;
  if (g_cancellable_is_cancelled (cancellable))
    on_cancelled (cancellable, task);
  else
    send->cancelled = g_signal_connect (cancellable, "cancelled",
        G_CALLBACK (on_cancelled), task);
}

GInputStream *
soup_session_send_finish (SoupSession * session, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

SoupStatus
soup_message_get_status (SoupMessage * message)
{
  return GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (message), STATUS));
}

/* libsoup tells nobody what a message has. */
void
soup_message_set_request_body_from_bytes (SoupMessage * message,
    const char *content_type, GBytes * bytes)
{
  g_object_set_data_full (G_OBJECT (message), BODY, g_bytes_ref (bytes),
      (GDestroyNotify) g_bytes_unref);
}

GBytes *
sim_soup_get_request_body (SoupMessage * message)
{
  return g_object_get_data (G_OBJECT (message), BODY);
}
