/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a database: older and newer schemas, files that are none, links. */
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control-fixture.h"
#include "libpmss/pmss-error.h"

static void
test_migrates (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;
  GStatBuf info;

  control_fixture_init (&f);
  g_assert_cmpint (pmss_database_get_schema_version (f.database), >=, 1);
  g_assert_cmpint (control_fixture_count (&f, "PRAGMA user_version"), ==,
      pmss_database_get_schema_version (f.database));
  g_assert_cmpint (control_fixture_count (&f, "PRAGMA foreign_keys"), ==, 1);
  g_assert_cmpint (control_fixture_count (&f, "PRAGMA synchronous"), ==, 2);
  g_assert_cmpint (control_fixture_count (&f,
          "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), ==, 1);
  g_assert_cmpint (g_stat (f.path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);

  /* what is there stays there */
  control_fixture_exec (&f, "INSERT INTO user (name, role, password, created)"
      " VALUES ('a', 'viewer', 'x', 1)");
  pmss_database_close (f.database);
  f.database = pmss_database_open (f.path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count(*) FROM user"), ==,
      1);
  control_fixture_clear (&f);
}

static void
run_beside (const char *path, const char *sql)
{
  sqlite3 *handle;

  g_assert_cmpint (sqlite3_open (path, &handle), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (handle, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_close (handle), ==, SQLITE_OK);
}

static void
run_migration (const char *path, const char *name)
{
  g_autofree char *resource =
      g_strconcat ("/org/pmss/control/migrations/", name, NULL);
  g_autoptr (GBytes) script = g_resources_lookup_data (resource,
      G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autofree char *text = g_strndup (g_bytes_get_data (script, NULL),
      g_bytes_get_size (script));

  run_beside (path, text);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* In their order. */
static char **
list_migrations (void)
{
  char **names = g_resources_enumerate_children
      ("/org/pmss/control/migrations/", G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

  g_assert_nonnull (names);
  qsort (names, g_strv_length (names), sizeof (char *), compare_names);
  return names;
}

/* A database of before there was repair: what it has is as it was, and nothing bad is known. */
static void
test_migrates_old (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;

  control_fixture_init (&f);
  pmss_database_close (f.database);
  g_assert_cmpint (g_unlink (f.path), ==, 0);
  run_migration (f.path, "0001-initial.sql");
  run_migration (f.path, "0002-revocations.sql");
  run_beside (f.path, "PRAGMA user_version = 2;"
      " INSERT INTO node (address, port, tls, capacity, secret, shards,"
      " created) VALUES ('a', 1, 0, 1, zeroblob (32), 7, 1)");
  f.database = pmss_database_open (f.path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*) FROM node"
          " WHERE state = 'down' AND since = 0 AND repair = 0"
          " AND bad_shards = 0 AND shards = 7"), ==, 1);
  g_assert_cmpint (control_fixture_count (&f,
          "SELECT count (*) FROM bad_shard"), ==, 0);
  control_fixture_clear (&f);
}

/* A database that does not say when tokens were signed: what was opened before ends as it does else. */
static void
test_migrates_sessions (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = NULL;

  control_fixture_init (&f);
  pmss_database_close (f.database);
  g_assert_cmpint (g_unlink (f.path), ==, 0);
  names = list_migrations ();
  for (guint i = 0; i < 15; i++)
    run_migration (f.path, names[i]);
  run_beside (f.path, "PRAGMA user_version = 15;"
      " INSERT INTO user (name, password, role, created)"
      " VALUES ('anna', 'x', 'viewer', 1);"
      " INSERT INTO medium (id, name, state, k, m, created, updated)"
      " VALUES (1, 'film', 'ready', 1, 0, 1, 1);"
      " INSERT INTO version (id, medium, state, size, k, m, unit, extent,"
      " created) VALUES (zeroblob (16), 1, 'ready', 1, 1, 0, 4096, 4096, 1);"
      " INSERT INTO session (id, user, medium, version, address, rate, created,"
      " expires, token_until) VALUES ('0123456789abcdef0123456789abcdef',"
      " 'anna', 1, zeroblob (16), '', 0, 1, unixepoch () + 60,"
      " unixepoch () + 600)");
  f.database = pmss_database_open (f.path, &error);
  g_assert_no_error (error);
  control_fixture_exec (&f, "DELETE FROM session");
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*)"
          " FROM revocation WHERE user = 'anna' AND issued = 0"), ==, 1);
  control_fixture_clear (&f);
}

static void
test_refuses_newer (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;

  control_fixture_init (&f);
  pmss_database_close (f.database);
  run_beside (f.path, "PRAGMA user_version = 9999");
  f.database = pmss_database_open (f.path, &error);
  g_assert_null (f.database);
  assert_pmss_error (error, INVALID);
  g_assert_nonnull (strstr (error->message, "9999"));
  control_fixture_clear (&f);
}

/* A first migration that meets a table of its name fails as a whole, loudly, and changes nothing. */
static void
test_failed_migration (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;
  g_autofree char *restore = NULL;

  control_fixture_init (&f);
  restore = g_strdup_printf ("PRAGMA user_version = %d",
      pmss_database_get_schema_version (f.database));
  pmss_database_close (f.database);
  run_beside (f.path, "PRAGMA user_version = 0");
  f.database = pmss_database_open (f.path, &error);
  g_assert_null (f.database);
  g_assert_nonnull (strstr (error->message, "Migration 0001"));
  g_clear_error (&error);
  run_beside (f.path, restore);
  f.database = pmss_database_open (f.path, &error);
  g_assert_no_error (error);
  control_fixture_clear (&f);
}

static void
test_refuses_garbage (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL, *garbage = g_strnfill (8192, 'x');

  control_fixture_init (&f);
  pmss_database_close (f.database);
  g_assert_true (g_file_set_contents (f.path, garbage, -1, NULL));
  f.database = pmss_database_open (f.path, &error);
  g_assert_null (f.database);
  g_assert_nonnull (error);
  g_assert_true (g_file_get_contents (f.path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, garbage);
  control_fixture_clear (&f);
}

/* The folder may be reached over a link; the file is none, or its log would be elsewhere. */
static void
test_links (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;
  g_autofree char *link = NULL;
  g_autofree char *below = NULL;
  g_autofree char *beside = NULL;

  control_fixture_init (&f);
  g_clear_pointer (&f.database, pmss_database_close);
  link = g_build_filename (f.folder, "link", NULL);
  below = g_build_filename (link, "catalog.db", NULL);
  beside = g_build_filename (f.folder, "other.db", NULL);

  g_assert_cmpint (symlink (f.folder, link), ==, 0);
  f.database = pmss_database_open (below, &error);
  g_assert_no_error (error);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count(*) FROM user"), ==,
      0);
  g_clear_pointer (&f.database, pmss_database_close);

  g_assert_cmpint (symlink (f.path, beside), ==, 0);
  g_assert_null (pmss_database_open (beside, &error));
  assert_pmss_error (error, INVALID);
  g_assert_nonnull (strstr (error->message, "is a symbolic link"));
  g_clear_error (&error);

  /* the disk behind it is not mounted */
  g_assert_cmpint (g_unlink (link), ==, 0);
  g_assert_cmpint (symlink ("/nonexistent/disk", link), ==, 0);
  g_assert_null (pmss_database_open (below, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_nonnull (strstr (error->message, link));

  g_unlink (link);
  g_unlink (beside);
  f.database = pmss_database_open (f.path, NULL);
  control_fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/database-open/migrates", test_migrates);
  g_test_add_func ("/database-open/migrates-old", test_migrates_old);
  g_test_add_func ("/database-open/migrates-sessions", test_migrates_sessions);
  g_test_add_func ("/database-open/refuses-newer", test_refuses_newer);
  g_test_add_func ("/database-open/failed-migration", test_failed_migration);
  g_test_add_func ("/database-open/refuses-garbage", test_refuses_garbage);
  g_test_add_func ("/database-open/links", test_links);
  return g_test_run ();
}
