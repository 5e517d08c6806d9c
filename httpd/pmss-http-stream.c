/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is read of a connection, and passed on. On the stream's thread. */
#include "pmss-http-stream-private.h"

#include <string.h>

#include "libpmss/pmss-error.h"
#include "pmss-http-tls-private.h"

/* *INDENT-OFF* */
G_DEFINE_FINAL_TYPE (PmssHttpStream, pmss_http_stream, G_TYPE_IO_STREAM)
/* *INDENT-ON* */

static void
drop_ahead (PmssHttpStream * self, gsize size)
{
  g_byte_array_remove_range (self->ahead, 0, size);
  if (self->ahead->len == 0)
    g_clear_pointer (&self->ahead, g_byte_array_unref);
}

static void
begin_request (PmssHttpStream * self, PmssHttpHead * head, gsize head_size)
{
  drop_ahead (self, head_size);
  self->canonical = g_string_new (NULL);
  self->passed = 0;
  pmss_http_head_write (head, self->canonical);
  self->body_left = head->framing.length;
  self->last = !head->keep_alive;
  self->state =
      self->body_left > 0 ? PMSS_HTTP_STREAM_BODY : PMSS_HTTP_STREAM_WAIT;
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

/* As pmss_http_transport_receive(); > 0: there is more of a head. */
static gssize
read_head (PmssHttpStream * self)
{
  char bytes[PMSS_HTTP_STREAM_READ_SIZE];
  gssize got;

  if (look_at_head (self))
    return 1;
  got = pmss_http_transport_receive (&self->transport, bytes, sizeof bytes);
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

/* An engine goes on for as long as something goes, on the thread of all
 * connections: with a fast peer, to the end of the body or the answer. So from
 * time to time nothing goes. A source that it waits with then fires at once. */
static gboolean
is_turn_over (gsize * in_turn)
{
  if (*in_turn < PMSS_HTTP_STREAM_TURN)
    return FALSE;
  *in_turn = 0;
  return TRUE;
}

static gssize
read_body (PmssHttpStream * self, gpointer bytes, gsize size)
{
  gssize got = MIN (size, self->body_left);

  if (is_turn_over (&self->got_in_turn))
    return PMSS_HTTP_AGAIN;
  if (self->ahead) {
    got = MIN ((gsize) got, self->ahead->len);
    memcpy (bytes, self->ahead->data, got);
    drop_ahead (self, got);
  } else {
    got = pmss_http_transport_receive (&self->transport, bytes, got);
  }
  if (got <= 0)
    return got;
  self->got_in_turn += got;
  self->body_left -= got;
  if (self->body_left == 0)
    self->state = PMSS_HTTP_STREAM_WAIT;
  if (self->funcs->body)
    self->funcs->body (self, got, self->body_left == 0, self->user_data);
  return got;
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

gboolean
pmss_http_stream_has_body (PmssHttpStream * self)
{
  return self->state == PMSS_HTTP_STREAM_BODY && self->ahead
      && self->ahead->len >= self->body_left;
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
  if (self->state == PMSS_HTTP_STREAM_WAIT)
    return PMSS_HTTP_AGAIN;
  return read_body (self, bytes, size);
}

gssize
pmss_http_stream_write (PmssHttpStream * self, gconstpointer bytes, gsize size)
{
  gssize sent;

  if (is_turn_over (&self->sent_in_turn))
    return PMSS_HTTP_AGAIN;
  sent = pmss_http_transport_send (&self->transport, bytes, size);
  self->sent_in_turn += MAX (sent, 0);
  return sent;
}

gboolean
pmss_http_stream_is_ready (PmssHttpStream * self)
{
  const gboolean pending = pmss_http_transport_has_pending (&self->transport);

  if (self->transport.fd < 0 || self->canonical)
    return TRUE;
  switch (self->state) {
    case PMSS_HTTP_STREAM_HEAD:
      return pending || (self->ahead && self->scan.seen < self->ahead->len);
    case PMSS_HTTP_STREAM_BODY:
      return pending || self->ahead;
    case PMSS_HTTP_STREAM_WAIT:
      return FALSE;
    case PMSS_HTTP_STREAM_ENDING:
      break;
  }
  return TRUE;
}

GIOCondition
pmss_http_stream_get_read_condition (PmssHttpStream * self)
{
  return self->state == PMSS_HTTP_STREAM_WAIT ? 0
      : pmss_http_transport_get_read_condition (&self->transport);
}

void
pmss_http_stream_end_request (PmssHttpStream * self)
{
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
  if (self->state != PMSS_HTTP_STREAM_ENDING || self->drained)
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

PmssHttpStream *
pmss_http_stream_new (int fd, PmssHttpTls * tls,
    const PmssHttpStreamFuncs * funcs, gpointer user_data, GError ** error)
{
  gnutls_session_t session = tls != NULL ? pmss_http_tls_begin (tls, fd) : NULL;
  PmssHttpStream *self;

  if (tls != NULL && !session) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "no memory for TLS");
    return NULL;
  }
  self = g_object_new (PMSS_TYPE_HTTP_STREAM, NULL);
  pmss_http_transport_init (&self->transport, fd, session);
  self->funcs = funcs;
  self->user_data = user_data;
  return self;
}
