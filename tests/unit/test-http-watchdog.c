/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The watchdog by itself, with both ends of real connections in this hand. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httpd/pmss-http-watchdog.h"

#define WAIT 20                 /* seconds after which something has failed */
#define WINDOW 1                /* second */

typedef struct
{
  PmssWatchdog *watchdog;
  PmssPeer *peer;
  int server;
  int client;
} Fixture;

static void
fixture_init (Fixture * f, PmssPeerPhase phase)
{
  struct sockaddr_in address = {.sin_family = AF_INET,
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK)
  };
  socklen_t length = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int small = 4096;
  PmssPlacesLimits limits;

  g_assert_cmpint (bind (listener, (struct sockaddr *) &address, length), ==,
      0);
  g_assert_cmpint (listen (listener, 1), ==, 0);
  getsockname (listener, (struct sockaddr *) &address, &length);
  f->client = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt (f->client, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  g_assert_cmpint (connect (f->client, (struct sockaddr *) &address, length),
      ==, 0);
  f->server = accept (listener, NULL, NULL);
  g_assert_cmpint (f->server, >=, 0);
  close (listener);
  pmss_places_limits_init (&limits, 8, 0, FALSE);
  f->watchdog =
      pmss_watchdog_new (WINDOW, WINDOW, 100000, WINDOW, &limits, NULL);
  g_assert_true (pmss_watchdog_admit (f->watchdog, f->server,
          (struct sockaddr *) &address));
  f->peer = pmss_watchdog_start (f->watchdog, f->server);
  pmss_peer_enter (f->peer, phase);
}

static void
fixture_clear (Fixture * f)
{
  pmss_watchdog_remove (f->watchdog, f->peer);
  pmss_watchdog_free (f->watchdog);
  close (f->server);
  close (f->client);
}

/* shutdown() of our end shows as the end of what can be read. Looks for
 * @seconds at most. */
static gboolean
is_closed_within (Fixture * f, gint64 seconds)
{
  gint64 end = g_get_monotonic_time () + seconds * G_TIME_SPAN_SECOND;
  GPollFD poll = { f->server, G_IO_HUP, 0 };
  gint64 left;

  while ((left = end - g_get_monotonic_time ()) > 0)
    if (g_poll (&poll, 1, left / 1000 + 1) > 0)
      return TRUE;
  return FALSE;
}

static guint64
count_cut (Fixture * f)
{
  PmssWatchdogStats stats;

  pmss_watchdog_get_stats (f->watchdog, &stats);
  return stats.cut;
}

static void
fill (int fd)
{
  static char block[65536];

  while (send (fd, block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL) > 0);
}

/* Nothing comes, nothing was taken: the peer is slow. */
static void
test_slow (gconstpointer phase)
{
  Fixture f;

  fixture_init (&f, GPOINTER_TO_INT (phase));
  fill (f.server);
  g_assert_true (is_closed_within (&f, WAIT));
  g_assert_cmpuint (count_cut (&f), ==, 1);
  fixture_clear (&f);
}

/* It has sent, and we do not read: a disk holds us up. */
static void
test_body_waits_for_us (void)
{
  Fixture f;

  fixture_init (&f, PMSS_PEER_BODY);
  fill (f.client);
  g_assert_false (is_closed_within (&f, 3 * WINDOW));
  fixture_clear (&f);
}

/* It has taken all that we had. */
static void
test_answer_waits_for_us (void)
{
  Fixture f;

  fixture_init (&f, PMSS_PEER_ANSWER);
  g_assert_false (is_closed_within (&f, 3 * WINDOW));
  fixture_clear (&f);
}

/* Closed at once, and not for being slow. */
static void
test_half_closed (gconstpointer phase)
{
  Fixture f;

  fixture_init (&f, GPOINTER_TO_INT (phase));
  shutdown (f.client, SHUT_WR);
  g_assert_true (is_closed_within (&f, WAIT));
  g_assert_cmpuint (count_cut (&f), ==, 0);
  fixture_clear (&f);
}

/* One that has sent all, and then closed its half, waits for its answer. */
static void
test_half_closed_waits (gconstpointer phase)
{
  Fixture f;

  fixture_init (&f, GPOINTER_TO_INT (phase));
  g_assert_cmpint (send (f.client, "abc", 3, MSG_NOSIGNAL), ==, 3);
  shutdown (f.client, SHUT_WR);
  g_assert_false (is_closed_within (&f, 3 * WINDOW));
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/http-watchdog/slow-body",
      GINT_TO_POINTER (PMSS_PEER_BODY), test_slow);
  g_test_add_data_func ("/http-watchdog/slow-answer",
      GINT_TO_POINTER (PMSS_PEER_ANSWER), test_slow);
  g_test_add_func ("/http-watchdog/body-waits-for-us", test_body_waits_for_us);
  g_test_add_func ("/http-watchdog/answer-waits-for-us",
      test_answer_waits_for_us);
  g_test_add_data_func ("/http-watchdog/half-closed-head",
      GINT_TO_POINTER (PMSS_PEER_HEAD), test_half_closed);
  g_test_add_data_func ("/http-watchdog/half-closed-body",
      GINT_TO_POINTER (PMSS_PEER_BODY), test_half_closed);
  g_test_add_data_func ("/http-watchdog/half-closed-unread",
      GINT_TO_POINTER (PMSS_PEER_BODY), test_half_closed_waits);
  g_test_add_data_func ("/http-watchdog/half-closed-work",
      GINT_TO_POINTER (PMSS_PEER_WORK), test_half_closed_waits);
  return g_test_run ();
}
