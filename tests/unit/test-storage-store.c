/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folder of shards. */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "server/store-private.h"
#include "storage-fixture.h"

static void
setup (StorageFixture * f, gconstpointer unused)
{
  storage_fixture_init (f);
}

static void
teardown (StorageFixture * f, gconstpointer unused)
{
  storage_fixture_clear (f);
}

static void
assert_holds (StorageFixture * f, const char *name, GBytes * shard)
{
  g_autofree char *path = storage_fixture_path (f, name);
  g_autofree char *text = NULL;
  gsize size;
  guint64 told;
  int fd = pmss_store_open_shard (f->store, name, &told, NULL);

  g_assert_cmpint (fd, >=, 0);
  close (fd);
  g_assert_cmpuint (told, ==, g_bytes_get_size (shard));
  g_assert_true (g_file_get_contents (path, &text, &size, NULL));
  g_assert_cmpmem (text, size, g_bytes_get_data (shard, NULL), told);
}

static void
assert_missing (StorageFixture * f, const char *name)
{
  g_autoptr (GError) error = NULL;
  guint64 size;

  g_assert_false (pmss_store_has (f->store, name));
  g_assert_cmpint (pmss_store_open_shard (f->store, name, &size, &error), ==,
      -1);
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND);
}

static void
test_round_trip (StorageFixture * f, gconstpointer unused)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GBytes) shard = storage_fixture_make (1, 2, 0, 20000, name);
  g_autoptr (GError) error = NULL;

  assert_missing (f, name);
  storage_fixture_put (f, name, shard);
  g_assert_true (pmss_store_has (f->store, name));
  assert_holds (f, name, shard);
  g_assert_true (pmss_store_delete (f->store, name, &error));
  g_assert_no_error (error);
  assert_missing (f, name);
  g_assert_false (pmss_store_delete (f->store, name, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND);
}

/* The error of a put of @size bytes in pieces of @piece; NULL: it is there. */
static GError *
put (StorageFixture * f, const char *name, const guint8 * bytes, gsize size,
    gsize piece, gboolean replace)
{
  GError *error = NULL;
  g_autoptr (PmssStorePut) writer = pmss_store_put_new (f->store, name, size,
      replace, &error);

  for (gsize done = 0; writer && done < size; done += piece) {
    if (!pmss_store_put_write (writer, bytes + done, MIN (piece, size - done),
            &error))
      return error;
  }
  if (writer != NULL)
    pmss_store_put_commit (writer, &error);
  return error;
}

/* Whatever is not exactly the shard leaves nothing. */
static void
test_refused (StorageFixture * f, gconstpointer unused)
{
  char name[PMSS_SHARD_NAME_SIZE], other[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GBytes) shard = storage_fixture_make (1, 0, 0, 20000, name);
  g_autoptr (GBytes) wrong = storage_fixture_make (1, 0, 1, 20000, other);
  gsize size = g_bytes_get_size (shard);
  g_autofree guint8 *bytes = g_memdup2 (g_bytes_get_data (shard, NULL), size);
  g_autofree guint8 *more = g_malloc0 (size + 1);
  const gsize lengths[] = { 0, 1, 127, 128, 129, 500, size - 1 };

  memcpy (more, bytes, size);
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    g_autoptr (GError) error = put (f, name, bytes, lengths[i], 1000, FALSE);

    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);
    assert_missing (f, name);
  }
  for (gsize at = 0; at < size; at += at < 300 ? 1 : 997) {
    g_autoptr (GError) error = NULL;

    bytes[at] ^= 1;
    error = put (f, name, bytes, size, 4096, FALSE);
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);
    assert_missing (f, name);
    bytes[at] ^= 1;
  }
  {
    g_autoptr (GError) longer = put (f, name, more, size + 1, size, FALSE);
    g_autoptr (GError) foreign = put (f, name, g_bytes_get_data (wrong, NULL),
        g_bytes_get_size (wrong), size, FALSE);

    g_assert_error (longer, PMSS_ERROR, PMSS_ERROR_CORRUPT);
    g_assert_error (foreign, PMSS_ERROR, PMSS_ERROR_CORRUPT);
  }
  g_assert_null (put (f, name, bytes, size, 1, FALSE));
  assert_holds (f, name, shard);
}

