/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream's two sides, as GIO and an engine know them. On the stream's thread. */
#include "pmss-http-stream-private.h"

#include <glib-unix.h>
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

static GSource *
new_source (gpointer stream, PmssHttpStream * self, gboolean at_once,
    GIOCondition condition, GCancellable * cancellable)
{
  g_autoptr (GSource) child = NULL;

  if (at_once)
    child = g_timeout_source_new (0);
  else if (condition)
    child = g_unix_fd_source_new (self->transport.fd, condition);
  return g_pollable_source_new_full (stream, child, cancellable);
}

static GSource *
input_create_source (GPollableInputStream * stream, GCancellable * cancellable)
{
  PmssHttpStream *self = ((Input *) stream)->stream;

  return new_source (stream, self, pmss_http_stream_is_ready (self),
      pmss_http_stream_get_read_condition (self), cancellable);
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
  PmssHttpStream *self = ((Output *) stream)->stream;

  return new_source (stream, self, pmss_http_stream_is_ending (self),
      G_IO_OUT, cancellable);
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
