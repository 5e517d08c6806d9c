/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes listening sockets. Any thread. */
#include "pmss-http-listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"

/* Bursts of players that begin together must not wait for a SYN's repetition. */
#define BACKLOG 1024

static gboolean
split_address (const char *address, char **host, char **port, GError ** error)
{
  const char *colon = strrchr (address, ':');
  guint64 number;
  gsize length;

  if (colon == NULL || colon == address
      || !g_ascii_string_to_unsigned (colon + 1, 10, 0, 65535, &number, NULL)
      || (address[0] == '[') != (colon[-1] == ']')
      || (address[0] != '[' && memchr (address, ':', colon - address))) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "“%s” is no address to listen on: it has to be HOST:PORT, with an "
        "IPv6 address in brackets", address);
    return FALSE;
  }
  length = colon - address;
  *host = address[0] == '[' ? g_strndup (address + 1, length - 2)
      : g_strndup (address, length);
  *port = g_strdup (colon + 1);
  return TRUE;
}

gboolean
pmss_http_listen_check (const char *address, GError ** error)
{
  g_autofree char *host = NULL;
  g_autofree char *port = NULL;

  return split_address (address, &host, &port, error);
}

static void
set_listen_error (GError ** error, const char *address, int code)
{
  const char *hint = "";

  if (code == EADDRINUSE)
    hint = "; another server has this port";
  else if (code == EACCES || code == EPERM)
    hint = "; ports below 1024 need a privilege";
  else if (code == EADDRNOTAVAIL)
    hint = "; this machine does not have that address";
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "cannot listen on %s: %s%s", address, g_strerror (code), hint);
}

static int
open_socket (const struct addrinfo *info, guint16 * port)
{
  const int on = 1, off = 0;
  struct sockaddr_storage bound;
  socklen_t length = sizeof bound;
  int fd = socket (info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
      0);
  int code;

  if (fd < 0)
    return -1;
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (info->ai_family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind (fd, info->ai_addr, info->ai_addrlen) != 0
      || listen (fd, BACKLOG) != 0
      || getsockname (fd, (struct sockaddr *) &bound, &length) != 0) {
    code = errno;
    close (fd);
    errno = code;
    return -1;
  }
  *port = ntohs (bound.ss_family == AF_INET6 ?
      ((struct sockaddr_in6 *) &bound)->sin6_port :
      ((struct sockaddr_in *) &bound)->sin_port);
  return fd;
}

int
pmss_http_listen (const char *address, guint16 * port, GError ** error)
{
  const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    .ai_socktype = SOCK_STREAM
  };
  g_autofree char *host = NULL;
  g_autofree char *service = NULL;
  struct addrinfo *found = NULL;
  int code, fd;

  if (!split_address (address, &host, &service, error))
    return -1;
  code = getaddrinfo (host, service, &hints, &found);
  if (code != 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "cannot listen on %s: %s", address, gai_strerror (code));
    return -1;
  }
  fd = open_socket (found, port);
  code = errno;
  freeaddrinfo (found);
  if (fd < 0)
    set_listen_error (error, address, code);
  return fd;
}
