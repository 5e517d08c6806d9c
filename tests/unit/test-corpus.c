/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shard files that earlier versions wrote (tests/corpus/README.md): this one
 * reads them, rebuilds them, and writes the same.
 *
 *     test-corpus --add NAME K+M UNIT EXTENT SIZE
 *
 * adds a medium of random bytes to them. */

#include <stdlib.h>

#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-striper.h"
#include "shard-reader.h"

#define INDEX CORPUS_DIR "/corpus.ini"

typedef struct
{
  char *name;                   /* its group of the index */
  PmssVersionId version;
  PmssRedundancy redundancy;
  guint n;
  guint32 unit, extent;
  guint64 size;
  char *sha256;
  PmssLayout *layout;
  GHashTable *files;            /* shard name -> GBytes */
  guint32 lost;                 /* set of shards, of each extent */
} Entry;

static GKeyFile *index_file;

static void
entry_free (Entry * entry)
{
  g_free (entry->name);
  g_free (entry->sha256);
  pmss_layout_unref (entry->layout);
  g_hash_table_unref (entry->files);
  g_free (entry);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Entry, entry_free)
     static PmssLayout *new_layout (Entry * entry)
{
  g_autoptr (GError) error = NULL;
  PmssLayout *layout = pmss_layout_new (&entry->version, entry->size,
      entry->redundancy, entry->unit, entry->extent, &error);
  gint places[PMSS_MAX_SHARDS];

  g_assert_no_error (error);
  for (guint i = 0; i < entry->n; i++) {
    PmssNode node = { i + 1, (char *) "127.0.0.1", 1 + i, FALSE, NULL };

    places[i] = pmss_layout_add_node (layout, &node);
  }
  for (guint32 i = 0; i < pmss_layout_get_n_extents (layout); i++)
    pmss_layout_set_extent (layout, i, places);
  return layout;
}

static guint64
get_number (const char *name, const char *key)
{
  g_autoptr (GError) error = NULL;
  guint64 number = g_key_file_get_uint64 (index_file, name, key, &error);

  g_assert_no_error (error);
  return number;
}

static char *
get_text (const char *name, const char *key)
{
  g_autoptr (GError) error = NULL;
  char *text = g_key_file_get_string (index_file, name, key, &error);

  g_assert_no_error (error);
  return text;
}

static GBytes *
get_shard (guint32 extent, guint index, gpointer user_data)
{
  Entry *entry = user_data;
  char name[PMSS_SHARD_NAME_SIZE];

  if (entry->lost & 1u << index)
    return NULL;
  pmss_shard_name_write (&entry->version, extent, index, name);
  return g_hash_table_lookup (entry->files, name);
}

static void
load_shard (Entry * entry, guint32 extent, guint index)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  char *content;
  gsize length;

  pmss_shard_name_write (&entry->version, extent, index, name);
  path = g_build_filename (CORPUS_DIR, name, NULL);
  g_file_get_contents (path, &content, &length, &error);
  g_assert_no_error (error);
  g_hash_table_insert (entry->files, g_strdup (name),
      g_bytes_new_take (content, length));
}

static Entry *
entry_load (const char *name)
{
  Entry *entry = g_new0 (Entry, 1);
  g_autofree char *version = get_text (name, "version");
  g_autofree char *redundancy = get_text (name, "redundancy");

  entry->name = g_strdup (name);
  g_assert_true (pmss_version_id_parse (version, &entry->version));
  g_assert_true (pmss_redundancy_parse (redundancy, &entry->redundancy, NULL));
  entry->n = entry->redundancy.k + entry->redundancy.m;
  entry->unit = get_number (name, "unit");
  entry->extent = get_number (name, "extent");
  entry->size = get_number (name, "size");
  entry->sha256 = get_text (name, "sha256");
  entry->layout = new_layout (entry);
  entry->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) g_bytes_unref);
  for (guint32 i = 0; i < pmss_layout_get_n_extents (entry->layout); i++)
    for (guint j = 0; j < entry->n; j++)
      load_shard (entry, i, j);
  return entry;
}

