/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The accept loop, on a thread of its own. */
#define _GNU_SOURCE             /* accept4() */
#include "pmss-http-accept.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"

#define ROOM_WAIT_MS 5
#define EXHAUSTED_WAIT_MS 50
#define WARN_EVERY (60 * G_TIME_SPAN_SECOND)

struct _PmssAcceptor
{
  int fd;
  int wake;                     /* eventfd: readable when it has to stop */
  PmssAcceptorFuncs funcs;
  gpointer user_data;
  gint64 warned;
  GThread *thread;
};

/* Waits for a newcomer, or with @pause >= 0 for that many ms. FALSE: stop. */
static gboolean
wait_on (PmssAcceptor * acceptor, int pause)
{
  struct pollfd fds[] = {
    {acceptor->wake, POLLIN, 0}, {acceptor->fd, POLLIN, 0}
  };

  /* a failed poll is short of memory, too */
  if (poll (fds, pause < 0 ? 2 : 1, pause) < 0 && errno != EINTR)
    g_usleep (EXHAUSTED_WAIT_MS * 1000);
  return fds[0].revents == 0;
}

static void
warn_exhausted (PmssAcceptor * acceptor, int code)
{
  gint64 now = g_get_monotonic_time ();

  if (acceptor->warned && now - acceptor->warned < WARN_EVERY)
    return;
  acceptor->warned = now;
  g_warning ("cannot take a connection: %s; the longest idle ones are closed",
      g_strerror (code));
}

/* Takes one connection. How long to wait before the next, in ms; -1: until
 * there is one. */
static int
take_one (PmssAcceptor * acceptor)
{
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  int fd;

  if (!acceptor->funcs.has_room (acceptor->user_data))
    return ROOM_WAIT_MS;
  fd = accept4 (acceptor->fd, (struct sockaddr *) &address, &length,
      SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    acceptor->funcs.take (fd, (struct sockaddr *) &address, length,
        acceptor->user_data);
    return -1;
  }
  switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      warn_exhausted (acceptor, errno);
      acceptor->funcs.exhausted (acceptor->user_data);
      return EXHAUSTED_WAIT_MS;
    default:
      /* Whoever was there has gone, or a network has: the next may be well. */
      return -1;
  }
}

static gpointer
run (gpointer data)
{
  PmssAcceptor *acceptor = data;
  int pause = -1;

  while (wait_on (acceptor, pause))
    pause = take_one (acceptor);
  return NULL;
}

static void
free_acceptor (PmssAcceptor * acceptor)
{
  close (acceptor->fd);
  if (acceptor->wake >= 0)
    close (acceptor->wake);
  g_free (acceptor);
}

PmssAcceptor *
pmss_acceptor_start (int fd, const PmssAcceptorFuncs * funcs,
    gpointer user_data, GError ** error)
{
  PmssAcceptor *acceptor = g_new0 (PmssAcceptor, 1);

  acceptor->fd = fd;
  acceptor->funcs = *funcs;
  acceptor->user_data = user_data;
  acceptor->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (acceptor->wake < 0)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "cannot start to take connections: %s", g_strerror (errno));
  else
    acceptor->thread = g_thread_try_new ("accept", run, acceptor, error);
  if (acceptor->thread)
    return acceptor;
  free_acceptor (acceptor);
  return NULL;
}

void
pmss_acceptor_stop (PmssAcceptor * acceptor)
{
  /* its own thread resets nothing: the counter cannot overflow */
  eventfd_write (acceptor->wake, 1);
  g_thread_join (acceptor->thread);
  free_acceptor (acceptor);
}
