/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream's socket, with TLS or without. On the stream's thread. */
#include "pmss-http-transport.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void
pmss_http_transport_init (PmssHttpTransport * self, int fd,
    gnutls_session_t tls)
{
  *self = (PmssHttpTransport) {
  .fd = fd,.tls = tls};
}

void
pmss_http_transport_clear (PmssHttpTransport * self)
{
  g_return_if_fail (self->fd < 0);
  if (self->tls)
    gnutls_deinit (self->tls);
}

void
pmss_http_transport_close (PmssHttpTransport * self)
{
  close (self->fd);
  self->fd = -1;
}

static gssize
tls_result (gssize got)
{
  if (got >= 0)
    return got;
  return got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED
      ? PMSS_HTTP_AGAIN : PMSS_HTTP_BROKEN;
}

static gssize
socket_result (gssize got)
{
  return got >= 0 ? got : errno == EAGAIN ? PMSS_HTTP_AGAIN : PMSS_HTTP_BROKEN;
}

/* 1: done */
static gssize
shake_hands (PmssHttpTransport * self)
{
  int code;

  if (!self->tls || self->shaken)
    return 1;
  code = gnutls_handshake (self->tls);
  self->shaken = code == 0;
  if (code == 0)
    return 1;
  /* a warning, too, gives way to other connections: there may be no end of
   * them */
  return gnutls_error_is_fatal (code) ? PMSS_HTTP_BROKEN : PMSS_HTTP_AGAIN;
}

gssize
pmss_http_transport_receive (PmssHttpTransport * self, gpointer bytes,
    gsize size)
{
  gssize got = shake_hands (self);

  if (got < 0)
    return got;
  if (self->tls) {
    got = gnutls_record_recv (self->tls, bytes, size);
    return got == GNUTLS_E_PREMATURE_TERMINATION ? 0 : tls_result (got);
  }
  do
    got = recv (self->fd, bytes, size, MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  return socket_result (got);
}

gssize
pmss_http_transport_send (PmssHttpTransport * self, gconstpointer bytes,
    gsize size)
{
  gssize sent;

  if (self->tls)
    return tls_result (gnutls_record_send (self->tls, bytes, size));
  do
    sent = send (self->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return socket_result (sent);
}

gssize
pmss_http_transport_send_both (PmssHttpTransport * self, gconstpointer first,
    gsize first_size, gconstpointer second, gsize second_size)
{
  struct iovec parts[] = {
    {(gpointer) first, first_size}, {(gpointer) second, second_size}
  };
  struct msghdr message = {.msg_iov = parts,.msg_iovlen = 2 };
  gssize sent;

  do
    sent = sendmsg (self->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return socket_result (sent);
}

gboolean
pmss_http_transport_end (PmssHttpTransport * self)
{
  if (self->tls && self->shaken
      && gnutls_bye (self->tls, GNUTLS_SHUT_WR) == GNUTLS_E_AGAIN)
    return FALSE;
  shutdown (self->fd, SHUT_WR);
  return TRUE;
}

GIOCondition
pmss_http_transport_get_read_condition (PmssHttpTransport * self)
{
  return self->tls && !self->shaken
      && gnutls_record_get_direction (self->tls) ? G_IO_OUT : G_IO_IN;
}

gboolean
pmss_http_transport_has_pending (PmssHttpTransport * self)
{
  return self->tls && gnutls_record_check_pending (self->tls) > 0;
}
