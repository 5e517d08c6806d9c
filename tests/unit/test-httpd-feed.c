/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers that go on, over a real listener and raw sockets. Pieces come from
 * this thread, which is none of the server's. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httpd/pmss-httpd.h"

#define WAIT 20                 /* seconds after which a read has failed */
#define MAX_PENDING 65536
/* feeds at once, where there are descriptors for both of their ends */
#if defined (__SANITIZE_ADDRESS__) || defined (__SANITIZE_THREAD__)
#define IDLE 500
#else
#define IDLE 5000
#endif
#define WARM 100                /* the first ones, whose memory is not counted */
#define ADDRESSES 50            /* that they come from */
#define EXPORT_PIECES 100
#define EXPORT_PIECE 10000

typedef struct
{
  PmssHttpd *httpd;
  guint16 port;
  GMutex lock;                  /* protects the rest */
  GCond changed;
  GPtrArray *feeds;             /* of PmssHttpFeed, in the order of their requests */
  guint ended;                  /* requests, */
  guint answered;               /* of them whole */
} Fixture;

/* --- the handler --- */

/* A request's own state. */
typedef struct
{
  guint piece;                  /* the next one, */
  guint end;                    /* of so many */
} Export;

static void
send_next (PmssHttpFeed * feed, gpointer user_data)
{
  Export *self = user_data;
  g_autoptr (GBytes) piece = NULL;
  guint8 *bytes;

  if (self->piece == self->end) {
    pmss_http_feed_finish (feed);
    return;
  }
  bytes = g_malloc (EXPORT_PIECE);
  memset (bytes, 'a' + self->piece % 26, EXPORT_PIECE);
  piece = g_bytes_new_take (bytes, EXPORT_PIECE);
  self->piece++;
  /* it may have gone meanwhile */
  pmss_http_feed_send (feed, piece);
}

/* Before it has started. */
static void
finish_at_once (PmssHttpFeed * feed)
{
  g_autoptr (GBytes) piece = g_bytes_new_static ("all", 3);

  g_assert_true (pmss_http_feed_send (feed, piece));
  pmss_http_feed_finish (feed);
}

static void on_complete (PmssHttpRequest * request, gpointer data);

static void
on_begin (PmssHttpRequest * request, gpointer data)
{
  if (g_str_equal (pmss_http_request_get_path (request), "/whole-early"))
    on_complete (request, data);
  else if (g_str_equal (pmss_http_request_get_method (request), "POST"))
    pmss_http_request_accept_body (request, 1000);
}

static gboolean
on_body (PmssHttpRequest * request, const void *bytes, gsize length,
    gpointer data)
{
  return TRUE;
}

static void
on_complete (PmssHttpRequest * request, gpointer data)
{
  Fixture *f = data;
  const char *path = pmss_http_request_get_path (request);
  Export *export = g_new0 (Export, 1);

  export->end = g_str_equal (path, "/export") ? EXPORT_PIECES : G_MAXUINT;
  pmss_http_request_set_data (request, export);
  pmss_http_request_add_header (request, "Cache-Control", "no-store");
  g_mutex_lock (&f->lock);
  g_ptr_array_add (f->feeds, pmss_http_request_respond_feed (request, 200,
          "text/event-stream", MAX_PENDING,
          g_str_equal (path, "/events") ? NULL : send_next, export));
  if (g_str_has_prefix (path, "/whole"))
    finish_at_once (f->feeds->pdata[f->feeds->len - 1]);
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
}

static void
on_end (PmssHttpRequest * request, gboolean answered, gpointer data)
{
  Fixture *f = data;

  g_free (pmss_http_request_get_data (request));
  g_mutex_lock (&f->lock);
  f->ended++;
  f->answered += answered;
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
}

static const PmssHttpdHandler handler = {
  on_begin, on_body, on_complete, on_end
};

static void
set_up (Fixture * f, gconstpointer data)
{
  const PmssHttpdConfig config = {.listen = "127.0.0.1:0",
    .max_connections = IDLE + 100,.min_rate = 100000,.min_rate_window = 1
  };
  g_autoptr (GError) error = NULL;

  g_mutex_init (&f->lock);
  g_cond_init (&f->changed);
  f->feeds = g_ptr_array_new_with_free_func ((GDestroyNotify)
      pmss_http_feed_unref);
  f->httpd = pmss_httpd_start (&config, &handler, f, &error);
  g_assert_no_error (error);
  f->port = pmss_httpd_get_port (f->httpd);
}

