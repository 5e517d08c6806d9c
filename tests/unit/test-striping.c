/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Striping, from a source that does as it is told on to nodes that do so, too. With real ones: integration-ingest. */
#include "control/striping/striping.h"

#include <glib/gstdio.h>
#include <string.h>

#include "control-fixture.h"
#include "control/keys.h"
#include "control/nodes/nodes.h"
#include "fake-peer.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-sha256.h"

#define N_NODES 9
#define UNIT 4096
#define EXTENT (64 * 1024)
/* three extents, and a piece of one that ends in the middle of a unit */
#define SIZE (3 * EXTENT + UNIT + 7)
#define N_EXTENTS 4

typedef struct _Fixture Fixture;

typedef struct
{
  Fixture *fixture;
  FakePeer *peer;
  guint id;
} Node;

struct _Fixture
{
  ControlFixture base;
  char *keys;                   /* folder */
  PmssControlContext context;
  Node nodes[N_NODES];
  PmssVersion version;
  guint8 *data;
  PmssByteSource *source;
  GCancellable *cancellable;
  guint64 progress, throttled;
  guint64 unreadable;           /* the source fails from here on */
  guint64 stop_at;              /* progress that tells to stop */

  GMutex lock;                  /* protects what follows */
  GHashTable *stored;           /* "id/name" -> GBytes */
  guint puts;
  guint damage;                 /* so many of the next PUTs store another byte */
  guint lose;                   /* so many are answered and store nothing */
};

/* --- nodes --- */

static void
put (Fixture * f, char *key, const GString * body)
{
  g_autofree guint8 *bytes = g_memdup2 (body->str, body->len);

  f->puts++;
  if (f->lose > 0) {
    f->lose--;
    g_free (key);
    return;
  }
  if (f->damage > 0) {
    f->damage--;
    bytes[body->len / 2] ^= 1;
  }
  g_hash_table_insert (f->stored, key, g_bytes_new (bytes, body->len));
}

static void
get (Fixture * f, const char *key, FakeAnswer * out)
{
  GBytes *bytes = g_hash_table_lookup (f->stored, key);

  if (bytes == NULL) {
    out->text = g_strdup ("HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  out->text = g_strdup_printf ("HTTP/1.1 200 OK\r\nContent-Length: %"
      G_GSIZE_FORMAT "\r\n\r\n", g_bytes_get_size (bytes));
  out->body_length = g_bytes_get_size (bytes);
  out->body = g_memdup2 (g_bytes_get_data (bytes, NULL), out->body_length);
}

static void
answer (const FakeRequest * request, FakeAnswer * out, gpointer user_data)
{
  Node *node = user_data;
  Fixture *f = node->fixture;
  char *key = g_strdup_printf ("%u%s", node->id,
      strrchr (request->target, '/'));

  g_mutex_lock (&f->lock);
  if (g_str_equal (request->method, "PUT")) {
    put (f, key, request->body);
    out->text = g_strdup ("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  } else if (g_str_equal (request->method, "DELETE")) {
    g_hash_table_remove (f->stored, key);
    out->text = g_strdup ("HTTP/1.1 204 Gone\r\n\r\n");
    g_free (key);
  } else {
    get (f, key, out);
    g_free (key);
  }
  g_mutex_unlock (&f->lock);
}

static void
add_node (Fixture * f, Node * node)
{
  PmssNodes *nodes = f->context.nodes;
  gint64 expires;
  g_autofree char *token = pmss_nodes_create_join_token (nodes, NULL, &expires,
      NULL);
  g_autofree char *secret = NULL, *problem = NULL;
  g_autoptr (GError) error = NULL;
  PmssNode place = {.address = (char *) "127.0.0.1",.zone = (char *) "z" };
  PmssNodeBeat told = {.address = "127.0.0.1",.reads_tokens = TRUE,
    .stats = {.free = 1 << 30}
  };
  PmssNodeState state;

  node->fixture = f;
  node->peer = fake_peer_new (answer, node, NULL);
  place.port = told.port = fake_peer_get_port (node->peer);
  secret = pmss_nodes_join (nodes, token, &place, 1 << 30, &error);
  g_assert_no_error (error);
  node->id = place.id;
  pmss_nodes_heartbeat (nodes, place.id, secret, &told, &state, &problem,
      &error);
  g_assert_no_error (error);
  g_assert_cmpint (state, ==, PMSS_NODE_UP);
}

/* --- the source --- */

static gboolean
read_source (gpointer user_data, guint64 offset, guint8 * to, gsize length,
    GError ** error)
{
  Fixture *f = user_data;

  if (offset + length > f->unreadable) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FAILED, "torn");
    return FALSE;
  }
  memcpy (to, f->data + offset, length);
  return TRUE;
}

/* --- the fixture --- */

