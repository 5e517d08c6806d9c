/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands in for libFuzzer: gives a target every file of the folders that are
 * named on the command line, whole and cut at every place. */

#include <string.h>

#include <glib.h>

#include "fuzz.h"

/* A copy of its own, so that reading past the end is seen. */
static void
run (const char *data, gsize size)
{
  /* never NULL, as with libFuzzer */
  g_autofree guint8 *copy = g_malloc (MAX (size, 1));

  memcpy (copy, data, size);
  LLVMFuzzerTestOneInput (copy, size);
}

static void
run_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *data = NULL;
  gsize size;

  if (!g_file_get_contents (path, &data, &size, &error))
    g_error ("%s", error->message);
  for (gsize length = 0; length <= size; length++)
    run (data, length);
}

static guint
run_folder (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) folder = g_dir_open (path, 0, &error);
  const char *name;
  guint n = 0;

  if (folder == NULL)
    g_error ("%s", error->message);
  for (; (name = g_dir_read_name (folder)) != NULL; n++) {
    g_autofree char *file = g_build_filename (path, name, NULL);

    run_file (file);
  }
  return n;
}

int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    guint n = run_folder (argv[i]);

    g_print ("%s: %u seeds\n", argv[i], n);
    if (n == 0)
      return 1;
  }
  return argc > 1 ? 0 : 1;
}
