/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writer and node client against storage servers as they are. */

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage-servers.h"

#define N_NODES 8
#define UNIT PMSS_DEFAULT_UNIT
#define EXTENT (4u * 1024 * 1024)

typedef struct
{
  char *folder;
  guint8 secret[PMSS_TOKEN_SECRET_KEY_SIZE];
  StorageServer servers[N_NODES];
  guint n_servers;
  PmssVersionId version;
  PmssRedundancy redundancy;
  guint64 size;
  guint8 *data;
  guint where[64][PMSS_MAX_SHARDS];     /* index of the server that has it */
  guint n_extents;
  guint durable;
  guint replaced;
  GPid kill_at_first;           /* killed once the first extent is durable */
} Fixture;

static void
set_up (Fixture * fixture, gconstpointer data)
{
  guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE];

  fixture->folder = g_dir_make_tmp ("pmss-test-writer-XXXXXX", NULL);
  pmss_token_generate_keys (public_key, fixture->secret);
  storage_servers_write_key (fixture->folder, public_key);
  fixture->n_servers = GPOINTER_TO_UINT (data);
  for (guint i = 0; i < fixture->n_servers; i++)
    storage_server_start (&fixture->servers[i], fixture->folder, i, "0");
  pmss_version_id_generate (&fixture->version);
  fixture->redundancy = (PmssRedundancy) {
  4, 2};
}

static void
tear_down (Fixture * fixture, gconstpointer data)
{
  for (guint i = 0; i < fixture->n_servers; i++) {
    storage_server_stop (&fixture->servers[i]);
    g_free (fixture->servers[i].data);
  }
  storage_servers_remove_tree (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->data);
}

/* --- what the writer asks --- */

static char *
make_token (Fixture * fixture, PmssTokenOps ops, const PmssVersionId * version,
    gint64 expires_in)
{
  g_autoptr (PmssTokenClaims) claims = pmss_token_claims_new ();

  claims->issued = g_get_real_time () / G_USEC_PER_SEC - 30;
  claims->expires = claims->issued + 30 + expires_in;
  g_free (claims->cluster);
  claims->cluster = g_strdup (STORAGE_SERVERS_CLUSTER);
  claims->ops = ops;
  claims->any_version = version == NULL;
  if (version != NULL)
    claims->version = *version;
  if (claims->medium == NULL)
    claims->medium = g_strdup ("");
  if (claims->user == NULL)
    claims->user = g_strdup ("");
  if (claims->session == NULL)
    claims->session = g_strdup ("");
  pmss_token_claims_add_nodes (claims, 1, G_MAXUINT);
  return pmss_token_mint (claims, fixture->secret);
}

static char *
token (const PmssNode * node, const char *shard, gpointer user_data)
{
  Fixture *fixture = user_data;

  return make_token (fixture, PMSS_TOKEN_WRITE, &fixture->version, 60);
}

static gboolean
place (guint32 extent, PmssNode * nodes, gpointer user_data, GError ** error)
{
  Fixture *fixture = user_data;
  guint n = fixture->redundancy.k + fixture->redundancy.m;

  for (guint i = 0; i < n; i++) {
    fixture->where[extent][i] = (extent + i) % n;
    nodes[i] = fixture->servers[fixture->where[extent][i]].node;
  }
  fixture->n_extents = extent + 1;
  return TRUE;
}

static gboolean
replace (guint32 extent, guint shard, const PmssNode * failed,
    const GError * reason, PmssNode * node, gpointer user_data, GError ** error)
{
  Fixture *fixture = user_data;
  guint spare = 6 + fixture->replaced++ % 2;

  g_test_message ("extent %u: %s", extent, reason->message);
  fixture->where[extent][shard] = spare;
  *node = fixture->servers[spare].node;
  return TRUE;
}

static gboolean
durable (guint32 extent, gpointer user_data, GError ** error)
{
  Fixture *fixture = user_data;

  g_assert_cmpuint (extent, ==, fixture->durable);
  fixture->durable++;
  if (fixture->kill_at_first != 0)
    kill (fixture->kill_at_first, SIGKILL);
  fixture->kill_at_first = 0;
  return TRUE;
}

static const PmssWriterFuncs funcs = { place, replace, token, durable };

