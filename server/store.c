/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening, deleting, room. Reading is in store-read.c, writing in store-put.c,
 * going through all shards in store-list.c. */
#define _GNU_SOURCE
#include "store-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/pmss-daemon.h"
#include "daemon/pmss-haste.h"
#include "libpmss/pmss-error.h"

/* Seconds for which a disk that refused a write has no room, whatever it says: quotas and inodes are not in its numbers. */
#define FULL_FOR 5
/* A disk that has not answered for so long is told of. */
#define SILENCE (5 * G_USEC_PER_SEC)
#define TRIAL "trial"           /* of writing, in tmp/ */

static PmssError
code_of_errno (int code)
{
  switch (code) {
    case ENOENT:
      return PMSS_ERROR_NOT_FOUND;
    case EEXIST:
      return PMSS_ERROR_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return PMSS_ERROR_NO_SPACE;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return PMSS_ERROR_BUSY;
    default:
      return PMSS_ERROR_FAILED;
  }
}

void
pmss_store_set_error (GError ** error, int code, const char *what)
{
  g_set_error (error, PMSS_ERROR, code_of_errno (code), "%s: %s", what,
      g_strerror (code));
}

guint
pmss_store_folder_of (const char *name)
{
  return g_ascii_xdigit_value (name[0]) * 16 + g_ascii_xdigit_value (name[1]);
}

void
pmss_store_folder_name (guint folder, char out[3])
{
  g_snprintf (out, 3, "%02x", folder & 0xff);
}

char *
pmss_store_path_of (const char *name)
{
  return g_strdup_printf ("%.2s/%s", name, name);
}

void
pmss_store_break (PmssStore * store, const char *what, int code)
{
  int none = 0;

  /* many writers find it at once; the first says so */
  if (!atomic_compare_exchange_strong (&store->broken, &none, code))
    return;
  g_critical
      ("“%s”: the disk failed at %s: %s. Nothing will be written until "
      "the server is started anew, after a look at the disk", store->path, what,
      g_strerror (code));
}

/* Errors of which the next write would have the same, for all writers: they are the disk's or its mount's, not the shard's. */
static gboolean
is_broken (int code)
{
  switch (code) {
    case EIO:
    case EROFS:
    case EACCES:
    case EPERM:
    case ENODEV:
    case ENXIO:
    case ESTALE:
    case EUCLEAN:
      return TRUE;
    default:
      return FALSE;
  }
}

void
pmss_store_note_failure (PmssStore * store, const char *what, int code)
{
  if (is_broken (code))
    pmss_store_break (store, what, code);
  else if (code == ENOSPC || code == EDQUOT)
    atomic_store (&store->full_until,
        g_get_monotonic_time () + FULL_FOR * G_USEC_PER_SEC);
}

gboolean
pmss_store_is_silent (PmssStore * store)
{
  gint64 asked = atomic_load (&store->asked);

  return asked != 0 && g_get_monotonic_time () - asked > pmss_haste (SILENCE);
}

char *
pmss_store_explain (PmssStore * store)
{
  int code = atomic_load (&store->broken);

  if (code != 0)
    return g_strdup_printf
        ("its disk failed (%s): it sends what it has and takes no "
        "writes. Look at the disk, then restart the server", g_strerror (code));
  if (pmss_store_is_silent (store))
    return g_strdup ("its disk does not answer. Look at the disk, or at the "
        "network that it is behind");
  return NULL;
}

gboolean
pmss_store_is_writable (PmssStore * store)
{
  return atomic_load (&store->broken) == 0;
}

gboolean
pmss_store_check_writable (PmssStore * store, GError ** error)
{
  if (pmss_store_is_writable (store))
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
      "the disk failed: this server takes no writes");
  return FALSE;
}

gboolean
pmss_store_sync_folder (PmssStore * store, guint folder, GError ** error)
{
  char name[3];
  int fd, code = 0;

  pmss_store_folder_name (folder, name);
  fd = openat (store->shards_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    code = errno;
    pmss_store_note_failure (store, "the folder of shards", code);
    pmss_store_set_error (error, code, "cannot make the change durable");
    return FALSE;
  }
  if (fsync (fd) != 0)
    code = errno;
  close (fd);
  if (code == 0)
    return TRUE;
  pmss_store_break (store, name, code);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED, "fsync: %s",
      g_strerror (code));
  return FALSE;
}

/* --- how much room there is --- */

