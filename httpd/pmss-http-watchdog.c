/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cuts peers that are too slow. On a thread of its own. */
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

/* TCP_ESTABLISHED and TCP_CLOSE_WAIT, which linux/tcp.h leaves out */
#define BOTH_ARE_OPEN 1
#define PEER_HAS_CLOSED 8

/* How many may be closing at once because others have their places: each has
 * its descriptor until its worker has seen it. */
#define MAX_LEAVING(places) CLAMP ((places) / 8, 1, 64)
#define MAX_TRIES 1000
/* How long a newcomer waits for earlier ones to be begun with, where one of
 * them would have to go for it. */
#define ADMIT_WAIT G_TIME_SPAN_SECOND

struct _PmssPeer
{
  GList link;                   /* in watchdog->peers; under watchdog->lock */
  PmssPlace place;              /* written under the lock */
  int fd;
  char address[INET6_ADDRSTRLEN];
  char group[PMSS_PLACE_ADDRESS_SIZE];
  char *owner;                  /* nullable; its worker's own, as place.class is for reading */

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
  gboolean displaced;
};

struct _PmssWatchdog
{
  gint64 head_timeout;          /* us */
  gint64 idle_timeout;          /* us; of connections that are no stranger's */
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
  GHashTable *admitted;         /* descriptor -> PmssPeer that its engine has not begun with */
  GCond begun;                  /* one less is in it */
  PmssPlaces *places;
  guint leaving;                /* displaced, and still open */
  guint max_leaving;
  guint64 cut;
  guint64 displaced;
  guint64 turned_away;
  guint64 bytes_in;
  guint64 bytes_out;
};

