/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Heartbeats of many nodes at once, and while the database has no turn for them. */
#include <string.h>

#include "control/api/router.h"
#include "control/metrics.h"
#include "control/sessions/revocation-news.h"
#include "httpd/pmss-httpd.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "nodes-fixture.h"

#define BEATS 200

typedef struct
{
  NodesFixture *fixture;
  guint id;
  const char *secret;
} Beater;

static gpointer
beat_often (gpointer data)
{
  Beater *b = data;

  for (guint i = 0; i < BEATS; i++) {
    g_assert_true (nodes_fixture_beat (b->fixture, b->id, b->secret,
            "node.example", NULL));
  }
  return NULL;
}

static void
test_threads (NodesFixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  Beater beater = { f, node.id, secret };
  GThread *threads[4];

  /* the watch is called on the beating threads: only one change is to come */
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example", NULL));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("beat", beat_often, &beater);
  for (guint i = 0; i < BEATS; i++) {
    g_autoptr (GPtrArray) list = pmss_nodes_list (f->nodes, NULL);

    g_assert_cmpuint (list->len, ==, 1);
    pmss_nodes_tick (f->nodes, g_get_monotonic_time ());
  }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (f->seen->len, ==, 1);
}

/* What a heartbeat that knows of @after is told: how many, and the number. */
static gint64
ask_news (NodesFixture * f, gint64 after, guint * revoked)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autoptr (GBytes) text = NULL;
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;

  pmss_json_writer_begin_object (json);
  pmss_revocation_news_add (f->base.database, after, json);
  pmss_json_writer_end_object (json);
  text = pmss_json_writer_finish (json);
  node = pmss_json_parse (g_bytes_get_data (text, NULL),
      g_bytes_get_size (text), NULL);
  object = json_node_get_object (node);
  *revoked = json_array_get_length (json_object_get_array_member (object,
          "revoked"));
  return json_object_get_int_member (object, "revocations");
}

/* While something holds the database heartbeats are taken, states change, and /metrics is answered. */
static void
test_busy_database (NodesFixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autofree char *text = NULL;
  PmssControlContext context = {.database = f->base.database,
    .nodes = f->nodes
  };
  gint64 now = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  guint revoked;

  control_fixture_hold (&f->base);
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  g_assert_no_error (error);
  pmss_nodes_tick (f->nodes, now + 20 * G_USEC_PER_SEC);
  g_assert_cmpuint (f->seen->len, ==, 2);
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_FIRST,
          FALSE));
  g_assert_cmpuint (f->seen->len, ==, 3);
  g_assert_cmpint (ask_news (f, 0, &revoked), ==, 0);
  text = pmss_control_metrics (&context);
  g_assert_nonnull (strstr (text, "pmss_control_nodes{state=\"up\"} 1\n"));
  g_assert_nonnull (strstr (text, "pmss_control_sessions 0\n"));
  control_fixture_release (&f->base);

  /* and the database has the last of them */
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM node WHERE state = 'up' AND instance = '"
          NODES_FIRST "'"), ==, 1);
}

/* The whole answer to a request without a login. */
static char *
ask_health (PmssHttpd * httpd)
{
  static const char request[] =
      "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  char *answer = g_malloc0 (4096);

  g_socket_client_set_enable_proxy (client, FALSE);
  connection = g_socket_client_connect_to_host (client, "127.0.0.1",
      pmss_httpd_get_port (httpd), NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_output_stream_write_all (g_io_stream_get_output_stream
          (G_IO_STREAM (connection)), request, strlen (request), NULL, NULL,
          &error));
  g_input_stream_read_all (g_io_stream_get_input_stream
      (G_IO_STREAM (connection)), answer, 4095, NULL, NULL, &error);
  g_assert_no_error (error);
  return answer;
}

/* Nor does /healthz wait for ever: it says so. */
static void
test_stuck_database (NodesFixture * f, gconstpointer data)
{
  PmssControlContext context = {.database = f->base.database,
    .nodes = f->nodes,.reserve = pmss_disk_reserve_new (f->base.folder, 0)
  };
  const PmssHttpdConfig config = {.listen = "127.0.0.1:0",
    .max_connections = 16
  };
  g_autoptr (GError) error = NULL;
  PmssHttpd *httpd = pmss_httpd_start (&config, &pmss_router, &context, &error);
  g_autofree char *stuck = NULL, *well = NULL;

  g_assert_no_error (error);
  control_fixture_hold (&f->base);
  stuck = ask_health (httpd);
  control_fixture_release (&f->base);
  g_assert_true (g_str_has_prefix (stuck, "HTTP/1.1 503 "));
  g_assert_nonnull (strstr (stuck, "The database is busy"));
  well = ask_health (httpd);
  g_assert_true (g_str_has_prefix (well, "HTTP/1.1 200 "));
  pmss_httpd_stop (httpd, 1);
  pmss_disk_reserve_free (context.reserve);
}

/* Revocations are told as soon as the database can, and what is over is not asked for again. */
static void
test_revocations (NodesFixture * f, gconstpointer data)
{
  guint revoked;

  control_fixture_exec (&f->base, "INSERT INTO revocation (session, until)"
      " VALUES ('00112233445566778899aabbccddeeff', unixepoch () + 1000)");
  g_assert_cmpint (ask_news (f, 0, &revoked), ==, 1);
  g_assert_cmpuint (revoked, ==, 1);
  g_assert_cmpint (ask_news (f, 1, &revoked), ==, 1);
  g_assert_cmpuint (revoked, ==, 0);

  control_fixture_hold (&f->base);
  g_assert_cmpint (ask_news (f, 0, &revoked), ==, 0);
  g_assert_cmpuint (revoked, ==, 0);
  control_fixture_release (&f->base);
  g_assert_cmpint (ask_news (f, 0, &revoked), ==, 1);
  g_assert_cmpuint (revoked, ==, 1);

  control_fixture_exec (&f->base, "UPDATE revocation SET until = 1");
  g_assert_cmpint (ask_news (f, 0, &revoked), ==, 1);
  g_assert_cmpuint (revoked, ==, 0);
}

#define ADD(name, func) \
  g_test_add ("/nodes-busy/" name, NodesFixture, NULL, nodes_fixture_setup, func, \
      nodes_fixture_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("threads", test_threads);
  ADD ("busy-database", test_busy_database);
  ADD ("stuck-database", test_stuck_database);
  ADD ("revocations", test_revocations);
  return g_test_run ();
}
