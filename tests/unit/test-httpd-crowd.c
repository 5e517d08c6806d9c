/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* More connections than there are places, over real sockets. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httpd-fixture.h"

#define PLACES 16
#define ASK(target) "GET " target " HTTP/1.1\r\nHost: x\r\n\r\n"

static PmssHttpdStats
get_stats (Fixture * fixture)
{
  PmssHttpdStats stats;

  pmss_httpd_get_stats (fixture->httpd, &stats);
  return stats;
}

/* A connection from @address that says nothing. */
static int
dial_from (Fixture * fixture, const char *address)
{
  struct sockaddr_in ours = {.sin_family = AF_INET };
  struct sockaddr_in theirs = {.sin_family = AF_INET,
    .sin_port = htons (fixture->port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK)
  };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (inet_pton (AF_INET, address, &ours.sin_addr), ==, 1);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &ours, sizeof ours), ==, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &theirs, sizeof theirs),
      ==, 0);
  return fd;
}

/* One answer, on a connection that goes on. */
static void
ask (int fd, const char *request)
{
  const struct timeval timeout = { WAIT, 0 };
  char heard[4096] = "";
  gsize length = 0;

  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  say (fd, request, -1);
  while (!strstr (heard, "}")) {
    gssize got = recv (fd, heard + length, sizeof heard - 1 - length, 0);

    g_assert_cmpint (got, >, 0);
    length += got;
  }
  g_assert_true (g_str_has_prefix (heard, "HTTP/1.1 200 "));
}

static gboolean
is_closed (int fd)
{
  char byte;

  return recv (fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void
crowd_in (Fixture * fixture, int *fds, guint n)
{
  for (guint i = 0; i < n; i++)
    fds[i] = dial_from (fixture, i % 2 ? "127.0.0.2" : "127.0.0.3");
}

/* Two addresses want all places. Who is logged in keeps one, a node does, and
 * whoever comes gets one. */
static void
test_room_is_kept (void)
{
  const PmssHttpdConfig config = {.max_connections = PLACES,.nodes = TRUE,
    .threads = 3,
    .head_timeout = 3600
  };
  g_autoptr (Fixture) fixture = fixture_new (&config);
  int crowd[4 * PLACES], user = dial (fixture), node = dial (fixture), fd;
  PmssHttpdStats stats;
  guint closed = 0;

  ask (user, ASK ("/user"));
  ask (node, ASK ("/node"));
  crowd_in (fixture, crowd, G_N_ELEMENTS (crowd));
  /* behind all of them in the queue, and still served */
  fd = dial (fixture);
  ask (fd, ASK ("/x"));
  ask (user, ASK ("/x"));
  ask (node, ASK ("/x"));
  close (fd);

  for (guint i = 0; i < G_N_ELEMENTS (crowd); i++) {
    closed += is_closed (crowd[i]);
    /* the longest idle first, as exactly as several threads begin with them */
    if (i < G_N_ELEMENTS (crowd) - 2 * PLACES)
      g_assert_true (is_closed (crowd[i]));
  }
  g_assert_cmpuint (closed, >=, G_N_ELEMENTS (crowd) - PLACES + 2);
  stats = get_stats (fixture);
  g_assert_cmpuint (stats.users, ==, 1);
  g_assert_cmpuint (stats.nodes, ==, 1);
  g_assert_cmpuint (stats.strangers, <=, PLACES - 2);
  g_assert_cmpuint (stats.displaced, ==, closed);
  for (guint i = 0; i < G_N_ELEMENTS (crowd); i++)
    close (crowd[i]);
  close (user);
  close (node);
}

/* A crowd from one address displaces itself alone. */
static void
test_one_address (void)
{
  const PmssHttpdConfig config = {.max_connections = PLACES,
    .max_connections_per_address = 4,.head_timeout = 3600,.threads = 1
  };
  g_autoptr (Fixture) fixture = fixture_new (&config);
  int other = dial_from (fixture, "127.0.0.3"), crowd[PLACES];

  for (guint i = 0; i < PLACES; i++)
    crowd[i] = dial_from (fixture, "127.0.0.2");
  ask (crowd[PLACES - 1], ASK ("/x"));
  for (guint i = 0; i < PLACES; i++)
    g_assert_cmpint (is_closed (crowd[i]), ==, i < PLACES - 4);
  g_assert_false (is_closed (other));
  ask (other, ASK ("/x"));
  close (other);
  for (guint i = 0; i < PLACES; i++)
    close (crowd[i]);
}

#define HALF(target) "PUT " target " HTTP/1.1\r\nHost: x\r\n" \
    "Content-Length: 10\r\n\r\nabcde"

/* Waits until @n requests have begun: their heads were read. */
static void
wait_begun (Fixture * fixture, guint n)
{
  gint64 end = g_get_monotonic_time () + WAIT * G_USEC_PER_SEC;

  while ((guint) g_atomic_int_get (&fixture->begun) < n) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
  }
}

/* A user's connection for which the user's places do not suffice is a
 * stranger's still; strangers that send bodies, too, go before it. */
static void
test_authenticated_stays (void)
{
  const PmssHttpdConfig config = {.max_connections = PLACES,.nodes = TRUE,
    .threads = 1,
    .head_timeout = 3600
  };
  g_autoptr (Fixture) fixture = fixture_new (&config);
  int users[PLACES / 4 + 1], crowd[PLACES - G_N_ELEMENTS (users)], fd;

  for (guint i = 0; i < G_N_ELEMENTS (users); i++) {
    users[i] = dial (fixture);
    /* once this is answered it is a user's, or marked */
    ask (users[i], ASK ("/user"));
    say (users[i], HALF ("/user"), -1);
    wait_begun (fixture, 2 * (i + 1));
  }
  for (guint i = 0; i < G_N_ELEMENTS (crowd); i++) {
    crowd[i] = dial_from (fixture, i % 2 ? "127.0.0.2" : "127.0.0.3");
    say (crowd[i], HALF ("/x"), -1);
    wait_begun (fixture, 2 * G_N_ELEMENTS (users) + i + 1);
  }
  g_assert_cmpuint (get_stats (fixture).users, ==, PLACES / 4);
  fd = dial (fixture);
  ask (fd, ASK ("/x"));
  g_assert_cmpuint (get_stats (fixture).displaced, ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (users); i++) {
    ask (users[i], "fghij");
    close (users[i]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (crowd); i++)
    close (crowd[i]);
  close (fd);
}

/* What waits for us is not cut for a newcomer, who is turned away. */
static void
test_all_wait_for_us (void)
{
  const PmssHttpdConfig config = {.max_connections = 3,
    .max_connections_per_address = 3
  };
  g_autoptr (Fixture) fixture = fixture_new (&config);
  g_autofree char *heard = NULL;
  int fds[3];

  g_atomic_int_set (&fixture->hold, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    fds[i] = dial (fixture);
    say (fds[i], GET ("/defer", ""), -1);
  }
  while (g_atomic_int_get (&fixture->working) < (gint) G_N_ELEMENTS (fds))
    g_thread_yield ();
  heard = exchange (fixture, GET ("/x", ""), -1);
  g_assert_cmpstr (heard, ==, "");
  g_assert_cmpuint (get_stats (fixture).turned_away, ==, 1);
  g_atomic_int_set (&fixture->hold, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    g_autofree char *answer = hear (fds[i]);

    g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 200 "));
  }
}

/* Takes every number below the highest that is open. Returns the limit with
 * which one more can be had. */
static rlim_t
fill_gaps (GArray * gaps)
{
  int top = 0, fd;

  for (int i = 0; i < 1000; i++) {
    if (fcntl (i, F_GETFD) >= 0)
      top = i;
  }
  while ((fd = dup (0)) < top)
    g_array_append_val (gaps, fd);
  close (fd);
  return fd + 1;
}

/* No descriptor is left: newcomers get those of the longest idle. */
static void
test_descriptors (void)
{
  const PmssHttpdConfig config = {.head_timeout = 3600,.threads = 1
  };
  g_autoptr (Fixture) fixture = fixture_new (&config);
  int crowd[20], fd = dial (fixture);
  g_autoptr (GArray) gaps = g_array_new (FALSE, FALSE, sizeof (int));
  struct rlimit before, few;

  for (guint i = 0; i < G_N_ELEMENTS (crowd); i++)
    crowd[i] = dial_from (fixture, "127.0.0.2");
  ask (crowd[G_N_ELEMENTS (crowd) - 1], ASK ("/x"));
  close (fd);
  while (get_stats (fixture).connections > G_N_ELEMENTS (crowd))
    g_usleep (1000);

  /* one for the client's end, none for the server's */
  getrlimit (RLIMIT_NOFILE, &before);
  few = before;
  few.rlim_cur = fill_gaps (gaps);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &few), ==, 0);
  fd = dial (fixture);
  ask (fd, ASK ("/x"));
  setrlimit (RLIMIT_NOFILE, &before);
  g_assert_true (is_closed (crowd[0]));
  g_assert_false (is_closed (crowd[G_N_ELEMENTS (crowd) - 1]));
  close (fd);
  for (guint i = 0; i < gaps->len; i++)
    close (g_array_index (gaps, int, i));
  for (guint i = 0; i < G_N_ELEMENTS (crowd); i++)
    close (crowd[i]);
}

