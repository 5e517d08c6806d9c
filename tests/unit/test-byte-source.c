/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes that can be read at any place: of a file, of something else. */
#include "control/striping/byte-source.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"

/* SHA-256 of "abcdefghij" */
#define HASH "72399361da6a7754fec986dca5b7cbaf1c810a28ded4abaf56b2106d06cb78b0"

static char *
make_file (const char *text)
{
  char *path = NULL;
  int fd = g_file_open_tmp ("pmss-source-XXXXXX", &path, NULL);

  g_assert_true (g_close (fd, NULL));
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static void
test_file (void)
{
  g_autofree char *path = make_file ("abcdefghij");
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssByteSource) source = pmss_byte_source_new_file (path, 10,
      "The file", &error);
  g_autofree char *hash = NULL;
  guint8 bytes[10];

  g_assert_no_error (error);
  g_assert_true (pmss_byte_source_read (source, 0, bytes, 10, &error));
  g_assert_cmpmem (bytes, 10, "abcdefghij", 10);
  g_assert_true (pmss_byte_source_read (source, 7, bytes, 3, &error));
  g_assert_cmpmem (bytes, 3, "hij", 3);
  g_assert_true (pmss_byte_source_read (source, 10, bytes, 0, &error));
  hash = pmss_byte_source_hash (source, NULL, &error);
  g_assert_cmpstr (hash, ==, HASH);
  g_unlink (path);
}

static void
test_range (void)
{
  static const struct
  {
    guint64 offset;
    gsize length;
  } cases[] = {
    {0, 11}, {10, 1}, {11, 0}, {G_MAXUINT64, 1}, {1, G_MAXSIZE},
  };
  g_autofree char *path = make_file ("abcdefghij");
  g_autoptr (PmssByteSource) source = pmss_byte_source_new_file (path, 10,
      "The file", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    guint8 bytes[1];

    g_assert_false (pmss_byte_source_read (source, cases[i].offset, bytes,
            cases[i].length, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_RANGE);
  }
  g_unlink (path);
}

/* What is said names the file as its users know it, and not the path. */
static void
test_wrong_files (void)
{
  g_autofree char *path = make_file ("abc");
  g_autoptr (GError) error = NULL;

  g_assert_null (pmss_byte_source_new_file (path, 4, "The file", &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);
  g_assert_cmpstr (error->message, ==, "The file has 3 bytes instead of 4");
  g_clear_error (&error);
  g_unlink (path);

  g_assert_null (pmss_byte_source_new_file (path, 3, "The file", &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_FAILED);
  g_assert_true (g_str_has_prefix (error->message,
          "The file cannot be read: "));
  g_assert_null (strstr (error->message, path));
}

static void
test_shortened (void)
{
  g_autofree char *path = make_file ("abcdefghij");
  g_autoptr (PmssByteSource) source = pmss_byte_source_new_file (path, 10,
      "The file", NULL);
  g_autoptr (GError) error = NULL;
  guint8 bytes[10];

  g_assert_cmpint (truncate (path, 4), ==, 0);
  g_assert_false (pmss_byte_source_read (source, 0, bytes, 10, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);
  g_clear_error (&error);
  g_assert_null (pmss_byte_source_hash (source, NULL, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);
  g_unlink (path);
}

typedef struct
{
  guint reads;
  GCancellable *cancellable;    /* cancelled with the first read */
  gboolean freed;
} Fake;

static gboolean
read_fake (gpointer user_data, guint64 offset, guint8 * to, gsize length,
    GError ** error)
{
  Fake *fake = user_data;

  fake->reads++;
  if (fake->cancellable)
    g_cancellable_cancel (fake->cancellable);
  memset (to, 'x', length);
  return TRUE;
}

static void
free_fake (gpointer user_data)
{
  ((Fake *) user_data)->freed = TRUE;
}

static void
test_hash_cancelled (void)
{
  static const PmssByteSourceFuncs funcs = { read_fake, free_fake };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Fake fake = {.cancellable = cancellable };
  PmssByteSource *source = pmss_byte_source_new (&funcs, &fake, 64 << 20);
  g_autoptr (GError) error = NULL;

  g_assert_null (pmss_byte_source_hash (source, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (fake.reads, ==, 1);
  pmss_byte_source_free (source);
  g_assert_true (fake.freed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* the path of a file that cannot be read is told as a warning */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  g_test_add_func ("/byte-source/file", test_file);
  g_test_add_func ("/byte-source/range", test_range);
  g_test_add_func ("/byte-source/wrong-files", test_wrong_files);
  g_test_add_func ("/byte-source/shortened", test_shortened);
  g_test_add_func ("/byte-source/hash-cancelled", test_hash_cancelled);
  return g_test_run ();
}
