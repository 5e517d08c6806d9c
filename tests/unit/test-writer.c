/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The writer against nodes that do as they are told, for every way in which one can fail. With real ones: integration-writer. */

#include <string.h>
#include <unistd.h>

#include "fake-peer.h"
#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-shard.h"
#include "libpmss/node/pmss-writer.h"

#define UNIT (4u * 1024)
#define N_NODES 8

typedef enum
{
  NODE_GOOD,
  NODE_FULL,
  NODE_SILENT,
  NODE_CUT,
} Behaviour;

typedef struct _Fixture Fixture;

typedef struct
{
  Fixture *fixture;
  FakePeer *peer;
  Behaviour behaviour;          /* set before the writing */
} Node;

struct _Fixture
{
  Node nodes[N_NODES];          /* node i has id i + 1 */
  PmssVersionId version;
  PmssRedundancy redundancy;
  guint32 extent_size;
  guint64 size;
  guint32 first;
  guint8 *data;
  PmssWriter *writer;
  GCancellable *cancellable;

  GMutex lock;                  /* protects what follows */
  GCond changed;
  GHashTable *stored;           /* "node/name" -> GBytes */
  guint refused;                /* requests that were not fulfilled */
  guint odd_tokens;             /* requests of extent N without the token of number N + 1 */

  guint placed;                 /* extents */
  guint durable;                /* extents */
  guint replaced;
  guint next_spare;             /* id */
  gboolean repeat_node;         /* replace with the same node */
  gboolean endless_nodes;       /* every id above N_NODES is node 1's address */
  gboolean refuse_place, refuse_durable;
};

static void
check_token (Fixture * fixture, guint node, const FakeRequest * request)
{
  const char *name = strrchr (request->target, '/') + 1;
  g_autofree char *expected = NULL;
  PmssVersionId version;
  guint32 extent;
  guint index;

  g_assert_true (pmss_shard_name_parse (name, &version, &extent, &index));
  expected = g_strdup_printf ("Bearer token-%u-%s", node, name);
  if (g_strcmp0 (expected, request->authorization) != 0)
    fixture->odd_tokens++;
}

static void
answer (const FakeRequest * request, FakeAnswer * out, gpointer user_data)
{
  Node *node = user_data;
  Fixture *fixture = node->fixture;

  g_mutex_lock (&fixture->lock);
  check_token (fixture, node - fixture->nodes + 1, request);
  if (node->behaviour == NODE_GOOD) {
    const char *name = strrchr (request->target, '/') + 1;
    guint id = node - fixture->nodes + 1;

    g_hash_table_insert (fixture->stored,
        g_strdup_printf ("%u/%s", id, name),
        g_bytes_new (request->body->str, request->body->len));
    out->text = g_strdup ("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  } else {
    fixture->refused++;
    if (node->behaviour == NODE_FULL)
      out->text = g_strdup ("HTTP/1.1 507 Full\r\nContent-Length: 0\r\n\r\n");
    else if (node->behaviour == NODE_CUT)
      out->text = g_strdup ("");
    out->close = TRUE;
  }
  g_cond_broadcast (&fixture->changed);
  g_mutex_unlock (&fixture->lock);
}

/* --- what the writer asks --- */

static void
fill_node (Fixture * fixture, guint id, PmssNode * node)
{
  Node *real = &fixture->nodes[fixture->endless_nodes && id > N_NODES
      ? 0 : id - 1];

  *node = (PmssNode) {
  .id = id,.address = (char *) "127.0.0.1",.port =
        fake_peer_get_port (real->peer),.zone = (char *) "",};
}

static gboolean
place (guint32 extent, PmssNode * nodes, gpointer user_data, GError ** error)
{
  Fixture *fixture = user_data;

  g_assert_cmpuint (extent, ==, fixture->first + fixture->placed);
  fixture->placed++;
  if (fixture->refuse_place) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE, "no node has room");
    return FALSE;
  }
  for (guint i = 0; i < fixture->redundancy.k + fixture->redundancy.m; i++)
    fill_node (fixture, i + 1, &nodes[i]);
  return TRUE;
}

static gboolean
replace (guint32 extent, guint shard, const PmssNode * failed,
    const GError * reason, PmssNode * node, gpointer user_data, GError ** error)
{
  Fixture *fixture = user_data;

  g_assert_cmpint (pmss_error_get_details (reason)->shard, ==, (int) shard);
  g_assert_cmpint (pmss_error_get_details (reason)->extent, ==,
      (gint64) extent);
  g_assert_cmpuint (pmss_error_get_details (reason)->node, ==, failed->id);
  fixture->replaced++;
  if (fixture->repeat_node) {
    *node = *failed;
    return TRUE;
  }
  if (fixture->next_spare > N_NODES && !fixture->endless_nodes) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS,
        "no node is left: %s", reason->message);
    return FALSE;
  }
  fill_node (fixture, fixture->next_spare++, node);
  return TRUE;
}