/* What is there stays until the new one can take its place. */
static void
test_replace (StorageFixture * f, gconstpointer unused)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GBytes) shard = storage_fixture_make (1, 0, 0, 20000, name);
  const guint8 *bytes = g_bytes_get_data (shard, NULL);
  gsize size = g_bytes_get_size (shard);
  g_autofree char *path = storage_fixture_path (f, name);
  g_autoptr (GError) twice = NULL, wrong = NULL;
  PmssStoreStamp before, after;

  storage_fixture_put (f, name, shard);
  twice = put (f, name, bytes, size, size, FALSE);
  g_assert_error (twice, PMSS_ERROR, PMSS_ERROR_EXISTS);
  g_assert_cmpint (truncate (path, 1000), ==, 0);
  g_assert_true (pmss_store_get_stamp (f->store, name, &before));
  wrong = put (f, name, bytes, size - 1, size, TRUE);
  g_assert_error (wrong, PMSS_ERROR, PMSS_ERROR_CORRUPT);
  g_assert_true (pmss_store_get_stamp (f->store, name, &after));
  g_assert_true (pmss_store_stamp_equal (&before, &after));
  g_assert_null (put (f, name, bytes, size, size, TRUE));
  assert_holds (f, name, shard);
  g_assert_true (pmss_store_get_stamp (f->store, name, &after));
  g_assert_false (pmss_store_stamp_equal (&before, &after));
  /* there need be nothing */
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_null (put (f, name, bytes, size, size, TRUE));
  assert_holds (f, name, shard);
}

/* All pages of @limit, which are @names, in order. */
static void
assert_pages (StorageFixture * f, GPtrArray * names, guint limit)
{
  char after[PMSS_SHARD_NAME_SIZE] = "", next[PMSS_SHARD_NAME_SIZE];
  guint found = 0;

  do {
    g_autoptr (GError) error = NULL;
    g_autoptr (GArray) page = pmss_store_list (f->store, *after ? after : NULL,
        limit, next, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (page->len, <=, limit);
    for (guint i = 0; i < page->len; i++)
      g_assert_cmpstr (g_array_index (page, PmssStoreEntry, i).name, ==,
          g_ptr_array_index (names, found++));
    if (*next)
      g_assert_cmpstr (next, ==, g_ptr_array_index (names, found - 1));
    g_strlcpy (after, next, sizeof after);
  } while (*next);
  g_assert_cmpuint (found, ==, names->len);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static void
test_list (StorageFixture * f, gconstpointer unused)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const guint limits[] = { 1, 2, 7, 64, 10000 };
  const guint folders[] = { 0x01, 0xa0, 0xff };

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++) {
    for (guint shard = 0; shard < 30; shard++) {
      g_autofree char *id = g_strdup_printf ("%02x%030x", folders[i],
          shard / 12);
      PmssVersionId version;
      char name[PMSS_SHARD_NAME_SIZE];
      g_autofree char *path = NULL;

      /* names are what counts here: the files may say what they like */
      g_assert_true (pmss_version_id_parse (id, &version));
      pmss_shard_name_write (&version, 0, shard % 12, name);
      path = storage_fixture_path (f, name);
      g_assert_true (g_file_set_contents (path, "x", 1, NULL));
      g_ptr_array_add (names, g_strdup (name));
    }
  }
  g_ptr_array_sort (names, compare);
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    assert_pages (f, names, limits[i]);
  g_assert_cmpuint (pmss_store_folder_of (g_ptr_array_index (names, 89)), ==,
      0xff);
}

/* Files that nobody put there are not sent and not followed. */
static void
test_what_is_no_shard (StorageFixture * f, gconstpointer unused)
{
  char name[PMSS_SHARD_NAME_SIZE], next[PMSS_SHARD_NAME_SIZE];
  g_autofree char *path = NULL, *secret = NULL, *pipe = NULL, *stray = NULL;
  g_autoptr (GArray) page = NULL;
  g_autoptr (GError) error = NULL;
  guint64 size;

  storage_fixture_add (f, 1, 0, 0, 5000, name);
  secret = g_build_filename (f->folder, "secret", NULL);
  g_assert_true (g_file_set_contents (secret, "secret", -1, NULL));
  name[strlen (name) - 1] = '9';
  path = storage_fixture_path (f, name);
  g_assert_cmpint (symlink (secret, path), ==, 0);
  g_assert_cmpint (pmss_store_open_shard (f->store, name, &size, &error), ==,
      -1);
  g_assert_nonnull (error);
  g_clear_error (&error);
  name[strlen (name) - 1] = '8';
  pipe = storage_fixture_path (f, name);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  g_assert_cmpint (pmss_store_open_shard (f->store, name, &size, &error), ==,
      -1);
  g_assert_nonnull (error);
  g_clear_error (&error);
  stray = g_build_filename (f->folder, "shards", "00", "stray", NULL);
  g_assert_true (g_file_set_contents (stray, "x", 1, NULL));
  page = pmss_store_list (f->store, NULL, 100, next, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < page->len; i++)
    g_assert_cmpstr (g_array_index (page, PmssStoreEntry, i).name, !=, "stray");
}

