/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Knows what is in some bytes, and looks whether the engine says the same. */
#include "pmss-http-self-test.h"

#include <glib-unix.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "pmss-httpd-private.h"

#define MAX_BODY 1000
#define DEADLINE_MS 5000        /* for the end of one connection */

/* --- what the engine says --- */

/* The requests so far. Each connection is the only one. */
typedef struct
{
  GMutex lock;
  GString *seen;
} Log;

static void
on_begin (PmssHttpRequest * request, gpointer data)
{
  Log *log = data;

  g_mutex_lock (&log->lock);
  g_string_append_printf (log->seen, "%s %s",
      pmss_http_request_get_method (request),
      pmss_http_request_get_target (request));
  g_mutex_unlock (&log->lock);
  if (g_str_equal (pmss_http_request_get_method (request), "PUT"))
    pmss_http_request_accept_body (request, MAX_BODY);
}

static gboolean
on_body (PmssHttpRequest * request, const void *bytes, gsize length,
    gpointer data)
{
  gsize total = GPOINTER_TO_SIZE (pmss_http_request_get_data (request));

  pmss_http_request_set_data (request, GSIZE_TO_POINTER (total + length));
  return TRUE;
}

static void
on_complete (PmssHttpRequest * request, gpointer data)
{
  gsize total = GPOINTER_TO_SIZE (pmss_http_request_get_data (request));
  Log *log = data;

  g_mutex_lock (&log->lock);
  if (total > 0)
    g_string_append_printf (log->seen, " %" G_GSIZE_FORMAT, total);
  g_string_append_c (log->seen, ';');
  g_mutex_unlock (&log->lock);
  pmss_http_request_respond_empty (request, 204);
}

static void
on_end (PmssHttpRequest * request, gboolean answered, gpointer data)
{
}

static const PmssHttpdHandler handler = {
  on_begin, on_body, on_complete, on_end
};

/* --- the peer --- */

/* Until the engine closes. FALSE: it does not. */
static gboolean
hear_out (int fd)
{
  struct pollfd ready = { fd, POLLIN, 0 };
  char bytes[4096];

  while (poll (&ready, 1, DEADLINE_MS) > 0) {
    if (recv (fd, bytes, sizeof bytes, 0) <= 0)
      return TRUE;
  }
  return FALSE;
}

/* FALSE: it came to no end. */
static gboolean
exchange (PmssHttpd * httpd, const PmssHttpTestCase * test)
{
  const struct sockaddr_in nowhere = {.sin_family = AF_INET,
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK)
  };
  struct pollfd ready;
  int fds[2];
  gboolean over;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return FALSE;
  g_unix_set_fd_nonblocking (fds[1], TRUE, NULL);
  pmss_httpd_take (httpd, fds[1], (const struct sockaddr *) &nowhere,
      sizeof nowhere);
  over = send (fds[0], test->bytes, test->size, MSG_NOSIGNAL)
      == (gssize) test->size;
  /* with epoll libmicrohttpd sees an end by itself where it comes alone */
  ready = (struct pollfd) { fds[0], POLLIN, 0 };
  poll (&ready, 1, 1);
  shutdown (fds[0], SHUT_WR);
  over = hear_out (fds[0]) && over;
  close (fds[0]);
  return over;
}

static gboolean
try_case (PmssHttpd * httpd, Log * log, const PmssHttpTestCase * test,
    GError ** error)
{
  gboolean over, same;

  g_string_truncate (log->seen, 0);
  over = exchange (httpd, test);
  g_mutex_lock (&log->lock);
  same = g_str_equal (log->seen->str, test->requests);
  g_mutex_unlock (&log->lock);
  if (over && same)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "this machine's HTTP library reads a request otherwise than PMSS knows it"
      " to (%s: %s), so that another one could be hidden in it: install the"
      " library of a Debian release that PMSS supports", test->what,
      over ? log->seen->len > 0 ? log->seen->str : "none" : "no end");
  return FALSE;
}

gboolean
pmss_http_self_test_run (const PmssHttpTestCase * cases, guint n,
    GError ** error)
{
  const PmssHttpdConfig config = {.threads = 1 };
  Log log = { 0 };
  PmssHttpd *httpd = pmss_httpd_new (&config, &handler, &log, error);
  gboolean ok = httpd != NULL;

  if (!ok)
    return FALSE;
  g_mutex_init (&log.lock);
  log.seen = g_string_new (NULL);
  for (guint i = 0; ok && i < n; i++)
    ok = try_case (httpd, &log, &cases[i], error);
  pmss_httpd_stop (httpd, 1);
  g_string_free (log.seen, TRUE);
  g_mutex_clear (&log.lock);
  return ok;
}

/* --- the cases --- */

#define LAST "Host: x\r\nConnection: close\r\n\r\n"
#define HIDDEN "GET /hidden HTTP/1.1\r\n" LAST
#define CASE(what, bytes, requests) { what, bytes, sizeof bytes - 1, requests }

gboolean
pmss_httpd_self_test (GError ** error)
{
  static const PmssHttpTestCase cases[] = {
    CASE ("one behind the other", "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /b HTTP/1.1\r\n" LAST, "GET /a?b=c;GET /b;"),
    CASE ("a body", "PUT /a HTTP/1.1\r\nContent-Length: 6\r\n" LAST
        "GET /x" HIDDEN, "PUT /a 6;"),
    CASE ("two lengths", "PUT /a HTTP/1.1\r\nContent-Length: 1\r\n"
        "Content-Length: 60\r\n" LAST "x" HIDDEN, ""),
    CASE ("length and chunks", "PUT /a HTTP/1.1\r\nContent-Length: 5\r\n"
        "Transfer-Encoding: chunked\r\n" LAST "0\r\n\r\n" HIDDEN, ""),
    CASE ("chunks", "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" LAST
        "0\r\n\r\n" HIDDEN, ""),
    CASE ("a length with a sign", "PUT /a HTTP/1.1\r\nContent-Length: +6\r\n"
        LAST "GET /x" HIDDEN, ""),
    CASE ("a space before the colon", "PUT /a HTTP/1.1\r\nContent-Length : 6"
        "\r\n" LAST "GET /x" HIDDEN, ""),
    CASE ("a folded line", "GET /a HTTP/1.1\r\nA: b\r\n Content-Length: 60\r\n"
        LAST HIDDEN, ""),
    CASE ("a NUL", "GET /a HTTP/1.1\r\nA: b\0\r\nContent-Length: 60\r\n" LAST
        HIDDEN, ""),
    CASE ("a body with GET", "GET /a HTTP/1.1\r\nContent-Length: 60\r\n" LAST
        HIDDEN, ""),
    CASE ("no Host", "GET /a HTTP/1.1\r\n\r\n" HIDDEN, ""),
    CASE ("a space in the target", "GET /a b HTTP/1.1\r\n" LAST, ""),
  };

  return pmss_http_self_test_run (cases, G_N_ELEMENTS (cases), error);
}
