/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client has to bear from a control server that refuses, lies, is silent or goes. */

#include <string.h>
#include <unistd.h>

#include "client-fixture.h"
#include "libpmss/pmss-error.h"

static void
test_problem (void)
{
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GError) error = NULL;

  small_control_init (&control);
  client = small_control_new_client (&control);
  pmss_client_set_credentials (client, NULL, "ann", "secret");
  g_assert_null (pmss_client_request (client, "GET", "/media/x", NULL, NULL,
          &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "no [31m such"));
  g_assert_cmpuint (pmss_error_get_details (error)->http_status, ==, 404);
  g_assert_nonnull (strstr (control.url, pmss_error_get_details (error)->peer));
  small_control_clear (&control);
}

/* One request for /odd, which is answered with @text. */
static void
check_odd (const char *text, gboolean endless, PmssError code, const char *hint)
{
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GError) error = NULL;

  small_control_init (&control);
  control.answer.text = g_strdup (text);
  control.answer.endless = endless;
  control.answer.close = TRUE;
  client = small_control_new_client (&control);
  g_assert_null (pmss_client_request (client, "GET", "/odd", NULL, NULL,
          &error));
  g_assert_error (error, PMSS_ERROR, (int) code);
  if (hint != NULL && strstr (error->message, hint) == NULL)
    g_error ("no \"%s\" in: %s", hint, error->message);
  small_control_clear (&control);
}

