/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Heads: what is read of a connection, and passed on. On the stream's thread. */
#include "pmss-http-stream-private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "libpmss/pmss-error.h"
#include "pmss-http-tls-private.h"

/* *INDENT-OFF* */
G_DEFINE_FINAL_TYPE (PmssHttpStream, pmss_http_stream, G_TYPE_IO_STREAM)
/* *INDENT-ON* */

void
pmss_http_stream_drop_ahead (PmssHttpStream * self, gsize size)
{
  g_byte_array_remove_range (self->ahead, 0, size);
  if (self->ahead->len == 0)
    g_clear_pointer (&self->ahead, g_byte_array_unref);
}

static void
begin_request (PmssHttpStream * self, PmssHttpHead * head, gsize head_size)
{
  pmss_http_stream_drop_ahead (self, head_size);
  self->canonical = g_string_new (NULL);
  self->passed = 0;
  pmss_http_head_write (head, self->canonical);
  pmss_http_stream_begin_body (self, &head->framing);
  self->last = !head->keep_alive;
  self->state = PMSS_HTTP_STREAM_REQUEST;
  self->funcs->head (self, head, self->user_data);
}

/* What was read of a head. FALSE: more is needed. */
static gboolean
look_at_head (PmssHttpStream * self)
{
  const char *detail = NULL, *bytes;
  PmssHttpHead *head = NULL;
  gsize size = 0;
  guint status;

  if (!self->ahead)
    return FALSE;
  bytes = (const char *) self->ahead->data;
  status = pmss_http_head_scan (&self->scan, bytes, self->ahead->len, &size,
      &detail);
  if (!status && size == 0)
    return FALSE;
  if (!status)
    status = pmss_http_head_parse (bytes, size, &head, &detail);
  if (status) {
    self->funcs->refused (self, status, detail,
        pmss_http_head_is_head (bytes, self->ahead->len), self->user_data);
    pmss_http_stream_hang_up (self, NULL);
  } else {
    begin_request (self, head, size);
  }
  return TRUE;
}

gssize
pmss_http_stream_receive_now (PmssHttpStream * self, gpointer bytes, gsize size)
{
  gssize got = pmss_http_transport_receive (&self->transport, bytes, size);

  if (got == PMSS_HTTP_AGAIN)
    pmss_http_watch_blocked (&self->watch, G_IO_IN, !self->transport.tls);
  return got;
}

/* As pmss_http_transport_receive(); > 0: there is more of a head. */
static gssize
read_head (PmssHttpStream * self)
{
  char bytes[PMSS_HTTP_STREAM_READ_SIZE];
  gssize got;

  if (look_at_head (self))
    return 1;
  got = pmss_http_stream_receive_now (self, bytes, sizeof bytes);
  if (got <= 0)
    return got;
  if (!self->ahead)
    self->ahead = g_byte_array_new ();
  g_byte_array_append (self->ahead, (guint8 *) bytes, got);
  return got;
}

static gsize
pass_canonical (PmssHttpStream * self, gpointer bytes, gsize size)
{
  gsize n = MIN (size, self->canonical->len - self->passed);

  memcpy (bytes, self->canonical->str + self->passed, n);
  self->passed += n;
  self->in_request = TRUE;
  if (self->passed == self->canonical->len)
    g_string_free (g_steal_pointer (&self->canonical), TRUE);
  return n;
}

/* libsoup 3.2 forgets a connection, open, whose end comes where it waits for a
 * second request: to it a message begins with its first byte. So it gets one,
 * of no request, and then the end. Its answer to that goes nowhere. */
static gssize
tell_end (PmssHttpStream * self, char *bytes, gsize size, gssize end)
{
  if (self->in_request || size == 0)
    return end;
  pmss_http_stream_hang_up (self, NULL);
  /* an error instead, such as TLS has where its end was read once, would keep
   * the byte from being seen */
  if (self->nudged)
    return 0;
  self->nudged = TRUE;
  bytes[0] = '-';
  return 1;
}

gssize
pmss_http_stream_read (PmssHttpStream * self, gpointer bytes, gsize size)
{
  gssize got = 1;

  if (self->transport.fd < 0)
    return 0;
  while (self->state == PMSS_HTTP_STREAM_HEAD && got > 0)
    got = read_head (self);
  if (self->state == PMSS_HTTP_STREAM_ENDING)
    return tell_end (self, bytes, size, 0);
  if (got == 0 || got == PMSS_HTTP_BROKEN)
    return tell_end (self, bytes, size, got);
  if (got < 0)
    return got;
  if (self->canonical)
    return pass_canonical (self, bytes, size);
  return PMSS_HTTP_AGAIN;
}

