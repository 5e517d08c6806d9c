/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an engine writes of its answers. On the stream's thread. */
#include "pmss-http-stream-private.h"

/* Of answers, until the engine has to let others have their turn. */
#define TURN (256 * 1024)

gssize
pmss_http_stream_send_now (PmssHttpStream * self, gconstpointer bytes,
    gsize size)
{
  gssize sent = pmss_http_transport_send (&self->transport, bytes, size);

  if (sent == PMSS_HTTP_AGAIN)
    pmss_http_watch_blocked (&self->watch, G_IO_OUT, !self->transport.tls);
  return sent;
}

void
pmss_http_stream_hold_next (PmssHttpStream * self)
{
  /* a record of TLS for each */
  self->holds = !self->transport.tls;
}

/* What was held, and @bytes; counts these alone. */
static gssize
send_held (PmssHttpStream * self, gconstpointer bytes, gsize size)
{
  gsize held = self->held->len;
  gssize sent = pmss_http_transport_send_both (&self->transport,
      self->held->data, held, bytes, size);

  if (sent == PMSS_HTTP_AGAIN)
    pmss_http_watch_blocked (&self->watch, G_IO_OUT, TRUE);
  if (sent < 0)
    return sent;
  if ((gsize) sent <= held) {
    g_byte_array_remove_range (self->held, 0, sent);
    return PMSS_HTTP_AGAIN;
  }
  g_clear_pointer (&self->held, g_byte_array_unref);
  return sent - held;
}

/* An engine goes on for as long as something goes, on the thread of all
 * connections: with a fast peer, to the end of the answer. So from time to time
 * nothing goes. A source that it waits with then fires at once. */
static gboolean
is_turn_over (PmssHttpStream * self)
{
  if (self->sent_in_turn < TURN)
    return FALSE;
  self->sent_in_turn = 0;
  return TRUE;
}

gssize
pmss_http_stream_write (PmssHttpStream * self, gconstpointer bytes, gsize size)
{
  gssize sent;

  if (is_turn_over (self))
    return PMSS_HTTP_AGAIN;
  if (self->holds && !self->held) {
    self->holds = FALSE;
    self->held = g_byte_array_append (g_byte_array_new (), bytes, size);
    return size;
  }
  sent = self->held ? send_held (self, bytes, size)
      : pmss_http_stream_send_now (self, bytes, size);
  self->sent_in_turn += MAX (sent, 0);
  return sent;
}