static void
tear_down (Fixture * f, gconstpointer data)
{
  if (f->httpd)
    pmss_httpd_stop (f->httpd, 5);
  g_assert_cmpuint (f->ended, ==, f->feeds->len);
  g_ptr_array_unref (f->feeds);
  g_mutex_clear (&f->lock);
  g_cond_clear (&f->changed);
}

/* --- the peer --- */

static int
dial_from (Fixture * f, const char *ours)
{
  const struct timeval timeout = { WAIT, 0 };
  struct sockaddr_in address = {.sin_family = AF_INET };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  g_assert_cmpint (inet_pton (AF_INET, ours, &address.sin_addr), ==, 1);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==,
      0);
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  address.sin_port = htons (f->port);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address),
      ==, 0);
  return fd;
}

static void
say (int fd, const char *text)
{
  g_assert_cmpint (send (fd, text, strlen (text), MSG_NOSIGNAL), ==,
      strlen (text));
}

/* Reads until @end has come, and nothing behind it. */
static char *
hear_until (int fd, const char *end)
{
  GString *heard = g_string_new (NULL);
  char bytes[65536];

  while (!g_str_has_suffix (heard->str, end)) {
    gssize got = recv (fd, bytes, sizeof bytes, 0);

    g_assert_cmpint (got, >, 0);
    g_string_append_len (heard, bytes, got);
  }
  return g_string_free (heard, FALSE);
}

/* Reads until the connection ends. */
static GString *
hear_all (int fd)
{
  GString *heard = g_string_new (NULL);
  char bytes[65536];
  gssize got;

  while ((got = recv (fd, bytes, sizeof bytes, 0)) > 0)
    g_string_append_len (heard, bytes, got);
  if (got < 0)
    g_assert_cmpint (errno, ==, ECONNRESET);
  return heard;
}

/* A new connection with a feed, whose head was read; the feed stays the
 * fixture's. */