static char *
token (const PmssNode * node, const char *shard, gpointer user_data)
{
  return g_strdup_printf ("token-%u-%s", node->id, shard);
}

static gboolean
durable (guint32 extent, gpointer user_data, GError ** error)
{
  Fixture *fixture = user_data;

  g_assert_cmpuint (extent, ==, fixture->first + fixture->durable);
  fixture->durable++;
  return !fixture->refuse_durable;
}

static const PmssWriterFuncs funcs = { place, replace, token, durable };

/* --- the fixture --- */

static void
set_up (Fixture * fixture, gconstpointer data)
{
  pmss_version_id_generate (&fixture->version);
  fixture->redundancy = (PmssRedundancy) {
  4, 2};
  fixture->extent_size = 4 * 4 * UNIT;
  fixture->cancellable = g_cancellable_new ();
  fixture->next_spare = 7;
  g_mutex_init (&fixture->lock);
  g_cond_init (&fixture->changed);
  fixture->stored = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) g_bytes_unref);
  for (guint i = 0; i < N_NODES; i++) {
    fixture->nodes[i].fixture = fixture;
    fixture->nodes[i].peer = fake_peer_new (answer, &fixture->nodes[i], NULL);
  }
}

static void
tear_down (Fixture * fixture, gconstpointer data)
{
  g_clear_object (&fixture->writer);
  for (guint i = 0; i < N_NODES; i++)
    fake_peer_free (fixture->nodes[i].peer);
  g_hash_table_unref (fixture->stored);
  g_object_unref (fixture->cancellable);
  g_free (fixture->data);
  g_mutex_clear (&fixture->lock);
  g_cond_clear (&fixture->changed);
}

static void
begin (Fixture * fixture, guint64 size)
{
  g_clear_object (&fixture->writer);
  g_free (fixture->data);
  g_hash_table_remove_all (fixture->stored);
  fixture->placed = fixture->durable = 0;
  fixture->size = size;
  fixture->data = g_malloc (size + 1);
  for (guint64 i = 0; i < size; i++)
    fixture->data[i] = g_random_int ();
  fixture->writer = pmss_writer_new (&fixture->version, size,
      fixture->redundancy, UNIT, fixture->extent_size, fixture->first, &funcs,
      fixture);
}

/* Writes everything, @piece bytes at a time. */
static gboolean
write_all (Fixture * fixture, gsize piece, GError ** error)
{
  guint64 at = (guint64) fixture->first * fixture->extent_size;

  for (; at < fixture->size; at += piece)
    if (!pmss_writer_write (fixture->writer, fixture->data + at,
            MIN (piece, fixture->size - at), fixture->cancellable, error))
      return FALSE;
  return pmss_writer_finish (fixture->writer, fixture->cancellable, error);
}

/* --- what is stored --- */

static GBytes *
find_shard (Fixture * fixture, guint32 extent, guint index)
{
  char name[PMSS_SHARD_NAME_SIZE];
  GBytes *found = NULL;

  pmss_shard_name_write (&fixture->version, extent, index, name);
  for (guint id = 1; id <= N_NODES; id++) {
    g_autofree char *key = g_strdup_printf ("%u/%s", id, name);
    GBytes *shard = g_hash_table_lookup (fixture->stored, key);

    g_assert_true (shard == NULL || found == NULL);
    if (shard != NULL)
      found = shard;
  }
  if (found != NULL) {
    g_autoptr (PmssShardChecker) checker = pmss_shard_checker_new (name);
    g_autoptr (GError) error = NULL;

    pmss_shard_checker_feed (checker, g_bytes_get_data (found, NULL),
        g_bytes_get_size (found), &error);
    g_assert_no_error (error);
    pmss_shard_checker_finish (checker, &error);
    g_assert_no_error (error);
  }
  return found;
}

/* Puts extent @number together from its data shards and compares it. */
static void
check_extent (Fixture * fixture, guint32 number)
{
  guint k = fixture->redundancy.k;
  guint64 start = (guint64) number * fixture->extent_size;
  PmssExtentGeometry geometry = {
    .version = fixture->version,
    .extent = number,
    .redundancy = fixture->redundancy,
    .unit = UNIT,
    .payload = MIN (fixture->extent_size, fixture->size - start),
  };

  for (guint i = 0; i < k + fixture->redundancy.m; i++)
    g_assert_nonnull (find_shard (fixture, number, i));
  for (guint32 row = 0; row < pmss_extent_geometry_rows (&geometry); row++)
    for (guint i = 0; i < k; i++) {
      gsize length = pmss_extent_geometry_unit_length (&geometry, row, i);
      const guint8 *shard = g_bytes_get_data (find_shard (fixture, number, i),
          NULL);

      g_assert_cmpmem (shard + pmss_extent_geometry_record_offset (&geometry,
              row) + PMSS_RECORD_HEADER_SIZE, length,
          fixture->data + start + ((guint64) row * k + i) * UNIT, length);
    }
}

