/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Originals: rows and files that come and go together, whatever ends in between. */
#include "control/originals/originals.h"

#include <glib/gstdio.h>

#include "control-fixture.h"
#include "libpmss/pmss-error.h"

#define MEDIUM 7
/* of nothing in particular */
#define SUM "0123456789abcdef0123456789abcdef" \
  "0123456789abcdef0123456789abcdef"
#define NAME "0123456789abcdef0123456789abcdef"

typedef struct
{
  ControlFixture base;
  char *data, *uploads;
  PmssOriginals *originals;
} Fixture;

static void
open_originals (Fixture * f)
{
  g_autoptr (GError) error = NULL;

  f->originals = pmss_originals_new (f->data, f->base.database, &error);
  g_assert_no_error (error);
  pmss_originals_sweep (f->originals, f->uploads, &error);
  g_assert_no_error (error);
}

/* A start of the server. */
static void
start_anew (Fixture * f)
{
  pmss_originals_free (f->originals);
  open_originals (f);
}

static void
setup (Fixture * f, gconstpointer data)
{
  control_fixture_init (&f->base);
  f->data = g_dir_make_tmp ("pmss-XXXXXX", NULL);
  f->uploads = g_build_filename (f->data, "uploads", NULL);
  g_assert_cmpint (g_mkdir (f->uploads, 0700), ==, 0);
  control_fixture_exec (&f->base, "INSERT INTO medium (id, name, state, k, m,"
      " created, updated, sha256) VALUES (7, 'film', 'ingesting', 1, 0, 1, 1,"
      " '" SUM "')");
  open_originals (f);
}

static void
teardown (Fixture * f, gconstpointer data)
{
  pmss_originals_free (f->originals);
  control_fixture_remove_tree (f->data);
  control_fixture_clear (&f->base);
  g_free (f->uploads);
  g_free (f->data);
}

static char *
make_upload (Fixture * f)
{
  char *path = g_build_filename (f->uploads, NAME, NULL);

  g_assert_true (g_file_set_contents (path, "four", -1, NULL));
  return path;
}

static void
link_upload (Fixture * f)
{
  g_autofree char *upload = make_upload (f);
  g_autoptr (GError) error = NULL;

  pmss_originals_link (f->originals, upload, NAME, &error);
  g_assert_no_error (error);
}

static void
add (Fixture * f)
{
  g_autoptr (GError) error = NULL;

  pmss_originals_add (f->originals, MEDIUM, NAME, 4, &error);
  g_assert_no_error (error);
}

static gboolean
has (Fixture * f, const char *folder)
{
  g_autofree char *path = g_build_filename (f->data, folder, NAME, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
assert_none (Fixture * f)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *sha256 = NULL;

  g_assert_null (pmss_originals_find (f->originals, MEDIUM, &sha256, &error));
  assert_pmss_error (error, NOT_FOUND);
  g_assert_null (sha256);
}

static void
assert_found (Fixture * f)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *sha256 = NULL, *text = NULL;
  g_autofree char *path = pmss_originals_find (f->originals, MEDIUM, &sha256,
      &error);

  g_assert_no_error (error);
  g_assert_cmpstr (sha256, ==, SUM);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "four");
}

/* The second name stays when the first goes, and a start changes nothing. */
static void
test_kept (Fixture * f, gconstpointer data)
{
  g_autofree char *upload = g_build_filename (f->uploads, NAME, NULL);

  assert_none (f);
  link_upload (f);
  /* once more, after a crash */
  link_upload (f);
  assert_none (f);
  add (f);
  assert_found (f);
  g_assert_cmpint (g_unlink (upload), ==, 0);
  start_anew (f);
  assert_found (f);
}

/* A crash before the row: the second name goes as long as the first is there, and is set aside else. */
static void
test_no_row (Fixture * f, gconstpointer data)
{
  g_autofree char *upload = g_build_filename (f->uploads, NAME, NULL);

  link_upload (f);
  start_anew (f);
  g_assert_false (has (f, "originals"));
  g_assert_false (has (f, "originals/set-aside"));
  g_assert_true (has (f, "uploads"));

  link_upload (f);
  g_assert_cmpint (g_unlink (upload), ==, 0);
  start_anew (f);
  g_assert_false (has (f, "originals"));
  g_assert_true (has (f, "originals/set-aside"));
}

/* What linked it did not come to its row. */
static void
test_unlinked (Fixture * f, gconstpointer data)
{
  link_upload (f);
  pmss_originals_unlink (f->originals, NAME);
  g_assert_false (has (f, "originals"));
  g_assert_true (has (f, "uploads"));
  /* not there: that is as good */
  g_log_set_always_fatal (G_LOG_LEVEL_WARNING | G_LOG_FATAL_MASK);
  pmss_originals_unlink (f->originals, NAME);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
}

static void
test_dropped (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_originals_drop (f->originals, MEDIUM, &error));
  link_upload (f);
  add (f);
  g_assert_true (pmss_originals_drop (f->originals, MEDIUM, &error));
  assert_none (f);
  g_assert_true (has (f, "originals"));
  pmss_originals_delete_files (f->originals);
  g_assert_false (has (f, "originals"));
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count (*) FROM file_deletion"), ==, 0);
}

/* A crash between the commit that drops the row and the deletion of the file. */
static void
test_dropped_at_crash (Fixture * f, gconstpointer data)
{
  link_upload (f);
  add (f);
  g_assert_true (pmss_originals_drop (f->originals, MEDIUM, NULL));
  start_anew (f);
  g_assert_false (has (f, "originals"));
  g_assert_false (has (f, "originals/set-aside"));
  g_assert_true (has (f, "uploads"));
}

/* What another folder gave up is that one's to delete. */
static void
test_other_folder (Fixture * f, gconstpointer data)
{
  link_upload (f);
  add (f);
  control_fixture_exec (&f->base, "INSERT INTO file_deletion (folder, file)"
      " VALUES ('uploads', '" NAME "')");
  pmss_originals_delete_files (f->originals);
  assert_found (f);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count (*) FROM file_deletion"), ==, 1);
}

static void
count_one (const char *file, const char *medium, guint64 size, gpointer n)
{
  g_assert_cmpstr (file, ==, NAME);
  g_assert_cmpstr (medium, ==, "film");
  g_assert_cmpuint (size, ==, 4);
  ++*(guint *) n;
}

static gboolean
count_rows (PmssDatabase * database, gpointer n, GError ** error)
{
  return pmss_originals_each (database, count_one, n, error);
}

static void
test_each (Fixture * f, gconstpointer data)
{
  guint n = 0;

  g_assert_true (pmss_database_transact (f->base.database, count_rows, &n,
          NULL));
  g_assert_cmpuint (n, ==, 0);
  add (f);
  g_assert_true (pmss_database_transact (f->base.database, count_rows, &n,
          NULL));
  g_assert_cmpuint (n, ==, 1);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (Fixture * f, gconstpointer data);
  } tests[] = {
    {"kept", test_kept}, {"no-row", test_no_row},
    {"unlinked", test_unlinked}, {"dropped", test_dropped},
    {"dropped-at-crash", test_dropped_at_crash},
    {"other-folder", test_other_folder}, {"each", test_each},
  };

  g_test_init (&argc, &argv, NULL);
  /* what is set aside is told as a warning */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++) {
    g_autofree char *path = g_strconcat ("/originals/", tests[i].name, NULL);

    g_test_add (path, Fixture, NULL, setup, tests[i].func, teardown);
  }
  return g_test_run ();
}