static void
test_modes (StorageFixture * f, gconstpointer unused)
{
  char name[PMSS_SHARD_NAME_SIZE];
  static const char *const inside[] = { "lock", "tmp", "shards", "shards/00" };
  g_autofree char *shard = NULL;
  struct stat status;

  storage_fixture_add (f, 1, 0, 0, 5000, name);
  shard = storage_fixture_path (f, name);
  g_assert_cmpint (stat (shard, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 077, ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (inside); i++) {
    g_autofree char *path = g_build_filename (f->folder, inside[i], NULL);

    g_assert_cmpint (stat (path, &status), ==, 0);
    g_assert_cmpuint (status.st_mode & 077, ==, 0);
  }
}

static void
test_one_server (StorageFixture * f, gconstpointer unused)
{
  const PmssStoreReserve none = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_null (pmss_store_open (f->folder, &none, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT);
}

static void
test_room (StorageFixture * f, gconstpointer unused)
{
  PmssStoreUsage usage;

  pmss_store_look_at_disk (f->store);
  pmss_store_get_usage (f->store, &usage);
  g_assert_cmpuint (usage.disk_total, >, usage.disk_free);
  g_assert_cmpuint (usage.free, <=, usage.disk_free);
  /* without another look */
  atomic_store (&f->store->disk_free, 12345);
  f->store->reserve = (PmssStoreReserve) {
  345, 0};
  pmss_store_get_usage (f->store, &usage);
  g_assert_cmpuint (usage.free, ==, 12000);
  f->store->reserve = (PmssStoreReserve) {
  0, 1};
  pmss_store_get_usage (f->store, &usage);
  g_assert_cmpuint (usage.free, ==, 0);
}

/* As when the disk is waited for longer and longer. */
static void
test_silent (StorageFixture * f, gconstpointer unused)
{
  gint64 now = g_get_monotonic_time ();
  g_autofree char *trouble = NULL;
  PmssStoreUsage usage;

  g_assert_null (pmss_store_explain (f->store));
  atomic_store (&f->store->asked, now - 4 * G_USEC_PER_SEC);
  g_assert_null (pmss_store_explain (f->store));
  atomic_store (&f->store->asked, now - 6 * G_USEC_PER_SEC);
  trouble = pmss_store_explain (f->store);
  g_assert_nonnull (strstr (trouble, "does not answer"));
  pmss_store_get_usage (f->store, &usage);
  g_assert_cmpuint (usage.disk_total, >, 0);
  pmss_store_end_wait (f->store);
  g_assert_null (pmss_store_explain (f->store));
  pmss_store_begin_wait (f->store);
  g_assert_false (pmss_store_is_silent (f->store));
}

static void
test_reads (StorageFixture * f, gconstpointer unused)
{
  gint64 now = g_get_monotonic_time ();
  PmssStoreReads reads;

  pmss_store_note_read (f->store, TRUE);
  pmss_store_note_read (f->store, FALSE);
  pmss_store_note_read (f->store, FALSE);
  pmss_store_note_wait (f->store, now);
  pmss_store_note_wait (f->store, now - G_USEC_PER_SEC / 4);
  pmss_store_get_reads (f->store, &reads);
  g_assert_cmpuint (reads.hits, ==, 1);
  g_assert_cmpuint (reads.misses, ==, 2);
  g_assert_cmpuint (reads.late, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) \
  g_test_add ("/store/" name, StorageFixture, NULL, setup, function, teardown)
  ADD ("round-trip", test_round_trip);
  ADD ("refused", test_refused);
  ADD ("replace", test_replace);
  ADD ("list", test_list);
  ADD ("what-is-no-shard", test_what_is_no_shard);
  ADD ("modes", test_modes);
  ADD ("one-server", test_one_server);
  ADD ("room", test_room);
  ADD ("silent", test_silent);
  ADD ("reads", test_reads);
  return g_test_run ();
}