gboolean
pmss_http_stream_is_ready (PmssHttpStream * self)
{
  if (self->transport.fd < 0 || self->canonical)
    return TRUE;
  switch (self->state) {
    case PMSS_HTTP_STREAM_HEAD:
      return (self->ahead && self->scan.seen < self->ahead->len)
          || pmss_http_transport_has_pending (&self->transport);
    case PMSS_HTTP_STREAM_REQUEST:
      return FALSE;
    case PMSS_HTTP_STREAM_ENDING:
      break;
  }
  return TRUE;
}

GIOCondition
pmss_http_stream_get_read_condition (PmssHttpStream * self)
{
  return self->state == PMSS_HTTP_STREAM_REQUEST ? 0
      : pmss_http_transport_get_read_condition (&self->transport);
}

void
pmss_http_stream_end_request (PmssHttpStream * self)
{
  g_return_if_fail (!self->lent);
  self->in_request = FALSE;
  if (self->state == PMSS_HTTP_STREAM_HEAD
      || self->state == PMSS_HTTP_STREAM_ENDING)
    return;
  if (self->last || self->body_left > 0 || self->canonical) {
    pmss_http_stream_hang_up (self, NULL);
    return;
  }
  self->state = PMSS_HTTP_STREAM_HEAD;
  memset (&self->scan, 0, sizeof self->scan);
}

void
pmss_http_stream_set_last (PmssHttpStream * self)
{
  self->last = TRUE;
}

/* --- the object --- */

static GInputStream *
get_input (GIOStream * stream)
{
  return PMSS_HTTP_STREAM (stream)->input;
}

static GOutputStream *
get_output (GIOStream * stream)
{
  return PMSS_HTTP_STREAM (stream)->output;
}

static gboolean
close_stream (GIOStream * stream, GCancellable * cancellable, GError ** error)
{
  PmssHttpStream *self = PMSS_HTTP_STREAM (stream);

  self->left = TRUE;
  if (self->lent)
    shutdown (self->transport.fd, SHUT_RDWR);
  else if (self->state != PMSS_HTTP_STREAM_ENDING || self->drained)
    pmss_http_stream_close_now (self);
  return TRUE;
}

static void
finalize (GObject * object)
{
  PmssHttpStream *self = PMSS_HTTP_STREAM (object);

  pmss_http_stream_close_now (self);
  g_object_unref (self->input);
  g_object_unref (self->output);
  pmss_http_transport_clear (&self->transport);
  g_clear_pointer (&self->ahead, g_byte_array_unref);
  g_clear_pointer (&self->held, g_byte_array_unref);
  g_queue_clear_full (&self->words, (GDestroyNotify) g_bytes_unref);
  if (self->canonical)
    g_string_free (self->canonical, TRUE);
  G_OBJECT_CLASS (pmss_http_stream_parent_class)->finalize (object);
}

static void
pmss_http_stream_init (PmssHttpStream * self)
{
  self->transport.fd = -1;
  g_queue_init (&self->words);
  self->input = pmss_http_stream_new_input (self);
  self->output = pmss_http_stream_new_output (self);
}

static void
pmss_http_stream_class_init (PmssHttpStreamClass * klass)
{
  G_OBJECT_CLASS (klass)->finalize = finalize;
  G_IO_STREAM_CLASS (klass)->get_input_stream = get_input;
  G_IO_STREAM_CLASS (klass)->get_output_stream = get_output;
  G_IO_STREAM_CLASS (klass)->close_fn = close_stream;
}

static void
on_ready (gpointer data)
{
  PmssHttpStream *self = data;

  if (self->state == PMSS_HTTP_STREAM_ENDING)
    pmss_http_stream_go_on_ending (self);
  else
    pmss_http_stream_on_body (self);
}

static PmssHttpStream *
new_stream (int fd, gnutls_session_t session)
{
  PmssHttpStream *self = g_object_new (PMSS_TYPE_HTTP_STREAM, NULL);

  pmss_http_transport_init (&self->transport, fd, session);
  return self;
}

/* The descriptor stays the caller's. */
static PmssHttpStream *
give_up (PmssHttpStream * self, const char *why, GError ** error)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FAILED, why);
  if (self != NULL)
    self->transport.fd = -1;
  g_clear_object (&self);
  return NULL;
}

PmssHttpStream *
pmss_http_stream_new (PmssHttpPoller * poller, int fd, PmssHttpTls * tls,
    const PmssHttpStreamFuncs * funcs, gpointer user_data, GError ** error)
{
  gnutls_session_t session = tls != NULL ? pmss_http_tls_begin (tls, fd) : NULL;
  PmssHttpStream *self;

  if (tls != NULL && !session)
    return give_up (NULL, "no memory for TLS", error);
  self = new_stream (fd, session);
  if (!pmss_http_watch_begin (&self->watch, poller, fd, on_ready, self))
    return give_up (self, g_strerror (errno), error);
  self->funcs = funcs;
  self->user_data = user_data;
  return self;
}