static void
test_lies (void)
{
  g_autoptr (GString) deep = g_string_new (NULL);
  g_autofree char *answer_text = NULL;

  check_odd ("HTTP/1.1 200 OK\r\n\r\n", TRUE, PMSS_ERROR_PROTOCOL, "longer");
  check_odd ("HTTP/1.1 401 Oh\r\n\r\n", TRUE, PMSS_ERROR_PROTOCOL, "longer");
  check_odd ("HTTP/1.1 421 Oh\r\n\r\n", TRUE, PMSS_ERROR_MISDIRECTED, "421");
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
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  small_control_init (&control);
  control.answer = odd;
  client = small_control_new_client (&control);
  g_object_set (client, "timeout", 1, NULL);
  g_assert_null (pmss_client_request (client, "GET", "/odd", NULL, NULL,
          &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 900000);
  small_control_clear (&control);
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

/* Neither none nor one of an hour and more is the shortest one. */
static void
test_long_timeout (gconstpointer seconds)
{
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonNode) json = NULL;
  g_autoptr (GError) error = NULL;

  small_control_init (&control);
  control.answer.text = fake_peer_answer ("200 OK", "application/json", "{}");
  control.answer.delay = 50;
  client = small_control_new_client (&control);
  g_object_set (client, "timeout", GPOINTER_TO_UINT (seconds), NULL);
  json = pmss_client_request (client, "GET", "/odd", NULL, NULL, &error);
  g_assert_no_error (error);
  small_control_clear (&control);
}

static gpointer
cancel_when_asked (gpointer user_data)
{
  gpointer *args = user_data;
  SmallControl *control = args[0];

  while (g_atomic_int_get (&control->requests) == 0)
    g_usleep (1000);
  g_cancellable_cancel (args[1]);
  return NULL;
}

static void
test_cancel (void)
{
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gpointer args[] = { &control, cancellable };
  g_autoptr (GError) error = NULL;
  GThread *thread;

  small_control_init (&control);
  client = small_control_new_client (&control);
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
  small_control_clear (&control);
}

typedef struct
{
  GCancellable *cancellable;
  gint64 when;                  /* monotonic */
} LateCancel;

static gpointer
cancel_at (gpointer user_data)
{
  LateCancel *late = user_data;

  while (g_get_monotonic_time () < late->when)
    g_thread_yield ();
  g_cancellable_cancel (late->cancellable);
  return NULL;
}

/* For two seconds, and until there is some of both. */
static gboolean
may_go_on (gint64 begun, guint of_each)
{
  gint64 elapsed = g_get_monotonic_time () - begun;

  return elapsed < 2 * G_TIME_SPAN_SECOND
      || (of_each < 10 && elapsed < 40 * G_TIME_SPAN_SECOND);
}

/* From another thread, at any moment: while an answer is being handed over, too. */
static void
test_cancel_at_any_moment (void)
{
  gint64 begun = g_get_monotonic_time ();
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  guint done = 0, cancelled = 0;
  gint64 took = 1000;           /* us, about: as many are cancelled as not */

  small_control_init (&control);
  client = small_control_new_client (&control);
  while (may_go_on (begun, MIN (done, cancelled))) {
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) json = NULL;
    gint64 begin = g_get_monotonic_time ();
    LateCancel late = { cancellable, begin
          + g_test_rand_int_range (0, 1 + 2 * took)
    };
    GThread *thread = g_thread_new ("cancel", cancel_at, &late);

    json = pmss_client_request (client, "GET", "/cluster", NULL, cancellable,
        &error);
    if (json != NULL) {
      done++;
      took = (took + g_get_monotonic_time () - begin) / 2;
    } else {
      cancelled++;
      took += took / 8 + 10;
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
    g_thread_join (thread);
  }
  g_test_message ("%u answers, %u cancelled", done, cancelled);
  g_assert_cmpuint (done, >, 0);
  g_assert_cmpuint (cancelled, >, 0);
  small_control_clear (&control);
}

static void
test_refused (void)
{
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GError) error = NULL;

  small_control_init (&control);
  client = small_control_new_client (&control);
  small_control_clear (&control);
  pmss_client_set_credentials (client, NULL, "ann", "secret");
  g_assert_null (client_open_session (client, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE);
  g_assert_cmpuint (pmss_error_get_details (error)->http_status, ==, 0);
  g_assert_nonnull (strstr (error->message, "127.0.0.1:"));
}

/* Replaces one part of a good session with another, which has to be refused. */
static void
check_bad_session (SmallControl * control, const char *part, const char *by)
{
  g_autoptr (PmssClient) client = small_control_new_client (control);
  g_autoptr (GString) body = g_string_new (SESSION);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (g_string_replace (body, part, by, 0), >, 0);
  control->session = body->str;
  pmss_client_set_credentials (client, NULL, "ann", "secret");
  g_assert_null (client_open_session (client, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, "makes no sense"));
}

static void
test_bad_session (void)
{
  SmallControl control;

  small_control_init (&control);
  check_bad_session (&control, SESSION, "[]");
  check_bad_session (&control, SESSION, "null");
  check_bad_session (&control, SESSION_ID, "../../../etc/passwd");
  check_bad_session (&control, SESSION_ID, "0123456789abcdef0123456789abcde/");
  check_bad_session (&control, "\"lease\":30", "\"lease\":0");
  check_bad_session (&control, "\"lease\":30", "\"lease\":\"30\"");
  check_bad_session (&control, "v4.public.cap", "v4\\r\\nX: y");
  check_bad_session (&control, "v4.public.cap", "");
  check_bad_session (&control, "\"A B\"", "7");
  check_bad_session (&control, SHA256, "../../../etc/passwd");
  check_bad_session (&control, "8000", "-1");
  check_bad_session (&control, "\"layout\"", "\"layoud\"");
  check_bad_session (&control, LAYOUT, "{}");
  check_bad_session (&control, "[[0]]", "[[1]]");
  small_control_clear (&control);
}

/* A kept connection that is dead when the next request goes out is no error, though POST is not repeated by libsoup. */
static void
test_dead_connection (void)
{
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (PmssSession) session = NULL;
  g_autoptr (GError) error = NULL;

  small_control_init (&control);
  control.cut_second = TRUE;
  client = small_control_new_client (&control);
  pmss_client_set_credentials (client, NULL, "ann", "secret");
  session = client_open_session (client, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fake_peer_get_connections (control.peer), ==, 2);
  small_control_clear (&control);
}

int
main (int argc, char **argv)
{
  /* the watchdog: nothing here takes long */
  alarm (600);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/problem", test_problem);
  g_test_add_func ("/client/lies", test_lies);
  g_test_add_func ("/client/timeout", test_timeout);
  g_test_add_data_func ("/client/no-timeout", GUINT_TO_POINTER (0),
      test_long_timeout);
  /* 2^32 us and a little more */
  g_test_add_data_func ("/client/long-timeout", GUINT_TO_POINTER (4295),
      test_long_timeout);
  g_test_add_func ("/client/cancel", test_cancel);
  g_test_add_func ("/client/cancel-at-any-moment", test_cancel_at_any_moment);
  g_test_add_func ("/client/refused", test_refused);
  g_test_add_func ("/client/bad-session", test_bad_session);
  g_test_add_func ("/client/dead-connection", test_dead_connection);
  return g_test_run ();
}
