/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether control may start on its folder, whose catalog it is, and what is set aside. */
#include <string.h>
#include <glib/gstdio.h>
#include <utime.h>

#include "control-fixture.h"
#include "control/data-folder.h"
#include "control/identity.h"
#include "control/keys.h"
#include "control/data-files/set-aside.h"
#include "libpmss/pmss-error.h"

#define CLUSTER "0123456789abcdef0123456789abcdef"
#define OTHER "f123456789abcdef0123456789abcdef"

static void
test_judge (void)
{
  static const struct
  {
    PmssDataFolderState state;
    PmssDataFolderUse use;
  } cases[] = {
    {{.first_start = FALSE}, PMSS_DATA_FOLDER_NEW},
    {{.first_start = TRUE}, PMSS_DATA_FOLDER_UNFINISHED},
    {{.first_start = TRUE,.keys = TRUE}, PMSS_DATA_FOLDER_UNFINISHED},
    {{.first_start = TRUE,.catalog = TRUE}, PMSS_DATA_FOLDER_UNFINISHED},
    {{.catalog = TRUE,.keys = TRUE}, PMSS_DATA_FOLDER_IN_USE},
    {{.catalog = TRUE,.keys = TRUE,.files = TRUE,.log = TRUE},
        PMSS_DATA_FOLDER_IN_USE},
    {{.keys = TRUE}, PMSS_DATA_FOLDER_NO_CATALOG},
    {{.files = TRUE}, PMSS_DATA_FOLDER_NO_CATALOG},
    {{.log = TRUE}, PMSS_DATA_FOLDER_NO_CATALOG},
    {{.keys = TRUE,.log = TRUE}, PMSS_DATA_FOLDER_NO_CATALOG},
    {{.catalog = TRUE}, PMSS_DATA_FOLDER_NO_KEYS},
    {{.catalog = TRUE,.files = TRUE}, PMSS_DATA_FOLDER_NO_KEYS},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (pmss_data_folder_judge (&cases[i].state), ==,
        cases[i].use);
}

static void
remove_all (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    if (g_file_test (path, G_FILE_TEST_IS_DIR))
      remove_all (path);
    else
      g_assert_cmpint (g_unlink (path), ==, 0);
  }
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static char *
make_folder (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("pmss-XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

static void
write_file (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* A first start that is killed goes on; once it has ended, what is missing is refused. */
static void
test_first_start (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *keys = g_build_filename (folder, "keys", NULL);
  g_autoptr (GError) error = NULL;
  gboolean first = FALSE;

  g_assert_true (pmss_data_folder_begin (folder, &first, &error));
  g_assert_true (first);
  g_assert_cmpint (g_mkdir (keys, 0700), ==, 0);
  first = FALSE;
  g_assert_true (pmss_data_folder_begin (folder, &first, &error));
  g_assert_true (first);
  write_file (folder, "catalog.db", "a catalog");
  g_assert_true (pmss_data_folder_end (folder, &error));
  g_assert_true (pmss_data_folder_begin (folder, &first, &error));
  g_assert_false (first);
  write_file (folder, "catalog.db", "");
  g_assert_false (pmss_data_folder_begin (folder, &first, &error));
  assert_pmss_error (error, CONFLICT);
  g_assert_nonnull (strstr (error->message, "Is the disk mounted?"));
  remove_all (folder);
}

/* Folders of their own disks, made before the first start, are no earlier use. */
static void
test_empty_disks (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *originals = g_build_filename (folder, "originals", NULL);
  g_autofree char *own = g_build_filename (originals, "lost+found", NULL);
  g_autoptr (GError) error = NULL;
  gboolean first = FALSE;

  g_assert_cmpint (g_mkdir (originals, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (own, 0700), ==, 0);
  g_assert_true (pmss_data_folder_begin (folder, &first, &error));
  g_assert_true (first);
  g_assert_true (pmss_data_folder_end (folder, &error));
  write_file (originals, "a", "bytes");
  g_assert_false (pmss_data_folder_begin (folder, &first, &error));
  assert_pmss_error (error, CONFLICT);
  remove_all (folder);
}

static void
check_identity (ControlFixture * f, const char *cluster, gboolean same,
    gboolean newest)
{
  g_auto (PmssIdentity) identity = { 0 };
  g_autoptr (GError) error = NULL;
  guint64 starts;

  g_assert_true (pmss_identity_read (f->database, &identity, &error));
  g_assert_true (pmss_identity_read_starts (f->folder, &starts, &error));
  g_assert_cmpint (pmss_identity_check_cluster (&identity, cluster, NULL), ==,
      same);
  g_assert_cmpint (pmss_identity_check_age (&identity, starts, NULL), ==,
      newest);
}

static void
test_identity (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;

  control_fixture_init (&f);
  check_identity (&f, CLUSTER, TRUE, TRUE);
  g_assert_true (pmss_identity_count_start (f.database, CLUSTER, f.folder,
          &error));
  check_identity (&f, CLUSTER, TRUE, TRUE);
  check_identity (&f, OTHER, FALSE, TRUE);
  g_assert_true (pmss_identity_count_start (f.database, CLUSTER, f.folder,
          &error));
  g_assert_cmpint (control_fixture_count (&f, "SELECT starts FROM identity"),
      ==, 2);
  /* a copy from before the second start */
  control_fixture_exec (&f, "UPDATE identity SET starts = 1");
  check_identity (&f, CLUSTER, TRUE, FALSE);
  /* killed between catalog and file */
  control_fixture_exec (&f, "UPDATE identity SET starts = 3");
  check_identity (&f, CLUSTER, TRUE, TRUE);
  write_file (f.folder, "starts", "many\n");
  g_assert_false (pmss_identity_read_starts (f.folder, &(guint64) {
          0}, &error));
  control_fixture_clear (&f);
}

static void
open_keys (const char *folder, const char *file, guint mode, gboolean good)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autoptr (GError) error = NULL;
  PmssKeys *keys;

  g_assert_cmpint (g_chmod (path, (int) mode), ==, 0);
  keys = pmss_keys_open (folder, FALSE, &error);
  g_assert_cmpint (keys != NULL, ==, good);
  if (good)
    pmss_keys_free (keys);
  else
    assert_pmss_error (error, CONFLICT);
}

static void
test_keys (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *keys = g_build_filename (folder, "keys", NULL);
  g_autoptr (GError) error = NULL;
  PmssKeys *made;

  /* none are made beside a catalog */
  g_assert_null (pmss_keys_open (keys, FALSE, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_clear_error (&error);
  g_assert_false (g_file_test (keys, G_FILE_TEST_EXISTS));
  made = pmss_keys_open (keys, TRUE, &error);
  g_assert_no_error (error);
  pmss_keys_free (made);

  open_keys (keys, "token.key", 0640, FALSE);
  open_keys (keys, "token.key", 0604, FALSE);
  open_keys (keys, "token.key", 0600, TRUE);
  open_keys (keys, ".", 0710, FALSE);
  open_keys (keys, ".", 0700, TRUE);
  remove_all (folder);
}

static char *
read_file (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, PMSS_SET_ASIDE, name, NULL);
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

static void
put_aside (const char *folder, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;

  write_file (folder, name, text);
  g_assert_true (pmss_set_aside_put (folder, name, &error));
  g_assert_no_error (error);
}

static gboolean
name_none (const char *name, gpointer user_data)
{
  return FALSE;
}

static gboolean
is_name (const char *name, gpointer user_data)
{
  return g_str_equal (name, user_data);
}

/* The grace period counts from when it was set aside, however old it is; no file takes the place of another. */
static void
test_set_aside (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *path = g_build_filename (folder, "a", NULL);
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  const struct utimbuf old = { 1, 1 };
  g_autofree char *first = NULL, *second = NULL;

  write_file (folder, "a", "one");
  g_assert_cmpint (g_utime (path, (struct utimbuf *) &old), ==, 0);
  g_assert_true (pmss_set_aside_put (folder, "a", NULL));
  put_aside (folder, "a", "two");
  pmss_set_aside_expire (folder, 0, now + 1000000, G_MAXINT, name_none, NULL);
  pmss_set_aside_expire (folder, 1000, now + 900, G_MAXINT, name_none, NULL);
  /* a clock that is a year ahead when the process has just started */
  pmss_set_aside_expire (folder, 1000, now + 31536000, 999, name_none, NULL);
  pmss_set_aside_expire (folder, 86400, now + 31536000, 3599, name_none, NULL);
  first = read_file (folder, "a");
  second = read_file (folder, "a.1");
  g_assert_cmpstr (first, ==, "one");
  g_assert_cmpstr (second, ==, "two");
  pmss_set_aside_expire (folder, 1000, now + 1100, 1000, name_none, NULL);
  g_free (first);
  first = read_file (folder, "a");
  g_assert_null (first);
  remove_all (folder);
}

/* Two of one name, a row of that name, and a directory, a year later: only the file without a row goes. */
static void
test_set_aside_named (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *directory = g_build_filename (folder, PMSS_SET_ASIDE,
      "directory", NULL);
  gint64 later = g_get_real_time () / G_USEC_PER_SEC + 31536000;
  g_autofree char *first = NULL, *second = NULL, *other = NULL;

  put_aside (folder, "a", "one");
  put_aside (folder, "a", "two");
  put_aside (folder, "b", "three");
  g_assert_cmpint (g_mkdir (directory, 0700), ==, 0);
  g_assert_true (pmss_set_aside_expire (folder, 1000, later, G_MAXINT,
          is_name, (gpointer) "a"));
  first = read_file (folder, "a");
  second = read_file (folder, "a.1");
  other = read_file (folder, "b");
  g_assert_cmpstr (first, ==, "one");
  g_assert_cmpstr (second, ==, "two");
  g_assert_null (other);
  g_assert_true (g_file_test (directory, G_FILE_TEST_IS_DIR));
  g_assert_cmpint (g_rmdir (directory), ==, 0);
  remove_all (folder);
}

static void
assert_name (const char *aside, const char *name)
{
  g_autofree char *had = pmss_set_aside_get_name (aside);

  g_assert_cmpstr (had, ==, name);
}

/* What goes back has the name and the size that a row says, and replaces nothing. */
static void
test_set_aside_take (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *path = g_build_filename (folder, "a", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  put_aside (folder, "a", "four");
  put_aside (folder, "a", "fives");
  g_assert_false (pmss_set_aside_fits (folder, "a", 5, 5));
  g_assert_true (pmss_set_aside_fits (folder, "a.1", 5, 5));
  g_assert_false (pmss_set_aside_fits (folder, "a.2", 0, 5));
  write_file (folder, "a", "there");
  g_assert_false (pmss_set_aside_take (folder, "a.1", "a", &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_EXIST);
  g_clear_error (&error);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_true (pmss_set_aside_take (folder, "a.1", "a", &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "fives");
  assert_name ("a", "a");
  assert_name ("a.12", "a");
  assert_name ("a.b", "a.b");
  assert_name ("a.", "a.");
  assert_name (".1", ".1");
  remove_all (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* what is set aside is told as a warning */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  g_test_add_func ("/data-folder/judge", test_judge);
  g_test_add_func ("/data-folder/first-start", test_first_start);
  g_test_add_func ("/data-folder/empty-disks", test_empty_disks);
  g_test_add_func ("/data-folder/identity", test_identity);
  g_test_add_func ("/data-folder/keys", test_keys);
  g_test_add_func ("/data-folder/set-aside", test_set_aside);
  g_test_add_func ("/data-folder/set-aside/named", test_set_aside_named);
  g_test_add_func ("/data-folder/set-aside/take", test_set_aside_take);
  return g_test_run ();
}
