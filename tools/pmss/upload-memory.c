/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "upload-memory.h"

#include <stdio.h>

#include <glib/gstdio.h>

static char *
memory_path (const char *key)
{
  return g_build_filename (g_get_user_state_dir (), "pmss", "uploads", key,
      NULL);
}

char *
pmss_upload_memory_key (const char *server, const char *medium,
    const char *path, guint64 size, gint64 modified_us)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autofree char *all = g_strdup_printf ("%s\n%s\n%s\n%" G_GUINT64_FORMAT
      "\n%" G_GINT64_FORMAT, server, medium, absolute, size, modified_us);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, all, -1);
}

char *
pmss_upload_memory_load (const char *key)
{
  g_autofree char *path = memory_path (key);
  char *url = NULL;

  if (!g_file_get_contents (path, &url, NULL, NULL))
    return NULL;
  return g_strstrip (url);
}

void
pmss_upload_memory_store (const char *key, const char *url)
{
  g_autofree char *path = memory_path (key);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_mkdir_with_parents (folder, 0700);
  if (!g_file_set_contents_full (path, url, -1, G_FILE_SET_CONTENTS_CONSISTENT,
          0600, &error))
    fprintf (stderr, "A broken upload could not be resumed later: %s\n",
        error->message);
}

void
pmss_upload_memory_forget (const char *key)
{
  g_autofree char *path = memory_path (key);

  g_unlink (path);
}
