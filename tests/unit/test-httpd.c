/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real listener in this process, spoken to over raw sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httpd/pmss-httpd.h"
#include "libpmss/pmss-error.h"

#define WAIT 20                 /* seconds after which a read has failed */

typedef struct
{
  PmssHttpd *httpd;
  char *file;
  gint begun;
  gint ended;
  gint unanswered;
  gint working;                 /* deferred requests so far */
  gint hold;                    /* deferred requests wait while it is set */
} Fixture;

/* --- the handler: a route for each thing that a handler can do --- */

static void
answer_echo (PmssHttpRequest * request)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const char *q = pmss_http_request_get_query (request, "q");
  const char *bearer = pmss_http_request_get_bearer (request);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "q");
  json_builder_add_string_value (builder, q ? q : "none");
  json_builder_set_member_name (builder, "bearer");
  json_builder_add_string_value (builder, bearer ? bearer : "none");
  json_builder_set_member_name (builder, "address");
  json_builder_add_string_value (builder,
      pmss_http_request_get_address (request));
  json_builder_set_member_name (builder, "body");
  json_builder_add_int_value (builder,
      GPOINTER_TO_SIZE (pmss_http_request_get_data (request)));
  json_builder_end_object (builder);
  pmss_http_request_add_header (request, "X-One", "1");
  pmss_http_request_respond_json (request, 200,
      json_builder_get_root (builder));
}

static void
work_slowly (PmssHttpRequest * request, gpointer data)
{
  Fixture *fixture = data;

  g_atomic_int_inc (&fixture->working);
  while (g_atomic_int_get (&fixture->hold))
    g_usleep (1000);
  answer_echo (request);
}

static void
on_begin (PmssHttpRequest * request, gpointer data)
{
  Fixture *fixture = data;
  const char *path = pmss_http_request_get_path (request);
  const char *method = pmss_http_request_get_method (request);

  g_atomic_int_inc (&fixture->begun);
  if (g_str_equal (path, "/refuse"))
    pmss_http_request_respond_problem (request, 403, "not “here”");
  else if (g_str_equal (path, "/defer-early"))
    pmss_http_request_defer (request, work_slowly);
  else if (g_str_equal (path, "/json"))
    pmss_http_request_accept_json (request, 1000);
  else if (g_str_equal (method, "PUT"))
    pmss_http_request_accept_body (request, G_GUINT64_CONSTANT (1) << 40);
}

static gboolean
on_body (PmssHttpRequest * request, const void *bytes, gsize length,
    gpointer data)
{
  gsize total = GPOINTER_TO_SIZE (pmss_http_request_get_data (request));

  total += length;
  pmss_http_request_set_data (request, GSIZE_TO_POINTER (total));
  if (g_str_equal (pmss_http_request_get_path (request), "/half")
      && total > 1000) {
    pmss_http_request_respond_problem (request, 507, "full");
    return FALSE;
  }
  return TRUE;
}

static void
answer_file (PmssHttpRequest * request, const char *path)
{
  guint64 first = 0, length = 1000000;
  int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);

  switch (pmss_http_request_get_range (request, 1000000, &first, &length)) {
    case PMSS_HTTP_RANGE_NONE:
      pmss_http_request_respond_fd (request, 200, "text/plain", fd, 0, 1000000);
      return;
    case PMSS_HTTP_RANGE_OK:
      pmss_http_request_respond_fd (request, 206, "text/plain", fd, first,
          length);
      return;
    case PMSS_HTTP_RANGE_UNSATISFIABLE:
      pmss_http_request_respond_problem (request, 416, "past the end");
      break;
    case PMSS_HTTP_RANGE_MALFORMED:
      pmss_http_request_respond_problem (request, 400, "malformed range");
      break;
  }
  close (fd);
}

static void
on_complete (PmssHttpRequest * request, gpointer data)
{
  Fixture *fixture = data;
  const char *path = pmss_http_request_get_path (request);
  JsonObject *object = pmss_http_request_get_json (request);

  if (g_str_equal (path, "/file")) {
    answer_file (request, fixture->file);
  } else if (object) {
    g_autoptr (GBytes) text = NULL;

    text = g_bytes_new_static ("an object", 9);
    pmss_http_request_respond (request, 200, "text/plain", text);
  } else if (g_str_equal (path, "/defer-late")) {
    g_atomic_int_inc (&fixture->working);
    while (g_atomic_int_get (&fixture->hold))
      g_usleep (1000);
    pmss_http_request_defer (request, work_slowly);
  } else if (g_str_equal (path, "/defer")) {
    pmss_http_request_defer (request, work_slowly);
  } else if (g_str_equal (path, "/empty")) {
    pmss_http_request_respond_empty (request, 204);
  } else if (g_str_equal (path, "/error")) {
    g_autoptr (GError) error = g_error_new (PMSS_ERROR,
        PMSS_ERROR_NOT_AUTHORIZED, "who are you?");

    pmss_http_request_respond_error (request, error);
  } else {
    answer_echo (request);
  }
}

