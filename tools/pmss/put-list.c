/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a command line of pmss put stands for; any thread. */
#include "put-list.h"

#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "cli.h"

typedef struct
{
  GPtrArray *items;             /* of PmssPutItem */
  GPtrArray *skipped;           /* of char * */
} List;

static gboolean add_folder (List * list, const char *folder,
    const char *prefix, GError ** error);

static void
item_free (PmssPutItem * item)
{
  g_free (item->file);
  g_free (item->name);
  g_free (item);
}

/* Takes @name. Some systems write letters and their accents apart in the names
 * of files; media have composed ones. */
static char *
compose (char *name)
{
  char *composed = g_utf8_normalize (name, -1, G_NORMALIZE_NFC);

  if (composed == NULL)
    return name;                /* no UTF-8: will be refused */
  g_free (name);
  return composed;
}

static void
add_item (List * list, const char *file, char *name, guint64 size)
{
  PmssPutItem *item = g_new0 (PmssPutItem, 1);

  item->file = g_strdup (file);
  item->name = compose (name);
  item->size = size;
  g_ptr_array_add (list->items, item);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static GPtrArray *
read_folder (const char *folder, GError ** error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  GPtrArray *names;
  const char *name;

  if (dir == NULL)
    return NULL;
  names = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (dir)))
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* One entry of a folder. */
static gboolean
add_entry (List * list, const char *path, char *name, GError ** error)
{
  g_autofree char *taken = name;
  g_autofree char *prefix = NULL;
  struct stat status;

  if (g_lstat (path, &status) == 0 && S_ISDIR (status.st_mode)) {
    prefix = g_strconcat (name, "/", NULL);
    return add_folder (list, path, prefix, error);
  }
  if (g_stat (path, &status) == 0 && S_ISREG (status.st_mode))
    add_item (list, path, g_steal_pointer (&taken), (guint64) status.st_size);
  else
    g_ptr_array_add (list->skipped, g_strdup (path));
  return TRUE;
}

static gboolean
add_folder (List * list, const char *folder, const char *prefix,
    GError ** error)
{
  g_autoptr (GPtrArray) names = read_folder (folder, error);

  for (guint i = 0; names && i < names->len; i++) {
    const char *name = g_ptr_array_index (names, i);
    g_autofree char *path = g_build_filename (folder, name, NULL);

    if (!add_entry (list, path, g_strconcat (prefix, name, NULL), error))
      return FALSE;
  }
  return names != NULL;
}

/* "a/": what is in it. "a": the same below its name. */
static char *
folder_prefix (const char *folder, const char *name)
{
  g_autofree char *base = g_path_get_basename (folder);
  const char *slash = *name && !g_str_has_suffix (name, "/") ? "/" : "";

  if (g_str_has_suffix (folder, "/") || g_str_equal (base, ".") ||
      g_str_equal (base, ".."))
    return g_strconcat (name, slash, NULL);
  return g_strconcat (name, slash, base, "/", NULL);
}

static char *
file_name (const char *file, const char *name)
{
  g_autofree char *base = g_path_get_basename (file);

  if (!*name || g_str_has_suffix (name, "/"))
    return g_strconcat (name, base, NULL);
  return g_strdup (name);
}

static gboolean
add_argument (List * list, const char *file, const char *name,
    gboolean recursive, GError ** error)
{
  g_autofree char *prefix = NULL;
  struct stat status = { 0 };
  gboolean there = !g_str_equal (file, "-") && g_stat (file, &status) == 0;

  if (!there || !S_ISDIR (status.st_mode)) {
    add_item (list, file, file_name (file, name), (guint64) status.st_size);
    return TRUE;
  }
  if (!recursive) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "%s is a folder: --recursive uploads all files in it", file);
    return FALSE;
  }
  prefix = folder_prefix (file, name);
  return add_folder (list, file, prefix, error);
}

/* Two uploads of one name would race for it. */
static gboolean
check_unique (GPtrArray * items, GError ** error)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < items->len; i++) {
    PmssPutItem *item = g_ptr_array_index (items, i);
    PmssPutItem *other = g_hash_table_lookup (names, item->name);

    if (other != NULL) {
      g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
          "%s and %s would both be called “%s”", other->file, item->file,
          item->name);
      return FALSE;
    }
    g_hash_table_insert (names, item->name, item);
  }
  return TRUE;
}

GPtrArray *
pmss_put_list_make (char **files, guint n, const char *name,
    gboolean recursive, GPtrArray ** skipped, GError ** error)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func
      ((GDestroyNotify) item_free);
  g_autoptr (GPtrArray) left_out = g_ptr_array_new_with_free_func (g_free);
  List list = { items, left_out };

  for (guint i = 0; i < n; i++)
    if (!add_argument (&list, files[i], name != NULL ? name : "", recursive,
            error))
      return NULL;
  if (!check_unique (items, error))
    return NULL;
  *skipped = g_steal_pointer (&left_out);
  return g_steal_pointer (&items);
}
