/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Peers that are slow, or gone, and work that takes long. */
#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httpd-fixture.h"

static const PmssHttpdConfig plain = { 0 };

/* Sends @piece until the server cuts the connection. */
static void
trickle_until_cut (int fd, const char *piece)
{
  gint64 end = g_get_monotonic_time () + WAIT * G_TIME_SPAN_SECOND;
  GPollFD poll = { fd, G_IO_IN | G_IO_HUP, 0 };

  while (g_get_monotonic_time () < end) {
    say (fd, piece, -1);
    /* Paces the peer and ends at once when it is cut. */
    if (g_poll (&poll, 1, 50) > 0)
      break;
  }
  g_assert_cmpint (g_get_monotonic_time (), <, end);
  close (fd);
}

static void
test_slow_peers (void)
{
  const PmssHttpdConfig config = {.head_timeout = 1,.min_rate = 100000,
    .min_rate_window = 1
  };
  g_autoptr (Fixture) fixture = fixture_new (&config);
  PmssHttpdStats stats;
  int small = 4096, fd;
  char byte;

  /* A head that trickles, on a new connection and after a request. */
  fd = dial (fixture);
  say (fd, "GET / HTTP/1.1\r\nHost: x\r\nA: ", -1);
  trickle_until_cut (fd, "x");
  fd = dial (fixture);
  say (fd, "GET /empty HTTP/1.1\r\nHost: x\r\n\r\n", -1);
  while (recv (fd, &byte, 1, 0) == 1 && byte != '\n');
  say (fd, "GET / HTTP/1.1\r\nHost: x\r\nA: ", -1);
  {
    char rest[512];

    g_assert_cmpint (recv (fd, rest, sizeof rest, 0), >, 0);
  }
  trickle_until_cut (fd, "x");

  /* A body that trickles. */
  fd = dial (fixture);
  say (fd, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", -1);
  trickle_until_cut (fd, "xxxxxxxx");

  /* An answer that nobody reads. */
  fd = dial (fixture);
  setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  for (guint i = 0; i < 20; i++)
    say (fd, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n", -1);
  do {
    GPollFD poll = { fd, G_IO_HUP | G_IO_ERR, 0 };

    g_assert_cmpint (g_poll (&poll, 1, WAIT * 1000), >, 0);
  } while (FALSE);
  close (fd);

  pmss_httpd_get_stats (fixture->httpd, &stats);
  g_assert_cmpuint (stats.cut_slow, >=, 3);
}

static void
test_peer_gone (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&plain);
  int fd = dial (fixture);

  say (fd, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc", -1);
  while (g_atomic_int_get (&fixture->begun) == 0)
    g_thread_yield ();
  close (fd);
  while (g_atomic_int_get (&fixture->unanswered) == 0)
    g_thread_yield ();
}

/* A peer that has had answers and goes, or is refused, between two requests:
 * nothing of its connection stays. */
static void
test_gone_when_idle (void)
{
  const PmssHttpdConfig config = {.head_timeout = 3600 };
  g_autoptr (Fixture) fixture = fixture_new (&config);
  const gint64 end = g_get_monotonic_time () + WAIT * G_TIME_SPAN_SECOND;
  PmssHttpdStats stats;
  char bytes[4096];

  for (guint i = 0; i < 10; i++) {
    int fd = dial (fixture);

    for (guint j = 0; j < 2; j++) {
      say (fd, "GET /empty HTTP/1.1\r\nHost: x\r\n\r\n", -1);
      g_assert_cmpint (recv (fd, bytes, sizeof bytes, 0), >, 0);
    }
    if (i % 2)
      say (fd, "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", -1);
    close (fd);
  }
  do {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
    pmss_httpd_get_stats (fixture->httpd, &stats);
  } while (stats.connections > 0);
  g_assert_cmpuint (stats.accepted, ==, 10);
}

/* A peer that ends its half together with what it sends: a request that is
 * not whole is over, one that is whole is answered, and nobody waits for more.
 * Only who looks for it sees it: the limits here are hours. */
static void
test_half_closed (void)
{
  static const char *const requests[] = { "GET / HTTP/1.1\r\nHost",
    "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
  };
  const PmssHttpdConfig config = {.head_timeout = 3600,.min_rate_window = 3600
  };
  g_autoptr (Fixture) fixture = fixture_new (&config);
  int fds[30];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    fds[i] = dial (fixture);
    say (fds[i], requests[i % 3], -1);
    shutdown (fds[i], SHUT_WR);
  }
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    g_autofree char *heard = hear (fds[i]);
    g_autofree char *got = statuses (heard);

    g_assert_cmpstr (got, ==, i % 3 == 2 ? "200" : "");
  }
}

/* Deferred requests hold up nobody, and stopping waits for them. */
static void
test_defer (gconstpointer config)
{
  g_autoptr (Fixture) fixture = fixture_new (config);
  int fds[6];

  g_atomic_int_set (&fixture->hold, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    fds[i] = dial (fixture);
    say (fds[i], "PUT /defer HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
        "abcGET /defer-early HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        -1);
  }
  while (g_atomic_int_get (&fixture->working) < (gint) G_N_ELEMENTS (fds))
    g_thread_yield ();
  for (guint i = 0; i < 20; i++)
    assert_answer (fixture, GET ("/x", ""), -1, "200");
  g_atomic_int_set (&fixture->hold, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    g_autofree char *heard = hear (fds[i]);
    g_autofree char *got = statuses (heard);

    g_assert_cmpstr (got, ==, "200 200");
  }
}

static gboolean
is_refused (guint16 port)
{
  struct sockaddr_in address = {.sin_family = AF_INET,
    .sin_port = htons (port),.sin_addr.s_addr = htonl (INADDR_LOOPBACK)
  };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean refused =
      connect (fd, (struct sockaddr *) &address, sizeof address) != 0;

  close (fd);
  return refused;
}

/* Once nobody new is let in, which is how stopping begins. */
static gpointer
let_go (gpointer data)
{
  const gint64 end = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;
  Fixture *fixture = data;

  while (!is_refused (fixture->port)) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
  }
  g_atomic_int_set (&fixture->hold, FALSE);
  return NULL;
}

