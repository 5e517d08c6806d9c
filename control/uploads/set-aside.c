/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that no row knows: moved, kept, and deleted after a grace period. On the caller's thread. */
#include "control/uploads/set-aside.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/stat.h>

#include "control/folder-sync.h"

/* Seconds after the start in which nothing goes by the clock. */
#define CLOCK_SETTLES 3600

static gboolean
fail (GError ** error, const char *what, const char *path)
{
  int code = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
      "Cannot %s %s: %s", what, path, g_strerror (code));
  return FALSE;
}

/* Never replaces a file: two catalogs may have set aside one of the same name. */
static char *
move_file (const char *path, const char *aside, const char *name,
    GError ** error)
{
  for (guint i = 0;; i++) {
    g_autofree char *numbered = i == 0 ? g_strdup (name)
        : g_strdup_printf ("%s.%u", name, i);
    g_autofree char *target = g_build_filename (aside, numbered, NULL);

    if (g_file_test (target, G_FILE_TEST_EXISTS))
      continue;
    if (g_rename (path, target) == 0)
      return g_steal_pointer (&target);
    fail (error, "set aside", path);
    return NULL;
  }
}

gboolean
pmss_set_aside_put (const char *folder, const char *name, GError ** error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *aside = g_build_filename (folder, PMSS_SET_ASIDE, NULL);
  g_autofree char *target = NULL, *size = NULL;
  GStatBuf st;

  if (g_mkdir (aside, 0700) != 0 && errno != EEXIST)
    return fail (error, "make", aside);
  if (g_lstat (path, &st) != 0)
    return fail (error, "look at", path);
  /* the grace period begins now, not when the file was written */
  if (utimensat (AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW) != 0)
    return fail (error, "date", path);
  target = move_file (path, aside, name, error);
  if (target == NULL)
    return FALSE;
  size = g_format_size ((guint64) st.st_size);
  g_warning ("The catalog knows no file “%s” (%s): it is kept as “%s”",
      path, size, target);
  return pmss_folder_sync (aside, error) && pmss_folder_sync (folder, error);
}

static void
expire_file (const char *path, guint grace, gint64 now)
{
  GStatBuf st;

  if (g_lstat (path, &st) != 0 || now - (gint64) st.st_mtime < (gint64) grace)
    return;
  if (g_unlink (path) == 0)
    g_message ("Deleted “%s”, which was set aside %" G_GINT64_FORMAT
        " s ago", path, now - (gint64) st.st_mtime);
  else
    g_warning ("Cannot delete “%s”: %s", path, g_strerror (errno));
}

void
pmss_set_aside_expire (const char *folder, guint grace, gint64 now, gint64 up)
{
  g_autofree char *aside = g_build_filename (folder, PMSS_SET_ASIDE, NULL);
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (grace == 0 || up < (gint64) MIN (grace, CLOCK_SETTLES)
      || (dir = g_dir_open (aside, 0, NULL)) == NULL)
    return;
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (aside, name, NULL);

    expire_file (path, grace, now);
  }
}
