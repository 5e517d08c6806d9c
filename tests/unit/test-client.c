/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "fake-peer.h"
#include "libpmss/pmss-client.h"
#include "libpmss/pmss-credentials.h"
#include "libpmss/pmss-error.h"

#define SESSION_ID "0123456789abcdef0123456789abcdef"
#define VERSION_ID "00112233445566778899aabbccddeeff"
#define LAYOUT "{\"version\":\"" VERSION_ID "\",\"size\":100,\"k\":1,\"m\":0," \
  "\"unit\":262144,\"extent\":16777216,\"nodes\":[{\"id\":1," \
  "\"address\":\"127.0.0.1\",\"port\":8471,\"tls\":false,\"zone\":\"\"}]," \
  "\"extents\":[[0]]}"
#define SESSION "{\"id\":\"" SESSION_ID "\",\"lease\":30," \
  "\"expires\":\"2999-01-01T00:00:00Z\",\"token\":\"v4.public.cap\"," \
  "\"user\":\"ann\",\"medium\":{\"name\":\"films/a b\",\"title\":\"A B\"," \
  "\"content_type\":null,\"avg_bitrate\":8000,\"peak_bitrate_10s\":9000," \
  "\"duration_ns\":12},\"layout\":" LAYOUT "}"

/* A control server as small as can be: tokens are "token-N", only the newest one is good. */
typedef struct
{
  FakePeer *peer;
  char *url;
  guint logins;                 /* atomic */
  guint requests;               /* atomic */
  const char *session;          /* what opening one is answered with */
  gboolean cut_second;          /* every connection ends at its second request, unanswered */
  FakeAnswer answer;            /* of /odd */
} Control;

static gboolean
is_newest (Control * control, const char *authorization)
{
  g_autofree char *wanted = g_strdup_printf ("Bearer token-%u",
      g_atomic_int_get (&control->logins));

  return g_strcmp0 (authorization, wanted) == 0;
}

static char *
answer_login (Control * control, const FakeRequest * request)
{
  guint number;
  g_autofree char *body = NULL;

  if (strstr (request->body->str, "\"ann\"") == NULL
      || strstr (request->body->str, "\"secret\"") == NULL)
    return fake_peer_answer ("401 Unauthorized", "application/problem+json",
        "{\"title\":\"Unauthorized\",\"detail\":\"wrong user or password\"}");
  number = g_atomic_int_add (&control->logins, 1) + 1;
  body = g_strdup_printf ("{\"token\":\"token-%u\",\"user\":\"ann\","
      "\"role\":\"viewer\",\"expires\":\"2999-01-01T00:00:00Z\"}", number);
  return fake_peer_answer ("200 OK", "application/json", body);
}

static void
answer (const FakeRequest * request, FakeAnswer * out, gpointer user_data)
{
  Control *control = user_data;
  const char *target = request->target + strlen ("/api/v1");

  g_atomic_int_inc (&control->requests);
  if (control->cut_second && request->number > 1) {
    out->text = g_strdup ("");
    out->close = TRUE;
    return;
  }
  if (g_str_equal (target, "/odd")) {
    *out = control->answer;
    out->text = g_strdup (control->answer.text);
  } else if (g_str_equal (target, "/login")) {
    out->text = answer_login (control, request);
  } else if (g_str_equal (target, "/cluster")) {
    out->text = fake_peer_answer ("200 OK", "application/json", "{\"x\":1}");
  } else if (!is_newest (control, request->authorization)) {
    out->text = fake_peer_answer ("401 Unauthorized",
        "application/problem+json", "{\"detail\":\"who are you?\"}");
  } else if (g_str_equal (target, "/sessions")) {
    out->text = fake_peer_answer ("201 Created", "application/json",
        control->session);
  } else if (g_str_equal (request->method, "PUT")) {
    out->text = fake_peer_answer ("200 OK", "application/json",
        "{\"lease\":30,\"token\":\"v4.public.new\"}");
  } else if (g_str_equal (request->method, "DELETE")) {
    out->text = g_strdup ("HTTP/1.1 204 No Content\r\n\r\n");
  } else {
    out->text = fake_peer_answer ("404 Not Found",
        "application/problem+json", "{\"detail\":\"no\\u001b[31m such\\n\"}");
  }
}

static void
control_init (Control * control)
{
  memset (control, 0, sizeof *control);
  control->peer = fake_peer_new (answer, control, NULL);
  control->session = SESSION;
  control->url = g_strdup_printf ("http://127.0.0.1:%u",
      fake_peer_get_port (control->peer));
}

