/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "httpd-fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"

/* --- the handler: a route for each thing that a handler can do --- */

static void
answer_echo (PmssHttpRequest * request)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const char *q = pmss_http_request_get_query (request, "q");
  const char *bearer = pmss_http_request_get_bearer (request);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "q");
  json_builder_add_string_value (builder, q != NULL ? q : "none");
  json_builder_set_member_name (builder, "bearer");
  json_builder_add_string_value (builder, bearer != NULL ? bearer : "none");
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
  if (g_str_equal (method, "GET"))
    pmss_http_request_let_end_wait (request);
  if (g_str_equal (path, "/user"))
    pmss_http_request_set_class (request, PMSS_PLACE_USER, "anna");
  else if (g_str_equal (path, "/node"))
    pmss_http_request_set_class (request, PMSS_PLACE_NODE, "1");
  if (g_str_equal (path, "/refuse"))
    pmss_http_request_respond_problem (request, 403, "not “here”%s",
        pmss_http_request_get_query (request, "q") ?
        pmss_http_request_get_query (request, "q") : "");
  else if (g_str_equal (path, "/defer-early"))
    pmss_http_request_defer (request, PMSS_HTTP_WAIT_READ, work_slowly);
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
  } else if (object != NULL) {
    g_autoptr (GBytes) text = NULL;

    text = g_bytes_new_static ("an object", 9);
    pmss_http_request_respond (request, 200, "text/plain", text);
  } else if (g_str_equal (path, "/hold")) {
    work_slowly (request, fixture);
  } else if (g_str_equal (path, "/defer-late")) {
    g_atomic_int_inc (&fixture->working);
    while (g_atomic_int_get (&fixture->hold))
      g_usleep (1000);
    pmss_http_request_defer (request, PMSS_HTTP_WAIT_WRITE, work_slowly);
  } else if (g_str_equal (path, "/defer")) {
    pmss_http_request_defer (request, PMSS_HTTP_WAIT_READ, work_slowly);
  } else if (g_str_equal (path, "/empty")) {
    pmss_http_request_respond_empty (request, 204);
  } else if (g_str_equal (path, "/error")) {
    g_autoptr (GError) error = g_error_new (PMSS_ERROR,
        PMSS_ERROR_NOT_AUTHORIZED, "who are you?");

    pmss_http_request_respond_error (request, error);
  } else if (g_str_equal (path, "/internal")) {
    g_autoptr (GError) error = g_error_new (PMSS_ERROR, PMSS_ERROR_FAILED,
        "Database: SELECT secret FROM nowhere: /var/lib/pmss/catalog.db");

    pmss_http_request_respond_error (request, error);
  } else if (g_str_equal (path, "/foreign")) {
    g_autoptr (GError) error = g_error_new (G_FILE_ERROR, G_FILE_ERROR_IO,
        "/var/lib/pmss/keys: Input/output error");

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

Fixture *
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
  fixture->port = pmss_httpd_get_port (fixture->httpd);
  return fixture;
}

void
fixture_forget (Fixture * fixture)
{
  g_assert_cmpint (fixture->begun, ==, fixture->ended);
  g_unlink (fixture->file);
  g_free (fixture->file);
  g_free (fixture);
}

void
fixture_free (Fixture * fixture)
{
  pmss_httpd_stop (fixture->httpd, 5);
  fixture_forget (fixture);
}

/* --- the peer --- */

int
try_dial (Fixture * fixture)
{
  const struct timeval timeout = { WAIT, 0 };
  struct sockaddr_in address = {.sin_family = AF_INET,
    .sin_port = htons (fixture->port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK)
  };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  if (connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    return fd;
  close (fd);
  return -1;
}

int
dial (Fixture * fixture)
{
  int fd = try_dial (fixture);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

void
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
char *
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

char *
exchange (Fixture * fixture, const char *bytes, gssize length)
{
  int fd = dial (fixture);

  say (fd, bytes, length);
  return hear (fd);
}

/* The status lines in what was heard, "200 416". libmicrohttpd's own refusals
 * of a Content-Length have their head twice: told once. */
char *
statuses (const char *heard)
{
  GString *text = g_string_new (NULL);

  for (const char *p = strstr (heard, "HTTP/1.1 "); p;
      p = strstr (p + 9, "HTTP/1.1 ")) {
    if (g_ascii_isdigit (p[9]) && (p[9] != '4'
            || strncmp (text->str, p + 9, 3) != 0))
      g_string_append_printf (text, "%s%.3s", text->len ? " " : "", p + 9);
  }
  return g_string_free (text, FALSE);
}

void
assert_answer (Fixture * fixture, const char *bytes, gssize length,
    const char *wanted)
{
  g_autofree char *heard = exchange (fixture, bytes, length);
  g_autofree char *got = statuses (heard);

  if (!g_str_equal (got, wanted))
    g_test_message ("asked: %.300s\nheard: %.600s", bytes, heard);
  g_assert_cmpstr (got, ==, wanted);
}
