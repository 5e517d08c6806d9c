/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One epoll instance below one source. On the context's thread. */
#include "pmss-http-poller.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"

#define EVENTS 64
#define ALL_CHANGES (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

struct _PmssHttpPoller
{
  GSource source;               /* first */
  int fd;
  gpointer tag;
  GQueue due;                   /* watches whose `func` is called next */
};

static void
make_due (PmssHttpWatch * watch)
{
  if (watch->is_due || !(watch->wanted & watch->ready))
    return;
  watch->is_due = TRUE;
  g_queue_push_tail_link (&watch->poller->due, &watch->node);
}

static void
leave_due (PmssHttpWatch * watch)
{
  if (watch->is_due)
    g_queue_unlink (&watch->poller->due, &watch->node);
  watch->is_due = FALSE;
}

/* --- the source --- */

static void
note_event (const struct epoll_event *event)
{
  PmssHttpWatch *watch = event->data.ptr;
  const gboolean failed = (event->events & (EPOLLERR | EPOLLHUP)) != 0;

  if (failed || (event->events & (EPOLLIN | EPOLLRDHUP)))
    watch->ready |= G_IO_IN;
  if (failed || (event->events & EPOLLOUT))
    watch->ready |= G_IO_OUT;
  make_due (watch);
}

static void
take_events (PmssHttpPoller * self)
{
  struct epoll_event events[EVENTS];
  int n;

  do {
    n = epoll_wait (self->fd, events, EVENTS, 0);
    for (int i = 0; i < n; i++)
      note_event (&events[i]);
  } while (n == EVENTS);
}

static gboolean
prepare (GSource * source, int *timeout)
{
  *timeout = -1;
  return ((PmssHttpPoller *) source)->due.length > 0;
}

static gboolean
check (GSource * source)
{
  PmssHttpPoller *self = (PmssHttpPoller *) source;

  if (g_source_query_unix_fd (source, self->tag))
    take_events (self);
  return self->due.length > 0;
}

/* What becomes due meanwhile has its turn behind the other sources. */
static gboolean
dispatch (GSource * source, GSourceFunc callback, gpointer data)
{
  PmssHttpPoller *self = (PmssHttpPoller *) source;

  for (guint n = self->due.length; n > 0 && self->due.head; n--) {
    PmssHttpWatch *watch = self->due.head->data;

    leave_due (watch);
    watch->wanted = 0;
    watch->func (watch->data);
  }
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { prepare, check, dispatch };

PmssHttpPoller *
pmss_http_poller_new (GMainContext * context, GError ** error)
{
  int fd = epoll_create1 (EPOLL_CLOEXEC);
  PmssHttpPoller *self;

  if (fd < 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "cannot watch connections: %s", g_strerror (errno));
    return NULL;
  }
  self = (PmssHttpPoller *) g_source_new (&source_funcs, sizeof *self);
  self->fd = fd;
  g_queue_init (&self->due);
  self->tag = g_source_add_unix_fd (&self->source, fd, G_IO_IN);
  /* else GLib takes the descriptor out of its poll() for each dispatch */
  g_source_set_can_recurse (&self->source, TRUE);
  g_source_attach (&self->source, context);
  return self;
}

void
pmss_http_poller_free (PmssHttpPoller * self)
{
  g_source_destroy (&self->source);
  close (self->fd);
  g_source_unref (&self->source);
}

/* --- watches --- */

static gboolean
control (PmssHttpWatch * watch, int operation, guint32 events)
{
  struct epoll_event event = { events, {.ptr = watch} };

  return epoll_ctl (watch->poller->fd, operation, watch->fd, &event) == 0;
}

gboolean
pmss_http_watch_begin (PmssHttpWatch * watch, PmssHttpPoller * poller, int fd,
    void (*func) (gpointer data), gpointer data)
{
  *watch = (PmssHttpWatch) {
  .poller = poller,.fd = fd,.func = func,.data = data};
  watch->node.data = watch;
  if (control (watch, EPOLL_CTL_ADD, ALL_CHANGES))
    return TRUE;
  watch->poller = NULL;
  return FALSE;
}

/* A descriptor that is closed may live on for a moment, in a child before its
 * exec: it would still be watched. */
void
pmss_http_watch_end (PmssHttpWatch * watch)
{
  if (!watch->poller)
    return;
  leave_due (watch);
  control (watch, EPOLL_CTL_DEL, 0);
  watch->poller = NULL;
}

void
pmss_http_watch_await (PmssHttpWatch * watch, GIOCondition wanted)
{
  if (!watch->poller)
    return;
  leave_due (watch);
  watch->wanted = wanted;
  make_due (watch);
}

static void
look (PmssHttpWatch * watch)
{
  struct pollfd now = { watch->fd, POLLIN | POLLOUT, 0 };

  poll (&now, 1, 0);
  watch->ready = now.revents & (POLLERR | POLLHUP | POLLNVAL)
      ? G_IO_IN | G_IO_OUT : now.revents & (G_IO_IN | G_IO_OUT);
}

void
pmss_http_watch_blocked (PmssHttpWatch * watch, GIOCondition condition,
    gboolean drained)
{
  if (drained)
    watch->ready &= ~condition;
  else
    look (watch);
}

void
pmss_http_watch_pause (PmssHttpWatch * watch)
{
  control (watch, EPOLL_CTL_MOD, EPOLLET);
}

void
pmss_http_watch_resume (PmssHttpWatch * watch)
{
  watch->ready = 0;
  control (watch, EPOLL_CTL_MOD, ALL_CHANGES);
}
