/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connections that a client of control keeps between its requests. */

#include "client-fixture.h"

#define AT_ONCE 12
/* what a client keeps, whatever it has asked for at once */
#define KEPT 2
#define DEADLINE (10 * G_USEC_PER_SEC)

typedef struct
{
  SmallControl control;
  PmssClient *client;
  PmssSession *session;
} Fixture;

static void
setup (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  small_control_init (&fixture->control);
  fixture->client = small_control_new_client (&fixture->control);
  pmss_client_set_credentials (fixture->client, NULL, "ann", "secret");
  fixture->session = client_open_session (fixture->client, &error);
  g_assert_no_error (error);
}

static void
teardown (Fixture * fixture, gconstpointer data)
{
  pmss_session_free (fixture->session);
  g_object_unref (fixture->client);
  small_control_clear (&fixture->control);
}

/* Until no more than @most connections are open. */
static void
wait_closed (Fixture * fixture, guint most)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE;

  while (fake_peer_count_open (fixture->control.peer) > most) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    if (!g_main_context_iteration (NULL, FALSE))
      g_thread_yield ();
  }
}

static void
renew (Fixture * fixture)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  pmss_client_request_async (fixture->client, "PUT",
      "/sessions/" SESSION_ID, NULL, NULL, client_keep_result, &result);
  json_node_unref (pmss_client_request_finish (fixture->client,
          client_wait_for (&result), &error));
  g_assert_no_error (error);
}

/* What a reader does for hours: one connection, that of its beginning. */
static void
test_renewals (Fixture * fixture, gconstpointer data)
{
  for (guint i = 0; i < 5; i++)
    renew (fixture);
  g_assert_cmpuint (fake_peer_get_connections (fixture->control.peer), ==, 1);
}

/* libsoup makes a new connection for a POST that may not be repeated. */
static void
test_reports (Fixture * fixture, gconstpointer data)
{
  const PmssReport report = {.row = -1,.node = 1 };

  for (guint i = 0; i < 5; i++) {
    g_autoptr (GAsyncResult) result = NULL;

    pmss_client_report_async (fixture->client, SESSION_ID, &report, 1, NULL,
        client_keep_result, &result);
    /* refused, as this control has no such thing */
    g_assert_false (pmss_client_report_finish (fixture->client,
            client_wait_for (&result), NULL));
  }
  g_assert_cmpuint (fake_peer_get_connections (fixture->control.peer), ==, 6);
  wait_closed (fixture, 1);
  renew (fixture);
  g_assert_cmpuint (fake_peer_get_connections (fixture->control.peer), ==, 6);
}

/* A wall of players that begin together. */
static void
test_at_once (Fixture * fixture, gconstpointer data)
{
  GAsyncResult *results[AT_ONCE] = { NULL, };

  for (guint i = 0; i < AT_ONCE; i++)
    pmss_client_request_async (fixture->client, "PUT",
        "/sessions/" SESSION_ID, NULL, NULL, client_keep_result, &results[i]);
  for (guint i = 0; i < AT_ONCE; i++) {
    g_autoptr (GAsyncResult) result = client_wait_for (&results[i]);
    g_autoptr (GError) error = NULL;

    json_node_unref (pmss_client_request_finish (fixture->client, result,
            &error));
    g_assert_no_error (error);
  }
  g_assert_cmpuint (fake_peer_get_connections (fixture->control.peer), >, KEPT);
  wait_closed (fixture, KEPT);
}

int
main (int argc, char **argv)
{
  /* the watchdog: nothing here takes long */
  alarm (600);
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/client/connections/renewals", Fixture, NULL, setup,
      test_renewals, teardown);
  g_test_add ("/client/connections/reports", Fixture, NULL, setup,
      test_reports, teardown);
  g_test_add ("/client/connections/at-once", Fixture, NULL, setup,
      test_at_once, teardown);
  return g_test_run ();
}