static void
on_end (PmssHttpRequest * request, gboolean answered, gpointer data)
{
  Fixture *fixture = data;

  if (!answered)
    g_atomic_int_inc (&fixture->unanswered);
  g_atomic_int_inc (&fixture->ended);
}

static const PmssHttpdHandler handler = {
  on_begin, on_body, on_complete, on_end
};

static Fixture *
fixture_new (const PmssHttpdConfig * overrides)
{
  Fixture *fixture = g_new0 (Fixture, 1);
  PmssHttpdConfig config = *overrides;
  g_autoptr (GError) error = NULL;
  g_autofree char *content = g_malloc (1000000);
  int fd = g_file_open_tmp ("pmss-httpd-XXXXXX", &fixture->file, NULL);

  for (guint i = 0; i < 1000000; i++)
    content[i] = 'a' + i % 26;
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  g_assert_true (g_file_set_contents (fixture->file, content, 1000000, NULL));
  config.listen = "127.0.0.1:0";
  fixture->httpd = pmss_httpd_start (&config, &handler, fixture, &error);
  g_assert_no_error (error);
  return fixture;
}

static void
fixture_free (Fixture * fixture)
{
  pmss_httpd_stop (fixture->httpd, 5);
  g_assert_cmpint (fixture->begun, ==, fixture->ended);
  g_unlink (fixture->file);
  g_free (fixture->file);
  g_free (fixture);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)
/* --- the peer --- */
     static int dial (Fixture * fixture)
{
  const struct timeval timeout = { WAIT, 0 };
  struct sockaddr_in address = {.sin_family = AF_INET,
    .sin_port = htons (pmss_httpd_get_port (fixture->httpd)),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK)
  };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address),
      ==, 0);
  return fd;
}

static void
say (int fd, const char *bytes, gssize length)
{
  gsize left = length < 0 ? strlen (bytes) : (gsize) length;

  while (left > 0) {
    gssize sent = send (fd, bytes, left, MSG_NOSIGNAL);

    if (sent <= 0)
      return;                   /* cut while we wrote: the answer tells */
    bytes += sent;
    left -= sent;
  }
}

/* Everything until the server closes. Fails when it does not in time. */
static char *
hear (int fd)
{
  GString *text = g_string_new (NULL);
  char piece[65536];
  gssize got;

  while ((got = recv (fd, piece, sizeof piece, 0)) > 0)
    g_string_append_len (text, piece, got);
  if (got < 0)
    g_assert_cmpint (errno, ==, ECONNRESET);
  close (fd);
  return g_string_free (text, FALSE);
}

static char *
exchange (Fixture * fixture, const char *bytes, gssize length)
{
  int fd = dial (fixture);

  say (fd, bytes, length);
  return hear (fd);
}

/* The status lines in what was heard, "200 416". libmicrohttpd's own refusals
 * of a Content-Length have their head twice: told once. */
static char *
statuses (const char *heard)
{
  GString *text = g_string_new (NULL);

  for (const char *p = strstr (heard, "HTTP/1.1 "); p;
      p = strstr (p + 9, "HTTP/1.1 ")) {
    if (p[9] != '4' || strncmp (text->str, p + 9, 3) != 0)
      g_string_append_printf (text, "%s%.3s", text->len ? " " : "", p + 9);
  }
  return g_string_free (text, FALSE);
}

#define GET(target, more) \
  "GET " target " HTTP/1.1\r\nHost: x\r\n" more "Connection: close\r\n\r\n"

static void
assert_answer (Fixture * fixture, const char *bytes, gssize length,
    const char *wanted)
{
  g_autofree char *heard = exchange (fixture, bytes, length);
  g_autofree char *got = statuses (heard);

  if (!g_str_equal (got, wanted))
    g_test_message ("asked: %.300s\nheard: %.600s", bytes, heard);
  g_assert_cmpstr (got, ==, wanted);
}

