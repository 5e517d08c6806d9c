/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A node's list against the catalog, from a listener that lists whatever a case wants. */
#include <glib/gstdio.h>
#include <string.h>

#include "control-fixture.h"
#include "control/catalog/catalog.h"
#include "control/config.h"
#include "control/reconcile/compare-lists.h"
#include "control/keys.h"
#include "control/nodes/nodes.h"
#include "httpd/pmss-httpd.h"
#include "libpmss/format/pmss-shard.h"
#include "test-certificate.h"

#define PAGE 100
#define INSTANCE "0123456789abcdef0123456789abcdef"

typedef struct
{
  ControlFixture base;
  char *keys, *certificate;
  PmssControlConfig config;
  PmssControlContext context;
  PmssNodeCalls *calls;
  PmssHttpd *httpd;
  guint node;
  gint pages;                   /* that were asked for */
  guint fail_at;                /* the page that is refused, 0: none */
  GPtrArray *names;             /* what the node lists */
  PmssCompared compared;
} Fixture;

/* The node */

static void
add_name (JsonBuilder * json, const char *name)
{
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "name");
  json_builder_add_string_value (json, name);
  json_builder_end_object (json);
}

static void
begin (PmssHttpRequest * request, gpointer data)
{
}

static void
end (PmssHttpRequest * request, gboolean answered, gpointer data)
{
}

static void
answer_list (PmssHttpRequest * request, gpointer data)
{
  Fixture *f = data;
  const char *after = pmss_http_request_get_query (request, "after");
  g_autoptr (JsonBuilder) json = json_builder_new ();
  guint first = 0, end;

  if ((guint) g_atomic_int_add (&f->pages, 1) + 1 == f->fail_at) {
    pmss_http_request_respond_problem (request, 500, "not now");
    return;
  }
  while (after != NULL && first < f->names->len
      && strcmp (g_ptr_array_index (f->names, first), after) <= 0)
    first++;
  end = MIN (first + PAGE, f->names->len);
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "node");
  json_builder_add_int_value (json, f->node);
  json_builder_set_member_name (json, "instance");
  json_builder_add_string_value (json, INSTANCE);
  json_builder_set_member_name (json, "shards");
  json_builder_begin_array (json);
  for (guint i = first; i < end; i++)
    add_name (json, g_ptr_array_index (f->names, i));
  json_builder_end_array (json);
  if (end < f->names->len) {
    json_builder_set_member_name (json, "next");
    json_builder_add_string_value (json, g_ptr_array_index (f->names, end - 1));
  }
  json_builder_end_object (json);
  pmss_http_request_respond_json (request, 200, json_builder_get_root (json));
}

static const PmssHttpdHandler handler = {.begin = begin,.complete =
      answer_list,.end = end
};

static void
listen_as_node (Fixture * f, gboolean tls)
{
  PmssHttpdConfig config = {.listen = "127.0.0.1:0",.threads = 1 };
  g_autoptr (GError) error = NULL;

  if (tls) {
    f->certificate = g_build_filename (f->base.folder, "node.pem", NULL);
    g_assert_true (g_file_set_contents (f->certificate, TEST_CERTIFICATE, -1,
            NULL));
    config.tls_certificate = config.tls_key = f->certificate;
    f->context.tls_database = g_tls_file_database_new (f->certificate, &error);
    g_assert_no_error (error);
  }
  f->httpd = pmss_httpd_start (&config, &handler, f, &error);
  g_assert_no_error (error);
}

/* Control */

static void
join_node (Fixture * f, gboolean tls)
{
  PmssNodes *nodes = f->context.nodes;
  gint64 expires;
  g_autoptr (GError) error = NULL;
  g_autofree char *token = pmss_nodes_create_join_token (nodes, NULL, &expires,
      &error);
  PmssNode node = {
    .address = (char *) "127.0.0.1",.port = pmss_httpd_get_port (f->httpd),
    .tls = tls,.zone = (char *) "z"
  };
  g_autofree char *secret = pmss_nodes_join (nodes, token, &node, 1000, &error);
  PmssNodeBeat beat = {
    .address = node.address,.port = node.port,.tls = tls,
    .instance = INSTANCE,.reads_tokens = TRUE
  };
  g_autofree char *problem = NULL;
  PmssNodeState state;

  g_assert_no_error (error);
  f->node = node.id;
  pmss_nodes_heartbeat (nodes, node.id, secret, &beat, &state, &problem,
      &error);
  g_assert_no_error (error);
  g_assert_cmpint (state, ==, PMSS_NODE_UP);
}

