/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The machine's own counters, from /proc and /sys. A value that cannot be had is not known, and
 * nothing else follows from that. Threads: any. */

/* The processors' time from @text, the content of /proc/stat, in ticks. */
gboolean pmss_machine_parse_cpu     (const char *text, guint64 *total, guint64 *idle);
/* /proc/meminfo, in bytes. Used: the memory that programs cannot get. */
gboolean pmss_machine_parse_memory  (const char *text, guint64 *total, guint64 *used);
/* /proc/net/dev, in bytes, over all interfaces but loopback. */
gboolean pmss_machine_parse_network (const char *text, guint64 *in, guint64 *out);
/* /sys/dev/block/M:N/stat, in bytes. */
gboolean pmss_machine_parse_disk    (const char *text, guint64 *read, guint64 *written);
/* /sys/class/net/NAME/speed, in bit/s. */
gboolean pmss_machine_parse_speed   (const char *text, guint64 *speed);
/* The device below a file system that has none of its own number, as btrfs; from
 * /proc/self/mountinfo. NULL: not known. */
char    *pmss_machine_parse_source  (const char *text, guint major, guint minor);

gboolean pmss_machine_get_cpu     (guint64 *total, guint64 *idle);
gboolean pmss_machine_get_memory  (guint64 *total, guint64 *used);
gboolean pmss_machine_get_network (guint64 *in, guint64 *out);
/* Of the disk that @folder is on. */
gboolean pmss_machine_get_disk    (const char *folder, guint64 *read, guint64 *written);
/* The network interface that has @address; NULL: none of this machine's. Free with g_free(). */
char    *pmss_machine_find_interface (GInetAddress *address);
gboolean pmss_machine_get_speed   (const char *interface, guint64 *speed);

G_END_DECLS
