/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a shard: into tmp/, checked on the way, durable, and only then under
 * its name. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "store-private.h"

/* The page cache holds a file in pieces as large as it was written in, and
 * sendfile() pays for each of them as long as they stay: the listener's own,
 * of 16 KiB at odd places, cost twice as much to send. */
#define WRITE_SIZE (256 * 1024)

struct _PmssStorePut
{
  PmssStore *store;
  char *name;
  char *tmp_name;               /* NULL when there is nothing to remove */
  gboolean replace;             /* what is there under the name */
  gboolean revoked;             /* deleted before it was there; under the folder's lock */
  int fd;
  guint64 size;
  guint64 written;
  guint64 promised;             /* of store->promised */
  PmssShardChecker *checker;
  guint8 *buffer;               /* WRITE_SIZE bytes, */
  gsize filled;                 /* of which so many wait to be written */
};

static gboolean
create_file (PmssStorePut * put, GError ** error)
{
  PmssStore *store = put->store;
  int code;

  put->tmp_name = g_strdup_printf ("%s.%u", put->name,
      atomic_fetch_add (&store->next_tmp, 1));
  put->fd = openat (store->tmp_fd, put->tmp_name,
      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (put->fd >= 0)
    return TRUE;
  code = errno;
  pmss_store_note_failure (store, "a new shard", code);
  pmss_store_set_error (error, code, "cannot create the shard");
  g_clear_pointer (&put->tmp_name, g_free);
  return FALSE;
}

/* Bytes that are free again when this shard has its name. */
static guint64
find_old_size (PmssStorePut * put)
{
  g_autofree char *path = pmss_store_path_of (put->name);
  struct stat old;

  return put->replace && fstatat (put->store->shards_fd, path, &old,
      AT_SYMLINK_NOFOLLOW) == 0 ? old.st_size : 0;
}

/* Sets the disk's room aside at once, so that writers who come together do not
 * count on the same bytes. What replaces another one may take of the reserve
 * until that is gone. */
static gboolean
take_room (PmssStorePut * put, GError ** error)
{
  PmssStore *store = put->store;
  guint64 free_bytes, old = find_old_size (put);
  int code = 0;

  g_mutex_lock (&store->room_lock);
  free_bytes = pmss_store_free_bytes (store);
  if (free_bytes + old < store->promised + put->size) {
    code = ENOSPC;
  } else if (put->size > 0
      && fallocate (put->fd, FALLOC_FL_KEEP_SIZE, 0, put->size) != 0) {
    code = errno;
    if (code == EOPNOTSUPP || code == ENOSYS || code == EINTR) {
      /* This file system takes it as it comes: it is a promise only. */
      put->promised = put->size;
      store->promised += put->size;
      code = 0;
    }
  }
  g_mutex_unlock (&store->room_lock);
  if (code == 0)
    return TRUE;
  if (code == ENOSPC) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE,
        "no room for %" G_GUINT64_FORMAT " bytes: the disk has %"
        G_GUINT64_FORMAT " to give", put->size, free_bytes);
  } else {
    pmss_store_note_failure (store, "room for a shard", code);
    pmss_store_set_error (error, code, "cannot set room aside for the shard");
  }
  return FALSE;
}

/* From its first moment: whoever deletes the name later, means this one, too,
 * even if it is a request that nobody waits for any more. */
static void
announce (PmssStorePut * put)
{
  guint folder = pmss_store_folder_of (put->name);

  g_mutex_lock (&put->store->folders[folder].lock);
  put->store->folders[folder].puts =
      g_slist_prepend (put->store->folders[folder].puts, put);
  g_mutex_unlock (&put->store->folders[folder].lock);
}

static void
retract (PmssStorePut * put)
{
  guint folder = pmss_store_folder_of (put->name);

  g_mutex_lock (&put->store->folders[folder].lock);
  put->store->folders[folder].puts =
      g_slist_remove (put->store->folders[folder].puts, put);
  g_mutex_unlock (&put->store->folders[folder].lock);
}

void
pmss_store_revoke_puts (PmssStore * store, const char *name)
{
  GSList *item = store->folders[pmss_store_folder_of (name)].puts;

  for (; item; item = item->next) {
    PmssStorePut *put = item->data;

    if (g_str_equal (put->name, name))
      put->revoked = TRUE;
  }
}

PmssStorePut *
pmss_store_put_new (PmssStore * store, const char *name, guint64 size,
    gboolean replace, GError ** error)
{
  g_autoptr (PmssStorePut) put = NULL;

  if (!pmss_store_check_writable (store, error))
    return NULL;
  put = g_new0 (PmssStorePut, 1);
  put->store = store;
  put->name = g_strdup (name);
  put->size = size;
  put->replace = replace;
  put->fd = -1;
  announce (put);
  if (!replace && pmss_store_has (store, name)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_EXISTS, "shard %s exists", name);
    return NULL;
  }
  put->buffer = g_malloc (WRITE_SIZE);
  put->checker = pmss_shard_checker_new (name);
  if (!create_file (put, error) || !take_room (put, error))
    return NULL;
  return g_steal_pointer (&put);
}