static void
control_clear (Control * control)
{
  fake_peer_free (control->peer);
  g_free (control->url);
  g_free (control->answer.text);
}

static PmssClient *
client_for (Control * control)
{
  g_autoptr (GError) error = NULL;
  PmssClient *client = pmss_client_new (control->url, &error);

  g_assert_no_error (error);
  return client;
}

static void
test_url (void)
{
  static const struct
  {
    const char *in;
    const char *out;
  } cases[] = {
    {"http://Host:8470", "http://host:8470"},
    {"http://host:8470/", "http://host:8470"},
    {"http://host", "http://host:80"},
    {"https://host", "https://host:443"},
    {"http://[::1]:8470", "http://[::1]:8470"},
    {"ftp://host:1", NULL},
    {"host:8470", NULL},
    {"", NULL},
    {"http://", NULL},
    {"http://host:8470/api", NULL},
    {"http://host:8470?x", NULL},
    {"http://ann:secret@host:8470", NULL},
    {"http://host:99999", NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (PmssClient) client = pmss_client_new (cases[i].in, &error);

    if (cases[i].out != NULL) {
      g_assert_no_error (error);
      g_assert_cmpstr (pmss_client_get_url (client), ==, cases[i].out);
    } else {
      g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
      g_assert_null (strstr (error->message, "secret"));
    }
  }
}

static void
test_encode_name (void)
{
  g_autofree char *name = pmss_client_encode_name ("films/a b%?#é\"'.webm");

  g_assert_cmpstr (name, ==, "films/a%20b%25%3F%23%C3%A9%22%27.webm");
}

static void
test_request (void)
{
  Control control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonNode) json = NULL;
  g_autoptr (GError) error = NULL;

  control_init (&control);
  client = client_for (&control);
  for (int i = 0; i < 5; i++) {
    g_clear_pointer (&json, json_node_unref);
    json = pmss_client_request (client, "GET", "/cluster", NULL, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpint (json_object_get_int_member (json_node_get_object (json),
            "x"), ==, 1);
  }
  g_assert_cmpuint (fake_peer_get_connections (control.peer), ==, 1);
  control_clear (&control);
}

/* Runs an asynchronous call to its end. */
static void
keep_result (GObject * source, GAsyncResult * result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult ** result)
{
  while (*result == NULL)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  return *result;
}

static PmssSession *
open_session (PmssClient * client, GError ** error)
{
  g_autoptr (GAsyncResult) result = NULL;

  pmss_client_open_session_async (client, "films/a b", NULL, keep_result,
      &result);
  return pmss_client_open_session_finish (client, wait_for (&result), error);
}

/* Login, open, renew, close: one connection for all. */
static void
test_session (void)
{
  Control control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (PmssSession) session = NULL;
  g_autoptr (GAsyncResult) renewed = NULL;
  g_autoptr (GAsyncResult) closed = NULL;
  g_autofree char *token = NULL;
  g_autoptr (GError) error = NULL;

  control_init (&control);
  client = client_for (&control);
  pmss_client_set_credentials (client, NULL, "ann", "secret");
  session = open_session (client, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (session->id, ==, SESSION_ID);
  g_assert_cmpuint (session->lease, ==, 30);
  g_assert_cmpstr (session->token, ==, "v4.public.cap");
  g_assert_cmpstr (session->user, ==, "ann");
  g_assert_cmpstr (session->title, ==, "A B");
  g_assert_null (session->content_type);
  g_assert_cmpuint (session->avg_bitrate, ==, 8000);
  g_assert_cmpuint (session->peak_bitrate, ==, 9000);
  g_assert_cmpuint (session->duration, ==, 12);
  g_assert_cmpuint (pmss_layout_get_size (session->layout), ==, 100);

  pmss_client_renew_session_async (client, session->id, NULL, keep_result,
      &renewed);
  token = pmss_client_renew_session_finish (client, wait_for (&renewed),
      &error);
  g_assert_no_error (error);
  g_assert_cmpstr (token, ==, "v4.public.new");
  pmss_client_close_session_async (client, session->id, NULL, keep_result,
      &closed);
  g_assert_true (pmss_client_close_session_finish (client, wait_for (&closed),
          &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fake_peer_get_connections (control.peer), ==, 1);
  g_assert_cmpuint (control.logins, ==, 1);
  control_clear (&control);
}

static void
test_login_again (void)
{
  Control control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (PmssSession) session = NULL;
  g_autoptr (PmssSession) again = NULL;
  g_autoptr (GError) error = NULL;

  control_init (&control);
  client = client_for (&control);
  pmss_client_set_credentials (client, "stale", "ann", "secret");
  session = open_session (client, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (control.logins, ==, 1);
  /* the token that we have is no longer the newest */
  g_atomic_int_inc (&control.logins);
  again = open_session (client, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (control.logins, ==, 3);
  control_clear (&control);
}

static void
test_login (void)
{
  Control control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (PmssSession) session = NULL;
  g_autofree char *token = NULL;
  g_autofree char *expires = NULL;
  g_autoptr (GError) error = NULL;

  control_init (&control);
  client = client_for (&control);
  g_assert_false (pmss_client_login (client, "ann", "wrong", &token, &expires,
          NULL, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED);
  g_assert_nonnull (strstr (error->message, "wrong user or password"));
  g_clear_error (&error);
  g_assert_true (pmss_client_login (client, "ann", "secret", &token, &expires,
          NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (token, ==, "token-1");
  g_assert_cmpstr (expires, ==, "2999-01-01T00:00:00Z");
  session = open_session (client, &error);
  g_assert_no_error (error);
  control_clear (&control);
}

static void
assert_refused (PmssClient * client, const char *secret, const char *hint)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssSession) session = open_session (client, &error);

  g_assert_null (session);
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED);
  g_assert_nonnull (strstr (error->message, hint));
  g_assert_null (strstr (error->message, secret));
  g_assert_cmpuint (pmss_error_get_details (error)->http_status, ==, 401);
  g_assert_cmpstr (pmss_error_get_details (error)->medium, ==, "films/a b");
}

static void
test_not_authorized (void)
{
  Control control;
  g_autoptr (PmssClient) client = NULL;

  control_init (&control);
  client = client_for (&control);
  assert_refused (client, "stale", "pmss login");
  pmss_client_set_credentials (client, "stale", NULL, NULL);
  assert_refused (client, "stale", "pmss login");
  pmss_client_set_credentials (client, "bad\r\nX: y", NULL, NULL);
  assert_refused (client, "X: y", "the token that was given is none");
  pmss_client_set_credentials (client, NULL, "ann", "hunter2");
  assert_refused (client, "hunter2", "wrong user or password");
  g_assert_cmpuint (control.logins, ==, 0);
  control_clear (&control);
}

static void
test_find_credentials (void)
{
  Control control;
  g_autoptr (PmssSession) session = NULL;
  g_autoptr (GError) error = NULL;
  PmssCredentials stored = { NULL, (char *) "ann", (char *) "token-7", NULL };

  control_init (&control);
  control.logins = 7;
  stored.url = control.url;
  g_assert_true (pmss_credentials_store (&stored, NULL));
  {
    g_autoptr (PmssClient) client = client_for (&control);

    pmss_client_find_credentials (client, NULL, NULL);
    session = open_session (client, &error);
    g_assert_no_error (error);
  }
  {
    g_autoptr (PmssClient) client = client_for (&control);

    pmss_client_find_credentials (client, "bob", NULL);
    assert_refused (client, "token-7", "pmss login");
  }
  g_setenv ("PMSS_TOKEN", " stale\n", TRUE);
  {
    g_autoptr (PmssClient) client = client_for (&control);

    pmss_client_find_credentials (client, NULL, NULL);
    assert_refused (client, "stale", "pmss login");
  }
  {
    g_autoptr (PmssClient) client = client_for (&control);

    g_clear_pointer (&session, pmss_session_free);
    pmss_client_find_credentials (client, "ann", "secret");
    session = open_session (client, &error);
    g_assert_no_error (error);
  }
  {
    g_autoptr (PmssClient) client = client_for (&control);

    g_clear_pointer (&session, pmss_session_free);
    pmss_client_set_credentials (client, "token-8", NULL, NULL);
    pmss_client_find_credentials (client, "ann", "wrong");
    session = open_session (client, &error);
    g_assert_no_error (error);
  }
  g_unsetenv ("PMSS_TOKEN");
  control_clear (&control);
}

static void
test_problem (void)
{
  Control control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GError) error = NULL;

  control_init (&control);
  client = client_for (&control);
  pmss_client_set_credentials (client, NULL, "ann", "secret");
  g_assert_null (pmss_client_request (client, "GET", "/media/x", NULL, NULL,
          &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "no [31m such"));
  g_assert_cmpuint (pmss_error_get_details (error)->http_status, ==, 404);
  g_assert_nonnull (strstr (control.url, pmss_error_get_details (error)->peer));
  control_clear (&control);
}

/* One request for /odd, which is answered with @text. */
static void
check_odd (const char *text, gboolean endless, PmssError code, const char *hint)
{
  Control control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GError) error = NULL;

  control_init (&control);
  control.answer.text = g_strdup (text);
  control.answer.endless = endless;
  control.answer.close = TRUE;
  client = client_for (&control);
  g_assert_null (pmss_client_request (client, "GET", "/odd", NULL, NULL,
          &error));
  g_assert_error (error, PMSS_ERROR, (int) code);
  if (hint != NULL && strstr (error->message, hint) == NULL)
    g_error ("no \"%s\" in: %s", hint, error->message);
  control_clear (&control);
}

static void
test_lies (void)
{
  g_autoptr (GString) deep = g_string_new (NULL);
  g_autofree char *answer_text = NULL;

  check_odd ("HTTP/1.1 200 OK\r\n\r\n", TRUE, PMSS_ERROR_PROTOCOL, "longer");
  check_odd ("HTTP/1.1 401 Oh\r\n\r\n", TRUE, PMSS_ERROR_PROTOCOL, "longer");
  check_odd ("HTTP/1.1 421 Oh\r\n\r\n", TRUE, PMSS_ERROR_PROTOCOL, "421");
  /* libsoup calls a head of more than 64 KiB a partial input */
  check_odd ("HTTP/1.1 200 OK\r\nX: ", TRUE, PMSS_ERROR_UNREACHABLE, NULL);
  check_odd ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", FALSE,
      PMSS_ERROR_PROTOCOL, "too long");
  check_odd ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", FALSE,
      PMSS_ERROR_UNREACHABLE, NULL);
  check_odd ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n"
      "\r\n{}", FALSE, PMSS_ERROR_UNREACHABLE, "middle");
  check_odd ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
      "Content-Length: 0\r\n\r\n", FALSE, PMSS_ERROR_PROTOCOL, "302");
  check_odd ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", FALSE,
      PMSS_ERROR_PROTOCOL, "makes no sense");
  check_odd ("garbage\r\n\r\n", FALSE, PMSS_ERROR_PROTOCOL, NULL);
  check_odd ("", FALSE, PMSS_ERROR_UNREACHABLE, NULL);
  for (int i = 0; i < 20; i++)
    g_string_append (deep, "HTTP/1.1 102 Wait\r\n\r\n");
  check_odd (deep->str, FALSE, PMSS_ERROR_PROTOCOL, "interim");
  g_string_truncate (deep, 0);
  for (int i = 0; i < 100000; i++)
    g_string_append_c (deep, '[');
  answer_text = fake_peer_answer ("200 OK", "application/json", deep->str);
  check_odd (answer_text, FALSE, PMSS_ERROR_PROTOCOL, "makes no sense");
}

