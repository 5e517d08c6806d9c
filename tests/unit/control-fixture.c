/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control-fixture.h"

#include <glib/gstdio.h>

typedef struct
{
  const char *sql;
  gint64 number;
} Call;

void
control_fixture_init (ControlFixture * fixture)
{
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("pmss-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->folder, "catalog.db", NULL);
  fixture->database = pmss_database_open (fixture->path, &error);
  g_assert_no_error (error);
}

void
control_fixture_clear (ControlFixture * fixture)
{
  g_autoptr (GDir) folder = NULL;
  const char *name;

  g_clear_pointer (&fixture->database, pmss_database_close);
  folder = g_dir_open (fixture->folder, 0, NULL);
  while ((name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

    g_assert_cmpint (g_unlink (path), ==, 0);
  }
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
  g_free (fixture->path);
}

static gboolean
run_statement (PmssDatabase * database, gpointer data, GError ** error)
{
  const Call *call = data;

  return pmss_database_exec_values (database, error, call->sql, PMSS_VALUES ());
}

void
control_fixture_remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);

    control_fixture_remove_tree (child);
  }
  g_assert_cmpint (g_remove (path), ==, 0);
}

void
control_fixture_exec (ControlFixture * fixture, const char *sql)
{
  Call call = { sql };
  g_autoptr (GError) error = NULL;

  pmss_database_transact (fixture->database, run_statement, &call, &error);
  g_assert_no_error (error);
}

static gboolean
run_query (PmssDatabase * database, gpointer data, GError ** error)
{
  Call *call = data;
  g_autoptr (PmssRows) rows = pmss_database_query_values (database,
      call->sql, PMSS_VALUES ());

  if (!pmss_rows_next (rows, error))
    return FALSE;
  call->number = pmss_rows_int (rows, 0);
  return TRUE;
}

gint64
control_fixture_count (ControlFixture * fixture, const char *sql)
{
  Call call = { sql };
  g_autoptr (GError) error = NULL;

  pmss_database_transact (fixture->database, run_query, &call, &error);
  g_assert_no_error (error);
  return call.number;
}

guint
control_fixture_add_nodes (ControlFixture * fixture, guint n)
{
  for (guint i = 0; i < n; i++)
    control_fixture_exec (fixture,
        "INSERT INTO node (address, port, tls, zone, capacity, secret,"
        " created) VALUES ('127.0.0.1', 8471, 0, 'z', 1000000,"
        " zeroblob (32), 1)");
  return (guint) control_fixture_count (fixture,
      "SELECT max(id) FROM node") - n + 1;
}

/* So long that nothing else is of its group. */
static gboolean
stay (PmssDatabase * database, gpointer data, GError ** error)
{
  ControlFixture *fixture = data;
  gint64 begin = g_get_monotonic_time ();

  g_atomic_int_set (&fixture->held, 2);
  while (g_atomic_int_get (&fixture->held) != 0
      || g_get_monotonic_time () - begin < 2 * PMSS_GROUP_TIME)
    g_usleep (1000);
  return TRUE;
}

static gpointer
hold (gpointer data)
{
  ControlFixture *fixture = data;

  g_assert_true (pmss_database_transact (fixture->database, stay, fixture,
          NULL));
  return NULL;
}

void
control_fixture_hold (ControlFixture * fixture)
{
  g_atomic_int_set (&fixture->held, 1);
  fixture->holder = g_thread_new ("hold", hold, fixture);
  while (g_atomic_int_get (&fixture->held) != 2)
    g_usleep (1000);
}

void
control_fixture_release (ControlFixture * fixture)
{
  g_atomic_int_set (&fixture->held, 0);
  g_thread_join (fixture->holder);
}

gboolean
control_fixture_is_log (int fd)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *path = g_file_read_link (link, NULL);

  return path != NULL && g_str_has_suffix (path, "-wal");
}