void
pmss_store_put_free (PmssStorePut * put)
{
  PmssStore *store = put->store;

  retract (put);
  if (put->fd >= 0)
    close (put->fd);
  if (put->tmp_name && unlinkat (store->tmp_fd, put->tmp_name, 0) != 0)
    g_warning ("%s/tmp/%s cannot be removed: %s", store->path, put->tmp_name,
        g_strerror (errno));
  if (put->promised > 0) {
    g_mutex_lock (&store->room_lock);
    store->promised -= put->promised;
    g_mutex_unlock (&store->room_lock);
  }
  g_clear_pointer (&put->checker, pmss_shard_checker_free);
  g_free (put->buffer);
  g_free (put->tmp_name);
  g_free (put->name);
  g_free (put);
}

static gboolean
flush (PmssStorePut * put, GError ** error)
{
  const guint8 *bytes = put->buffer;
  gsize length = put->filled;

  put->filled = 0;
  while (length > 0) {
    gssize done = write (put->fd, bytes, length);

    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0) {
      int code = done < 0 ? errno : EIO;

      pmss_store_note_failure (put->store, put->name, code);
      pmss_store_set_error (error, code, "cannot write the shard");
      return FALSE;
    }
    bytes += done;
    length -= done;
    put->written += done;
  }
  return TRUE;
}

gboolean
pmss_store_put_write (PmssStorePut * put, const void *data, gsize length,
    GError ** error)
{
  const guint8 *bytes = data;

  if (!pmss_shard_checker_feed (put->checker, data, length, error))
    return FALSE;
  while (length > 0) {
    gsize piece = MIN (length, WRITE_SIZE - put->filled);

    memcpy (put->buffer + put->filled, bytes, piece);
    put->filled += piece;
    bytes += piece;
    length -= piece;
    if (put->filled == WRITE_SIZE && !flush (put, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
sync_file (PmssStorePut * put, GError ** error)
{
  int code;

  /* The room that was set aside may be more than the file turned out to be
   * long; nothing of that kind gets here, but a length is cheap to check. */
  if (put->written != put->size) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
        "%" G_GUINT64_FORMAT " bytes came instead of %" G_GUINT64_FORMAT,
        put->written, put->size);
    return FALSE;
  }
  if (fdatasync (put->fd) == 0)
    return TRUE;
  code = errno;
  /* Some file systems find out only now that the disk is full. */
  if (code == ENOSPC || code == EDQUOT)
    pmss_store_note_failure (put->store, put->name, code);
  else
    pmss_store_break (put->store, put->name, code);
  pmss_store_set_error (error, code, "fsync");
  return FALSE;
}

static int
rename_new (int from_fd, const char *from, int to_fd, const char *to)
{
  if (renameat2 (from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return errno;
  /* A file system without RENAME_NOREPLACE */
  if (linkat (from_fd, from, to_fd, to, 0) != 0)
    return errno;
  unlinkat (from_fd, from, 0);
  return 0;
}

/* With the folder's lock held. */
static int
give_name (PmssStorePut * put, guint folder)
{
  PmssStore *store = put->store;
  g_autofree char *path = pmss_store_path_of (put->name);
  struct stat old;
  gboolean there = put->replace
      && fstatat (store->shards_fd, path, &old, AT_SYMLINK_NOFOLLOW) == 0;
  int code = 0;

  if (!there)
    code = rename_new (store->tmp_fd, put->tmp_name, store->shards_fd, path);
  else if (renameat (store->tmp_fd, put->tmp_name, store->shards_fd, path) != 0)
    code = errno;
  if (code == 0 && store->folders[folder].counted) {
    atomic_fetch_add (&store->shards, there ? 0 : 1);
    atomic_fetch_add (&store->used, put->size);
    atomic_fetch_sub (&store->used, there ? old.st_size : 0);
  }
  return code;
}

static gboolean
publish (PmssStorePut * put, GError ** error)
{
  PmssStore *store = put->store;
  guint folder = pmss_store_folder_of (put->name);
  gboolean revoked;
  int code;

  g_mutex_lock (&store->folders[folder].lock);
  revoked = put->revoked;
  code = revoked ? 0 : give_name (put, folder);
  g_mutex_unlock (&store->folders[folder].lock);
  if (revoked) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "shard %s was deleted while it was sent", put->name);
    return FALSE;
  }
  if (code != 0) {
    pmss_store_note_failure (store, put->name, code);
    pmss_store_set_error (error, code, put->name);
    return FALSE;
  }
  g_clear_pointer (&put->tmp_name, g_free);
  return TRUE;
}

/* The name may not survive a crash: it must not be seen before it does. */
static void
withdraw (PmssStorePut * put)
{
  PmssStore *store = put->store;
  guint folder = pmss_store_folder_of (put->name);
  g_autofree char *path = pmss_store_path_of (put->name);

  g_mutex_lock (&store->folders[folder].lock);
  if (unlinkat (store->shards_fd, path, 0) == 0
      && store->folders[folder].counted) {
    atomic_fetch_sub (&store->shards, 1);
    atomic_fetch_sub (&store->used, put->size);
  }
  g_mutex_unlock (&store->folders[folder].lock);
}

gboolean
pmss_store_put_commit (PmssStorePut * put, GError ** error)
{
  if (!pmss_shard_checker_finish (put->checker, error)
      || !pmss_store_check_writable (put->store, error)
      || !flush (put, error) || !sync_file (put, error)
      || !publish (put, error))
    return FALSE;
  if (pmss_store_sync_folder (put->store, pmss_store_folder_of (put->name),
          error))
    return TRUE;
  /* whichever of two survives, it is no less than was there */
  if (!put->replace)
    withdraw (put);
  return FALSE;
}
