/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "libpmss/format/pmss-shard.h"

G_BEGIN_DECLS

/**
 * PmssStore:
 *
 * The folder of shards. A shard that exists is complete and is never changed, only deleted.
 *
 *   DATA/lock            held while a server uses the folder
 *   DATA/tmp/            shards that are being written; emptied at the start
 *   DATA/shards/xx/NAME  xx: the first two digits of the version id
 *
 * Threads: any. Calls block for the disk; those that wait for it to be durable (commit, delete,
 * list) say so.
 */
typedef struct _PmssStore PmssStore;

#define PMSS_STORE_FOLDERS 256

/* How much of the disk shards leave free. */
typedef struct
{
  guint64 bytes;
  double fraction;              /* 0..1 of the disk; the lesser of both counts, if neither is 0 */
} PmssStoreReserve;

/* PMSS_ERROR_CONFLICT when another server has the folder. */
PmssStore *pmss_store_open   (const char *folder, const PmssStoreReserve *reserve, GError **error);
void       pmss_store_close  (PmssStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssStore, pmss_store_close)

/* The folder that a shard is in: 0..255 */
guint      pmss_store_folder_of (const char *name);

/* @name has to be a shard's name (pmss_shard_name_parse()) in all of these. */
gboolean   pmss_store_has       (PmssStore *store, const char *name);
/* A descriptor for reading, or -1 and PMSS_ERROR_NOT_FOUND, PMSS_ERROR_BUSY (no descriptors
 * left). */
int        pmss_store_open_shard (PmssStore *store, const char *name, guint64 *size,
    GError **error);
/* Whether both ends of a range are in memory. Then the bytes between them most likely are, too. */
gboolean   pmss_store_is_cached (int fd, guint64 first, guint64 length);
/* Has the disk read the range, and waits for its beginning. */
gboolean   pmss_store_fetch     (int fd, guint64 first, guint64 length, GError **error);

/* Requests for bytes of shards since the start. */
typedef struct
{
  guint64 hits;                 /* the bytes were in memory */
  guint64 misses;               /* they had to come from the disk */
  guint64 late;                 /* of them, those that waited for it for more than 200 ms */
} PmssStoreReads;
/* One of them: a hit, or a miss. */
void       pmss_store_note_read (PmssStore *store, gboolean cached);
/* The disk has brought the first bytes of a miss. @since: monotonic: when it was found to be one.
 */
void       pmss_store_note_wait (PmssStore *store, gint64 since);
void       pmss_store_get_reads (PmssStore *store, PmssStoreReads *reads);

/* Identifies the file that has the name now. A later file of that name has another stamp. */
typedef struct
{
  guint64 inode;
  gint64 seconds, nanoseconds;  /* when it was last changed */
} PmssStoreStamp;
/* FALSE: the shard is not here. */
gboolean   pmss_store_get_stamp   (PmssStore *store, const char *name, PmssStoreStamp *stamp);
gboolean   pmss_store_stamp_equal (const PmssStoreStamp *a, const PmssStoreStamp *b);
/* Durable. PMSS_ERROR_NOT_FOUND. */
gboolean   pmss_store_delete    (PmssStore *store, const char *name, GError **error);

typedef struct
{
  char name[PMSS_SHARD_NAME_SIZE];
  guint64 size;
} PmssStoreEntry;
/* Up to @limit shards whose names come after @after (NULL: all), in byte order: an array of
 * #PmssStoreEntry. @next: the value of @after for the next page, or "" if there is none. @limit
 * bounds memory. Time is bounded by @limit and by the shards in one of the 256 folders. */
GArray    *pmss_store_list      (PmssStore *store, const char *after, guint limit,
    char next[PMSS_SHARD_NAME_SIZE], GError **error);

/* Up to @limit shards of one of the PMSS_STORE_FOLDERS folders, in the same order; their sizes are
 * not looked for. */
GArray    *pmss_store_list_folder (PmssStore *store, guint folder, const char *after, guint limit,
    GError **error);

/**
 * PmssStorePut:
 *
 * One shard that is being written. Freed without a commit it leaves nothing.
 */
typedef struct _PmssStorePut PmssStorePut;

/* PMSS_ERROR_EXISTS, PMSS_ERROR_NO_SPACE, PMSS_ERROR_BUSY. The disk's room for @size bytes is set
 * aside. @replace: the shard of that name, if there is one, stays until the new one takes its
 * place, in one step. */
PmssStorePut *pmss_store_put_new    (PmssStore *store, const char *name, guint64 size,
    gboolean replace, GError **error);
void          pmss_store_put_free   (PmssStorePut *put);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssStorePut, pmss_store_put_free)
/* PMSS_ERROR_CORRUPT when the bytes are not the shard; PMSS_ERROR_NO_SPACE */
gboolean      pmss_store_put_write  (PmssStorePut *put, const void *data, gsize length,
    GError **error);
/* Returns after shard and name are durable. PMSS_ERROR_EXISTS if another one was faster. */
gboolean      pmss_store_put_commit (PmssStorePut *put, GError **error);

typedef struct
{
  /* whether the count at the start has ended: before, shards and used are too small */
  gboolean known;
  guint64 shards;
  guint64 used;                 /* bytes of shards */
  /* bytes that more shards may take: what the disk has, without the reserve */
  guint64 free;
  /* bytes of the file system, and of it those that we may write; total is 0 where it does not
   * say */
  guint64 disk_total, disk_free;
} PmssStoreUsage;
/* Does not wait for the disk: free, disk_total and disk_free are of the last look. */
void       pmss_store_get_usage (PmssStore *store, PmssStoreUsage *usage);
/* Asks the disk how much room there is, and waits for its answer. */
void       pmss_store_look_at_disk (PmssStore *store);
/* What one thread does between these may wait for the disk; where it waits for long, the disk is
 * silent. */
void       pmss_store_begin_wait   (PmssStore *store);
void       pmss_store_end_wait     (PmssStore *store);
/* Whether the disk has not answered for 5 s. */
gboolean   pmss_store_is_silent    (PmssStore *store);

/* FALSE after an fsync has failed, or the disk was found to take no writes (EROFS, EIO, EACCES, …).
 * From then on nothing is written or deleted. The present shards are served. */
gboolean   pmss_store_is_writable (PmssStore *store);
/* While it is not writable, or its disk is silent: the cause and the remedy, to follow a server's
 * name. NULL: all is well. Free with g_free(). */
char      *pmss_store_explain     (PmssStore *store);

G_END_DECLS