static void
check_all (Fixture * fixture)
{
  guint32 n = (fixture->size + fixture->extent_size - 1)
      / fixture->extent_size;

  g_assert_cmpuint (fixture->first + fixture->placed, ==, n);
  g_assert_cmpuint (fixture->first + fixture->durable, ==, n);
  for (guint32 i = fixture->first; i < n; i++)
    check_extent (fixture, i);
}

/* --- tests --- */

static void
test_sizes (Fixture * fixture, gconstpointer data)
{
  static const PmssRedundancy codes[] = { {4, 2}, {1, 0}, {1, 2}, {6, 0} };

  for (guint c = 0; c < G_N_ELEMENTS (codes); c++) {
    guint32 extent = codes[c].k * 4 * UNIT;
    const guint64 sizes[] = { 0, 1, UNIT - 1, UNIT, UNIT + 1, extent - 1,
      extent, extent + 1, 5 * extent + 3 * UNIT + 5
    };

    fixture->redundancy = codes[c];
    fixture->extent_size = extent;
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
      g_autoptr (GError) error = NULL;

      begin (fixture, sizes[i]);
      write_all (fixture, i % 2 ? 1000 : 1000000, &error);
      g_assert_no_error (error);
      check_all (fixture);
    }
  }
}

static void
test_resume (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->first = 2;
  begin (fixture, 4 * fixture->extent_size + 7);
  write_all (fixture, 10000, &error);
  g_assert_no_error (error);
  check_all (fixture);
  g_assert_null (find_shard (fixture, 1, 0));
  /* everything was there already */
  fixture->first = 5;
  begin (fixture, 4 * fixture->extent_size + 7);
  g_assert_true (pmss_writer_finish (fixture->writer, NULL, &error));
  g_assert_no_error (error);
}

static void
test_token (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  begin (fixture, 3 * fixture->extent_size);
  write_all (fixture, 10000, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (fixture->stored), ==, 3 * 6);
  g_assert_cmpuint (fixture->odd_tokens, ==, 0);
}

static void
test_replace (Fixture * fixture, gconstpointer data)
{
  static const Behaviour ways[] = { NODE_FULL, NODE_CUT, NODE_SILENT };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    g_autoptr (GError) error = NULL;

    fixture->nodes[1].behaviour = fixture->nodes[4].behaviour = ways[i];
    fixture->next_spare = 7;
    fixture->replaced = 0;
    begin (fixture, fixture->extent_size);
    /* the good ones must make it, however loaded the machine is */
    if (ways[i] == NODE_SILENT)
      g_object_set (fixture->writer, "timeout", 8, NULL);
    write_all (fixture, 10000, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (fixture->replaced, ==, 2);
    check_all (fixture);
  }
}

static void
check_ended (Fixture * fixture, PmssError code, const char *hint)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) again = NULL;

  g_assert_false (write_all (fixture, 10000, &error));
  g_assert_error (error, PMSS_ERROR, (int) code);
  if (strstr (error->message, hint) == NULL)
    g_error ("no \"%s\" in: %s", hint, error->message);
  /* and it stays so */
  g_assert_false (pmss_writer_finish (fixture->writer, NULL, &again));
  g_assert_cmpstr (again->message, ==, error->message);
}

static void
test_no_node_left (Fixture * fixture, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    fixture->nodes[i].behaviour = NODE_FULL;
  begin (fixture, fixture->extent_size);
  check_ended (fixture, PMSS_ERROR_TOO_FEW_SHARDS, "no node is left");
  g_assert_cmpuint (fixture->durable, ==, 0);
}

static void
test_never_twice (Fixture * fixture, gconstpointer data)
{
  fixture->nodes[3].behaviour = NODE_CUT;
  fixture->repeat_node = TRUE;
  begin (fixture, fixture->extent_size);
  check_ended (fixture, PMSS_ERROR_INVALID, "placed twice on node 4");
}

/* However many nodes there are, 2n of them get to see an extent. */
static void
test_bounded_tries (Fixture * fixture, gconstpointer data)
{
  fixture->nodes[0].behaviour = NODE_FULL;
  fixture->endless_nodes = TRUE;
  fixture->next_spare = N_NODES + 1;
  begin (fixture, fixture->extent_size);
  check_ended (fixture, PMSS_ERROR_NO_SPACE, "12 nodes in vain");
  g_assert_cmpuint (fixture->replaced, ==, 6);
  g_assert_cmpuint (fixture->refused, ==, 7);
}