static void
write_all (Fixture * fixture, guint64 size, guint timeout)
{
  g_autoptr (PmssWriter) writer = NULL;
  g_autoptr (GError) error = NULL;

  fixture->size = size;
  fixture->data = g_malloc (size);
  for (guint64 i = 0; i + 4 <= size; i += 4) {
    guint32 value = g_random_int ();

    memcpy (fixture->data + i, &value, 4);
  }
  writer = pmss_writer_new (&fixture->version, size, fixture->redundancy,
      UNIT, EXTENT, 0, &funcs, fixture);
  g_object_set (writer, "timeout", timeout, NULL);
  for (guint64 at = 0; at < size; at += 100000) {
    pmss_writer_write (writer, fixture->data + at, MIN (100000, size - at),
        NULL, &error);
    g_assert_no_error (error);
  }
  pmss_writer_finish (writer, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->durable, ==, (size + EXTENT - 1) / EXTENT);
}

/* --- the node client --- */

static void
keep_result (GObject * source, GAsyncResult * result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult ** result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

/* A client of server @index whose token allows @ops on our version, or on all where the operation is about none. */
static PmssNodeClient *
client_for (Fixture * fixture, guint index, PmssTokenOps ops)
{
  PmssNodeClient *client = pmss_node_client_new
      (&fixture->servers[index].node, 5, NULL);
  g_autofree char *text = make_token (fixture, ops, ops & PMSS_TOKEN_LIST
      ? NULL : &fixture->version, 60);

  pmss_node_client_set_token (client, text);
  return client;
}

static gboolean
put (PmssNodeClient * client, const char *name, GBytes * shard, GError ** error)
{
  g_autoptr (GAsyncResult) result = NULL;

  pmss_node_client_put_async (client, name, shard, NULL, keep_result, &result);
  return pmss_node_client_put_finish (client, wait_for (&result), error);
}

static gboolean
compare (PmssNodeClient * client, const char *name, GBytes * shard,
    GError ** error)
{
  g_autoptr (GAsyncResult) result = NULL;

  pmss_node_client_compare_async (client, name, shard, NULL, keep_result,
      &result);
  return pmss_node_client_compare_finish (client, wait_for (&result), error);
}

static gboolean
delete (PmssNodeClient * client, const char *name, GError ** error)
{
  g_autoptr (GAsyncResult) result = NULL;

  pmss_node_client_delete_async (client, name, NULL, keep_result, &result);
  return pmss_node_client_delete_finish (client, wait_for (&result), error);
}

/* The shards that extent @number has to have, by the striper. */
static void
make_shards (Fixture * fixture, guint32 number, GBytes ** shards)
{
  g_autoptr (PmssErasure) erasure = pmss_erasure_new (fixture->redundancy);
  guint64 start = (guint64) number * EXTENT;
  PmssExtentGeometry geometry = {
    .version = fixture->version,
    .extent = number,
    .redundancy = fixture->redundancy,
    .unit = UNIT,
    .payload = MIN (EXTENT, fixture->size - start),
  };

  pmss_striper_run (erasure, &geometry, fixture->data + start, shards);
}

/* Reads every shard back from where it is said to be. */
static void
check_all (Fixture * fixture)
{
  guint n = fixture->redundancy.k + fixture->redundancy.m;

  for (guint32 extent = 0; extent < fixture->n_extents; extent++) {
    GBytes *shards[PMSS_MAX_SHARDS] = { NULL, };

    make_shards (fixture, extent, shards);
    for (guint i = 0; i < n; i++) {
      g_autoptr (PmssNodeClient) client = client_for (fixture,
          fixture->where[extent][i], PMSS_TOKEN_READ);
      char name[PMSS_SHARD_NAME_SIZE];
      g_autoptr (GError) error = NULL;

      pmss_shard_name_write (&fixture->version, extent, i, name);
      compare (client, name, shards[i], &error);
      g_assert_no_error (error);
      g_bytes_unref (shards[i]);
    }
  }
}

/* --- tests --- */

static void
test_write (Fixture * fixture, gconstpointer data)
{
  write_all (fixture, 5 * EXTENT + 12345, 15);
  g_assert_cmpuint (fixture->replaced, ==, 0);
  check_all (fixture);
}

static void
test_one_byte (Fixture * fixture, gconstpointer data)
{
  fixture->redundancy = (PmssRedundancy) {
  1, 2};
  write_all (fixture, 1, 15);
  check_all (fixture);
}

static void
test_killed (Fixture * fixture, gconstpointer data)
{
  fixture->kill_at_first = g_ascii_strtoll
      (g_subprocess_get_identifier (fixture->servers[2].process), NULL, 10);
  write_all (fixture, 8 * EXTENT, 15);
  g_assert_cmpuint (fixture->replaced, >, 0);
  g_assert_cmpuint (fixture->where[7][1], >=, 6);
  /* what was stored before lies there still */
  g_clear_object (&fixture->servers[2].process);
  storage_server_start (&fixture->servers[2], fixture->folder, 2, "0");
  check_all (fixture);
}

static void
test_silent (Fixture * fixture, gconstpointer data)
{
  storage_server_signal (&fixture->servers[4], SIGSTOP);
  write_all (fixture, 2 * EXTENT, 5);
  g_assert_cmpuint (fixture->replaced, ==, 2);
  check_all (fixture);
}

static void
test_full (Fixture * fixture, gconstpointer data)
{
  storage_server_stop (&fixture->servers[0]);
  storage_server_start (&fixture->servers[0], fixture->folder, 0, "100%");
  write_all (fixture, EXTENT, 15);
  g_assert_cmpuint (fixture->replaced, ==, 1);
  g_assert_cmpuint (fixture->where[0][0], ==, 6);
  check_all (fixture);
}

static GBytes *
make_one_shard (Fixture * fixture, char name[PMSS_SHARD_NAME_SIZE])
{
  GBytes *shards[PMSS_MAX_SHARDS] = { NULL, };

  fixture->redundancy = (PmssRedundancy) {
  1, 0};
  fixture->size = EXTENT;
  fixture->data = g_malloc0 (EXTENT);
  fixture->data[77] = 1;
  make_shards (fixture, 0, shards);
  pmss_shard_name_write (&fixture->version, 0, 0, name);
  return shards[0];
}

static void
assert_refused (GError ** error, PmssError code, guint status)
{
  g_assert_error (*error, PMSS_ERROR, (int) code);
  g_assert_cmpuint (pmss_error_get_details (*error)->http_status, ==, status);
  g_assert_cmpuint (pmss_error_get_details (*error)->node, ==, 1);
  g_assert_null (strstr ((*error)->message, "v4.public."));
  g_clear_error (error);
}

/* Refusals come with their reason, although the body is 4 MiB and was not read. */
static void
test_refusals (Fixture * fixture, gconstpointer data)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GBytes) shard = make_one_shard (fixture, name);
  g_autoptr (PmssNodeClient) client = client_for (fixture, 0, PMSS_TOKEN_WRITE);
  PmssVersionId other;
  g_autofree char *foreign = NULL;
  g_autofree char *expired = make_token (fixture, PMSS_TOKEN_WRITE,
      &fixture->version, -5);
  g_autofree char *reader = make_token (fixture, PMSS_TOKEN_READ,
      &fixture->version, 60);
  g_autoptr (GError) error = NULL;

  pmss_version_id_generate (&other);
  foreign = make_token (fixture, PMSS_TOKEN_WRITE, &other, 60);
  pmss_node_client_set_token (client, NULL);
  g_assert_false (put (client, name, shard, &error));
  assert_refused (&error, PMSS_ERROR_NOT_AUTHORIZED, 401);
  pmss_node_client_set_token (client, expired);
  g_assert_false (put (client, name, shard, &error));
  assert_refused (&error, PMSS_ERROR_NOT_AUTHORIZED, 401);
  pmss_node_client_set_token (client, foreign);
  g_assert_false (put (client, name, shard, &error));
  assert_refused (&error, PMSS_ERROR_FORBIDDEN, 403);
  pmss_node_client_set_token (client, reader);
  g_assert_false (put (client, name, shard, &error));
  assert_refused (&error, PMSS_ERROR_FORBIDDEN, 403);
  g_assert_false (compare (client, name, shard, &error));
  assert_refused (&error, PMSS_ERROR_NOT_FOUND, 404);

  storage_server_stop (&fixture->servers[0]);
  storage_server_start (&fixture->servers[0], fixture->folder, 0, "100%");
  g_clear_object (&client);
  client = client_for (fixture, 0, PMSS_TOKEN_WRITE);
  g_assert_false (put (client, name, shard, &error));
  assert_refused (&error, PMSS_ERROR_NO_SPACE, 507);
}