static void
add_version (Fixture * f)
{
  g_autoptr (PmssMedium) medium = pmss_medium_new ();
  g_autoptr (GError) error = NULL;

  medium->name = g_strdup ("film");
  medium->state = PMSS_MEDIUM_INGESTING;
  medium->redundancy = (PmssRedundancy) {
  2, 1};
  pmss_catalog_add_medium (f->context.catalog, medium, &error);
  g_assert_no_error (error);
  f->version = (PmssVersion) {
  .medium = medium->id,.size = SIZE,.redundancy = medium->redundancy,.unit =
        UNIT,.extent = EXTENT};
  pmss_version_id_generate (&f->version.id);
  pmss_catalog_add_version (f->context.catalog, &f->version, &error);
  g_assert_no_error (error);
}

static void
setup (Fixture * f, gconstpointer data)
{
  static const PmssByteSourceFuncs funcs = { read_source, NULL };
  g_autofree char *keys = NULL;
  g_autoptr (GError) error = NULL;

  control_fixture_init (&f->base);
  g_mutex_init (&f->lock);
  f->stored = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) g_bytes_unref);
  f->keys = g_dir_make_tmp ("pmss-keys-XXXXXX", NULL);
  keys = g_build_filename (f->keys, "keys", NULL);
  f->context.keys = pmss_keys_open (keys, TRUE, &error);
  g_assert_no_error (error);
  f->context.database = f->base.database;
  f->context.catalog = pmss_catalog_new (f->base.database);
  f->context.nodes = pmss_nodes_new (f->base.database, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N_NODES; i++)
    add_node (f, &f->nodes[i]);
  add_version (f);
  f->data = g_malloc (SIZE);
  for (guint i = 0; i < SIZE; i++)
    f->data[i] = (i * 7 + i / 251) & 0xff;
  f->unreadable = f->stop_at = G_MAXUINT64;
  f->source = pmss_byte_source_new (&funcs, f, SIZE);
  f->cancellable = g_cancellable_new ();
}

static void
remove_keys (Fixture * f)
{
  g_autofree char *path = g_build_filename (f->keys, "keys", NULL);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *file = g_build_filename (path, name, NULL);

    g_assert_cmpint (g_unlink (file), ==, 0);
  }
  g_assert_cmpint (g_rmdir (path), ==, 0);
  g_assert_cmpint (g_rmdir (f->keys), ==, 0);
}

static void
teardown (Fixture * f, gconstpointer data)
{
  for (guint i = 0; i < N_NODES; i++)
    fake_peer_free (f->nodes[i].peer);
  pmss_byte_source_free (f->source);
  pmss_nodes_free (f->context.nodes);
  pmss_catalog_free (f->context.catalog);
  pmss_keys_free (f->context.keys);
  remove_keys (f);
  control_fixture_clear (&f->base);
  g_hash_table_unref (f->stored);
  g_object_unref (f->cancellable);
  g_mutex_clear (&f->lock);
  g_free (f->keys);
  g_free (f->data);
}

/* --- what the striping asks --- */

static gboolean
note_progress (guint64 done, gpointer user_data, GError ** error)
{
  Fixture *f = user_data;

  /* what was durable may be verified, and neither is taken back */
  g_assert_cmpuint (done, >=, f->progress);
  f->progress = done;
  if (done < f->stop_at)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "stopped");
  return FALSE;
}

static gboolean
throttle (gsize bytes, gpointer user_data, GError ** error)
{
  ((Fixture *) user_data)->throttled += bytes;
  return TRUE;
}

static PmssStriping *
make (Fixture * f)
{
  static const PmssStripingFuncs funcs = { note_progress, throttle };

  f->progress = f->throttled = 0;
  return pmss_striping_new (&f->context, &f->version, "film", f->source,
      &funcs, f, f->cancellable);
}

static GBytes *
find_stored (Fixture * f, const PmssExtent * extent, guint shard)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autofree char *key = NULL;

  pmss_shard_name_write (&f->version.id, extent->number, shard, name);
  key = g_strdup_printf ("%u/%s", extent->nodes[shard], name);
  return g_hash_table_lookup (f->stored, key);
}

/* Every node that the catalog names has what it should have. */
static void
assert_stored (Fixture * f)
{
  g_autoptr (PmssErasure) erasure = pmss_erasure_new (f->version.redundancy);
  g_autoptr (GArray) extents = pmss_catalog_list_extents (f->context.catalog,
      &f->version.id, 0, 100, NULL);

  g_assert_cmpuint (extents->len, ==, N_EXTENTS);
  for (guint i = 0; i < extents->len; i++) {
    const PmssExtent *extent = &g_array_index (extents, PmssExtent, i);
    guint64 offset = (guint64) i * EXTENT;
    PmssExtentGeometry geometry;
    GBytes *shards[PMSS_MAX_SHARDS];

    g_assert_true (pmss_version_get_geometry (&f->version, i, &geometry));
    g_assert_cmpint (extent->state, ==, PMSS_EXTENT_VERIFIED);
    g_assert_true (pmss_striping_compute (f->source, erasure, &geometry,
            offset, shards, NULL));
    for (guint s = 0; s < extent->n_nodes; s++) {
      g_assert_true (g_bytes_equal (shards[s], find_stored (f, extent, s)));
      g_bytes_unref (shards[s]);
    }
  }
}