/* All of the medium, as the reader gives it without the lost shards. */
static GBytes *
read_all (Entry * entry)
{
  g_autoptr (ShardReader) reader =
      shard_reader_new (entry->layout, get_shard, entry);
  g_autoptr (GByteArray) all = g_byte_array_new ();

  while (all->len < entry->size) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = shard_reader_read (reader, all->len, &error);

    g_assert_no_error (error);
    g_byte_array_append (all, g_bytes_get_data (bytes, NULL),
        g_bytes_get_size (bytes));
  }
  return g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

static void
check_files (Entry * entry)
{
  GHashTableIter iter;
  gpointer name, shard;

  g_hash_table_iter_init (&iter, entry->files);
  while (g_hash_table_iter_next (&iter, &name, &shard)) {
    g_autoptr (PmssShardChecker) checker = pmss_shard_checker_new (name);
    g_autoptr (GError) error = NULL;

    if (pmss_shard_checker_feed (checker, g_bytes_get_data (shard, NULL),
            g_bytes_get_size (shard), &error))
      pmss_shard_checker_finish (checker, &error);
    g_assert_no_error (error);
  }
}

static void
check_bytes (Entry * entry)
{
  for (entry->lost = 0; entry->lost < 1u << entry->n; entry->lost++) {
    guint n_lost = __builtin_popcount (entry->lost);

    if (n_lost == 0 || n_lost == entry->redundancy.m) {
      g_autoptr (GBytes) bytes = read_all (entry);
      g_autofree char *sha256 =
          g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);

      g_assert_cmpstr (sha256, ==, entry->sha256);
    }
  }
  entry->lost = 0;
}

/* Adds what this version writes to @files. */
static void
write_extent (Entry * entry, guint32 extent, const guint8 * payload,
    GHashTable * files)
{
  g_autoptr (PmssErasure) erasure = pmss_erasure_new (entry->redundancy);
  PmssExtentGeometry geometry;
  GBytes *shards[PMSS_MAX_SHARDS];

  pmss_layout_get_geometry (entry->layout, extent, &geometry);
  pmss_striper_run (erasure, &geometry, payload, shards);
  for (guint i = 0; i < entry->n; i++) {
    char name[PMSS_SHARD_NAME_SIZE];

    pmss_shard_name_write (&entry->version, extent, i, name);
    g_hash_table_insert (files, g_strdup (name), shards[i]);
  }
}

static GHashTable *
write_all (Entry * entry, GBytes * bytes)
{
  GHashTable *files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) g_bytes_unref);

  for (guint32 i = 0; i < pmss_layout_get_n_extents (entry->layout); i++)
    write_extent (entry, i, (const guint8 *) g_bytes_get_data (bytes, NULL) +
        (gsize) i * entry->extent, files);
  return files;
}

static void
check_writing (Entry * entry)
{
  g_autoptr (GBytes) bytes = read_all (entry);
  g_autoptr (GHashTable) written = write_all (entry, bytes);
  GHashTableIter iter;
  gpointer name, shard;

  g_assert_cmpuint (g_hash_table_size (written), ==,
      g_hash_table_size (entry->files));
  g_hash_table_iter_init (&iter, written);
  while (g_hash_table_iter_next (&iter, &name, &shard)) {
    GBytes *frozen = g_hash_table_lookup (entry->files, name);

    g_assert_cmpmem (g_bytes_get_data (shard, NULL), g_bytes_get_size (shard),
        g_bytes_get_data (frozen, NULL), g_bytes_get_size (frozen));
  }
}

static void
test_entry (gconstpointer name)
{
  g_autoptr (Entry) entry = entry_load (name);

  check_files (entry);
  check_bytes (entry);
  check_writing (entry);
}

