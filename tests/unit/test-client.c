/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "client-fixture.h"
#include "libpmss/client/pmss-credentials.h"
#include "libpmss/pmss-error.h"

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
    {"http://localhost.:8470", "http://localhost:8470"},
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
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonNode) json = NULL;
  g_autoptr (GError) error = NULL;

  small_control_init (&control);
  client = small_control_new_client (&control);
  for (int i = 0; i < 5; i++) {
    g_clear_pointer (&json, json_node_unref);
    json = pmss_client_request (client, "GET", "/cluster", NULL, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpint (json_object_get_int_member (json_node_get_object (json),
            "x"), ==, 1);
  }
  g_assert_cmpuint (fake_peer_get_connections (control.peer), ==, 1);
  small_control_clear (&control);
}

/* Login, open, renew, close: one connection for all. */
static void
test_session (void)
{
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (PmssSession) session = NULL;
  g_autoptr (GAsyncResult) renewed = NULL;
  g_autoptr (GAsyncResult) closed = NULL;
  g_autoptr (PmssRenewal) renewal = NULL;
  g_autoptr (GError) error = NULL;

  small_control_init (&control);
  client = small_control_new_client (&control);
  pmss_client_set_credentials (client, NULL, "ann", "secret");
  session = client_open_session (client, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (session->id, ==, SESSION_ID);
  g_assert_cmpuint (session->lease, ==, 30);
  g_assert_cmpstr (session->token, ==, "v4.public.cap");
  g_assert_cmpstr (session->user, ==, "ann");
  g_assert_cmpstr (session->title, ==, "A B");
  g_assert_null (session->content_type);
  g_assert_cmpstr (session->sha256, ==, SHA256);
  g_assert_cmpuint (session->avg_bitrate, ==, 8000);
  g_assert_cmpuint (session->peak_bitrate, ==, 9000);
  g_assert_cmpuint (session->duration, ==, 12);
  g_assert_cmpuint (pmss_layout_get_size (session->layout), ==, 100);

  pmss_client_renew_session_async (client, session->id, NULL, NULL,
      client_keep_result, &renewed);
  renewal =
      pmss_client_renew_session_finish (client, client_wait_for (&renewed),
      &error);
  g_assert_no_error (error);
  g_assert_cmpstr (renewal->token, ==, "v4.public.new");
  g_assert_cmpuint (renewal->lease, ==, 30);
  pmss_client_close_session_async (client, session->id, NULL,
      client_keep_result, &closed);
  g_assert_true (pmss_client_close_session_finish (client,
          client_wait_for (&closed), &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fake_peer_get_connections (control.peer), ==, 1);
  g_assert_cmpuint (control.logins, ==, 1);
  small_control_clear (&control);
}

static void
test_login_again (void)
{
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (PmssSession) session = NULL;
  g_autoptr (PmssSession) again = NULL;
  g_autoptr (GError) error = NULL;

  small_control_init (&control);
  client = small_control_new_client (&control);
  pmss_client_set_credentials (client, "stale", "ann", "secret");
  session = client_open_session (client, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (control.logins, ==, 1);
  /* the token that we have is no longer the newest */
  g_atomic_int_inc (&control.logins);
  again = client_open_session (client, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (control.logins, ==, 3);
  small_control_clear (&control);
}

static void
test_login (void)
{
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (PmssSession) session = NULL;
  g_autofree char *token = NULL;
  g_autofree char *expires = NULL;
  g_autoptr (GError) error = NULL;

  small_control_init (&control);
  client = small_control_new_client (&control);
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
  session = client_open_session (client, &error);
  g_assert_no_error (error);
  small_control_clear (&control);
}

static void
assert_refused (PmssClient * client, const char *secret, const char *hint)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssSession) session = client_open_session (client, &error);

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
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;

  small_control_init (&control);
  client = small_control_new_client (&control);
  assert_refused (client, "stale", "pmss login");
  pmss_client_set_credentials (client, "stale", NULL, NULL);
  assert_refused (client, "stale", "pmss login");
  pmss_client_set_credentials (client, "bad\r\nX: y", NULL, NULL);
  assert_refused (client, "X: y", "the token that was given is none");
  pmss_client_set_credentials (client, NULL, "ann", "hunter2");
  assert_refused (client, "hunter2", "wrong user or password");
  g_assert_cmpuint (control.logins, ==, 0);
  small_control_clear (&control);
}

static void
test_find_credentials (void)
{
  SmallControl control;
  g_autoptr (PmssSession) session = NULL;
  g_autoptr (GError) error = NULL;
  PmssCredentials stored = { NULL, (char *) "ann", (char *) "token-7", NULL };

  small_control_init (&control);
  control.logins = 7;
  stored.url = control.url;
  g_assert_true (pmss_credentials_store (&stored, NULL));
  {
    g_autoptr (PmssClient) client = small_control_new_client (&control);

    pmss_client_find_credentials (client, NULL, NULL);
    session = client_open_session (client, &error);
    g_assert_no_error (error);
  }
  {
    g_autoptr (PmssClient) client = small_control_new_client (&control);

    pmss_client_find_credentials (client, "bob", NULL);
    assert_refused (client, "token-7", "pmss login");
  }
  g_setenv ("PMSS_TOKEN", " stale\n", TRUE);
  {
    g_autoptr (PmssClient) client = small_control_new_client (&control);

    pmss_client_find_credentials (client, NULL, NULL);
    assert_refused (client, "stale", "pmss login");
  }
  {
    g_autoptr (PmssClient) client = small_control_new_client (&control);

    g_clear_pointer (&session, pmss_session_free);
    pmss_client_find_credentials (client, "ann", "secret");
    session = client_open_session (client, &error);
    g_assert_no_error (error);
  }
  {
    g_autoptr (PmssClient) client = small_control_new_client (&control);

    g_clear_pointer (&session, pmss_session_free);
    pmss_client_set_credentials (client, "token-8", NULL, NULL);
    pmss_client_find_credentials (client, "ann", "wrong");
    session = client_open_session (client, &error);
    g_assert_no_error (error);
  }
  g_unsetenv ("PMSS_TOKEN");
  small_control_clear (&control);
}

#define N_THREADS 8
#define N_CALLS 20

static gpointer
many_calls (gpointer client)
{
  for (int i = 0; i < N_CALLS; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) G_GNUC_UNUSED json =
        pmss_client_request (client, "GET",
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
        client_keep_result, &result);
    json =
        pmss_client_request_finish (client, client_wait_for (&result), &error);
    g_assert_no_error (error);
  }
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_threads (void)
{
  SmallControl control;
  g_autoptr (PmssClient) client = NULL;
  GThread *threads[N_THREADS];

  small_control_init (&control);
  client = small_control_new_client (&control);
  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("calls",
        i % 2 ? many_calls : many_async_calls, client);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (control.requests, ==, N_THREADS * N_CALLS);
  g_assert_cmpuint (fake_peer_get_connections (control.peer), <=, N_THREADS);
  small_control_clear (&control);
}

int
main (int argc, char **argv)
{
  g_autofree char *config = g_dir_make_tmp ("pmss-test-XXXXXX", NULL);
  g_autofree char *folder = g_build_filename (config, "pmss", NULL);
  g_autofree char *file = g_build_filename (folder, "credentials", NULL);
  int result;

  /* the watchdog: nothing here takes long */
  alarm (600);
  g_unsetenv ("PMSS_TOKEN");
  g_setenv ("XDG_CONFIG_HOME", config, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/url", test_url);
  g_test_add_func ("/client/encode-name", test_encode_name);
  g_test_add_func ("/client/request", test_request);
  g_test_add_func ("/client/session", test_session);
  g_test_add_func ("/client/login", test_login);
  g_test_add_func ("/client/login-again", test_login_again);
  g_test_add_func ("/client/not-authorized", test_not_authorized);
  g_test_add_func ("/client/find-credentials", test_find_credentials);
  g_test_add_func ("/client/threads", test_threads);
  result = g_test_run ();
  g_unlink (file);
  g_rmdir (folder);
  g_rmdir (config);
  return result;
}