static void
test_stop_deferred (void)
{
  Fixture *fixture = fixture_new (&plain);
  GThread *thread;
  int fd;

  g_atomic_int_set (&fixture->hold, TRUE);
  fd = dial (fixture);
  say (fd, GET ("/defer", ""), -1);
  while (g_atomic_int_get (&fixture->working) == 0)
    g_thread_yield ();
  thread = g_thread_new ("let-go", let_go, fixture);
  /* it ends with the answer, long before */
  pmss_httpd_stop (fixture->httpd, 30);
  g_assert_false (g_atomic_int_get (&fixture->hold));
  g_assert_cmpint (fixture->ended, ==, fixture->begun);
  g_assert_cmpint (fixture->unanswered, ==, 0);
  g_thread_join (thread);
  close (fd);
  g_unlink (fixture->file);
  g_free (fixture->file);
  g_free (fixture);
}

static gpointer
stop_at_once (gpointer httpd)
{
  pmss_httpd_stop (httpd, 0);
  return NULL;
}

/* A request that wants to be deferred when nobody waits for such any more. */
static void
test_stop_before_defer (void)
{
  Fixture *fixture = fixture_new (&plain);
  GThread *thread;
  int fd;

  g_atomic_int_set (&fixture->hold, TRUE);
  fd = dial (fixture);
  say (fd, GET ("/defer-late", ""), -1);
  while (g_atomic_int_get (&fixture->working) == 0)
    g_thread_yield ();
  thread = g_thread_new ("stop", stop_at_once, fixture->httpd);
  /* then the stop has begun */
  while (!is_refused (fixture->port))
    g_usleep (1000);
  g_atomic_int_set (&fixture->hold, FALSE);
  g_thread_join (thread);
  g_assert_cmpint (fixture->working, ==, 2);
  g_assert_cmpint (fixture->ended, ==, 1);
  close (fd);
  g_unlink (fixture->file);
  g_free (fixture->file);
  g_free (fixture);
}

/* A user's connection is kept for longer, but has no more time for a head. */
static void
test_idle_user (void)
{
  static const PmssHttpdConfig config = {.head_timeout = 1,.idle_timeout = 3600
  };
  g_autoptr (Fixture) fixture = fixture_new (&config);
  int user = dial (fixture), stranger = dial (fixture);
  char bytes[4096];

  say (user, "GET /user HTTP/1.1\r\nHost: x\r\n\r\n", -1);
  g_assert_cmpint (recv (user, bytes, sizeof bytes, 0), >, 0);
  say (stranger, "GET /empty HTTP/1.1\r\nHost: x\r\n\r\n", -1);
  g_assert_cmpint (recv (stranger, bytes, sizeof bytes, 0), >, 0);
  /* closed after its second; by then the user's would be, too */
  g_assert_cmpint (recv (stranger, bytes, sizeof bytes, 0), ==, 0);
  close (stranger);
  stranger = dial (fixture);
  say (stranger, "GET /empty HTTP/1.1\r\nHost: x\r\n\r\n", -1);
  g_assert_cmpint (recv (stranger, bytes, sizeof bytes, 0), >, 0);
  g_assert_cmpint (recv (stranger, bytes, sizeof bytes, 0), ==, 0);
  close (stranger);

  say (user, "GET /empty HTTP/1.1\r\nHost: x\r\n\r\n", -1);
  g_assert_cmpint (recv (user, bytes, sizeof bytes, 0), >, 0);
  say (user, "GET / HTTP/1.1\r\nHost: x\r\nA: ", -1);
  trickle_until_cut (user, "x");
}

/* Who goes without a request is told nothing. */
static void
test_no_request (void)
{
  static const char *const beginnings[] = { "", "\r\n", "GET / HT" };
  static const PmssHttpdConfig config = {.head_timeout = 3600 };
  g_autoptr (Fixture) fixture = fixture_new (&config);

  for (guint i = 0; i < G_N_ELEMENTS (beginnings); i++) {
    int fd = dial (fixture);
    g_autofree char *heard = NULL;

    say (fd, beginnings[i], -1);
    shutdown (fd, SHUT_WR);
    heard = hear (fd);
    g_assert_cmpstr (heard, ==, "");
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/httpd/slow-peers", test_slow_peers);
  g_test_add_func ("/httpd/peer-gone", test_peer_gone);
  g_test_add_func ("/httpd/gone-when-idle", test_gone_when_idle);
  g_test_add_func ("/httpd/idle-user", test_idle_user);
  g_test_add_func ("/httpd/no-request", test_no_request);
  g_test_add_func ("/httpd/half-closed", test_half_closed);
  g_test_add_data_func ("/httpd/defer", &plain, test_defer);
  g_test_add_func ("/httpd/stop-deferred", test_stop_deferred);
  g_test_add_func ("/httpd/stop-before-defer", test_stop_before_defer);
  return g_test_run ();
}
