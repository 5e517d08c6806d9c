/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pmss-http-watchdog.h"

#include <arpa/inet.h>
#include <errno.h>
/* Not netinet/tcp.h: glibc's struct tcp_info ends before the byte counters. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

/* TCP_CLOSE_WAIT, which linux/tcp.h leaves out */
#define PEER_HAS_CLOSED 8

struct _PmssPeer
{
  GList link;                   /* in watchdog->peers; under watchdog->lock */
  int fd;
  char address[INET6_ADDRSTRLEN];

  /* Written by the connection's worker: a count of phase changes above two
   * bits of phase, so that a new request in the same phase is seen. */
  atomic_uint phase;

  /* The watchdog's own, under its lock. */
  guint seen_phase;
  gboolean in_head;             /* a head's first byte has come */
  gint64 since;
  guint64 base_in;
  guint64 base_out;
  guint64 counted_in;
  guint64 counted_out;
  gboolean half_closed;         /* at the last look it had ended, and owed us something */
  gboolean closed;
};

struct _PmssWatchdog
{
  gint64 head_timeout;          /* us */
  gint64 window;                /* us */
  guint min_rate;
  gint64 interval;              /* us */
  GThread *thread;

  /* Protects everything below, and every peer's descriptor from being closed
   * (and its number used again) while the watchdog looks at it. */
  GMutex lock;
  GCond wake;
  gboolean stop;
  GQueue peers;
  guint64 cut;
  guint64 bytes_in;
  guint64 bytes_out;
};

