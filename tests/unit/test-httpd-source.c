/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers whose bytes come as their peer takes them, and answers that come from elsewhere, over a
 * real listener on libmicrohttpd and raw sockets. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httpd-fixture.h"

#define LENGTH 300000
#define PIECE 1000              /* that comes at a time, where bytes are late */

typedef struct
{
  Fixture fixture;              /* its listener alone */
  GThreadPool *wakers;
  GMutex lock;                  /* protects the rest */
  GCond changed;
  guint reading;                /* sources that were read at least once */
  guint ended, answered;
  guint in_vain;                /* reads of sources that never have more */
} Server;

typedef enum
{ AT_ONCE, LATE, WOKEN_EARLY, NEVER, FAILING } Kind;

/* A request's own state. */
typedef struct
{
  Server *server;
  PmssHttpRequest *request;     /* that is set aside, and nothing of it was answered */
  PmssHttpSource *source;
  Kind kind;
  guint64 at;
  gint there;                   /* atomic: bytes that have come */
  gboolean counted;
} Call;

static guint8
byte_at (guint64 at)
{
  return 'a' + at % 23;
}

static gssize
read_source (PmssHttpSource * source, void *buffer, gsize max, gpointer data)
{
  Call *call = data;
  guint64 there = g_atomic_int_get (&call->there);
  gsize length = MIN (max, there - call->at);

  if (!call->counted) {
    g_mutex_lock (&call->server->lock);
    call->counted = TRUE;
    call->server->reading++;
    g_cond_broadcast (&call->server->changed);
    g_mutex_unlock (&call->server->lock);
  }
  for (gsize i = 0; i < length; i++)
    ((guint8 *) buffer)[i] = byte_at (call->at + i);
  call->at += length;
  if (length == 0 && call->kind == NEVER) {
    g_mutex_lock (&call->server->lock);
    call->server->in_vain++;
    g_cond_broadcast (&call->server->changed);
    g_mutex_unlock (&call->server->lock);
  }
  if (length > 0 || call->kind == NEVER)
    return length;
  if (call->kind == FAILING)
    return -1;
  if (call->kind == WOKEN_EARLY) {
    g_atomic_int_add (&call->there, PIECE);
    pmss_http_source_wake (source);
  } else {
    g_thread_pool_push (call->server->wakers, call, NULL);
  }
  return 0;
}

static void
answer (Call * call, PmssHttpRequest * request)
{
  pmss_http_request_add_header (request, "ETag", "\"x\"");
  call->source = pmss_http_request_respond_source (request, 200, "video/webm",
      LENGTH, read_source, call);
}

/* On a thread that is none of the listener's. */
static void
bring (gpointer item, gpointer data)
{
  Call *call = item;
  PmssHttpRequest *request = g_steal_pointer (&call->request);

  if (request != NULL) {
    answer (call, request);
    pmss_http_request_go_on (request);
  } else {
    g_atomic_int_add (&call->there, PIECE);
    pmss_http_source_wake (call->source);
  }
}

static void
start_elsewhere (PmssHttpRequest * request, gpointer data)
{
  Call *call = pmss_http_request_get_data (request);

  call->request = request;
  g_thread_pool_push (call->server->wakers, call, NULL);
}

static void
on_begin (PmssHttpRequest * request, gpointer data)
{
  const char *path = pmss_http_request_get_path (request);
  Call *call = g_new0 (Call, 1);

  call->server = data;
  call->there = g_str_equal (path, "/bytes") ? LENGTH : PIECE;
  call->kind = g_str_equal (path, "/never") ? NEVER
      : g_str_equal (path, "/fails") ? FAILING
      : g_str_equal (path, "/early") ? WOKEN_EARLY : LATE;
  pmss_http_request_set_data (request, call);
  if (g_str_equal (path, "/aside"))
    pmss_http_request_set_aside (request, start_elsewhere);
  else
    answer (call, request);
}

static void
on_end (PmssHttpRequest * request, gboolean answered, gpointer data)
{
  Server *server = data;
  Call *call = pmss_http_request_get_data (request);

  g_mutex_lock (&server->lock);
  server->ended++;
  server->answered += answered;
  g_cond_broadcast (&server->changed);
  g_mutex_unlock (&server->lock);
  g_clear_pointer (&call->source, pmss_http_source_unref);
  g_free (call);
}

static const PmssHttpdHandler handler = {.begin = on_begin,.end = on_end };

static void
set_up (Server * server, gconstpointer data)
{
  const PmssHttpdConfig config = {.listen = "127.0.0.1:0",.min_rate = 100000,
    .min_rate_window = 1
  };
  g_autoptr (GError) error = NULL;

  g_mutex_init (&server->lock);
  g_cond_init (&server->changed);
  server->wakers = g_thread_pool_new (bring, NULL, 2, FALSE, NULL);
  server->fixture.httpd = pmss_httpd_start (&config, &handler, server, &error);
  g_assert_no_error (error);
  server->fixture.port = pmss_httpd_get_port (server->fixture.httpd);
}

