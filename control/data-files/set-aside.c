/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that no row knows: moved, kept, and deleted after a grace period. On the caller's thread. */
#include "control/data-files/set-aside.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
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

GPtrArray *
pmss_set_aside_list (const char *folder)
{
  g_autofree char *aside = g_build_filename (folder, PMSS_SET_ASIDE, NULL);
  g_autoptr (GDir) dir = g_dir_open (aside, 0, NULL);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  return names;
}

char *
pmss_set_aside_get_name (const char *aside)
{
  const char *dot = strrchr (aside, '.');

  if (dot == NULL || dot == aside || dot[1] == '\0'
      || dot[1 + strspn (dot + 1, "0123456789")] != '\0')
    return g_strdup (aside);
  return g_strndup (aside, (gsize) (dot - aside));
}

gboolean
pmss_set_aside_fits (const char *folder, const char *aside, guint64 least,
    guint64 most)
{
  g_autofree char *path = g_build_filename (folder, PMSS_SET_ASIDE, aside,
      NULL);
  GStatBuf st;

  return g_lstat (path, &st) == 0 && S_ISREG (st.st_mode)
      && (guint64) st.st_size >= least && (guint64) st.st_size <= most;
}

gboolean
pmss_set_aside_take (const char *folder, const char *aside, const char *name,
    GError ** error)
{
  g_autofree char *there = g_build_filename (folder, PMSS_SET_ASIDE, NULL);
  g_autofree char *path = g_build_filename (there, aside, NULL);
  g_autofree char *target = g_build_filename (folder, name, NULL);

  if (g_file_test (target, G_FILE_TEST_EXISTS)) {
    errno = EEXIST;
    return fail (error, "make", target);
  }
  if (g_rename (path, target) != 0)
    return fail (error, "put back", path);
  g_message ("The catalog names “%s”: it is put back from %s", target,
      there);
  return pmss_folder_sync (folder, error) && pmss_folder_sync (there, error);
}

/* A directory is none of ours: somebody has put it there. */
static gboolean
is_due (const char *path, guint grace, gint64 now, gint64 * age)
{
  GStatBuf st;

  if (g_lstat (path, &st) != 0 || S_ISDIR (st.st_mode))
    return FALSE;
  *age = now - (gint64) st.st_mtime;
  return *age >= (gint64) grace;
}

static gboolean
expire_file (const char *path, gint64 age)
{
  if (g_unlink (path) == 0) {
    g_message ("Deleted “%s”, which was set aside %" G_GINT64_FORMAT
        " s ago", path, age);
    return TRUE;
  }
  g_warning ("Cannot delete “%s”: %s", path, g_strerror (errno));
  return FALSE;
}

gboolean
pmss_set_aside_expire (const char *folder, guint grace, gint64 now, gint64 up,
    PmssSetAsideNamed named, gpointer user_data)
{
  g_autoptr (GPtrArray) list = NULL;
  gboolean all = TRUE;

  if (grace == 0 || up < (gint64) MIN (grace, CLOCK_SETTLES))
    return TRUE;
  list = pmss_set_aside_list (folder);
  for (guint i = 0; i < list->len; i++) {
    const char *aside = g_ptr_array_index (list, i);
    g_autofree char *path = g_build_filename (folder, PMSS_SET_ASIDE, aside,
        NULL);
    g_autofree char *name = pmss_set_aside_get_name (aside);
    gint64 age;

    if (is_due (path, grace, now, &age) && !named (aside, user_data)
        && !named (name, user_data))
      all &= expire_file (path, age);
  }
  return all;
}