static void
format_address (const struct sockaddr *address, char out[INET6_ADDRSTRLEN])
{
  static const guint8 v4_mapped[12] =
      { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

  g_strlcpy (out, "unknown", INET6_ADDRSTRLEN);
  if (address == NULL)
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

/* The kernel drops what it still holds for this peer, instead of offering it
 * for minutes. */
static void
reset_peer (PmssPeer * peer)
{
  const struct linger at_once = {.l_onoff = 1,.l_linger = 0 };

  setsockopt (peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close_peer (peer);
}

static void
cut_peer (PmssWatchdog * watchdog, PmssPeer * peer)
{
  reset_peer (peer);
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
look_at_head (PmssWatchdog * watchdog, PmssPeer * peer, gint64 now,
    const struct tcp_info *info)
{
  gint64 elapsed = now - peer->since;
  gboolean keeps = peer->place.class != PMSS_PLACE_STRANGER && !peer->in_head
      && info->tcpi_state == BOTH_ARE_OPEN && is_queue_empty (peer, SIOCOUTQ);
  gint64 allowed = keeps ? watchdog->idle_timeout : watchdog->head_timeout;

  if (!peer->in_head && peer->counted_in != peer->base_in) {
    peer->in_head = TRUE;
    start_window (peer, now);
  } else if (elapsed > allowed) {
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

static PmssPlaceState
place_state (guint phase)
{
  switch ((PmssPeerPhase) (phase & 3)) {
    case PMSS_PEER_HEAD:
      return PMSS_PLACE_IDLE;
    case PMSS_PEER_BODY:
    case PMSS_PEER_ANSWER:
      return PMSS_PLACE_MOVING;
    case PMSS_PEER_WORK:
    default:
      return PMSS_PLACE_WAITING;
  }
}

/* Whether it has done something since the last look. */
static gboolean
notice_phase (PmssWatchdog * watchdog, PmssPeer * peer, gint64 now)
{
  guint value = atomic_load (&peer->phase);

  if (value == peer->seen_phase)
    return FALSE;
  peer->seen_phase = value;
  peer->in_head = FALSE;
  peer->half_closed = FALSE;
  start_window (peer, now);
  pmss_places_touch (watchdog->places, &peer->place, place_state (value));
  return TRUE;
}

static void
look_at (PmssWatchdog * watchdog, PmssPeer * peer, const struct tcp_info *info,
    gint64 now)
{
  if (notice_phase (watchdog, peer, now))
    return;
  switch ((PmssPeerPhase) (peer->seen_phase & 3)) {
    case PMSS_PEER_HEAD:
      if (is_half_closed (peer, info))
        close_peer (peer);
      else
        look_at_head (watchdog, peer, now, info);
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

static void
free_peer (gpointer data)
{
  PmssPeer *peer = data;

  g_free (peer->owner);
  g_free (peer);
}

PmssWatchdog *
pmss_watchdog_new (guint head_timeout, guint idle_timeout, guint min_rate,
    guint window, const PmssPlacesLimits * limits, GError ** error)
{
  PmssWatchdog *watchdog = g_new0 (PmssWatchdog, 1);

  watchdog->head_timeout = head_timeout * G_TIME_SPAN_SECOND;
  watchdog->idle_timeout = idle_timeout * G_TIME_SPAN_SECOND;
  watchdog->window = window * G_TIME_SPAN_SECOND;
  watchdog->min_rate = min_rate;
  watchdog->interval = MIN (G_TIME_SPAN_SECOND,
      MIN (watchdog->head_timeout, watchdog->window) / 4);
  g_mutex_init (&watchdog->lock);
  g_cond_init (&watchdog->wake);
  g_cond_init (&watchdog->begun);
  g_queue_init (&watchdog->peers);
  watchdog->admitted = g_hash_table_new (NULL, NULL);
  watchdog->places = pmss_places_new (limits);
  watchdog->max_leaving = MAX_LEAVING (limits->total);
  watchdog->thread = g_thread_try_new ("watchdog", watchdog_thread, watchdog,
      error);
  if (!watchdog->thread)
    g_clear_pointer (&watchdog, pmss_watchdog_free);
  return watchdog;
}

/* Those that their engine never began with. */
static void
forget_admitted (PmssWatchdog * watchdog)
{
  GHashTableIter iter;
  gpointer peer;

  g_hash_table_iter_init (&iter, watchdog->admitted);
  while (g_hash_table_iter_next (&iter, NULL, &peer)) {
    pmss_places_leave (watchdog->places, &((PmssPeer *) peer)->place);
    free_peer (peer);
  }
  g_hash_table_unref (watchdog->admitted);
}

void
pmss_watchdog_free (PmssWatchdog * watchdog)
{
  g_mutex_lock (&watchdog->lock);
  watchdog->stop = TRUE;
  g_cond_signal (&watchdog->wake);
  g_mutex_unlock (&watchdog->lock);
  if (watchdog->thread)
    g_thread_join (watchdog->thread);
  g_warn_if_fail (watchdog->peers.length == 0);
  forget_admitted (watchdog);
  pmss_places_free (watchdog->places);
  g_mutex_clear (&watchdog->lock);
  g_cond_clear (&watchdog->wake);
  g_cond_clear (&watchdog->begun);
  g_free (watchdog);
}

/* --- places --- */

static void
displace_locked (PmssWatchdog * watchdog, PmssPeer * peer)
{
  pmss_places_leave (watchdog->places, &peer->place);
  watchdog->displaced++;
  /* cut already: its worker is about to close it */
  if (peer->closed)
    return;
  peer->displaced = TRUE;
  watchdog->leaving++;
  if (is_queue_empty (peer, SIOCOUTQ))
    close_peer (peer);
  else
    reset_peer (peer);
  g_debug ("%s has to make room: connection closed", peer->address);
}

static gboolean
make_room_locked (PmssWatchdog * watchdog, PmssPlaceClass class,
    const char *group, gboolean inside)
{
  gint64 now = g_get_monotonic_time ();
  PmssPlace *victim;

  /* one that has been busy since the last look is no victim */
  for (guint tries = 0; tries < MAX_TRIES; tries++) {
    if (pmss_places_ask (watchdog->places, class, group, inside, &victim))
      return TRUE;
    if (victim == NULL)
      return FALSE;
    if (!notice_phase (watchdog, victim->link.data, now))
      displace_locked (watchdog, victim->link.data);
  }
  return FALSE;
}

static void
drop_locked (PmssWatchdog * watchdog, int fd)
{
  gpointer peer;

  if (!g_hash_table_steal_extended (watchdog->admitted, GINT_TO_POINTER (fd),
          NULL, &peer))
    return;
  pmss_places_leave (watchdog->places, &((PmssPeer *) peer)->place);
  free_peer (peer);
}

/* In a storm newcomers come faster than the engine begins with them. */
static gboolean
make_room_for_newcomer_locked (PmssWatchdog * watchdog, const char *group)
{
  gint64 end = g_get_monotonic_time () + ADMIT_WAIT;

  while (!make_room_locked (watchdog, PMSS_PLACE_STRANGER, group, FALSE)) {
    if (g_hash_table_size (watchdog->admitted) == 0
        || !g_cond_wait_until (&watchdog->begun, &watchdog->lock, end))
      return FALSE;
  }
  return TRUE;
}

gboolean
pmss_watchdog_admit (PmssWatchdog * watchdog, int fd,
    const struct sockaddr *address)
{
  PmssPeer *peer = g_new0 (PmssPeer, 1);
  gboolean admitted;

  peer->fd = fd;
  peer->link.data = peer;
  format_address (address, peer->address);
  pmss_places_format_address (address, peer->group);
  atomic_init (&peer->phase, PMSS_PEER_HEAD);

  g_mutex_lock (&watchdog->lock);
  /* its number is free again: the engine has closed an earlier one unseen */
  drop_locked (watchdog, fd);
  admitted = make_room_for_newcomer_locked (watchdog, peer->group);
  if (admitted) {
    pmss_places_enter (watchdog->places, &peer->place, peer,
        PMSS_PLACE_STRANGER, peer->group);
    /* until the engine has begun with it its descriptor is not ours to close */
    pmss_places_touch (watchdog->places, &peer->place, PMSS_PLACE_WAITING);
    g_hash_table_insert (watchdog->admitted, GINT_TO_POINTER (fd), peer);
  } else {
    watchdog->turned_away++;
    free_peer (peer);
  }
  g_mutex_unlock (&watchdog->lock);
  return admitted;
}

void
pmss_watchdog_drop (PmssWatchdog * watchdog, int fd)
{
  g_mutex_lock (&watchdog->lock);
  drop_locked (watchdog, fd);
  g_mutex_unlock (&watchdog->lock);
}

PmssPeer *
pmss_watchdog_start (PmssWatchdog * watchdog, int fd)
{
  gpointer found = NULL;
  PmssPeer *peer;

  g_mutex_lock (&watchdog->lock);
  g_hash_table_steal_extended (watchdog->admitted, GINT_TO_POINTER (fd), NULL,
      &found);
  peer = found;
  if (peer != NULL) {
    /* The first head's time runs from here, TLS handshake included. */
    peer->in_head = TRUE;
    peer->since = g_get_monotonic_time ();
    pmss_places_touch (watchdog->places, &peer->place, PMSS_PLACE_IDLE);
    g_queue_push_tail_link (&watchdog->peers, &peer->link);
    g_cond_signal (&watchdog->begun);
  }
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
  pmss_places_leave (watchdog->places, &peer->place);
  if (peer->displaced)
    watchdog->leaving--;
  g_mutex_unlock (&watchdog->lock);
  free_peer (peer);
}

gboolean
pmss_watchdog_has_room (PmssWatchdog * watchdog)
{
  gboolean room;

  g_mutex_lock (&watchdog->lock);
  room = watchdog->leaving < watchdog->max_leaving;
  g_mutex_unlock (&watchdog->lock);
  return room;
}

void
pmss_watchdog_give_up_one (PmssWatchdog * watchdog)
{
  PmssPlace *place;

  g_mutex_lock (&watchdog->lock);
  place = pmss_places_find_idle (watchdog->places);
  if (place != NULL)
    displace_locked (watchdog, place->link.data);
  g_mutex_unlock (&watchdog->lock);
}

void
pmss_watchdog_promote (PmssWatchdog * watchdog, PmssPeer * peer,
    PmssPlaceClass class, const char *owner)
{
  const char *group = owner != NULL ? owner : peer->group;

  if (peer->place.class == class && g_strcmp0 (peer->owner, owner) == 0)
    return;
  g_mutex_lock (&watchdog->lock);
  if (!peer->closed && make_room_locked (watchdog, class, group, TRUE)) {
    pmss_places_leave (watchdog->places, &peer->place);
    pmss_places_enter (watchdog->places, &peer->place, peer, class, group);
    pmss_places_touch (watchdog->places, &peer->place, PMSS_PLACE_WAITING);
    g_free (peer->owner);
    peer->owner = g_strdup (owner);
  } else if (peer->place.class == PMSS_PLACE_STRANGER) {
    /* its next request tries again */
    pmss_places_mark (&peer->place);
    g_debug ("%s was authenticated, and stays among the strangers: the places "
        "of its class or group are busy", peer->address);
  }
  g_mutex_unlock (&watchdog->lock);
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
  for (guint i = 0; i < PMSS_N_PLACE_CLASSES; i++)
    stats->of_class[i] = pmss_places_count (watchdog->places, i);
  stats->cut = watchdog->cut;
  stats->displaced = watchdog->displaced;
  stats->turned_away = watchdog->turned_away;
  stats->bytes_in = watchdog->bytes_in;
  stats->bytes_out = watchdog->bytes_out;
  g_mutex_unlock (&watchdog->lock);
}
