/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a libmicrohttpd, on a thread of its own. */
#include "pmss-http-mhd-worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"

/* After a poll that failed, for which the kernel had no memory. */
#define FAILED_WAIT_MS 10

typedef struct
{
  int fd;
  socklen_t length;
  struct sockaddr_storage address;
} Newcomer;

struct _PmssHttpWorker
{
  struct MHD_Daemon *daemon;
  PmssHttpRefused refused;
  gpointer user_data;
  int events;                   /* libmicrohttpd's epoll instance */
  int wake;                     /* eventfd: there are newcomers, or it has to stop */
  GThread *thread;

  GMutex lock;                  /* protects these two */
  GArray *newcomers;            /* of Newcomer */
  gboolean stopping;
};

/* ms that libmicrohttpd would wait; -1: until something happens */
static int
get_pause (PmssHttpWorker * self)
{
  MHD_UNSIGNED_LONG_LONG pause;

  if (MHD_get_timeout (self->daemon, &pause) != MHD_YES)
    return -1;
  return (int) MIN (pause, G_MAXINT);
}

static void
wait_for_events (PmssHttpWorker * self)
{
  struct pollfd fds[] = {
    {self->events, POLLIN, 0}, {self->wake, POLLIN, 0}
  };
  eventfd_t count;

  if (poll (fds, G_N_ELEMENTS (fds), get_pause (self)) < 0 && errno != EINTR)
    g_usleep (FAILED_WAIT_MS * 1000);
  else if (fds[1].revents != 0)
    eventfd_read (self->wake, &count);
}

static void
add_newcomers (PmssHttpWorker * self, const GArray * newcomers)
{
  for (guint i = 0; i < newcomers->len; i++) {
    const Newcomer *newcomer = &g_array_index (newcomers, Newcomer, i);

    if (MHD_add_connection (self->daemon, newcomer->fd,
            (const struct sockaddr *) &newcomer->address, newcomer->length)
        != MHD_YES)
      self->refused (newcomer->fd, self->user_data);
  }
}

static GArray *
new_list (void)
{
  return g_array_new (FALSE, FALSE, sizeof (Newcomer));
}

/* FALSE: it has to stop. */
static gboolean
take_newcomers (PmssHttpWorker * self)
{
  g_autoptr (GArray) newcomers = NULL;
  gboolean stopping;

  g_mutex_lock (&self->lock);
  stopping = self->stopping;
  if (self->newcomers->len > 0) {
    newcomers = self->newcomers;
    self->newcomers = new_list ();
  }
  g_mutex_unlock (&self->lock);
  if (newcomers != NULL)
    add_newcomers (self, newcomers);
  return !stopping;
}

/* Peers go away at any time: that is told by errors alone. */
static void
block_sigpipe (void)
{
  sigset_t signals;

  sigemptyset (&signals);
  sigaddset (&signals, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &signals, NULL);
}

static gpointer
run (gpointer data)
{
  PmssHttpWorker *self = data;

  block_sigpipe ();
  while (take_newcomers (self)) {
    MHD_run (self->daemon);
    wait_for_events (self);
  }
  return NULL;
}

gboolean
pmss_http_worker_runs (const PmssHttpWorker * self,
    const struct MHD_Daemon *daemon)
{
  return self->daemon == daemon;
}

void
pmss_http_worker_wake (PmssHttpWorker * self)
{
  eventfd_write (self->wake, 1);
}

void
pmss_http_worker_take (PmssHttpWorker * self, int fd,
    const struct sockaddr *address, socklen_t length)
{
  Newcomer newcomer = {.fd = fd,.length = length };

  memcpy (&newcomer.address, address, MIN (length, sizeof newcomer.address));
  g_mutex_lock (&self->lock);
  g_array_append_val (self->newcomers, newcomer);
  g_mutex_unlock (&self->lock);
  pmss_http_worker_wake (self);
}

static void
worker_free (PmssHttpWorker * self)
{
  MHD_stop_daemon (self->daemon);
  if (self->wake >= 0)
    close (self->wake);
  g_array_unref (self->newcomers);
  g_mutex_clear (&self->lock);
  g_free (self);
}

PmssHttpWorker *
pmss_http_worker_start (struct MHD_Daemon *daemon, PmssHttpRefused refused,
    gpointer user_data, GError ** error)
{
  PmssHttpWorker *self = g_new0 (PmssHttpWorker, 1);

  self->daemon = daemon;
  self->refused = refused;
  self->user_data = user_data;
  self->events = MHD_get_daemon_info (daemon,
      MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  self->newcomers = new_list ();
  g_mutex_init (&self->lock);
  self->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->wake < 0)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "cannot start the HTTP server: %s", g_strerror (errno));
  else
    self->thread = g_thread_try_new ("http", run, self, error);
  if (self->thread != NULL)
    return self;
  worker_free (self);
  return NULL;
}

void
pmss_http_worker_stop (PmssHttpWorker * self)
{
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_mutex_unlock (&self->lock);
  pmss_http_worker_wake (self);
  g_thread_join (self->thread);
  worker_free (self);
}
