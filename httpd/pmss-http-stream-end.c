/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a connection ends: last words, then the peer is waited for. On the
 * stream's thread. */
#include "pmss-http-stream-private.h"

#include <sys/socket.h>

void
pmss_http_stream_close_now (PmssHttpStream * self)
{
  if (self->transport.fd < 0)
    return;
  if (self->funcs->closed)
    self->funcs->closed (self, self->user_data);
  pmss_http_watch_end (&self->watch);
  pmss_http_transport_close (&self->transport);
}

/* Of the first of its words. FALSE: not all went out. */
static gboolean
say_some (PmssHttpStream * self, gsize * length)
{
  GBytes *words = self->words.head->data;
  gsize size;
  const char *text = g_bytes_get_data (words, &size);
  gssize sent = 0;

  if (self->said < size)
    sent = pmss_http_stream_send_now (self, text + self->said,
        size - self->said);
  self->broken |= sent == PMSS_HTTP_BROKEN;
  *length += MAX (sent, 0);
  self->said += MAX (sent, 0);
  if (self->said < size)
    return sent > 0;
  g_bytes_unref (g_queue_pop_head (&self->words));
  self->said = 0;
  return TRUE;
}

/* FALSE: not all is said yet. */
static gboolean
say_words (PmssHttpStream * self)
{
  gsize length = 0;

  while (self->words.length > 0 && say_some (self, &length));
  if (self->broken) {
    g_queue_clear_full (&self->words, (GDestroyNotify) g_bytes_unref);
    self->open = FALSE;
  }
  if (length > 0 && self->funcs->said)
    self->funcs->said (self, length, FALSE, self->user_data);
  return self->words.length == 0;
}

static void
drain (PmssHttpStream * self)
{
  char bytes[PMSS_HTTP_STREAM_READ_SIZE];
  gssize got = 1;

  for (guint i = 0; i < 64 && got > 0; i++) {
    got = pmss_http_stream_receive_now (self, bytes, sizeof bytes);
    self->discarded += MAX (got, 0);
    if (self->discarded > PMSS_HTTP_STREAM_DISCARD_MAX)
      got = 0;
  }
  if (got > 0 || got == PMSS_HTTP_AGAIN)
    return;
  self->drained = TRUE;
  self->open = FALSE;
  /* wakes the engine, where it still looks */
  shutdown (self->transport.fd, SHUT_RDWR);
}

static void
tell_peer (PmssHttpStream * self)
{
  if (!pmss_http_transport_end (&self->transport)) {
    pmss_http_watch_blocked (&self->watch, G_IO_OUT, FALSE);
    return;
  }
  self->told = TRUE;
  if (self->funcs->said && !self->broken)
    self->funcs->said (self, 0, TRUE, self->user_data);
}

static void
say_and_drain (PmssHttpStream * self)
{
  if (!say_words (self))
    return;
  if (!self->told && !self->open)
    tell_peer (self);
  if (self->told || self->open)
    drain (self);
}

/* Goes on by itself until all is said and the peer has gone. */
static void
linger (PmssHttpStream * self)
{
  if (self->drained) {
    if (self->left)
      pmss_http_stream_close_now (self);
    return;
  }
  if (!self->lingers)
    g_object_ref (self);
  self->lingers = TRUE;
  pmss_http_watch_await (&self->watch,
      self->told || (self->open && self->words.length == 0) ?
      G_IO_IN : G_IO_OUT);
}

void
pmss_http_stream_go_on_ending (PmssHttpStream * self)
{
  const gboolean lingered = self->lingers;

  self->lingers = FALSE;
  pmss_http_watch_await (&self->watch, 0);
  say_and_drain (self);
  linger (self);
  if (lingered)
    g_object_unref (self);
}

static void
begin_ending (PmssHttpStream * self, GBytes * words)
{
  self->state = PMSS_HTTP_STREAM_ENDING;
  g_clear_pointer (&self->ahead, g_byte_array_unref);
  g_clear_pointer (&self->held, g_byte_array_unref);
  if (self->canonical)
    g_string_free (g_steal_pointer (&self->canonical), TRUE);
  if (words != NULL)
    g_queue_push_tail (&self->words, g_bytes_ref (words));
  pmss_http_stream_go_on_ending (self);
}

void
pmss_http_stream_hang_up (PmssHttpStream * self, GBytes * last_words)
{
  if (self->state != PMSS_HTTP_STREAM_ENDING && self->transport.fd >= 0)
    begin_ending (self, last_words);
}

void
pmss_http_stream_take_over (PmssHttpStream * self, GBytes * words)
{
  if (self->state == PMSS_HTTP_STREAM_ENDING || self->transport.fd < 0)
    return;
  self->open = TRUE;
  begin_ending (self, words);
}

static void
say_more (PmssHttpStream * self, GBytes * words)
{
  if (words != NULL)
    g_queue_push_tail (&self->words, g_bytes_ref (words));
  pmss_http_stream_go_on_ending (self);
}

void
pmss_http_stream_say (PmssHttpStream * self, GBytes * words)
{
  if (self->open)
    say_more (self, words);
}

void
pmss_http_stream_end_words (PmssHttpStream * self, GBytes * words)
{
  if (!self->open)
    return;
  self->open = FALSE;
  say_more (self, words);
}

gboolean
pmss_http_stream_is_ending (PmssHttpStream * self)
{
  return self->transport.fd < 0 || self->state == PMSS_HTTP_STREAM_ENDING;
}
