/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdatomic.h>

#include "store.h"

G_BEGIN_DECLS

struct _PmssStore
{
  char *path;
  int lock_fd;
  int tmp_fd;
  int shards_fd;
  PmssStoreReserve reserve;
  atomic_int broken;            /* errno of the first failure that ended writing; 0: none */
  /* monotonic: the disk refused a write for want of room; 0: it did not */
  _Atomic gint64 full_until;
  atomic_uint next_tmp;

  /* Room: one at a time looks whether there is some and takes it. */
  GMutex room_lock;
  /* bytes that are promised but not allocated on the disk; under room_lock */
  guint64 promised;

  /* Names come and go, and are counted, under the lock of their folder. It is held over a rename or
   * an unlink, never over an fsync. */
  struct {
    GMutex lock;
    gboolean counted;
    GSList *puts;               /* of PmssStorePut: under way */
  } folders[PMSS_STORE_FOLDERS];
  GThread *counter;
  atomic_bool stop;
  atomic_bool known;
  _Atomic guint64 shards;
  _Atomic guint64 used;

  /* bytes of the file system, by the last look; total is 0 if there was none */
  _Atomic guint64 disk_total, disk_free;
  _Atomic gint64 asked;         /* monotonic: since when it is waited for; 0: it is not */
  _Atomic guint64 hits, misses, late;   /* PmssStoreReads */
};

/* "ab" */
void     pmss_store_folder_name    (guint folder, char out[3]);
/* "ab/NAME" */
char    *pmss_store_path_of        (const char *name);
/* fsync of the folder: renames into it and unlinks from it are durable. A failure breaks the
 * store. */
gboolean pmss_store_sync_folder    (PmssStore *store, guint folder, GError **error);
/* Ends writing: an fsync failed, and the state of the disk is unknown, or the disk takes no writes.
 * @what: the operation that failed. */
void     pmss_store_break          (PmssStore *store, const char *what, int code);
/* A system call failed that writes, with errno @code. Ends writing where the next one would fail as
 * well, and notes a full disk. */
void     pmss_store_note_failure   (PmssStore *store, const char *what, int code);
gboolean pmss_store_check_writable (PmssStore *store, GError **error);
/* Sets @error from errno @code, with the code that goes with it. */
void     pmss_store_set_error      (GError **error, int code, const char *what);
/* The lock of @name's folder held. PUTs under way to that name do not get there any more. */
void     pmss_store_revoke_puts    (PmssStore *store, const char *name);
/* Calls @visit for each shard in a folder; @visit returns FALSE to end. */
typedef gboolean (*PmssStoreVisit) (const char *name, gpointer data);
gboolean pmss_store_visit          (PmssStore *store, guint folder, PmssStoreVisit visit,
    gpointer data, GError **error);
/* Bytes that may still be written, by a look at the disk. */
guint64  pmss_store_free_bytes     (PmssStore *store);
void     pmss_store_start_counting (PmssStore *store);

G_END_DECLS