/* FALSE: the disk does not say. */
static gboolean
look (PmssStore * store)
{
  struct statvfs disk;

  if (fstatvfs (store->shards_fd, &disk) != 0)
    return FALSE;
  atomic_store (&store->disk_total, (guint64) disk.f_blocks * disk.f_frsize);
  atomic_store (&store->disk_free, (guint64) disk.f_bavail * disk.f_frsize);
  return TRUE;
}

/* By the last look. */
static guint64
get_room (PmssStore * store)
{
  guint64 free_bytes = atomic_load (&store->disk_free);
  guint64 kept = (guint64) (store->reserve.fraction
      * atomic_load (&store->disk_total));

  if (g_get_monotonic_time () < atomic_load (&store->full_until))
    return 0;
  if (store->reserve.fraction <= 0)
    kept = store->reserve.bytes;
  else if (store->reserve.bytes > 0)
    kept = MIN (kept, store->reserve.bytes);
  return free_bytes > kept ? free_bytes - kept : 0;
}

guint64
pmss_store_free_bytes (PmssStore * store)
{
  return look (store) ? get_room (store) : 0;
}

void
pmss_store_look_at_disk (PmssStore * store)
{
  look (store);
}

void
pmss_store_begin_wait (PmssStore * store)
{
  atomic_store (&store->asked, g_get_monotonic_time ());
}

void
pmss_store_end_wait (PmssStore * store)
{
  atomic_store (&store->asked, 0);
}

void
pmss_store_get_usage (PmssStore * store, PmssStoreUsage * usage)
{
  usage->known = atomic_load (&store->known);
  usage->shards = atomic_load (&store->shards);
  usage->used = atomic_load (&store->used);
  usage->free = get_room (store);
  usage->disk_total = atomic_load (&store->disk_total);
  usage->disk_free = atomic_load (&store->disk_free);
}

/* --- opening --- */

static int
open_folder (PmssStore * store, const char *name, GError ** error)
{
  g_autofree char *path = g_build_filename (store->path, name, NULL);
  int fd;

  if (mkdir (path, 0700) != 0 && errno != EEXIST) {
    pmss_store_set_error (error, errno, path);
    return -1;
  }
  fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    pmss_store_set_error (error, errno, path);
  return fd;
}

static gboolean
make_shard_folders (PmssStore * store, GError ** error)
{
  for (guint i = 0; i < PMSS_STORE_FOLDERS; i++) {
    char name[3];

    pmss_store_folder_name (i, name);
    if (mkdirat (store->shards_fd, name, 0700) != 0 && errno != EEXIST) {
      pmss_store_set_error (error, errno, store->path);
      return FALSE;
    }
  }
  if (fsync (store->shards_fd) != 0) {
    pmss_store_set_error (error, errno, store->path);
    return FALSE;
  }
  return TRUE;
}

/* A disk that takes no writes at the start is as one that stops to take them: what it has can be read. */
static void
try_to_write (PmssStore * store)
{
  int code = 0;
  int fd = openat (store->tmp_fd, TRIAL,
      O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0) {
    code = errno;
  } else {
    close (fd);
    if (unlinkat (store->tmp_fd, TRIAL, 0) != 0)
      code = errno;
  }
  if (code != 0)
    pmss_store_note_failure (store, "a trial at the start", code);
}