static void
check_slow (FakeAnswer odd)
{
  Control control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  control_init (&control);
  control.answer = odd;
  client = client_for (&control);
  g_object_set (client, "timeout", 1, NULL);
  g_assert_null (pmss_client_request (client, "GET", "/odd", NULL, NULL,
          &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 900000);
  control_clear (&control);
}

/* The timeout is for the whole request, however busy the peer is. */
static void
test_timeout (void)
{
  check_slow ((FakeAnswer) {
      .text = NULL});
  check_slow ((FakeAnswer) {
      .text = g_strdup ("HTTP/1.1 200 OK\r\n\r\n"),.trickle = 20});
}

static gpointer
cancel_when_asked (gpointer user_data)
{
  gpointer *args = user_data;
  Control *control = args[0];

  while (g_atomic_int_get (&control->requests) == 0)
    g_usleep (1000);
  g_cancellable_cancel (args[1]);
  return NULL;
}

static void
test_cancel (void)
{
  Control control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gpointer args[] = { &control, cancellable };
  g_autoptr (GError) error = NULL;
  GThread *thread;

  control_init (&control);
  client = client_for (&control);
  thread = g_thread_new ("cancel", cancel_when_asked, args);
  g_assert_null (pmss_client_request (client, "GET", "/odd", NULL,
          cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  g_clear_error (&error);
  /* cancelled before it began */
  g_assert_null (pmss_client_request (client, "GET", "/cluster", NULL,
          cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  control_clear (&control);
}

static void
test_refused (void)
{
  Control control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GError) error = NULL;

  control_init (&control);
  client = client_for (&control);
  control_clear (&control);
  pmss_client_set_credentials (client, NULL, "ann", "secret");
  g_assert_null (open_session (client, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE);
  g_assert_cmpuint (pmss_error_get_details (error)->http_status, ==, 0);
  g_assert_nonnull (strstr (error->message, "127.0.0.1:"));
}

#define N_THREADS 8
#define N_CALLS 20

static gpointer
many_calls (gpointer client)
{
  for (int i = 0; i < N_CALLS; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) G_GNUC_UNUSED json = pmss_client_request (client, "GET",
        "/cluster", NULL, NULL, &error);

    g_assert_no_error (error);
  }
  return NULL;
}

/* Asynchronous calls from a context of its own, while others block. */
static gpointer
many_async_calls (gpointer client)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (int i = 0; i < N_CALLS; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (JsonNode) json = NULL;

    pmss_client_request_async (client, "GET", "/cluster", NULL, NULL,
        keep_result, &result);
    json = pmss_client_request_finish (client, wait_for (&result), &error);
    g_assert_no_error (error);
  }
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_threads (void)
{
  Control control;
  g_autoptr (PmssClient) client = NULL;
  GThread *threads[N_THREADS];

  control_init (&control);
  client = client_for (&control);
  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("calls",
        i % 2 ? many_calls : many_async_calls, client);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (control.requests, ==, N_THREADS * N_CALLS);
  g_assert_cmpuint (fake_peer_get_connections (control.peer), <=, N_THREADS);
  control_clear (&control);
}

/* Replaces one part of a good session with another, which has to be refused. */
static void
check_bad_session (Control * control, const char *part, const char *by)
{
  g_autoptr (PmssClient) client = client_for (control);
  g_autoptr (GString) body = g_string_new (SESSION);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (g_string_replace (body, part, by, 0), >, 0);
  control->session = body->str;
  pmss_client_set_credentials (client, NULL, "ann", "secret");
  g_assert_null (open_session (client, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, "makes no sense"));
}

static void
test_bad_session (void)
{
  Control control;

  control_init (&control);
  check_bad_session (&control, SESSION, "[]");
  check_bad_session (&control, SESSION, "null");
  check_bad_session (&control, SESSION_ID, "../../../etc/passwd");
  check_bad_session (&control, SESSION_ID, "0123456789abcdef0123456789abcde/");
  check_bad_session (&control, "\"lease\":30", "\"lease\":0");
  check_bad_session (&control, "\"lease\":30", "\"lease\":\"30\"");
  check_bad_session (&control, "v4.public.cap", "v4\\r\\nX: y");
  check_bad_session (&control, "v4.public.cap", "");
  check_bad_session (&control, "\"A B\"", "7");
  check_bad_session (&control, "8000", "-1");
  check_bad_session (&control, "\"layout\"", "\"layoud\"");
  check_bad_session (&control, LAYOUT, "{}");
  check_bad_session (&control, "[[0]]", "[[1]]");
  control_clear (&control);
}

/* A kept connection that is dead when the next request goes out is no error, though POST is not repeated by libsoup. */
static void
test_dead_connection (void)
{
  Control control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (PmssSession) session = NULL;
  g_autoptr (GError) error = NULL;

  control_init (&control);
  control.cut_second = TRUE;
  client = client_for (&control);
  pmss_client_set_credentials (client, NULL, "ann", "secret");
  session = open_session (client, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fake_peer_get_connections (control.peer), ==, 2);
  control_clear (&control);
}

int
main (int argc, char **argv)
{
  g_autofree char *config = g_dir_make_tmp ("pmss-test-XXXXXX", NULL);
  g_autofree char *folder = g_build_filename (config, "pmss", NULL);
  g_autofree char *file = g_build_filename (folder, "credentials", NULL);
  int result;

  /* the watchdog: nothing here takes long */
  alarm (120);
  g_unsetenv ("PMSS_TOKEN");
  g_setenv ("XDG_CONFIG_HOME", config, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/url", test_url);
  g_test_add_func ("/client/encode-name", test_encode_name);
  g_test_add_func ("/client/request", test_request);
  g_test_add_func ("/client/session", test_session);
  g_test_add_func ("/client/bad-session", test_bad_session);
  g_test_add_func ("/client/login", test_login);
  g_test_add_func ("/client/login-again", test_login_again);
  g_test_add_func ("/client/not-authorized", test_not_authorized);
  g_test_add_func ("/client/find-credentials", test_find_credentials);
  g_test_add_func ("/client/problem", test_problem);
  g_test_add_func ("/client/lies", test_lies);
  g_test_add_func ("/client/timeout", test_timeout);
  g_test_add_func ("/client/cancel", test_cancel);
  g_test_add_func ("/client/refused", test_refused);
  g_test_add_func ("/client/dead-connection", test_dead_connection);
  g_test_add_func ("/client/threads", test_threads);
  result = g_test_run ();
  g_unlink (file);
  g_rmdir (folder);
  g_rmdir (config);
  return result;
}
