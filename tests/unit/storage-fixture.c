/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

#include "libpmss/format/pmss-striper.h"

void
storage_fixture_init (StorageFixture * fixture)
{
  const PmssStoreReserve none = { 0 };
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("pmss-storage-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->store = pmss_store_open (fixture->folder, &none, &error);
  g_assert_no_error (error);
}

static void
remove_all (const char *path)
{
  GDir *dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL
      : g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir))) {
    g_autofree char *inner = g_build_filename (path, name, NULL);

    remove_all (inner);
  }
  if (dir != NULL)
    g_dir_close (dir);
  g_assert_cmpint (g_remove (path), ==, 0);
}

void
storage_fixture_clear (StorageFixture * fixture)
{
  g_autofree char *unfinished = g_build_filename (fixture->folder, "tmp", NULL);
  g_autoptr (GDir) dir = g_dir_open (unfinished, 0, NULL);

  g_assert_nonnull (dir);
  g_assert_cmpstr (g_dir_read_name (dir), ==, NULL);
  pmss_store_close (fixture->store);
  remove_all (fixture->folder);
  g_free (fixture->folder);
}

GBytes *
storage_fixture_make (guint version, guint32 extent, guint index,
    gsize payload, char name[PMSS_SHARD_NAME_SIZE])
{
  PmssExtentGeometry geometry = {.extent = extent,.redundancy = {2, 1},
  .unit = 4096,.payload = payload
  };
  g_autoptr (PmssErasure) erasure = pmss_erasure_new (geometry.redundancy);
  g_autofree guint8 *bytes = g_malloc (payload);
  g_autofree char *id = g_strdup_printf ("%032x", version);
  GBytes *shards[PMSS_MAX_SHARDS] = { NULL }, *wanted;

  g_assert_true (pmss_version_id_parse (id, &geometry.version));
  for (gsize i = 0; i < payload; i++)
    bytes[i] = (guint8) (i * 7 + version + extent);
  pmss_striper_run (erasure, &geometry, bytes, shards);
  wanted = g_bytes_ref (shards[index]);
  for (guint i = 0; i < 3; i++)
    g_bytes_unref (shards[i]);
  pmss_shard_name_write (&geometry.version, extent, index, name);
  return wanted;
}

void
storage_fixture_put (StorageFixture * fixture, const char *name, GBytes * shard)
{
  g_autoptr (GError) error = NULL;
  gsize size;
  gconstpointer bytes = g_bytes_get_data (shard, &size);
  g_autoptr (PmssStorePut) put = pmss_store_put_new (fixture->store, name, size,
      FALSE, &error);

  g_assert_no_error (error);
  pmss_store_put_write (put, bytes, size, &error);
  g_assert_no_error (error);
  pmss_store_put_commit (put, &error);
  g_assert_no_error (error);
}

void
storage_fixture_add (StorageFixture * fixture, guint version, guint32 extent,
    guint index, gsize payload, char name[PMSS_SHARD_NAME_SIZE])
{
  g_autoptr (GBytes) shard = storage_fixture_make (version, extent, index,
      payload, name);

  storage_fixture_put (fixture, name, shard);
}

char *
storage_fixture_path (StorageFixture * fixture, const char *name)
{
  char folder[3] = { name[0], name[1], '\0' };

  return g_build_filename (fixture->folder, "shards", folder, name, NULL);
}