/* A file that is in no medium of the index is one that nobody reads. */
static void
test_nothing_else (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (CORPUS_DIR, 0, &error);
  g_auto (GStrv) names = g_key_file_get_groups (index_file, NULL);
  g_autoptr (GPtrArray) entries =
      g_ptr_array_new_with_free_func ((GDestroyNotify) entry_free);
  const char *file;

  g_assert_no_error (error);
  for (guint i = 0; names[i] != NULL; i++)
    g_ptr_array_add (entries, entry_load (names[i]));
  while ((file = g_dir_read_name (dir)) != NULL) {
    gboolean known = g_str_equal (file, "corpus.ini")
        || g_str_equal (file, "README.md");

    for (guint i = 0; i < entries->len; i++)
      known |= g_hash_table_contains (((Entry *) entries->pdata[i])->files,
          file);
    if (!known)
      g_error ("%s is in no medium", file);
  }
}

/* --- Adding --- */

static void
save (Entry * entry, GHashTable * files)
{
  char version[PMSS_VERSION_ID_STRLEN];
  char redundancy[8];
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer name, shard;

  g_hash_table_iter_init (&iter, files);
  while (g_hash_table_iter_next (&iter, &name, &shard)) {
    g_autofree char *path = g_build_filename (CORPUS_DIR, name, NULL);

    g_file_set_contents (path, g_bytes_get_data (shard, NULL),
        g_bytes_get_size (shard), &error);
    g_assert_no_error (error);
  }
  pmss_version_id_to_string (&entry->version, version);
  pmss_redundancy_to_string (entry->redundancy, redundancy);
  g_key_file_set_string (index_file, entry->name, "version", version);
  g_key_file_set_string (index_file, entry->name, "redundancy", redundancy);
  g_key_file_set_uint64 (index_file, entry->name, "unit", entry->unit);
  g_key_file_set_uint64 (index_file, entry->name, "extent", entry->extent);
  g_key_file_set_uint64 (index_file, entry->name, "size", entry->size);
  g_key_file_set_string (index_file, entry->name, "sha256", entry->sha256);
  g_key_file_save_to_file (index_file, INDEX, &error);
  g_assert_no_error (error);
}

/* @words: NAME K+M UNIT EXTENT SIZE. What is there is never written anew. */
static int
add (char **words)
{
  g_autoptr (Entry) entry = g_new0 (Entry, 1);
  g_autoptr (GHashTable) files = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint8 *payload;

  entry->name = g_strdup (words[0]);
  g_assert_false (g_key_file_has_group (index_file, entry->name));
  g_assert_true (pmss_redundancy_parse (words[1], &entry->redundancy, NULL));
  entry->n = entry->redundancy.k + entry->redundancy.m;
  entry->unit = strtoul (words[2], NULL, 10);
  entry->extent = strtoul (words[3], NULL, 10);
  entry->size = strtoul (words[4], NULL, 10);
  pmss_version_id_generate (&entry->version);
  entry->layout = new_layout (entry);
  entry->files = g_hash_table_new (g_str_hash, g_str_equal);
  payload = g_malloc (entry->size);
  for (guint64 i = 0; i < entry->size; i++)
    payload[i] = g_random_int ();
  bytes = g_bytes_new_take (payload, entry->size);
  entry->sha256 = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  files = write_all (entry, bytes);
  save (entry, files);
  return 0;
}

int
main (int argc, char **argv)
{
  g_auto (GStrv) names = NULL;
  int status;

  index_file = g_key_file_new ();
  g_key_file_load_from_file (index_file, INDEX, G_KEY_FILE_NONE, NULL);
  if (argc == 7 && g_str_equal (argv[1], "--add")) {
    status = add (argv + 2);
  } else {
    g_test_init (&argc, &argv, NULL);
    shard_reader_be_quiet ();
    names = g_key_file_get_groups (index_file, NULL);
    for (guint i = 0; names[i] != NULL; i++) {
      g_autofree char *path = g_strdup_printf ("/corpus/%s", names[i]);

      g_test_add_data_func (path, names[i], test_entry);
    }
    g_test_add_func ("/corpus/nothing-else", test_nothing_else);
    status = g_test_run ();
  }
  g_key_file_unref (index_file);
  return status;
}
