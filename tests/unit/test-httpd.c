/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a handler can ask of a request, and answer. */
#include <string.h>
#include <sys/socket.h>

#include "httpd-fixture.h"
#include "libpmss/pmss-error.h"

static const PmssHttpdConfig plain = { 0 };
static const PmssHttpdConfig quick = {.min_rate_window = 1 };

static void
test_simple (gconstpointer config)
{
  g_autoptr (Fixture) fixture = fixture_new (config);
  g_autofree char *heard = NULL;

  heard = exchange (fixture, GET ("/x?q=a%20b+c%C3%A4",
          "Authorization: Bearer v4.public.abc_-\r\n"), -1);
  g_assert_nonnull (strstr (heard, "X-One: 1\r\n"));
  g_assert_nonnull (strstr (heard, "\"q\":\"a b+cä\""));
  g_assert_nonnull (strstr (heard, "\"bearer\":\"v4.public.abc_-\""));
  g_assert_nonnull (strstr (heard, "\"address\":\"127.0.0.1\""));
  assert_answer (fixture, GET ("/empty", ""), -1, "204");
  assert_answer (fixture, GET ("/error", ""), -1, "401");
  /* what an error quotes of the request turns nothing around */
  g_clear_pointer (&heard, g_free);
  heard = exchange (fixture, GET ("/refuse?q=a%E2%80%AEb%E2%80%8B", ""), -1);
  g_assert_nonnull (strstr (heard, "not “here”ab\""));
  assert_answer (fixture, GET ("/refuse", ""), -1, "403");
}

static GMutex lock;             /* protects `warned` */
static GString *warned;

/* The server's threads warn. */
static GLogWriterOutput
keep_warnings (GLogLevelFlags level, const GLogField * fields, gsize n,
    gpointer data)
{
  g_autofree char *text = NULL;

  if (!(level & G_LOG_LEVEL_WARNING))
    return g_log_writer_default (level, fields, n, data);
  text = g_log_writer_format_fields (level, fields, n, FALSE);
  g_mutex_lock (&lock);
  g_string_append (warned, text);
  g_mutex_unlock (&lock);
  return G_LOG_WRITER_HANDLED;
}

/* What failed inside is told to the log, and its number to both. */
static void
assert_internal (const char *bytes, const char *secret)
{
  g_autoptr (Fixture) fixture = fixture_new (&plain);
  g_autofree char *heard = NULL, *id = NULL;
  g_autoptr (GMatchInfo) match = NULL;
  g_autoptr (GRegex) regex = NULL;

  g_string_truncate (warned, 0);
  heard = exchange (fixture, bytes, -1);
  g_assert_true (g_str_has_prefix (heard, "HTTP/1.1 500 "));
  g_assert_null (strstr (heard, "SELECT"));
  g_assert_null (strstr (heard, "/var"));
  regex = g_regex_new ("under ([0-9a-f-]{36})\",\"instance\":"
      "\"urn:uuid:\\1\"", 0, 0, NULL);
  g_assert_true (g_regex_match (regex, heard, 0, &match));
  id = g_match_info_fetch (match, 1);
  g_mutex_lock (&lock);
  g_assert_nonnull (strstr (warned->str, id));
  g_assert_nonnull (strstr (warned->str, secret));
  g_mutex_unlock (&lock);
}

static void
test_internal (void)
{
  assert_internal (GET ("/internal", ""),
      "SELECT secret FROM nowhere: /var/lib");
  assert_internal (GET ("/foreign", ""), "keys: Input/output error");
}

static void
test_keep_alive (gconstpointer config)
{
  g_autoptr (Fixture) fixture = fixture_new (config);

  /* Pipelined, answered in begin and in complete: all on one connection. */
  assert_answer (fixture,
      "GET /x HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /refuse HTTP/1.1\r\nHost: x\r\n\r\n"
      "PUT /put HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
      "PUT /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
      "PUT /put HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
      GET ("/empty", ""), -1, "200 403 200 403 200 204");
}