/* --- tests --- */

static const PmssHttpdConfig plain = { 0 };
static const PmssHttpdConfig threads = {.thread_per_connection = TRUE };
static const PmssHttpdConfig quick = {.min_rate_window = 1 };

static const PmssHttpdConfig quick_threads = {.min_rate_window = 1,
  .thread_per_connection = TRUE
};

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
  assert_answer (fixture, GET ("/refuse", ""), -1, "403");
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
  assert_answer (fixture, GET ("/file", "Range: lines=1-2\r\n"), -1, "400");
  assert_answer (fixture, GET ("/file",
          "Range: bytes=18446744073709551616-\r\n"), -1, "400");
  assert_answer (fixture, GET ("/file", "Range: bytes=0-1,3-4\r\n"), -1, "416");
}

/* What libmicrohttpd lets through, and what it refuses itself. Each has a
 * second request behind it, which must never be answered. */
static void
test_guard (gconstpointer config)
{
  static const struct
  {
    const char *bytes;
    const char *status;
  } cases[] = {
    {"GET / HTTP/1.1\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400"},
    {"GET / HTTP/1.1\nHost: x\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\r\n\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\nD: e\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n", "400"},
    {"HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n", "400"},
    {"DELETE / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n", "400"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "411"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\n", "400"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\n", "400"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\n", "400"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\n", "400"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n", "400"},
    {"PUT / HTTP/1.1\r\nHost: x\r\n"
          "Content-Length: 18446744073709551619\r\n\r\n", "413"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
          "Content-Length: 3\r\n\r\n", "400"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
          "Transfer-Encoding: chunked\r\n\r\n", "400"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "411"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n"
          "Content-Length: 3\r\n\r\n", "417"},
    {"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "501"},
    {"get / HTTP/1.1\r\nHost: x\r\n\r\n", "501"},
    {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET relative HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /%0a HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /%C2%85 HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /% HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /\"<> HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /#f HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /?q=1&q=2 HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /?q=1&%71=2 HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /?q=%00 HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
  };
  g_autoptr (Fixture) fixture = fixture_new (config);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *bytes = g_strconcat (cases[i].bytes,
        "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", NULL);

    assert_answer (fixture, bytes, -1, cases[i].status);
  }
}

/* Things with a NUL in them, and answers that are no HTTP at all. */
static void
test_guard_nul (void)
{
  static const char target[] = "GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n";
  static const char value[] = "GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n";
  static const char inner[] = "GET / HTTP/1.1\r\nA: x\0\r\nHost: x\r\n\r\n";
  static const char length[] =
      "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\0" "3\r\n\r\nabc";
  static const char name[] = "GET / HTTP/1.1\r\nHo\0st: x\r\n\r\n";
  g_autoptr (Fixture) fixture = fixture_new (&plain);

  assert_answer (fixture, target, sizeof target - 1, "400");
  assert_answer (fixture, value, sizeof value - 1, "400");
  assert_answer (fixture, inner, sizeof inner - 1, "400");
  assert_answer (fixture, length, sizeof length - 1, "400");
  assert_answer (fixture, name, sizeof name - 1, "400");
}

static void
test_large_heads (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&plain);
  g_autoptr (GString) text = g_string_new ("GET / HTTP/1.1\r\nHost: x\r\nA: ");
  g_autoptr (GString) many = g_string_new ("GET / HTTP/1.1\r\nHost: x\r\n");
  g_autoptr (GString) target = g_string_new ("GET /");
  g_autofree char *heard = NULL;

  for (guint i = 0; i < 1 << 20; i++)
    g_string_append_c (text, 'x');
  g_string_append (text, "\r\n\r\n");
  heard = exchange (fixture, text->str, text->len);
  /* The server closes without reading the rest: the answer may get lost. */
  g_assert_true (heard[0] == '\0' || g_str_has_prefix (heard, "HTTP/1.1 431 "));
  g_clear_pointer (&heard, g_free);

  for (guint i = 0; i < 10000; i++)
    g_string_append_printf (many, "A-%u: b\r\n", i);
  g_string_append (many, "\r\n");
  heard = exchange (fixture, many->str, many->len);
  g_assert_true (heard[0] == '\0' || g_str_has_prefix (heard, "HTTP/1.1 431 "));
  g_clear_pointer (&heard, g_free);

  for (guint i = 0; i < 100000; i++)
    g_string_append_c (target, 'x');
  heard = exchange (fixture, target->str, target->len);
  g_assert_true (heard[0] == '\0' || g_str_has_prefix (heard, "HTTP/1.1 414 "));
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
test_slow_peers (gconstpointer mode)
{
  const PmssHttpdConfig config = {.head_timeout = 1,.min_rate = 100000,
    .min_rate_window = 1,
    .thread_per_connection = GPOINTER_TO_INT (mode)
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

/* A peer that ends its half together with what it sends: a request that is
 * not whole is over, one that is whole is answered, and nobody waits for more.
 * Only who looks for it sees it: the limits here are hours. */
static void
test_half_closed (gconstpointer mode)
{
  static const char *const requests[] = { "GET / HTTP/1.1\r\nHost",
    "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
  };
  const PmssHttpdConfig config = {.head_timeout = 3600,.min_rate_window = 3600,
    .thread_per_connection = GPOINTER_TO_INT (mode)
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

static gpointer
let_go (gpointer data)
{
  Fixture *fixture = data;

  g_usleep (100 * 1000);
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
  pmss_httpd_stop (fixture->httpd, 0);
  g_assert_false (g_atomic_int_get (&fixture->hold));
  g_assert_cmpint (fixture->ended, ==, 1);
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

/* A request that wants to be deferred when nobody waits for such any more. */
static void
test_stop_before_defer (void)
{
  Fixture *fixture = fixture_new (&plain);
  guint16 port = pmss_httpd_get_port (fixture->httpd);
  GThread *thread;
  int fd;

  g_atomic_int_set (&fixture->hold, TRUE);
  fd = dial (fixture);
  say (fd, GET ("/defer-late", ""), -1);
  while (g_atomic_int_get (&fixture->working) == 0)
    g_thread_yield ();
  thread = g_thread_new ("stop", stop_at_once, fixture->httpd);
  /* then libmicrohttpd waits for its workers */
  while (!is_refused (port))
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

static void
test_listen_errors (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&plain);
  g_autofree char *taken =
      g_strdup_printf ("127.0.0.1:%u", pmss_httpd_get_port (fixture->httpd));
  const char *bad[] = { "", "8470", ":8470", "127.0.0.1", "127.0.0.1:x",
    "127.0.0.1:65536", "::1:80", "[::1:80", "[]:80", "256.1.1.1:80"
  };
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/httpd/simple", &plain, test_simple);
  g_test_add_data_func ("/httpd/simple-threads", &threads, test_simple);
  g_test_add_data_func ("/httpd/keep-alive", &plain, test_keep_alive);
  g_test_add_data_func ("/httpd/keep-alive-threads", &threads, test_keep_alive);
  g_test_add_func ("/httpd/ranges", test_ranges);
  g_test_add_data_func ("/httpd/guard", &plain, test_guard);
  g_test_add_data_func ("/httpd/guard-threads", &threads, test_guard);
  g_test_add_func ("/httpd/guard-nul", test_guard_nul);
  g_test_add_func ("/httpd/large-heads", test_large_heads);
  g_test_add_func ("/httpd/json", test_json);
  g_test_add_data_func ("/httpd/refused-bodies", &quick, test_refused_bodies);
  g_test_add_data_func ("/httpd/refused-bodies-threads", &quick_threads,
      test_refused_bodies);
  g_test_add_func ("/httpd/continue", test_continue);
  g_test_add_data_func ("/httpd/slow-peers", GINT_TO_POINTER (FALSE),
      test_slow_peers);
  g_test_add_data_func ("/httpd/slow-peers-threads", GINT_TO_POINTER (TRUE),
      test_slow_peers);
  g_test_add_func ("/httpd/stats", test_stats);
  g_test_add_func ("/httpd/peer-gone", test_peer_gone);
  g_test_add_data_func ("/httpd/half-closed", GINT_TO_POINTER (FALSE),
      test_half_closed);
  g_test_add_data_func ("/httpd/half-closed-threads", GINT_TO_POINTER (TRUE),
      test_half_closed);
  g_test_add_data_func ("/httpd/defer", &plain, test_defer);
  g_test_add_data_func ("/httpd/defer-threads", &threads, test_defer);
  g_test_add_func ("/httpd/stop-deferred", test_stop_deferred);
  g_test_add_func ("/httpd/stop-before-defer", test_stop_before_defer);
  g_test_add_func ("/httpd/listen-errors", test_listen_errors);
  return g_test_run ();
}