static void
tear_down (Server * server, gconstpointer data)
{
  if (server->fixture.httpd != NULL)
    pmss_httpd_stop (server->fixture.httpd, 5);
  g_thread_pool_free (server->wakers, FALSE, TRUE);
  g_mutex_clear (&server->lock);
  g_cond_clear (&server->changed);
}

static void
wait_until (Server * server, const guint * number, guint wanted)
{
  gint64 end = g_get_monotonic_time () + WAIT * G_TIME_SPAN_SECOND;

  g_mutex_lock (&server->lock);
  while (*number < wanted)
    g_assert_true (g_cond_wait_until (&server->changed, &server->lock, end));
  g_mutex_unlock (&server->lock);
}

static void
assert_bytes (const char *heard, guint64 length)
{
  const char *body = strstr (heard, "\r\n\r\n");

  g_assert_nonnull (body);
  body += 4;
  g_assert_cmpuint (strlen (body), ==, length);
  for (guint64 i = 0; i < length; i++)
    g_assert_cmpint (body[i], ==, byte_at (i));
}

static void
test_whole (Server * server, gconstpointer data)
{
  static const char *const requests[] = {
    GET ("/bytes", ""), GET ("/late", ""), GET ("/early", ""),
    GET ("/aside", "")
  };

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++) {
    g_autofree char *heard = exchange (&server->fixture, requests[i], -1);

    g_assert_true (g_str_has_prefix (heard, "HTTP/1.1 200 "));
    g_assert_nonnull (strstr (heard, "Content-Length: 300000\r\n"));
    g_assert_nonnull (strstr (heard, "Content-Type: video/webm\r\n"));
    g_assert_nonnull (strstr (heard, "ETag: \"x\"\r\n"));
    assert_bytes (heard, LENGTH);
  }
  wait_until (server, &server->ended, G_N_ELEMENTS (requests));
  g_assert_cmpuint (server->answered, ==, G_N_ELEMENTS (requests));
}

/* A connection goes on behind such an answer, and behind one of which nothing is read. */
static void
test_keep_alive (Server * server, gconstpointer data)
{
  g_autofree char *heard = exchange (&server->fixture,
      "HEAD /late HTTP/1.1\r\nHost: x\r\n\r\n"
      "HEAD /aside HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /late HTTP/1.1\r\nHost: x\r\n\r\n" GET ("/aside", ""), -1);
  g_autofree char *got = statuses (heard);

  g_assert_cmpstr (got, ==, "200 200 200 200");
  g_assert_cmpuint (strlen (heard), >, 2 * LENGTH);
  g_assert_cmpuint (strlen (heard), <, 2 * LENGTH + 2000);
  g_assert_cmpuint (server->reading, ==, 2);
}

/* An answer that cannot go on ends short, with its connection. */
static void
test_fails (Server * server, gconstpointer data)
{
  g_autofree char *heard = exchange (&server->fixture,
      "GET /fails HTTP/1.1\r\nHost: x\r\n\r\n", -1);

  assert_bytes (heard, PIECE);
  wait_until (server, &server->ended, 1);
  g_assert_cmpuint (server->answered, ==, 0);
}

/* Many wait without a thread; a peer that waits for bytes is not slow; a server that stops cuts
 * them all. */
static void
test_stop (Server * server, gconstpointer data)
{
  int fds[100];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    fds[i] = dial (&server->fixture);
    say (fds[i], "GET /never HTTP/1.1\r\nHost: x\r\n\r\n", -1);
  }
  wait_until (server, &server->in_vain, G_N_ELEMENTS (fds));
  /* longer than the watchdog looks at */
  g_usleep (2500 * 1000);
  g_assert_cmpuint (server->ended, ==, 0);
  pmss_httpd_stop (g_steal_pointer (&server->fixture.httpd), 0);
  g_assert_cmpuint (server->ended, ==, G_N_ELEMENTS (fds));
  g_assert_cmpuint (server->answered, ==, 0);
  /* what each waits for was asked for once */
  g_assert_cmpuint (server->in_vain, ==, G_N_ELEMENTS (fds));
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    g_autofree char *heard = hear (fds[i]);

    assert_bytes (heard, PIECE);
  }
}

/* Peers that go while their bytes are late. */
static void
test_gone (Server * server, gconstpointer data)
{
  for (guint i = 0; i < 50; i++) {
    int fd = dial (&server->fixture);

    say (fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n", -1);
    if (i % 2)
      wait_until (server, &server->reading, i + 1);
    close (fd);
    wait_until (server, &server->reading, i + 1);
  }
  wait_until (server, &server->ended, 50);
}

#define ADD(name, function) \
  g_test_add ("/httpd-source/" name, Server, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("whole", test_whole);
  ADD ("keep-alive", test_keep_alive);
  ADD ("fails", test_fails);
  ADD ("stop", test_stop);
  ADD ("gone", test_gone);
  return g_test_run ();
}