/* A shard that is not what its name says is not stored. */
static void
test_garbage (Fixture * fixture, gconstpointer data)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GBytes) shard = make_one_shard (fixture, name);
  g_autoptr (PmssNodeClient) client = client_for (fixture, 0,
      PMSS_TOKEN_WRITE | PMSS_TOKEN_READ);
  g_autofree guint8 *bytes = g_memdup2 (g_bytes_get_data (shard, NULL),
      g_bytes_get_size (shard));
  g_autoptr (GBytes) bad = NULL;
  g_autoptr (GError) error = NULL;

  bytes[g_bytes_get_size (shard) - 1] ^= 1;
  bad = g_bytes_new (bytes, g_bytes_get_size (shard));
  g_assert_false (put (client, name, bad, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_false (compare (client, name, shard, &error));
  assert_refused (&error, PMSS_ERROR_NOT_FOUND, 404);
  g_assert_true (put (client, name, shard, &error));
  g_assert_no_error (error);
  /* shards are immutable: what is there stays */
  g_assert_true (put (client, name, shard, &error));
  g_assert_no_error (error);
  g_assert_true (compare (client, name, shard, &error));
  g_assert_no_error (error);
}

static char *
find_file (const char *path, const char *wanted)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    char *found;

    if (g_str_equal (name, wanted))
      return g_steal_pointer (&child);
    found = find_file (child, wanted);
    if (found != NULL)
      return found;
  }
  return NULL;
}

