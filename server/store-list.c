/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Going through all shards: lists, and the count at the start. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "store-private.h"
#include "daemon/pmss-daemon.h"

gboolean
pmss_store_visit (PmssStore * store, guint folder, PmssStoreVisit visit,
    gpointer data, GError ** error)
{
  char folder_name[3];
  struct dirent *entry;
  int fd, code;
  DIR *dir;

  pmss_store_folder_name (folder, folder_name);
  fd = openat (store->shards_fd, folder_name,
      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  dir = fd < 0 ? NULL : fdopendir (fd);
  if (dir == NULL) {
    pmss_store_set_error (error, errno, folder_name);
    if (fd >= 0)
      close (fd);
    return FALSE;
  }
  errno = 0;
  while ((entry = readdir (dir))) {
    PmssVersionId version;
    guint32 extent;
    guint index;

    if (pmss_shard_name_parse (entry->d_name, &version, &extent, &index)
        && !visit (entry->d_name, data))
      break;
    errno = 0;
  }
  code = entry != NULL ? 0 : errno;
  closedir (dir);
  if (code != 0)
    pmss_store_set_error (error, code, folder_name);
  return code == 0;
}

/* --- lists --- */

typedef struct
{
  const char *after;
  guint keep;                   /* this many of the smallest names */
  GArray *names;                /* of PmssStoreEntry; never more than twice that */
} Smallest;

static gint
compare_entries (gconstpointer a, gconstpointer b)
{
  return strcmp (((const PmssStoreEntry *) a)->name,
      ((const PmssStoreEntry *) b)->name);
}

static void
trim (Smallest * smallest)
{
  g_array_sort (smallest->names, compare_entries);
  if (smallest->names->len > smallest->keep)
    g_array_set_size (smallest->names, smallest->keep);
}

static gboolean
keep_smallest (const char *name, gpointer data)
{
  Smallest *smallest = data;
  PmssStoreEntry entry = { 0 };

  if (smallest->after && strcmp (name, smallest->after) <= 0)
    return TRUE;
  g_strlcpy (entry.name, name, sizeof entry.name);
  g_array_append_val (smallest->names, entry);
  if (smallest->names->len >= 2 * smallest->keep)
    trim (smallest);
  return TRUE;
}

/* Fills in the sizes; what was deleted meanwhile is left out. */
static void
stat_entries (PmssStore * store, GArray * entries)
{
  guint kept = 0;

  for (guint i = 0; i < entries->len; i++) {
    PmssStoreEntry *entry = &g_array_index (entries, PmssStoreEntry, i);
    g_autofree char *path = pmss_store_path_of (entry->name);
    struct stat info;

    if (fstatat (store->shards_fd, path, &info, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    entry->size = info.st_size;
    g_array_index (entries, PmssStoreEntry, kept++) = *entry;
  }
  g_array_set_size (entries, kept);
}

GArray *
pmss_store_list_folder (PmssStore * store, guint folder, const char *after,
    guint limit, GError ** error)
{
  g_autoptr (GArray) names =
      g_array_new (FALSE, FALSE, sizeof (PmssStoreEntry));
  Smallest smallest = { after, limit, names };

  if (!pmss_store_visit (store, folder, keep_smallest, &smallest, error))
    return NULL;
  trim (&smallest);
  return g_steal_pointer (&names);
}

GArray *
pmss_store_list (PmssStore * store, const char *after, guint limit,
    char next[PMSS_SHARD_NAME_SIZE], GError ** error)
{
  g_autoptr (GArray) found =
      g_array_new (FALSE, FALSE, sizeof (PmssStoreEntry));
  guint folder = after != NULL ? pmss_store_folder_of (after) : 0;

  for (; folder < PMSS_STORE_FOLDERS && found->len <= limit; folder++) {
    g_autoptr (GArray) names = pmss_store_list_folder (store, folder, after,
        limit + 1 - found->len, error);

    if (names == NULL)
      return NULL;
    if (names->len > 0)
      g_array_append_vals (found, names->data, names->len);
  }
  next[0] = '\0';
  if (found->len > limit) {
    g_array_set_size (found, limit);
    g_strlcpy (next, g_array_index (found, PmssStoreEntry, limit - 1).name,
        PMSS_SHARD_NAME_SIZE);
  }
  stat_entries (store, found);
  return g_steal_pointer (&found);
}

/* --- the count at the start --- */

static gboolean
count_shard (const char *name, gpointer data)
{
  PmssStore *store = data;
  g_autofree char *path = pmss_store_path_of (name);
  struct stat info;

  if (fstatat (store->shards_fd, path, &info, AT_SYMLINK_NOFOLLOW) == 0) {
    atomic_fetch_add (&store->shards, 1);
    atomic_fetch_add (&store->used, info.st_size);
  }
  return !atomic_load (&store->stop);
}

static gpointer
count_all (gpointer data)
{
  PmssStore *store = data;

  for (guint i = 0; i < PMSS_STORE_FOLDERS; i++) {
    g_autoptr (GError) error = NULL;

    if (atomic_load (&store->stop))
      return NULL;
    /* Shards that come into this folder meanwhile wait for us, and are counted
     * by who puts them there from then on. */
    g_mutex_lock (&store->folders[i].lock);
    if (!pmss_store_visit (store, i, count_shard, store, &error))
      g_warning ("cannot count shards: %s", error->message);
    store->folders[i].counted = TRUE;
    g_mutex_unlock (&store->folders[i].lock);
  }
  atomic_store (&store->known, TRUE);
  return NULL;
}

void
pmss_store_start_counting (PmssStore * store)
{
  store->counter = pmss_daemon_thread_new ("count", count_all, store);
}
