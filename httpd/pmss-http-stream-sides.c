/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream's two sides, as GIO and an engine know them. On the stream's thread. */
#include "pmss-http-stream-private.h"

#include <poll.h>

typedef struct
{
  GInputStream parent;
  PmssHttpStream *stream;
} Input;

typedef struct
{
  GInputStreamClass parent;
} InputClass;

typedef struct
{
  GOutputStream parent;
  PmssHttpStream *stream;
} Output;

typedef struct
{
  GOutputStreamClass parent;
} OutputClass;

static void input_pollable_init (GPollableInputStreamInterface * iface);
static void output_pollable_init (GPollableOutputStreamInterface * iface);
static GType input_get_type (void);
static GType output_get_type (void);

/* *INDENT-OFF* */
G_DEFINE_TYPE_WITH_CODE (Input, input, G_TYPE_INPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, input_pollable_init))
G_DEFINE_TYPE_WITH_CODE (Output, output, G_TYPE_OUTPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM, output_pollable_init))
/* *INDENT-ON* */

static gssize
set_io_error (GError ** error, int code)
{
  g_set_error_literal (error, G_IO_ERROR, code,
      code == G_IO_ERROR_WOULD_BLOCK ? "would block" : "the connection ended");
  return -1;
}

static gssize
input_read (GInputStream * stream, void *bytes, gsize size,
    GCancellable * cancellable, GError ** error)
{
  return set_io_error (error, G_IO_ERROR_NOT_SUPPORTED);
}

static gssize
input_read_nonblocking (GPollableInputStream * stream, void *bytes, gsize size,
    GError ** error)
{
  PmssHttpStream *self = ((Input *) stream)->stream;
  gssize got = pmss_http_stream_read (self, bytes, size);

  if (got >= 0)
    return got;
  return set_io_error (error, got == PMSS_HTTP_AGAIN ? G_IO_ERROR_WOULD_BLOCK
      : G_IO_ERROR_CONNECTION_CLOSED);
}

/* --- when there is something --- */

static gboolean
is_input_ready (PmssHttpStream * self)
{
  return pmss_http_stream_is_ready (self)
      || (pmss_http_stream_get_read_condition (self) & self->watch.ready);
}

static gboolean
is_output_ready (PmssHttpStream * self)
{
  return pmss_http_stream_is_ending (self) || (self->watch.ready & G_IO_OUT);
}

/* Has no descriptor: the poller's source, which comes before it, keeps the
 * watch up to date. */
typedef struct
{
  GSource source;               /* first */
  GObject *side;                /* Input or Output */
  PmssHttpStream *stream;       /* is @side's */
    gboolean (*is_ready) (PmssHttpStream * stream);
} Waiting;

static gboolean
waiting_prepare (GSource * source, int *timeout)
{
  Waiting *self = (Waiting *) source;

  *timeout = -1;
  return self->is_ready (self->stream);
}

static gboolean
waiting_check (GSource * source)
{
  Waiting *self = (Waiting *) source;

  return self->is_ready (self->stream);
}

static gboolean
waiting_dispatch (GSource * source, GSourceFunc callback, gpointer data)
{
  GPollableSourceFunc func = (GPollableSourceFunc) (gpointer) callback;

  return func (((Waiting *) source)->side, data);
}

static void
waiting_finalize (GSource * source)
{
  Waiting *self = (Waiting *) source;

  g_object_unref (self->stream);
}

/* For g_source_set_closure(), which GIO calls where it makes this source the
 * child of another. */
static gboolean
waiting_call_closure (GObject * side, gpointer data)
{
  GValue argument = G_VALUE_INIT, result = G_VALUE_INIT;
  gboolean again;

  g_value_init (&result, G_TYPE_BOOLEAN);
  g_value_init (&argument, G_TYPE_OBJECT);
  g_value_set_object (&argument, side);
  g_closure_invoke (data, &result, 1, &argument, NULL);
  again = g_value_get_boolean (&result);
  g_value_unset (&argument);
  g_value_unset (&result);
  return again;
}