static int
open_feed (Fixture * f, const char *ours, PmssHttpFeed ** feed)
{
  int fd = dial_from (f, ours);
  g_autofree char *head = NULL;

  say (fd, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  head = hear_until (fd, "\r\n\r\n");
  g_assert_true (g_str_has_prefix (head, "HTTP/1.1 200 OK\r\n"));
  g_assert_nonnull (strstr (head, "Transfer-Encoding: chunked\r\n"));
  g_assert_nonnull (strstr (head, "Cache-Control: no-store\r\n"));
  g_assert_null (strstr (head, "Content-Length"));
  g_mutex_lock (&f->lock);
  *feed = f->feeds->pdata[f->feeds->len - 1];
  g_mutex_unlock (&f->lock);
  return fd;
}

static gboolean
send_text (PmssHttpFeed * feed, const char *text)
{
  g_autoptr (GBytes) piece = g_bytes_new (text, strlen (text));

  return pmss_http_feed_send (feed, piece);
}

static void
wait_for_ends (Fixture * f, guint number)
{
  gint64 end = g_get_monotonic_time () + WAIT * G_TIME_SPAN_SECOND;

  g_mutex_lock (&f->lock);
  while (f->ended < number)
    g_assert_true (g_cond_wait_until (&f->changed, &f->lock, end));
  g_mutex_unlock (&f->lock);
}

/* --- tests --- */

/* Each piece goes out when it comes; the connection ends behind the last. */
static void
test_pieces (Fixture * f, gconstpointer data)
{
  PmssHttpFeed *feed;
  int fd = open_feed (f, "127.0.0.1", &feed);
  g_autofree char *first = NULL, *second = NULL, *end = NULL, *next = NULL;

  g_assert_true (send_text (feed, "data: 1\n\n"));
  first = hear_until (fd, "data: 1\n\n\r\n");
  g_assert_cmpstr (first, ==, "9\r\ndata: 1\n\n\r\n");
  g_assert_true (send_text (feed, ""));
  g_assert_true (send_text (feed, "data: 22\n\n"));
  second = hear_until (fd, "data: 22\n\n\r\n");
  g_assert_cmpstr (second, ==, "a\r\ndata: 22\n\n\r\n");
  g_assert_cmpuint (f->ended, ==, 0);
  pmss_http_feed_finish (feed);
  end = hear_until (fd, "0\r\n\r\n");
  wait_for_ends (f, 1);
  g_assert_cmpuint (f->answered, ==, 1);
  g_assert_false (send_text (feed, "late"));
  pmss_http_feed_finish (feed);

  g_assert_cmpint (recv (fd, end, 1, 0), ==, 0);
  close (fd);

  fd = dial_from (f, "127.0.0.1");
  say (fd, "HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n");
  next = hear_until (fd, "\r\n\r\n");
  g_assert_true (g_str_has_prefix (next, "HTTP/1.1 200 OK\r\n"));
  wait_for_ends (f, 2);
  g_assert_false (send_text (f->feeds->pdata[1], "to HEAD"));
  close (fd);
}

/* It has no chunks: the connection's end is that of the answer. */
static void
test_old_peer (Fixture * f, gconstpointer data)
{
  int fd = dial_from (f, "127.0.0.1");
  GString *heard;

  say (fd, "GET /export HTTP/1.0\r\nHost: x\r\n\r\n");
  heard = hear_all (fd);
  g_assert_null (strstr (heard->str, "Transfer-Encoding"));
  g_assert_cmpuint (heard->str + heard->len - strstr (heard->str, "\r\n\r\n"),
      ==, 4 + EXPORT_PIECES * EXPORT_PIECE);
  wait_for_ends (f, 1);
  g_assert_cmpuint (f->answered, ==, 1);
  g_string_free (heard, TRUE);
  close (fd);
}

/* It is asked for as the peer takes it, after a body as well. */
static void
test_export (Fixture * f, gconstpointer data)
{
  int fd = dial_from (f, "127.0.0.1");
  g_autofree char *heard = NULL;
  guint number = 0;

  say (fd, "POST /export HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  heard = hear_until (fd, "\r\n0\r\n\r\n");
  for (const char *p = heard; (p = strstr (p, "\r\n2710\r\n")) != NULL; p++)
    g_assert_cmpint (p[8], ==, 'a' + number++ % 26);
  g_assert_cmpuint (number, ==, EXPORT_PIECES);
  wait_for_ends (f, 1);
  close (fd);
}

/* It may be over before its answer has begun: with and without a body that
 * nobody wants, which may be too large to be thrown away. */
static void
test_whole (Fixture * f, gconstpointer data)
{
  static const char *const requests[] = {
    "GET /whole HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    "POST /whole-early HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    "POST /whole-early HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n",
    "POST /whole-early HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        "Expect: 100-continue\r\n\r\n",
    "POST /whole-early HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: 100000000000\r\n\r\nabc",
  };
  PmssHttpdStats stats;

  for (guint i = 0; i < 20 * G_N_ELEMENTS (requests); i++) {
    int fd = dial_from (f, "127.0.0.1");
    GString *heard;

    say (fd, requests[i % G_N_ELEMENTS (requests)]);
    if (i % G_N_ELEMENTS (requests) == 3)
      say (fd, "abc");
    heard = hear_all (fd);
    g_assert_true (g_str_has_prefix (heard->str, "HTTP/1.1 200 OK\r\n"));
    g_assert_true (g_str_has_suffix (heard->str,
            "\r\n\r\n3\r\nall\r\n0\r\n\r\n"));
    g_string_free (heard, TRUE);
    close (fd);
    wait_for_ends (f, i + 1);
  }
  g_assert_cmpuint (f->answered, ==, f->ended);
  do {
    g_usleep (1000);
    pmss_httpd_get_stats (f->httpd, &stats);
  } while (stats.connections > 0);
}

/* One that takes nothing is cut where more than its share waits. */
static void
test_slow_peer (Fixture * f, gconstpointer data)
{
  PmssHttpFeed *feed;
  int fd = open_feed (f, "127.0.0.1", &feed);
  g_autofree char *text = g_strnfill (8192, 'x');
  guint sent = 0;

  while (send_text (feed, text))
    g_assert_cmpuint (++sent, <, 10000);
  wait_for_ends (f, 1);
  g_assert_cmpuint (f->answered, ==, 0);
  close (fd);
}

/* So is one that has stopped taking while little waits: by the watchdog, as
 * others that are slow. */
static void
test_stuck_peer (Fixture * f, gconstpointer data)
{
  PmssHttpFeed *feed;
  int small = 4096, fd = dial_from (f, "127.0.0.1");
  g_autofree char *text = g_strnfill (8192, 'x');
  char byte;

  setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  say (fd, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
  g_assert_cmpint (recv (fd, &byte, 1, 0), ==, 1);
  feed = f->feeds->pdata[0];
  wait_for_ends (f, 1);
  g_assert_cmpuint (f->answered, ==, 0);
  g_assert_false (send_text (feed, text));
  close (fd);
}

/* A peer that goes is noticed, while nothing is sent as well. */
static void
test_gone (Fixture * f, gconstpointer data)
{
  const struct linger at_once = {.l_onoff = 1,.l_linger = 0 };
  PmssHttpFeed *feed;
  int fd = open_feed (f, "127.0.0.1", &feed);

  setsockopt (fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close (fd);
  wait_for_ends (f, 1);
  g_assert_cmpuint (f->answered, ==, 0);
  g_assert_false (send_text (feed, "late"));
}

static guint64
count_in_status (const char *field)
{
  g_autofree char *text = NULL;
  const char *at;

  g_assert_true (g_file_get_contents ("/proc/self/status", &text, NULL, NULL));
  at = strstr (text, field);
  g_assert_nonnull (at);
  return g_ascii_strtoull (at + strlen (field), NULL, 10);
}

static guint
count_possible (void)
{
  struct rlimit limit;

  getrlimit (RLIMIT_NOFILE, &limit);
  return MIN (IDLE, (limit.rlim_cur - 100) / 2);
}

/* Many cost memory alone; a server that stops ends them at once. */
static void
test_many (Fixture * f, gconstpointer data)
{
  guint64 threads = 0, kib = 0, per_feed;
  gint64 stopping;
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (int));
  PmssHttpFeed *feed;
  guint idle = count_possible ();

  for (guint i = 0; i < idle; i++) {
    g_autofree char *ours = g_strdup_printf ("127.0.2.%u", 1 + i % ADDRESSES);
    int fd;

    if (i == WARM) {
      threads = count_in_status ("Threads:");
      kib = count_in_status ("RssAnon:");
    }
    fd = open_feed (f, ours, &feed);
    g_array_append_val (fds, fd);
  }
  per_feed = (count_in_status ("RssAnon:") - kib) / (idle - WARM);
  g_test_message ("%u idle feeds: %" G_GUINT64_FORMAT " KiB each", idle,
      per_feed);
  /* the pool's, at most */
  g_assert_cmpuint (count_in_status ("Threads:"), <=, MAX (threads, 64 + 8));
  if (IDLE == 5000)
    g_assert_cmpuint (per_feed, <=, 32);
  for (guint i = 0; i < f->feeds->len; i++)
    g_assert_true (send_text (f->feeds->pdata[i], "data: to all\n\n"));
  for (guint i = 0; i < fds->len; i++)
    g_free (hear_until (g_array_index (fds, int, i), "to all\n\n\r\n"));

  stopping = g_get_monotonic_time ();
  pmss_httpd_stop (g_steal_pointer (&f->httpd), 3600);
  g_test_message ("ended within %.1f s",
      (g_get_monotonic_time () - stopping) / 1e6);
  g_assert_cmpuint (f->ended, ==, idle);
  g_assert_cmpuint (f->answered, ==, 0);
  for (guint i = 0; i < fds->len; i++) {
    int fd = g_array_index (fds, int, i);
    GString *rest = hear_all (fd);

    /* no mark of a whole answer */
    g_assert_cmpuint (rest->len, <=, 1);
    g_string_free (rest, TRUE);
    close (fd);
  }
  g_array_unref (fds);
}

#define ADD(name, function) \
  g_test_add ("/httpd-feed/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  struct rlimit limit;

  g_test_init (&argc, &argv, NULL);
  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  ADD ("pieces", test_pieces);
  ADD ("old-peer", test_old_peer);
  ADD ("export", test_export);
  ADD ("whole", test_whole);
  ADD ("slow-peer", test_slow_peer);
  ADD ("stuck-peer", test_stuck_peer);
  ADD ("gone", test_gone);
  ADD ("many", test_many);
  return g_test_run ();
}