#define AT_ONCE 128             /* events that libmicrohttpd asks the kernel for */

/* So many connections as the engine looks at in one go are ready in one moment, and no other one
 * after them: all are answered. */
static void
test_all_at_once (void)
{
  const PmssHttpdConfig config = {.max_connections = 2 * AT_ONCE,
    .max_connections_per_address = 2 * AT_ONCE,.threads = 1,
    .head_timeout = 3600
  };
  g_autoptr (Fixture) fixture = fixture_new (&config);
  int crowd[AT_ONCE], holder = dial (fixture);

  for (guint i = 0; i < AT_ONCE; i++) {
    crowd[i] = dial (fixture);
    ask (crowd[i], ASK ("/x"));
  }
  /* what they say now is there before the server looks */
  g_atomic_int_set (&fixture->hold, TRUE);
  say (holder, ASK ("/hold"), -1);
  while (g_atomic_int_get (&fixture->working) < 1)
    g_thread_yield ();
  for (guint i = 0; i < AT_ONCE; i++)
    say (crowd[i], ASK ("/x"), -1);
  g_atomic_int_set (&fixture->hold, FALSE);
  for (guint i = 0; i < AT_ONCE; i++) {
    ask (crowd[i], "");
    close (crowd[i]);
  }
  ask (holder, "");
  close (holder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* that descriptors run out is worth a warning */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_test_add_func ("/httpd-crowd/room-is-kept", test_room_is_kept);
  g_test_add_func ("/httpd-crowd/one-address", test_one_address);
  g_test_add_func ("/httpd-crowd/authenticated", test_authenticated_stays);
  g_test_add_func ("/httpd-crowd/descriptors", test_descriptors);
  g_test_add_func ("/httpd-crowd/all-at-once", test_all_at_once);
  g_test_add_func ("/httpd-crowd/all-wait-for-us", test_all_wait_for_us);
  return g_test_run ();
}
