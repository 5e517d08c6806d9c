/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Uploads and originals: their rows, their files, and the room that they announce. */
#include <glib/gstdio.h>
#include <string.h>
#include <utime.h>

#include "control-fixture.h"
#include "control/catalog/catalog.h"
#include "control/data-files/set-aside.h"
#include "control/originals/originals.h"
#include "control/uploads/uploads-private.h"
#include "libpmss/pmss-error.h"

#define MIB ((guint64) 1 << 20)
#define HOUR (3600 * (gint64) G_USEC_PER_SEC)

typedef struct
{
  ControlFixture base;
  PmssControlConfig config;
  PmssCatalog *catalog;
  PmssOriginals *originals;
  PmssUploads *uploads;
  char *data;
} Fixture;

static void
open_uploads (Fixture * f)
{
  g_autoptr (GError) error = NULL;

  f->originals = pmss_originals_new (f->data, f->base.database, &error);
  g_assert_no_error (error);
  f->uploads = pmss_uploads_new (&f->config, f->base.database, f->catalog,
      f->originals, &error);
  g_assert_no_error (error);
}

/* A start of the server. */
static void
start_anew (Fixture * f)
{
  pmss_uploads_free (f->uploads);
  pmss_originals_free (f->originals);
  open_uploads (f);
}

static void
setup (Fixture * f, gconstpointer data)
{
  control_fixture_init (&f->base);
  f->data = g_dir_make_tmp ("pmss-XXXXXX", NULL);
  f->config.data = f->data;
  f->config.upload_lifetime = 3600;
  f->config.set_aside_grace = 1000;
  f->catalog = pmss_catalog_new (f->base.database);
  control_fixture_exec (&f->base, "INSERT INTO user"
      " (name, role, password, one_time, created)"
      " VALUES ('anna', 'operator', '', 0, 1)");
  open_uploads (f);
}

static void
teardown (Fixture * f, gconstpointer data)
{
  pmss_uploads_free (f->uploads);
  pmss_originals_free (f->originals);
  pmss_catalog_free (f->catalog);
  control_fixture_remove_tree (f->data);
  g_free (f->data);
  control_fixture_clear (&f->base);
}

static char *
path_of (Fixture * f, const char *folder, const char *name)
{
  return g_build_filename (f->data, folder, name, NULL);
}

