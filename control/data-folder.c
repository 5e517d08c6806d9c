/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether control may start on its folder. On the main thread. */
#include "control/data-folder.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "control/folder-sync.h"
#include "libpmss/pmss-error.h"

#define MARK "first-start"

/* What fsck puts there, where the folder is a disk of its own. */
static gboolean
is_of_fsck (const char *name)
{
  return g_str_equal (name, "lost+found");
}

static gboolean
has_files (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *entry;

  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    if (!is_of_fsck (entry))
      return TRUE;
  return FALSE;
}

static gboolean
has_bytes (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  GStatBuf st;

  return g_stat (path, &st) == 0 && st.st_size > 0;
}

static gboolean
exists (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

PmssDataFolderUse
pmss_data_folder_judge (const PmssDataFolderState * state)
{
  if (state->first_start)
    return PMSS_DATA_FOLDER_UNFINISHED;
  if (state->catalog)
    return state->keys ? PMSS_DATA_FOLDER_IN_USE : PMSS_DATA_FOLDER_NO_KEYS;
  if (state->keys || state->files || state->log)
    return PMSS_DATA_FOLDER_NO_CATALOG;
  return PMSS_DATA_FOLDER_NEW;
}

static PmssDataFolderUse
judge_folder (const char *folder)
{
  const PmssDataFolderState state = {
    .first_start = exists (folder, MARK),
    .catalog = has_bytes (folder, "catalog.db"),
    .log = has_bytes (folder, "catalog.db-wal"),
    .keys = exists (folder, "keys"),
    .files = has_files (folder, "uploads") || has_files (folder, "originals"),
  };

  return pmss_data_folder_judge (&state);
}

static gboolean
make_mark (const char *folder, GError ** error)
{
  g_autofree char *path = g_build_filename (folder, MARK, NULL);

  if (!g_file_set_contents_full (path, "", 0,
          G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
          error) || !pmss_folder_sync (folder, error))
    return FALSE;
  g_message ("A new cluster is made in “%s”. If there was one before, stop "
      "this server: is the disk mounted?", folder);
  return TRUE;
}

static gboolean
refuse (PmssDataFolderUse use, const char *folder, GError ** error)
{
  if (use == PMSS_DATA_FOLDER_NO_KEYS)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "“%s” has a catalog but no keys: every storage server would refuse "
        "this server. Is the disk mounted? If “%s/keys” is lost, put it back "
        "from a backup", folder, folder);
  else
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "“%s” has been used by a cluster, but its catalog (catalog.db) is "
        "missing or empty. Is the disk mounted? If the catalog is lost, put it "
        "back from a backup and run pmss-control --check-restore. To begin "
        "anew, choose an empty folder", folder);
  return FALSE;
}

gboolean
pmss_data_folder_check (const char *folder, GError ** error)
{
  PmssDataFolderUse use = judge_folder (folder);

  if (use == PMSS_DATA_FOLDER_IN_USE)
    return TRUE;
  if (use == PMSS_DATA_FOLDER_NO_KEYS || use == PMSS_DATA_FOLDER_NO_CATALOG)
    return refuse (use, folder, error);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "“%s” has no cluster yet, so there is nothing to restore: put catalog.db "
      "and keys/ there first", folder);
  return FALSE;
}

gboolean
pmss_data_folder_begin (const char *folder, gboolean * first, GError ** error)
{
  PmssDataFolderUse use = judge_folder (folder);

  *first = use == PMSS_DATA_FOLDER_NEW || use == PMSS_DATA_FOLDER_UNFINISHED;
  if (use == PMSS_DATA_FOLDER_NEW)
    return make_mark (folder, error);
  return *first || use == PMSS_DATA_FOLDER_IN_USE
      || refuse (use, folder, error);
}

gboolean
pmss_data_folder_end (const char *folder, GError ** error)
{
  g_autofree char *path = g_build_filename (folder, MARK, NULL);

  if (g_unlink (path) == 0)
    return pmss_folder_sync (folder, error);
  if (errno == ENOENT)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
      "Cannot delete %s: %s", path, g_strerror (errno));
  return FALSE;
}
