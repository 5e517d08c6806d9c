/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* The disk that a folder is on, as the kernel counts its requests. Threads: any. */

#define PMSS_DISK_NAME_SIZE 32

typedef struct
{
  gboolean known;
  guint64 reads, read_bytes, read_time; /* requests that ended; their time in ms, all together */
  guint64 writes, written_bytes, write_time;
  guint64 pending;              /* requests that are under way now */
  guint64 busy_time;            /* ms in which there was any */
  guint64 weighted_time;        /* the same, each ms as often as there were requests */
} PmssDiskCounters;

/* Of the file system that @folder is on; 0: none that the kernel counts, as of tmpfs or NFS. Waits
 * for the disk. */
dev_t    pmss_disk_find         (const char *root, const char *folder);
/* "sda1"; NULL: not known. Free with g_free(). */
char    *pmss_disk_get_name     (const char *root, dev_t device);
/* Sets @counters in any case; returns whether they are known. Does not wait for the disk. */
gboolean pmss_disk_read         (const char *root, dev_t device, PmssDiskCounters *counters);

/* @text: of /sys/dev/block/M:N/stat. */
gboolean pmss_disk_parse        (const char *text, PmssDiskCounters *counters);
/* @text: of /sys/dev/block/M:N/uevent. */
char    *pmss_disk_parse_name   (const char *text);
/* The device below a file system that has none of its own number, as btrfs. @text: of
 * /proc/self/mountinfo. NULL: not known. */
char    *pmss_disk_parse_source (const char *text, guint major, guint minor);

G_END_DECLS