static void
setup (Fixture * f, gconstpointer tls)
{
  g_autofree char *folder = g_dir_make_tmp ("pmss-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;

  control_fixture_init (&f->base);
  f->keys = g_steal_pointer (&folder);
  g_assert_cmpint (g_rmdir (f->keys), ==, 0);
  f->names = g_ptr_array_new_with_free_func (g_free);
  f->context.config = &f->config;
  f->context.database = f->base.database;
  f->context.keys = pmss_keys_open (f->keys, TRUE, &error);
  g_assert_no_error (error);
  f->context.catalog = pmss_catalog_new (f->base.database);
  f->context.nodes = pmss_nodes_new (f->base.database, &error);
  g_assert_no_error (error);
  listen_as_node (f, tls != NULL);
  join_node (f, tls != NULL);
  f->calls = pmss_node_calls_new (&f->context);
}

static void
remove_keys (Fixture * f)
{
  g_autoptr (GDir) dir = g_dir_open (f->keys, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (f->keys, name, NULL);

    g_assert_cmpint (g_unlink (path), ==, 0);
  }
  g_assert_cmpint (g_rmdir (f->keys), ==, 0);
  g_free (f->keys);
}

static void
teardown (Fixture * f, gconstpointer tls)
{
  pmss_node_calls_free (f->calls);
  pmss_httpd_stop (f->httpd, 1);
  pmss_nodes_free (f->context.nodes);
  pmss_catalog_free (f->context.catalog);
  pmss_keys_free (f->context.keys);
  g_clear_object (&f->context.tls_database);
  remove_keys (f);
  g_free (f->certificate);
  g_ptr_array_unref (f->names);
  control_fixture_clear (&f->base);
}

/* The node has shards @first to @end - 1 of the version of which each byte is @byte. */
static void
has (Fixture * f, guint8 byte, guint first, guint end)
{
  PmssVersionId version;
  char name[PMSS_SHARD_NAME_SIZE];

  memset (version.bytes, byte, sizeof version.bytes);
  for (guint i = first; i < end; i++) {
    pmss_shard_name_write (&version, i, 0, name);
    g_ptr_array_add (f->names, g_strdup (name));
  }
}

/* The catalog has @n extents of that version on the node. */
static void
place (Fixture * f, guint8 byte, guint n)
{
  g_autofree char *id = g_strnfill (32, "0123456789abcdef"[byte & 15]);
  g_autofree char *version = g_strdup_printf ("INSERT INTO version"
      " (id, medium, state, size, k, m, unit, extent, created)"
      " VALUES (x'%s', 1, 'ready', 1, 1, 0, 4096, 4096, 1)", id);
  g_autofree char *extents = g_strdup_printf ("WITH RECURSIVE n (i) AS"
      " (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %u - 1)"
      " INSERT INTO extent (version, number, state, nodes)"
      " SELECT x'%s', i, 2, x'%02x000000' FROM n", n, id, f->node);
  g_autofree char *count = g_strdup_printf ("UPDATE node SET shards = %u"
      " WHERE id = %u", n, f->node);

  control_fixture_exec (&f->base, "INSERT INTO medium"
      " (id, name, state, k, m, created, updated)"
      " VALUES (1, 'a', 'ready', 1, 0, 1, 1)");
  control_fixture_exec (&f->base, version);
  control_fixture_exec (&f->base, extents);
  control_fixture_exec (&f->base, count);
}

static gboolean
compare (Fixture * f, PmssUnknown * unknown, guint64 more, guint64 allowed)
{
  g_autoptr (GError) error = NULL;
  gboolean good = pmss_compare_lists (&f->context, f->calls, f->node, unknown,
      more, allowed, &f->compared, NULL, &error);

  g_assert_true (good == (error == NULL));
  return good;
}

static gint64
count_pending (Fixture * f)
{
  return control_fixture_count (&f->base,
      "SELECT count (*) FROM pending_deletion");
}

/* Cases */

/* A node that holds what the catalog has there is compared to the last name, however much that is. */
static void
test_whole (Fixture * f, gconstpointer tls)
{
  g_autoptr (PmssUnknown) unknown = pmss_unknown_new (10);

  place (f, 0x11, 600);
  has (f, 0x11, 0, 599);
  g_assert_true (compare (f, unknown, 50, 0));
  g_assert_true (f->compared.whole);
  g_assert_cmpint (f->compared.shards, ==, 599);
  g_assert_cmpint (f->compared.missing, ==, 1);
  g_assert_cmpint (f->pages, >=, 6);
}

/* A list that is left goes on where it was: what is behind the cut is compared, too. */
static void
test_left (Fixture * f, gconstpointer tls)
{
  g_autoptr (PmssUnknown) unknown = pmss_unknown_new (PMSS_UNKNOWN_MAX);
  guint comparisons = 0;

  place (f, 0xff, 10);
  has (f, 0x11, 0, 950);
  f->fail_at = 3;
  do {
    gboolean good = compare (f, unknown, 50, 0);

    g_assert_true (good || (guint) f->pages == f->fail_at);
    comparisons += good;
    if (!f->compared.whole) {
      g_assert_cmpint (pmss_unknown_get_due (unknown), ==, G_MAXINT64);
      g_assert_cmpint (pmss_unknown_get_count (unknown), ==, 0);
    }
    g_assert_cmpint (f->pages, <, 50);
  } while (!f->compared.whole);
  g_assert_cmpint (comparisons, ==, 10);
  g_assert_cmpint (f->compared.shards, ==, 950);
  g_assert_cmpint (f->compared.missing, ==, 10);
  g_assert_cmpint (f->compared.unknown, ==, 950);
  g_assert_cmpint (f->compared.held, ==, 950);
  g_assert_cmpint (count_pending (f), ==, 0);
}

/* Too many to be remembered are too many to be deleted unasked; a confirmation counts. */
static void
test_forgotten (Fixture * f, gconstpointer tls)
{
  g_autoptr (PmssUnknown) unknown = pmss_unknown_new (10);

  place (f, 0x11, 600);
  has (f, 0x11, 0, 600);
  has (f, 0x22, 0, 400);
  g_assert_true (compare (f, unknown, PMSS_UNKNOWN_MAX, 0));
  g_assert_cmpint (f->compared.orphans, ==, 0);
  g_assert_cmpint (f->compared.held, ==, 400);
  g_assert_cmpint (f->compared.forgotten, ==, 390);
  g_assert_cmpint (count_pending (f), ==, 0);
  g_assert_true (compare (f, unknown, PMSS_UNKNOWN_MAX, 400));
  g_assert_cmpint (f->compared.orphans, ==, 10);
  g_assert_cmpint (f->compared.held, ==, 0);
  g_assert_cmpint (count_pending (f), ==, 10);
  g_assert_cmpint (pmss_unknown_get_count (unknown), ==, 390);
  /* the rest of it is for those that are remembered next */
  g_assert_cmpint (pmss_compared_get_rest (&f->compared, 400), ==, 390);
  f->compared.forgotten = 0;
  g_assert_cmpint (pmss_compared_get_rest (&f->compared, 400), ==, 0);
}

/* A few go unasked, when they have been seen for the grace period. */
static void
test_few (Fixture * f, gconstpointer tls)
{
  g_autoptr (PmssUnknown) unknown = pmss_unknown_new (10);

  place (f, 0x11, 300);
  has (f, 0x11, 0, 300);
  has (f, 0x22, 0, 5);
  f->config.orphan_grace = 3600;
  g_assert_true (compare (f, unknown, 50, 0));
  g_assert_cmpint (f->compared.unknown, ==, 5);
  g_assert_cmpint (f->compared.orphans, ==, 0);
  g_assert_cmpint (pmss_unknown_get_due (unknown), <, G_MAXINT64);
  /* however long that is */
  f->config.orphan_grace = 5000;
  g_assert_true (compare (f, unknown, 50, 0));
  g_assert_cmpint (pmss_unknown_get_due (unknown) - g_get_monotonic_time (), >,
      4000 * (gint64) G_USEC_PER_SEC);
  f->config.orphan_grace = 0;
  g_assert_true (compare (f, unknown, 50, 0));
  g_assert_cmpint (f->compared.orphans, ==, 5);
  g_assert_cmpint (count_pending (f), ==, 5);
  g_assert_cmpint (pmss_unknown_get_count (unknown), ==, 0);
}

/* A server that was started again may have another disk. */
static void
test_other_start (void)
{
  g_autoptr (PmssUnknown) unknown = pmss_unknown_new (10);

  g_assert_null (pmss_unknown_begin (unknown, "a"));
  pmss_unknown_add (unknown, "x", 1);
  pmss_unknown_move (unknown, "x", 1, 0);
  g_assert_cmpstr (pmss_unknown_begin (unknown, "a"), ==, "x");
  g_assert_cmpint (pmss_unknown_get_shards (unknown), ==, 1);
  g_assert_null (pmss_unknown_begin (unknown, "b"));
  g_assert_cmpint (pmss_unknown_get_shards (unknown), ==, 0);
  g_ptr_array_unref (pmss_unknown_end (unknown, 2, 0));
  g_assert_cmpint (pmss_unknown_get_count (unknown), ==, 0);
}

#define ADD(name, func) \
  g_test_add ("/compare-lists/" name, Fixture, NULL, setup, func, teardown); \
  g_test_add ("/compare-lists/" name "-tls", Fixture, "", setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* a list that is left, and shards that are missing, are told as warnings */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  ADD ("whole", test_whole);
  ADD ("left", test_left);
  ADD ("forgotten", test_forgotten);
  ADD ("few", test_few);
  g_test_add_func ("/compare-lists/other-start", test_other_start);
  return g_test_run ();
}