static void
format_address (const struct sockaddr *address, char out[INET6_ADDRSTRLEN])
{
  static const guint8 v4_mapped[12] =
      { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

  g_strlcpy (out, "unknown", INET6_ADDRSTRLEN);
  if (!address)
    return;
  if (address->sa_family == AF_INET) {
    inet_ntop (AF_INET, &((const struct sockaddr_in *) address)->sin_addr,
        out, INET6_ADDRSTRLEN);
  } else if (address->sa_family == AF_INET6) {
    const struct in6_addr *v6 =
        &((const struct sockaddr_in6 *) address)->sin6_addr;

    if (memcmp (v6->s6_addr, v4_mapped, sizeof v4_mapped) == 0)
      inet_ntop (AF_INET, v6->s6_addr + 12, out, INET6_ADDRSTRLEN);
    else
      inet_ntop (AF_INET6, v6, out, INET6_ADDRSTRLEN);
  }
}

/* Adds what has moved since the last look to the totals. */
static gboolean
count_bytes (PmssWatchdog * watchdog, PmssPeer * peer, struct tcp_info *info)
{
  socklen_t length = sizeof *info;

  memset (info, 0, sizeof *info);
  if (getsockopt (peer->fd, IPPROTO_TCP, TCP_INFO, info, &length) != 0)
    return FALSE;
  watchdog->bytes_in += info->tcpi_bytes_received - peer->counted_in;
  watchdog->bytes_out += info->tcpi_bytes_acked - peer->counted_out;
  peer->counted_in = info->tcpi_bytes_received;
  peer->counted_out = info->tcpi_bytes_acked;
  return TRUE;
}

/* SIOCINQ: what has come and we have not read. SIOCOUTQ: what the peer has not
 * taken. */
static gboolean
is_queue_empty (PmssPeer * peer, unsigned long queue)
{
  int bytes = 0;

  return ioctl (peer->fd, queue, &bytes) != 0 || bytes == 0;
}

/* shutdown() wakes the worker, which closes the connection; nobody else may. */
static void
close_peer (PmssPeer * peer)
{
  shutdown (peer->fd, SHUT_RDWR);
  peer->closed = TRUE;
}

static void
cut_peer (PmssWatchdog * watchdog, PmssPeer * peer)
{
  const struct linger at_once = {.l_onoff = 1,.l_linger = 0 };

  /* The kernel drops what it still holds for this peer, instead of offering
   * it for minutes. */
  setsockopt (peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close_peer (peer);
  watchdog->cut++;
  g_debug ("%s is too slow: connection cut", peer->address);
}

static void
start_window (PmssPeer * peer, gint64 now)
{
  peer->since = now;
  peer->base_in = peer->counted_in;
  peer->base_out = peer->counted_out;
}

static gboolean
rate_is_low (PmssWatchdog * watchdog, guint64 moved, gint64 elapsed)
{
  return moved < (guint64) (watchdog->min_rate * (elapsed / 1e6));
}

/* Between requests. The time of a head runs from its first byte. Before that
 * the connection is idle, unless the kernel still sends the last answer. */
static void
look_at_head (PmssWatchdog * watchdog, PmssPeer * peer, gint64 now)
{
  gint64 elapsed = now - peer->since;

  if (!peer->in_head && peer->counted_in != peer->base_in) {
    peer->in_head = TRUE;
    start_window (peer, now);
  } else if (elapsed > watchdog->head_timeout) {
    if (peer->in_head)
      cut_peer (watchdog, peer);
    else if (is_queue_empty (peer, SIOCOUTQ))
      close_peer (peer);
    else if (rate_is_low (watchdog, peer->counted_out - peer->base_out,
            elapsed))
      cut_peer (watchdog, peer);
    else
      start_window (peer, now);
  }
}

/* @ours: nothing can move because of us; a disk is slower than the peer. */
static void
look_at_rate (PmssWatchdog * watchdog, PmssPeer * peer, gint64 now,
    guint64 moved, gboolean ours)
{
  gint64 elapsed = now - peer->since;

  if (elapsed < watchdog->window)
    return;
  if (!ours && rate_is_low (watchdog, moved, elapsed))
    cut_peer (watchdog, peer);
  else
    start_window (peer, now);
}

/* It has said that nothing more comes, we have read all, and the request is
 * not whole. libmicrohttpd with epoll does not see the end when it comes
 * together with the last bytes. Two looks: the worker may be just about to
 * make something of what it has read. */
static gboolean
is_half_closed (PmssPeer * peer, const struct tcp_info *info)
{
  gboolean before = peer->half_closed;

  peer->half_closed = info->tcpi_state == PEER_HAS_CLOSED
      && is_queue_empty (peer, SIOCINQ);
  return before && peer->half_closed;
}

static void
look_at (PmssWatchdog * watchdog, PmssPeer * peer, const struct tcp_info *info,
    gint64 now)
{
  guint value = atomic_load (&peer->phase);

  if (value != peer->seen_phase) {
    peer->seen_phase = value;
    peer->in_head = FALSE;
    peer->half_closed = FALSE;
    start_window (peer, now);
    return;
  }
  switch ((PmssPeerPhase) (value & 3)) {
    case PMSS_PEER_HEAD:
      if (is_half_closed (peer, info))
        close_peer (peer);
      else
        look_at_head (watchdog, peer, now);
      break;
    case PMSS_PEER_BODY:
      if (is_half_closed (peer, info))
        close_peer (peer);
      else
        look_at_rate (watchdog, peer, now, peer->counted_in - peer->base_in,
            !is_queue_empty (peer, SIOCINQ));
      break;
    case PMSS_PEER_ANSWER:
      look_at_rate (watchdog, peer, now, peer->counted_out - peer->base_out,
          is_queue_empty (peer, SIOCOUTQ));
      break;
    case PMSS_PEER_WORK:
      break;
  }
}

static void
look_at_all (PmssWatchdog * watchdog)
{
  gint64 now = g_get_monotonic_time ();

  for (GList * l = watchdog->peers.head; l; l = l->next) {
    PmssPeer *peer = l->data;
    struct tcp_info info;

    if (!peer->closed && count_bytes (watchdog, peer, &info))
      look_at (watchdog, peer, &info, now);
  }
}

static gpointer
watchdog_thread (gpointer data)
{
  PmssWatchdog *watchdog = data;

  g_mutex_lock (&watchdog->lock);
  while (!watchdog->stop) {
    gint64 next = g_get_monotonic_time () + watchdog->interval;

    while (!watchdog->stop
        && g_cond_wait_until (&watchdog->wake, &watchdog->lock, next));
    if (!watchdog->stop)
      look_at_all (watchdog);
  }
  g_mutex_unlock (&watchdog->lock);
  return NULL;
}

PmssWatchdog *
pmss_watchdog_new (guint head_timeout, guint min_rate, guint window)
{
  PmssWatchdog *watchdog = g_new0 (PmssWatchdog, 1);

  watchdog->head_timeout = head_timeout * G_TIME_SPAN_SECOND;
  watchdog->window = window * G_TIME_SPAN_SECOND;
  watchdog->min_rate = min_rate;
  watchdog->interval = MIN (G_TIME_SPAN_SECOND,
      MIN (watchdog->head_timeout, watchdog->window) / 4);
  g_mutex_init (&watchdog->lock);
  g_cond_init (&watchdog->wake);
  g_queue_init (&watchdog->peers);
  watchdog->thread = g_thread_new ("watchdog", watchdog_thread, watchdog);
  return watchdog;
}

void
pmss_watchdog_free (PmssWatchdog * watchdog)
{
  g_mutex_lock (&watchdog->lock);
  watchdog->stop = TRUE;
  g_cond_signal (&watchdog->wake);
  g_mutex_unlock (&watchdog->lock);
  g_thread_join (watchdog->thread);
  g_warn_if_fail (watchdog->peers.length == 0);
  g_mutex_clear (&watchdog->lock);
  g_cond_clear (&watchdog->wake);
  g_free (watchdog);
}

PmssPeer *
pmss_watchdog_add (PmssWatchdog * watchdog, int fd,
    const struct sockaddr *address)
{
  PmssPeer *peer = g_new0 (PmssPeer, 1);

  peer->fd = fd;
  peer->link.data = peer;
  format_address (address, peer->address);
  atomic_init (&peer->phase, PMSS_PEER_HEAD);
  /* The first head's time runs from here, TLS handshake included. */
  peer->in_head = TRUE;
  peer->since = g_get_monotonic_time ();

  g_mutex_lock (&watchdog->lock);
  g_queue_push_tail_link (&watchdog->peers, &peer->link);
  g_mutex_unlock (&watchdog->lock);
  return peer;
}

void
pmss_watchdog_remove (PmssWatchdog * watchdog, PmssPeer * peer)
{
  struct tcp_info info;
  int unsent = 0;

  g_mutex_lock (&watchdog->lock);
  /* The kernel goes on sending what it has, unless we cut the peer. */
  if (count_bytes (watchdog, peer, &info) && !peer->closed
      && ioctl (peer->fd, SIOCOUTQ, &unsent) == 0)
    watchdog->bytes_out += unsent;
  g_queue_unlink (&watchdog->peers, &peer->link);
  g_mutex_unlock (&watchdog->lock);
  g_free (peer);
}

void
pmss_peer_enter (PmssPeer * peer, PmssPeerPhase phase)
{
  /* One writer: the connection's worker. */
  guint value = atomic_load_explicit (&peer->phase, memory_order_relaxed);

  atomic_store (&peer->phase, ((value & ~3u) + 4u) | phase);
}

const char *
pmss_peer_get_address (PmssPeer * peer)
{
  return peer->address;
}

void
pmss_watchdog_get_stats (PmssWatchdog * watchdog, PmssWatchdogStats * stats)
{
  g_mutex_lock (&watchdog->lock);
  stats->connections = watchdog->peers.length;
  stats->cut = watchdog->cut;
  stats->bytes_in = watchdog->bytes_in;
  stats->bytes_out = watchdog->bytes_out;
  g_mutex_unlock (&watchdog->lock);
}