/* What a crash left half written. */
static gboolean
empty_tmp (PmssStore * store, GError ** error)
{
  int fd = openat (store->tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd < 0 ? NULL : fdopendir (fd);
  struct dirent *entry;
  guint removed = 0;

  if (dir == NULL) {
    pmss_store_set_error (error, errno, "tmp");
    if (fd >= 0)
      close (fd);
    return FALSE;
  }
  while ((entry = readdir (dir))) {
    if (g_str_equal (entry->d_name, ".") || g_str_equal (entry->d_name, ".."))
      continue;
    if (unlinkat (store->tmp_fd, entry->d_name, 0) == 0)
      removed++;
    else
      g_warning ("%s/tmp/%s cannot be removed: %s", store->path,
          entry->d_name, g_strerror (errno));
  }
  closedir (dir);
  if (removed > 0)
    g_message ("removed %u unfinished shards", removed);
  return TRUE;
}

/* What is made or removed here has time until the disk takes writes again. */
static gboolean
prepare (PmssStore * store, GError ** error)
{
  try_to_write (store);
  return !pmss_store_is_writable (store)
      || (make_shard_folders (store, error) && empty_tmp (store, error));
}

PmssStore *
pmss_store_open (const char *folder, const PmssStoreReserve * reserve,
    GError ** error)
{
  g_autoptr (PmssStore) store = g_new0 (PmssStore, 1);

  store->path = g_strdup (folder);
  store->reserve = *reserve;
  store->lock_fd = store->tmp_fd = store->shards_fd = -1;
  g_mutex_init (&store->room_lock);
  for (guint i = 0; i < PMSS_STORE_FOLDERS; i++)
    g_mutex_init (&store->folders[i].lock);

  if (g_mkdir_with_parents (folder, 0700) != 0) {
    pmss_store_set_error (error, errno, folder);
    return NULL;
  }
  if ((store->lock_fd = pmss_daemon_lock_folder (folder, error)) < 0
      || (store->tmp_fd = open_folder (store, "tmp", error)) < 0
      || (store->shards_fd = open_folder (store, "shards", error)) < 0
      || !prepare (store, error))
    return NULL;
  look (store);
  pmss_store_start_counting (store);
  return g_steal_pointer (&store);
}

static void
close_folder (int fd)
{
  if (fd >= 0)
    close (fd);
}

void
pmss_store_close (PmssStore * store)
{
  atomic_store (&store->stop, TRUE);
  g_clear_pointer (&store->counter, g_thread_join);
  for (guint i = 0; i < PMSS_STORE_FOLDERS; i++)
    g_mutex_clear (&store->folders[i].lock);
  g_mutex_clear (&store->room_lock);
  close_folder (store->shards_fd);
  close_folder (store->tmp_fd);
  close_folder (store->lock_fd);
  g_free (store->path);
  g_free (store);
}

/* --- reading and deleting --- */

gboolean
pmss_store_has (PmssStore * store, const char *name)
{
  g_autofree char *path = pmss_store_path_of (name);

  return faccessat (store->shards_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int
pmss_store_open_shard (PmssStore * store, const char *name, guint64 * size,
    GError ** error)
{
  g_autofree char *path = pmss_store_path_of (name);
  struct stat info;
  int fd = openat (store->shards_fd, path,
      O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0) {
    int code = errno == ELOOP ? ENOENT : errno;

    if (code == ENOENT)
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
          "shard %s is not here", name);
    else
      pmss_store_set_error (error, code, name);
    return -1;
  }
  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode)) {
    close (fd);
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED, "%s is no file", name);
    return -1;
  }
  *size = info.st_size;
  return fd;
}

gboolean
pmss_store_get_stamp (PmssStore * store, const char *name,
    PmssStoreStamp * stamp)
{
  g_autofree char *path = pmss_store_path_of (name);
  struct stat info;

  if (fstatat (store->shards_fd, path, &info, AT_SYMLINK_NOFOLLOW) != 0)
    return FALSE;
  stamp->inode = info.st_ino;
  stamp->seconds = info.st_ctim.tv_sec;
  stamp->nanoseconds = info.st_ctim.tv_nsec;
  return TRUE;
}

gboolean
pmss_store_stamp_equal (const PmssStoreStamp * a, const PmssStoreStamp * b)
{
  return a->inode == b->inode && a->seconds == b->seconds
      && a->nanoseconds == b->nanoseconds;
}

gboolean
pmss_store_delete (PmssStore * store, const char *name, GError ** error)
{
  g_autofree char *path = pmss_store_path_of (name);
  guint folder = pmss_store_folder_of (name);
  struct stat info;
  int code = 0;

  if (!pmss_store_check_writable (store, error))
    return FALSE;
  g_mutex_lock (&store->folders[folder].lock);
  pmss_store_revoke_puts (store, name);
  if (fstatat (store->shards_fd, path, &info, AT_SYMLINK_NOFOLLOW) != 0
      || unlinkat (store->shards_fd, path, 0) != 0) {
    code = errno;
  } else if (store->folders[folder].counted) {
    atomic_fetch_sub (&store->shards, 1);
    atomic_fetch_sub (&store->used, info.st_size);
  }
  g_mutex_unlock (&store->folders[folder].lock);

  if (code == ENOENT) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "shard %s is not here", name);
    return FALSE;
  }
  if (code != 0) {
    pmss_store_note_failure (store, "a deletion", code);
    pmss_store_set_error (error, code, name);
    return FALSE;
  }
  atomic_store (&store->full_until, 0);
  return pmss_store_sync_folder (store, folder, error);
}
