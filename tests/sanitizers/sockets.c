/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "glib-tsan.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * What is sent comes before what is done with it where it is received: a test
 * whose server is a thread of its own relies on that. An edge a direction of a
 * TCP connection, which both ends know by the two ports. The calls go to the
 * kernel at once, and not through TSan: it would take the number of a socket for
 * what orders its users, whose opening and closing it does not always see.
 */

static char flows[1 << 16];

static guint
port_of (const struct sockaddr_storage *address)
{
  if (address->ss_family == AF_INET)
    return ((const struct sockaddr_in *) address)->sin_port;
  if (address->ss_family == AF_INET6)
    return ((const struct sockaddr_in6 *) address)->sin6_port;
  return 0;
}

static gconstpointer
flow_of (int fd, gboolean sends)
{
  struct sockaddr_storage here, there;
  socklen_t here_size = sizeof here, there_size = sizeof there;
  int kept = errno;
  guint from, to;

  if (getsockname (fd, (struct sockaddr *) &here, &here_size) != 0
      || getpeername (fd, (struct sockaddr *) &there, &there_size) != 0) {
    errno = kept;
    return NULL;
  }
  from = port_of (sends ? &here : &there);
  to = port_of (sends ? &there : &here);
  return from && to ? &flows[(from * 40503u ^ to) % sizeof flows] : NULL;
}

static void
will_send (int fd)
{
  if (__tsan_release)
    release (flow_of (fd, TRUE));
}

static ssize_t
has_received (int fd, ssize_t length)
{
  if (__tsan_acquire && length >= 0)
    acquire (flow_of (fd, FALSE));
  return length;
}

ssize_t
send (int fd, const void *data, size_t length, int flags)
{
  will_send (fd);
  return syscall (SYS_sendto, fd, data, length, flags, NULL, 0);
}

ssize_t
sendmsg (int fd, const struct msghdr *message, int flags)
{
  will_send (fd);
  return syscall (SYS_sendmsg, fd, message, flags);
}

ssize_t
recv (int fd, void *data, size_t length, int flags)
{
  return has_received (fd, syscall (SYS_recvfrom, fd, data, length, flags, NULL,
          NULL));
}

ssize_t
recvmsg (int fd, struct msghdr *message, int flags)
{
  return has_received (fd, syscall (SYS_recvmsg, fd, message, flags));
}
