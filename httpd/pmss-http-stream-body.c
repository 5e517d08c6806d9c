/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request's body, which goes past the engine. On the stream's thread, or on
 * one that the stream is lent to. */
#include "pmss-http-stream-private.h"

#include <string.h>
#include <sys/socket.h>

static const char leave[] = "HTTP/1.1 100 Continue\r\n\r\n";

void
pmss_http_stream_begin_body (PmssHttpStream * self,
    const PmssHttpFraming * framing)
{
  self->body_left = framing->length;
  self->leave_left = framing->expects_continue && framing->length > 0
      ? strlen (leave) : 0;
}

/* FALSE: not yet. Where it cannot be sent any more, nothing comes, either. */
static gboolean
give_leave (PmssHttpStream * self)
{
  while (self->leave_left > 0) {
    gssize sent = pmss_http_stream_send_now (self,
        leave + strlen (leave) - self->leave_left, self->leave_left);

    if (sent == PMSS_HTTP_AGAIN)
      return FALSE;
    self->leave_left -= sent > 0 ? (gsize) sent : self->leave_left;
  }
  return TRUE;
}

void
pmss_http_stream_await_body (PmssHttpStream * self)
{
  g_return_if_fail (!self->lent);
  if (self->state != PMSS_HTTP_STREAM_REQUEST || self->transport.fd < 0)
    return;
  if (!give_leave (self)) {
    pmss_http_watch_await (&self->watch, G_IO_OUT);
    return;
  }
  /* of which the socket does not tell */
  if (self->ahead || pmss_http_transport_has_pending (&self->transport))
    self->watch.ready |= G_IO_IN;
  pmss_http_watch_await (&self->watch, G_IO_IN);
}

void
pmss_http_stream_on_body (PmssHttpStream * self)
{
  if (self->leave_left > 0)
    pmss_http_stream_await_body (self);
  else if (self->funcs->body)
    self->funcs->body (self, self->user_data);
}

gssize
pmss_http_stream_receive (PmssHttpStream * self, gpointer bytes, gsize size)
{
  gssize got = MIN (size, self->body_left);

  if (self->ahead) {
    got = MIN ((gsize) got, self->ahead->len);
    memcpy (bytes, self->ahead->data, got);
    pmss_http_stream_drop_ahead (self, got);
  } else if (self->lent) {
    got = pmss_http_transport_receive (&self->transport, bytes, got);
  } else {
    got = pmss_http_stream_receive_now (self, bytes, got);
  }
  self->body_left -= MAX (got, 0);
  return got;
}

guint64
pmss_http_stream_get_body_left (PmssHttpStream * self)
{
  return self->body_left;
}

gboolean
pmss_http_stream_has_body (PmssHttpStream * self)
{
  return self->state == PMSS_HTTP_STREAM_REQUEST && self->body_left > 0
      && self->ahead && self->ahead->len >= self->body_left;
}

void
pmss_http_stream_lend (PmssHttpStream * self)
{
  g_return_if_fail (!self->lent && self->transport.fd >= 0);
  self->lent = TRUE;
  g_object_ref (self);
  pmss_http_watch_pause (&self->watch);
}

void
pmss_http_stream_take_back (PmssHttpStream * self)
{
  g_return_if_fail (self->lent);
  self->lent = FALSE;
  pmss_http_watch_resume (&self->watch);
  if (self->left)
    pmss_http_stream_close_now (self);
  g_object_unref (self);
}