static void
test_ranges (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&plain);
  g_autofree char *heard = NULL;
  g_autofree char *head = NULL;

  heard = exchange (fixture, GET ("/file", "Range: bytes=26-30\r\n"), -1);
  g_assert_true (g_str_has_suffix (heard, "\r\n\r\nabcde"));
  g_clear_pointer (&heard, g_free);
  heard = exchange (fixture, GET ("/file", "Range: bytes=-2 \r\n"), -1);
  g_assert_true (g_str_has_suffix (heard, "\r\n\r\nmn"));
  g_clear_pointer (&heard, g_free);
  heard = exchange (fixture, GET ("/file", "Range: bytes=999998-\r\n"), -1);
  g_assert_true (g_str_has_suffix (heard, "\r\n\r\nmn"));
  g_clear_pointer (&heard, g_free);
  heard = exchange (fixture, GET ("/file", ""), -1);
  g_assert_cmpuint (strlen (strstr (heard, "\r\n\r\n")), ==, 1000004);
  head = exchange (fixture,
      "HEAD /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", -1);
  g_assert_nonnull (strstr (head, "Content-Length: 1000000\r\n"));
  g_assert_true (g_str_has_suffix (head, "\r\n\r\n"));

  assert_answer (fixture, GET ("/file", "Range: bytes=0-99999999\r\n"), -1,
      "206");
  assert_answer (fixture, GET ("/file", "Range: bytes=1000000-\r\n"), -1,
      "416");
  assert_answer (fixture, GET ("/file", "Range: bytes=-0\r\n"), -1, "416");
  assert_answer (fixture, GET ("/file", "Range: bytes=2-1\r\n"), -1, "400");
  assert_answer (fixture, GET ("/file", "Range: bytes=a-\r\n"), -1, "400");
  assert_answer (fixture, GET ("/file", "Range: bytes=-\r\n"), -1, "400");
  assert_answer (fixture, GET ("/file", "Range: bytes=+1-2\r\n"), -1, "400");
  assert_answer (fixture, GET ("/file", "Range: lines=1-2\r\n"), -1, "200");
  assert_answer (fixture, GET ("/file",
          "Range: bytes=18446744073709551616-\r\n"), -1, "400");
  assert_answer (fixture, GET ("/file", "Range: bytes=0-1,3-4\r\n"), -1, "416");
}

static void
put_json (Fixture * fixture, const char *type, const char *body,
    const char *status)
{
  g_autofree char *text = g_strdup_printf ("POST /json HTTP/1.1\r\nHost: x\r\n"
      "Content-Type: %s\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n"
      "Connection: close\r\n\r\n%s", type, strlen (body), body);

  assert_answer (fixture, text, -1, status);
}

static void
test_json (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&plain);
  g_autoptr (GString) deep = g_string_new ("{\"a\":");

  put_json (fixture, "application/json", "{\"a\":\"b\"}", "200");
  put_json (fixture, "application/json; charset=utf-8", "{\"[\":\"\\\"[\"}",
      "200");
  put_json (fixture, "application/jsonx", "{}", "415");
  put_json (fixture, "text/plain", "{}", "415");
  put_json (fixture, "application/json", "", "400");
  put_json (fixture, "application/json", "[]", "400");
  put_json (fixture, "application/json", "null", "400");
  put_json (fixture, "application/json", "{\"a\":}", "400");
  put_json (fixture, "application/json", "{\"a\":\"\xff\"}", "400");
  put_json (fixture, "application/json", "{} // \"\n[[[", "400");
  put_json (fixture, "application/json", "{\"a\":\"b\"", "400");
  for (guint i = 0; i < 31; i++)
    g_string_append_c (deep, '[');
  for (guint i = 0; i < 31; i++)
    g_string_append_c (deep, ']');
  g_string_append_c (deep, '}');
  put_json (fixture, "application/json", deep->str, "200");
  g_string_insert_c (deep, 5, '[');
  g_string_insert_c (deep, deep->len - 1, ']');
  put_json (fixture, "application/json", deep->str, "400");
  g_string_set_size (deep, 0);
  for (guint i = 0; i < 1001; i++)
    g_string_append_c (deep, '[');
  put_json (fixture, "application/json", deep->str, "413");
}

/* A refused body: with Expect the refusal comes instead of the 100; without
 * it the peer gets the answer though it has sent all of the body first. */