static GSourceFuncs waiting_funcs = {
  waiting_prepare, waiting_check, waiting_dispatch, waiting_finalize,
  (GSourceFunc) (gpointer) waiting_call_closure,
  (GSourceDummyMarshal) (gpointer) g_cclosure_marshal_generic
};

static GSource *
new_source (gpointer side, PmssHttpStream * stream,
    gboolean (*is_ready) (PmssHttpStream * stream), GCancellable * cancellable)
{
  GSource *source = g_source_new (&waiting_funcs, sizeof (Waiting));
  Waiting *self = (Waiting *) source;

  self->side = side;
  /* it owns its sides */
  self->stream = g_object_ref (stream);
  self->is_ready = is_ready;
  if (cancellable != NULL) {
    g_autoptr (GSource) child = g_cancellable_source_new (cancellable);

    g_source_set_dummy_callback (child);
    g_source_add_child_source (source, child);
  }
  return source;
}

static GSource *
input_create_source (GPollableInputStream * stream, GCancellable * cancellable)
{
  return new_source (stream, ((Input *) stream)->stream, is_input_ready,
      cancellable);
}

static gboolean
is_polled (PmssHttpStream * self, short events)
{
  struct pollfd poll_fd = { self->transport.fd, events, 0 };

  return poll (&poll_fd, 1, 0) > 0;
}

static gboolean
input_is_readable (GPollableInputStream * stream)
{
  PmssHttpStream *self = ((Input *) stream)->stream;
  GIOCondition condition = pmss_http_stream_get_read_condition (self);

  return pmss_http_stream_is_ready (self)
      || (condition && is_polled (self, condition));
}

static void
input_init (Input * self)
{
}

static void
input_class_init (InputClass * klass)
{
  ((GInputStreamClass *) klass)->read_fn = input_read;
}

static void
input_pollable_init (GPollableInputStreamInterface * iface)
{
  iface->is_readable = input_is_readable;
  iface->create_source = input_create_source;
  iface->read_nonblocking = input_read_nonblocking;
}

static gssize
output_write (GOutputStream * stream, const void *bytes, gsize size,
    GCancellable * cancellable, GError ** error)
{
  return set_io_error (error, G_IO_ERROR_NOT_SUPPORTED);
}

static gssize
output_write_nonblocking (GPollableOutputStream * stream, const void *bytes,
    gsize size, GError ** error)
{
  PmssHttpStream *self = ((Output *) stream)->stream;
  gssize sent;

  if (pmss_http_stream_is_ending (self))
    return set_io_error (error, G_IO_ERROR_CLOSED);

  sent = pmss_http_stream_write (self, bytes, size);
  if (sent < 0)
    return set_io_error (error, sent == PMSS_HTTP_AGAIN ? G_IO_ERROR_WOULD_BLOCK
        : G_IO_ERROR_BROKEN_PIPE);

  return sent;
}

static GSource *
output_create_source (GPollableOutputStream * stream,
    GCancellable * cancellable)
{
  return new_source (stream, ((Output *) stream)->stream, is_output_ready,
      cancellable);
}

static gboolean
output_is_writable (GPollableOutputStream * stream)
{
  PmssHttpStream *self = ((Output *) stream)->stream;

  return pmss_http_stream_is_ending (self) || is_polled (self, POLLOUT);
}

static void
output_init (Output * self)
{
}

static void
output_class_init (OutputClass * klass)
{
  ((GOutputStreamClass *) klass)->write_fn = output_write;
}

static void
output_pollable_init (GPollableOutputStreamInterface * iface)
{
  iface->is_writable = output_is_writable;
  iface->create_source = output_create_source;
  iface->write_nonblocking = output_write_nonblocking;
}

GInputStream *
pmss_http_stream_new_input (PmssHttpStream * stream)
{
  Input *self = g_object_new (input_get_type (), NULL);

  self->stream = stream;
  return G_INPUT_STREAM (self);
}

GOutputStream *
pmss_http_stream_new_output (PmssHttpStream * stream)
{
  Output *self = g_object_new (output_get_type (), NULL);

  self->stream = stream;
  return G_OUTPUT_STREAM (self);
}