static void
write_file (Fixture * f, const char *folder, const char *name, const char *text)
{
  g_autofree char *path = path_of (f, folder, name);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* NULL: it is not there. */
static void
assert_file (Fixture * f, const char *folder, const char *name,
    const char *wanted)
{
  g_autofree char *path = path_of (f, folder, name);
  g_autofree char *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  g_assert_cmpstr (text, ==, wanted);
}

#define UPLOAD "0123456789abcdef0123456789abcdef"
#define ORIGINAL "fedcba9876543210fedcba9876543210"

/* The catalog names an upload of five bytes, and an original of four. */
static void
add_rows (Fixture * f)
{
  control_fixture_exec (&f->base, "INSERT INTO medium"
      " (id, name, state, k, m, created, updated)"
      " VALUES (1, 'up', 'ingesting', 1, 0, 1, 1),"
      " (2, 'kept', 'ready', 1, 0, 1, 1)");
  control_fixture_exec (&f->base, "INSERT INTO upload"
      " (id, medium, user, kind, state, size, received, created, expires)"
      " VALUES ('" UPLOAD "', 1, 'anna', 'tus', 'complete', 5, 5, 1, 1)");
  control_fixture_exec (&f->base, "INSERT INTO original (medium, file, size)"
      " VALUES (2, '" ORIGINAL "', 4)");
}

/* What a wrong catalog did not know is set aside; it goes back with the one that names it. */
static void
test_put_back (Fixture * f, gconstpointer data)
{
  write_file (f, "uploads", UPLOAD, "fives");
  write_file (f, "originals", ORIGINAL, "four");
  write_file (f, "originals", "nobodys", "none");
  start_anew (f);
  assert_file (f, "uploads/set-aside", UPLOAD, "fives");
  assert_file (f, "originals/set-aside", ORIGINAL, "four");
  assert_file (f, "originals/set-aside", "nobodys", "none");

  add_rows (f);
  start_anew (f);
  assert_file (f, "uploads", UPLOAD, "fives");
  assert_file (f, "uploads/set-aside", UPLOAD, NULL);
  assert_file (f, "originals", ORIGINAL, "four");
  assert_file (f, "originals/set-aside", "nobodys", "none");
}

/* Two of one name: that of the row's size goes back, and takes nobody's place. */
static void
test_put_back_sized (Fixture * f, gconstpointer data)
{
  write_file (f, "originals", ORIGINAL, "other");
  start_anew (f);
  write_file (f, "originals", ORIGINAL, "four");
  start_anew (f);
  assert_file (f, "originals/set-aside", ORIGINAL, "other");
  assert_file (f, "originals/set-aside", ORIGINAL ".1", "four");
  add_rows (f);
  start_anew (f);
  assert_file (f, "originals", ORIGINAL, "four");
  assert_file (f, "originals/set-aside", ORIGINAL, "other");
  start_anew (f);
  assert_file (f, "originals/set-aside", ORIGINAL, "other");
}

static void
make_old (Fixture * f, const char *folder, const char *name)
{
  const struct utimbuf old = { 1, 1 };
  g_autofree char *path = path_of (f, folder, name);

  g_assert_cmpint (g_utime (path, (struct utimbuf *) &old), ==, 0);
}

static void
expire (Fixture * f)
{
  g_autoptr (GError) error = NULL;

  f->uploads->aside_at = 0;
  g_assert_true (pmss_uploads_expire (f->uploads, &error));
  g_assert_no_error (error);
}

/* However old: nothing goes while the catalog is a restored one, and nothing that a row names. */
static void
test_expire (Fixture * f, gconstpointer data)
{
  write_file (f, "originals", "nobodys", "none");
  write_file (f, "originals", ORIGINAL, "other");
  start_anew (f);
  add_rows (f);
  f->uploads->opened -= 2 * HOUR;
  make_old (f, "originals/set-aside", "nobodys");
  make_old (f, "originals/set-aside", ORIGINAL);
  pmss_uploads_set_keep_unknown (f->uploads, TRUE);
  expire (f);
  assert_file (f, "originals/set-aside", "nobodys", "none");
  pmss_uploads_set_keep_unknown (f->uploads, FALSE);
  expire (f);
  assert_file (f, "originals/set-aside", "nobodys", NULL);
  assert_file (f, "originals/set-aside", ORIGINAL, "other");
}

/* A directory is left where it is, and one that was set aside is not deleted time and again. */
static void
test_directory (Fixture * f, gconstpointer data)
{
  g_autofree char *mine = path_of (f, "uploads", "mine");
  g_autofree char *aside = path_of (f, "uploads/set-aside", "mine");

  g_assert_cmpint (g_mkdir_with_parents (mine, 0700), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (aside, 0700), ==, 0);
  start_anew (f);
  g_assert_true (g_file_test (mine, G_FILE_TEST_IS_DIR));
  f->uploads->opened -= 2 * HOUR;
  make_old (f, "uploads/set-aside", "mine");
  g_log_set_always_fatal (G_LOG_LEVEL_WARNING | G_LOG_FATAL_MASK);
  expire (f);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  g_assert_true (g_file_test (aside, G_FILE_TEST_IS_DIR));
}

/* Room */

typedef struct
{
  PmssUploads *uploads;
  guint64 announced, received;
} Look;

/* As a new upload's row sees it. */
static gboolean
look (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Look *self = user_data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT received FROM upload WHERE state = 'receiving'");

  if (!pmss_rows_next (rows, error))
    return FALSE;
  self->received = (guint64) pmss_rows_int (rows, 0);
  return pmss_uploads_get_announced (self->uploads, database, &self->announced,
      error);
}

static gpointer
sync_writer (gpointer data)
{
  g_autoptr (GError) error = NULL;

  pmss_upload_writer_sync (data, &error);
  g_assert_no_error (error);
  return NULL;
}

static PmssUpload *
begin_upload (Fixture * f, guint64 size)
{
  g_autoptr (PmssMedium) medium = pmss_medium_new ();
  g_autoptr (GError) error = NULL;
  PmssUpload *upload;

  medium->name = g_strdup ("large");
  medium->size = size;
  medium->redundancy = (PmssRedundancy) {
  1, 0};
  upload = pmss_uploads_create (f->uploads, medium, PMSS_UPLOAD_TUS, "anna",
      &error);
  g_assert_no_error (error);
  return upload;
}

/* A transaction right behind the one that counts bytes as received sees all that the rest will take. */
static void
test_announced (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssUpload) upload = begin_upload (f, 64 * MIB);
  g_autofree guint8 *bytes = g_malloc0 (MIB);
  g_autoptr (GError) error = NULL;
  PmssUploadWriter *writer = pmss_upload_writer_open (f->uploads, upload->id, 0,
      &error);
  Look seen = { f->uploads, 0, 0 };
  guint behind = 0;

  g_assert_no_error (error);
  for (guint64 i = 1; i <= 32; i++) {
    GThread *thread;

    g_assert_true (pmss_upload_writer_write (writer, bytes, MIB, NULL));
    g_assert_true (pmss_database_transact (f->base.database, look, &seen,
            NULL));
    g_assert_cmpint (seen.announced, ==, (64 - i) * MIB);
    control_fixture_hold (&f->base);
    thread = g_thread_new ("sync", sync_writer, writer);
    /* it only makes it likely that the other one is before this one */
    g_usleep (2000);
    g_atomic_int_set (&f->base.held, 0);
    g_assert_true (pmss_database_transact (f->base.database, look, &seen,
            NULL));
    behind += seen.received == i * MIB;
    g_assert_cmpint (seen.announced, ==, (64 - i) * MIB);
    g_thread_join (thread);
    control_fixture_release (&f->base);
  }
  g_assert_cmpint (behind, >, 0);
  g_assert_true (pmss_upload_writer_close (writer, NULL));
}