static void
test_refused_bodies (gconstpointer config)
{
  g_autoptr (Fixture) fixture = fixture_new (config);
  g_autofree char *megabytes = g_malloc0 (8 << 20);
  g_autofree char *heard = NULL;
  int fd;

  assert_answer (fixture, "PUT /refuse HTTP/1.1\r\nHost: x\r\n"
      "Expect: 100-continue\r\nContent-Length: 9999999999\r\n\r\n", -1, "403");

  fd = dial (fixture);
  say (fd, "PUT /refuse HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      "Content-Length: 8388608\r\n\r\n", -1);
  say (fd, megabytes, 8 << 20);
  heard = hear (fd);
  g_assert_true (g_str_has_prefix (heard, "HTTP/1.1 403 "));
  g_clear_pointer (&heard, g_free);

  fd = dial (fixture);
  say (fd, "PUT /half HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      "Content-Length: 8388608\r\n\r\n", -1);
  say (fd, megabytes, 8 << 20);
  heard = hear (fd);
  g_assert_true (g_str_has_prefix (heard, "HTTP/1.1 507 "));
  g_clear_pointer (&heard, g_free);

  /* Too large to be thrown away: the answer comes at once. */
  fd = dial (fixture);
  say (fd, "PUT /half HTTP/1.1\r\nHost: x\r\n"
      "Content-Length: 999999999999\r\n\r\n", -1);
  say (fd, megabytes, 8 << 20);
  shutdown (fd, SHUT_WR);
  heard = hear (fd);
  g_assert_true (g_str_has_prefix (heard, "HTTP/1.1 507 "));
  g_assert_nonnull (strstr (heard, "\"detail\":\"full\""));
}

static void
test_continue (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&plain);
  g_autofree char *heard = NULL;
  char go[64] = "";
  int fd = dial (fixture);

  say (fd, "PUT /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
      "Content-Length: 3\r\nConnection: close\r\n\r\n", -1);
  g_assert_cmpint (recv (fd, go, sizeof go - 1, 0), >, 0);
  g_assert_true (g_str_has_prefix (go, "HTTP/1.1 100 "));
  say (fd, "abc", 3);
  heard = hear (fd);
  g_assert_nonnull (strstr (heard, "\"body\":3"));
}

static void
test_stats (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&plain);
  PmssHttpdStats stats;

  assert_answer (fixture, GET ("/file", ""), -1, "200");
  assert_answer (fixture, GET ("/%00", ""), -1, "400");
  /* The connection's end is counted a moment after the peer saw it. */
  do
    pmss_httpd_get_stats (fixture->httpd, &stats);
  while (stats.connections > 0);
  g_assert_cmpuint (stats.accepted, ==, 2);
  g_assert_cmpuint (stats.requests, ==, 2);
  g_assert_cmpuint (stats.refused, ==, 1);
  g_assert_cmpuint (stats.bytes_out, >, 1000000);
  g_assert_cmpuint (stats.bytes_in, >, 50);
  g_assert_cmpuint (pmss_httpd_get_answers (fixture->httpd, 200), ==, 1);
  g_assert_cmpuint (pmss_httpd_get_answers (fixture->httpd, 400), ==, 1);
}

static void
test_listen_errors (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&plain);
  g_autofree char *taken =
      g_strdup_printf ("127.0.0.1:%u", pmss_httpd_get_port (fixture->httpd));
  const char *bad[] = { "", "8470", ":8470", "127.0.0.1", "127.0.0.1:x",
    "127.0.0.1:65536", "::1:80", "[::1:80", "[]:80", "256.1.1.1:80"
  };
  static const PmssHttpdHandler handler = { 0 };
  PmssHttpdConfig config = {.listen = taken };
  g_autoptr (GError) error = NULL;

  g_assert_null (pmss_httpd_start (&config, &handler, fixture, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "another server has this port"));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_clear_error (&error);
    config.listen = bad[i];
    g_assert_null (pmss_httpd_start (&config, &handler, fixture, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  }
}

static void
test_may_watch (void)
{
  g_assert_true (pmss_http_may_watch ("127.0.0.1", NULL, NULL));
  g_assert_true (pmss_http_may_watch ("127.5.0.1", "wrong", "right"));
  g_assert_true (pmss_http_may_watch ("::1", NULL, NULL));
  g_assert_false (pmss_http_may_watch ("192.0.2.1", NULL, NULL));
  g_assert_false (pmss_http_may_watch ("192.0.2.1", "", ""));
  g_assert_false (pmss_http_may_watch ("192.0.2.1", "x", NULL));
  g_assert_false (pmss_http_may_watch ("192.0.2.1", NULL, "right"));
  g_assert_false (pmss_http_may_watch ("192.0.2.1", "righx", "right"));
  g_assert_false (pmss_http_may_watch ("192.0.2.1", "rightt", "right"));
  g_assert_false (pmss_http_may_watch ("unknown", NULL, NULL));
  g_assert_true (pmss_http_may_watch ("2001:db8::1", "right", "right"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  warned = g_string_new (NULL);
  g_log_set_writer_func (keep_warnings, NULL, NULL);
  g_test_add_data_func ("/httpd/simple", &plain, test_simple);
  g_test_add_data_func ("/httpd/keep-alive", &plain, test_keep_alive);
  g_test_add_func ("/httpd/internal", test_internal);
  g_test_add_func ("/httpd/ranges", test_ranges);
  g_test_add_func ("/httpd/json", test_json);
  g_test_add_data_func ("/httpd/refused-bodies", &quick, test_refused_bodies);
  g_test_add_func ("/httpd/continue", test_continue);
  g_test_add_func ("/httpd/stats", test_stats);
  g_test_add_func ("/httpd/listen-errors", test_listen_errors);
  g_test_add_func ("/httpd/may-watch", test_may_watch);
  return g_test_run ();
}