static void
test_altered_on_disk (Fixture * fixture, gconstpointer data)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GBytes) shard = make_one_shard (fixture, name);
  g_autoptr (PmssNodeClient) client = client_for (fixture, 0,
      PMSS_TOKEN_WRITE | PMSS_TOKEN_READ);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  FILE *file;

  g_assert_true (put (client, name, shard, &error));
  path = find_file (fixture->servers[0].data, name);
  g_assert_nonnull (path);
  g_chmod (path, 0600);
  file = fopen (path, "r+");
  g_assert_nonnull (file);
  g_assert_cmpint (fseek (file, 300000, SEEK_SET), ==, 0);
  g_assert_cmpint (fputc (0x5a, file), ==, 0x5a);
  g_assert_cmpint (fclose (file), ==, 0);
  g_assert_false (compare (client, name, shard, &error));
  g_assert_nonnull (strstr (error->message, "differs at byte 300000 of"));
  assert_refused (&error, PMSS_ERROR_CORRUPT, 0);
}

static void
test_delete_and_list (Fixture * fixture, gconstpointer data)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GBytes) shard = make_one_shard (fixture, name);
  g_autoptr (PmssNodeClient) writer = client_for (fixture, 0,
      PMSS_TOKEN_WRITE | PMSS_TOKEN_DELETE);
  g_autoptr (PmssNodeClient) lister = client_for (fixture, 0, PMSS_TOKEN_LIST);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) rest = NULL;
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GPtrArray) none = NULL;
  g_autoptr (GError) error = NULL;
  gboolean more = TRUE;

  g_assert_true (put (writer, name, shard, &error));
  pmss_node_client_list_async (lister, NULL, NULL, NULL, keep_result, &result);
  names = pmss_node_client_list_finish (lister, wait_for (&result), &more,
      &error);
  g_assert_no_error (error);
  g_assert_cmpuint (names->len, ==, 1);
  g_assert_cmpstr (names->pdata[0], ==, name);
  g_assert_false (more);
  pmss_node_client_list_async (lister, name, NULL, NULL, keep_result, &rest);
  none = pmss_node_client_list_finish (lister, wait_for (&rest), &more, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (none->len, ==, 0);

  g_assert_true (delete (writer, name, &error));
  g_assert_no_error (error);
  g_assert_true (delete (writer, name, &error));
  g_assert_no_error (error);
  g_assert_null (find_file (fixture->servers[0].data, name));
}

#define ADD(name, func, servers) \
  g_test_add ("/writer/" name, Fixture, GUINT_TO_POINTER (servers), set_up, \
      func, tear_down)

int
main (int argc, char **argv)
{
  alarm (840);
  g_test_init (&argc, &argv, NULL);
  if (g_getenv ("PMSS_BUILD_DIR") == NULL) {
    g_printerr ("PMSS_BUILD_DIR is not set: run this by meson\n");
    return 77;
  }
  ADD ("write", test_write, 6);
  ADD ("one-byte", test_one_byte, 3);
  ADD ("killed", test_killed, 8);
  ADD ("silent", test_silent, 8);
  ADD ("full", test_full, 8);
  ADD ("refusals", test_refusals, 1);
  ADD ("garbage", test_garbage, 1);
  ADD ("altered-on-disk", test_altered_on_disk, 1);
  ADD ("delete-and-list", test_delete_and_list, 1);
  return g_test_run ();
}