static void
test_callbacks_end_it (Fixture * fixture, gconstpointer data)
{
  fixture->refuse_place = TRUE;
  begin (fixture, fixture->extent_size);
  check_ended (fixture, PMSS_ERROR_NO_SPACE, "no node has room");
  fixture->refuse_place = FALSE;
  fixture->refuse_durable = TRUE;
  begin (fixture, 3 * fixture->extent_size);
  check_ended (fixture, PMSS_ERROR_FAILED, "durable");
  g_assert_cmpuint (fixture->durable, ==, 1);
}

static void
test_size_is_kept (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  begin (fixture, 100);
  g_assert_false (pmss_writer_finish (fixture->writer, NULL, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (pmss_writer_write (fixture->writer, fixture->data, 101, NULL,
          &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_cmpuint (fixture->placed, ==, 0);
  write_all (fixture, 100, &error);
  g_assert_no_error (error);
  check_all (fixture);
  g_assert_false (pmss_writer_write (fixture->writer, "x", 1, NULL, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
}

static void
test_bad_numbers (Fixture * fixture, gconstpointer data)
{
  static const struct
  {
    PmssRedundancy redundancy;
    guint32 unit, extent, first;
  } bad[] = {
    {{0, 0}, UNIT, 4 * UNIT, 0},
    {{17, 0}, UNIT, 17 * UNIT, 0},
    {{4, 5}, UNIT, 4 * UNIT, 0},
    {{4, 2}, 1000, 4000, 0},
    {{4, 2}, UNIT, 5 * UNIT, 0},
    {{4, 2}, UNIT, 0, 0},
    {{1, 0}, UNIT, UNIT, 2},
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (PmssWriter) writer = pmss_writer_new (&fixture->version, UNIT,
        bad[i].redundancy, bad[i].unit, bad[i].extent, bad[i].first, &funcs,
        fixture);
    g_autoptr (GError) error = NULL;

    g_assert_false (pmss_writer_write (writer, "x", 1, NULL, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
    g_clear_error (&error);
    g_assert_false (pmss_writer_finish (writer, NULL, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  }
}

/* Waits until all requests of three extents hang, then cancels. */
static gpointer
cancel_when_full (gpointer user_data)
{
  Fixture *fixture = user_data;

  g_mutex_lock (&fixture->lock);
  while (fixture->refused < 18)
    g_cond_wait (&fixture->changed, &fixture->lock);
  g_mutex_unlock (&fixture->lock);
  g_cancellable_cancel (fixture->cancellable);
  return NULL;
}

/* Nodes that say nothing: the writer takes three extents and the one to come, and no more. */
static void
test_back_pressure (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  GThread *thread;

  for (guint i = 0; i < N_NODES; i++)
    fixture->nodes[i].behaviour = NODE_SILENT;
  begin (fixture, 10 * fixture->extent_size);
  thread = g_thread_new ("cancel", cancel_when_full, fixture);
  g_assert_false (write_all (fixture, 1000, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  g_assert_cmpuint (fixture->placed, ==, 3);
  g_assert_cmpuint (fixture->durable, ==, 0);
  g_clear_error (&error);
  g_assert_false (pmss_writer_write (fixture->writer, "x", 1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_cancelled_before (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (fixture->cancellable);
  begin (fixture, fixture->extent_size);
  g_assert_false (write_all (fixture, 1000, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (fixture->placed, ==, 0);
}

/* Freed in the middle: nothing hangs, nothing is used after. */
static void
test_dropped (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->nodes[0].behaviour = NODE_SILENT;
  begin (fixture, 3 * fixture->extent_size);
  g_assert_true (pmss_writer_write (fixture->writer, fixture->data,
          2 * fixture->extent_size + 5, NULL, &error));
  g_assert_no_error (error);
  g_clear_object (&fixture->writer);
  g_assert_cmpuint (fixture->durable, ==, 0);
}

#define ADD(name, func) \
  g_test_add ("/writer/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  alarm (600);
  g_test_init (&argc, &argv, NULL);
  ADD ("sizes", test_sizes);
  ADD ("resume", test_resume);
  ADD ("token", test_token);
  ADD ("replace", test_replace);
  ADD ("no-node-left", test_no_node_left);
  ADD ("never-twice", test_never_twice);
  ADD ("bounded-tries", test_bounded_tries);
  ADD ("callbacks-end-it", test_callbacks_end_it);
  ADD ("size-is-kept", test_size_is_kept);
  ADD ("bad-numbers", test_bad_numbers);
  ADD ("back-pressure", test_back_pressure);
  ADD ("cancelled-before", test_cancelled_before);
  ADD ("dropped", test_dropped);
  return g_test_run ();
}