static void
assert_hash (Fixture * f, const char *sha256)
{
  g_autofree char *expected = pmss_byte_source_hash (f->source, NULL, NULL);

  g_assert_cmpstr (sha256, ==, expected);
}

/* A whole run. */
static void
stripe (Fixture * f)
{
  g_autoptr (PmssStriping) striping = make (f);
  g_autoptr (GError) error = NULL;
  g_autofree char *sha256 = NULL;

  pmss_striping_write (striping, &sha256, &error);
  g_assert_no_error (error);
  pmss_striping_verify (striping, &error);
  g_assert_no_error (error);
  assert_hash (f, sha256);
  g_assert_cmpuint (f->progress, <=, 2 * SIZE);
  assert_stored (f);
}

/* --- tests --- */

static void
test_whole (Fixture * f, gconstpointer data)
{
  stripe (f);
  g_assert_cmpuint (f->puts, ==, 3 * N_EXTENTS);
  g_assert_cmpuint (f->throttled, ==, SIZE);
}

/* Two shards that are not what was sent, and two that are not there. */
static void
test_put_right (Fixture * f, gconstpointer data)
{
  f->damage = 2;
  f->lose = 2;
  stripe (f);
  g_assert_cmpuint (f->puts, >=, 3 * N_EXTENTS + 4);
}

/* What is durable is not sent again, and is hashed all the same. */
static void
test_goes_on (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssStriping) striping = make (f);
  g_autoptr (GError) error = NULL;
  g_autofree char *sha256 = NULL;

  f->stop_at = 2 * EXTENT;
  g_assert_false (pmss_striping_write (striping, &sha256, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_null (sha256);
  g_clear_pointer (&striping, pmss_striping_free);
  f->stop_at = G_MAXUINT64;
  stripe (f);
  /* less than the whole: one extent at least had been there */
  g_assert_cmpuint (f->throttled, <=, SIZE - EXTENT);
}

/* The source's own error, and no version that is said to be whole. */
static void
test_source_fails (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssStriping) striping = make (f);
  g_autoptr (GError) error = NULL;
  g_autofree char *sha256 = NULL;

  f->unreadable = SIZE - 1;
  g_assert_false (pmss_striping_write (striping, &sha256, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_FAILED);
  g_assert_cmpstr (error->message, ==, "torn");
  g_assert_null (sha256);
  g_clear_pointer (&striping, pmss_striping_free);
  f->unreadable = G_MAXUINT64;
  stripe (f);
}

/* A source that fails when all is durable: nothing is verified that was not compared. */
static void
test_source_fails_later (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssStriping) striping = make (f);
  g_autoptr (GError) error = NULL;
  g_autofree char *durable = g_strdup_printf ("UPDATE extent SET state = %d",
      PMSS_EXTENT_DURABLE);
  g_autofree char *sha256 = NULL;

  g_assert_true (pmss_striping_write (striping, &sha256, &error));
  control_fixture_exec (&f->base, durable);
  f->unreadable = 0;
  g_assert_false (pmss_striping_verify (striping, &error));
  g_assert_cmpstr (error->message, ==, "torn");
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT max (state) FROM extent"), ==, PMSS_EXTENT_DURABLE);
  g_clear_pointer (&striping, pmss_striping_free);
  f->unreadable = G_MAXUINT64;
  stripe (f);
}

static void
test_cancelled (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssStriping) striping = make (f);
  g_autoptr (GError) error = NULL;
  g_autofree char *sha256 = NULL;

  g_cancellable_cancel (f->cancellable);
  g_assert_false (pmss_striping_write (striping, &sha256, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (f->puts, ==, 0);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (Fixture * f, gconstpointer data);
  } tests[] = {
    {"whole", test_whole}, {"put-right", test_put_right},
    {"goes-on", test_goes_on}, {"source-fails", test_source_fails},
    {"source-fails-later", test_source_fails_later},
    {"cancelled", test_cancelled},
  };

  g_test_init (&argc, &argv, NULL);
  /* what is wrong with a shard is told as a warning */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++) {
    g_autofree char *path = g_strconcat ("/striping/", tests[i].name, NULL);

    g_test_add (path, Fixture, NULL, setup, tests[i].func, teardown);
  }
  return g_test_run ();
}