/* What a writer has written of an upload that is gone is nobody's room. */
static void
test_announced_gone (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssUpload) upload = begin_upload (f, 4 * MIB);
  g_autofree guint8 *bytes = g_malloc0 (MIB);
  PmssUploadWriter *writer = pmss_upload_writer_open (f->uploads, upload->id, 0,
      NULL);
  Look seen = { f->uploads, 0, 0 };

  g_assert_true (pmss_upload_writer_write (writer, bytes, MIB, NULL));
  g_assert_true (pmss_uploads_drop (f->uploads, upload->medium, NULL));
  control_fixture_exec (&f->base, "INSERT INTO medium"
      " (id, name, state, k, m, created, updated)"
      " VALUES (9, 'other', 'uploading', 1, 0, 1, 1)");
  control_fixture_exec (&f->base, "INSERT INTO upload"
      " (id, medium, user, kind, state, size, received, created, expires)"
      " VALUES ('" UPLOAD "', 9, 'anna', 'tus', 'receiving', 500000, 0, 1, 1)");
  g_assert_true (pmss_database_transact (f->base.database, look, &seen, NULL));
  g_assert_cmpint (seen.announced, ==, 500000);
  pmss_upload_writer_abandon (writer);
}

/* Rows */

static void
sum_up (const PmssUpload * upload, gpointer sum)
{
  g_assert_true (upload->complete == g_str_equal (upload->name, "up"));
  g_assert_cmpstr (upload->user, ==, "anna");
  *(guint64 *) sum += upload->size;
}

static gboolean
sum_up_each (PmssDatabase * database, gpointer sum, GError ** error)
{
  return pmss_uploads_each (database, sum_up, sum, error);
}

static void
test_each (Fixture * f, gconstpointer data)
{
  guint64 sum = 0;

  g_assert_true (pmss_database_transact (f->base.database, sum_up_each, &sum,
          NULL));
  g_assert_cmpuint (sum, ==, 0);
  add_rows (f);
  pmss_upload_free (begin_upload (f, 4 * MIB));
  g_assert_true (pmss_database_transact (f->base.database, sum_up_each, &sum,
          NULL));
  g_assert_cmpuint (sum, ==, 4 * MIB + 5);
}

static gboolean
begin_probe (Fixture * f)
{
  g_autoptr (GError) error = NULL;
  gboolean may = FALSE;

  pmss_uploads_begin_probe (f->uploads, UPLOAD, 2, &may, &error);
  g_assert_no_error (error);
  return may;
}

/* A probe that was seen to end does not count. */
static void
test_probes (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gboolean may = TRUE;

  add_rows (f);
  g_assert_true (begin_probe (f));
  g_assert_true (pmss_uploads_end_probe (f->uploads, UPLOAD, NULL));
  g_assert_true (begin_probe (f));
  g_assert_true (begin_probe (f));
  g_assert_false (begin_probe (f));
  g_assert_false (begin_probe (f));
  g_assert_true (pmss_uploads_end_probe (f->uploads, UPLOAD, NULL));
  g_assert_true (begin_probe (f));
  g_assert_false (pmss_uploads_begin_probe (f->uploads, ORIGINAL, 2, &may,
          &error));
  assert_pmss_error (error, NOT_FOUND);
}

#define ADD(name, func) \
  g_test_add ("/uploads/" name, Fixture, NULL, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* what is set aside is told as a warning */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  ADD ("put-back", test_put_back);
  ADD ("put-back-sized", test_put_back_sized);
  ADD ("expire", test_expire);
  ADD ("directory", test_directory);
  ADD ("announced", test_announced);
  ADD ("announced-gone", test_announced_gone);
  ADD ("each", test_each);
  ADD ("probes", test_probes);
  return g_test_run ();
}
