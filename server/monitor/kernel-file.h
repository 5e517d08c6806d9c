/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Files that the kernel shows in /proc and /sys. Nothing that is read here waits for a disk.
 * Threads: any. */

/* @root: before the path; "" but in tests. NULL: there is no such file, or it cannot be read. Free
 * with g_free(). */
char *pmss_kernel_file_read          (const char *root, const char *path);
/* Up to @n numbers that stand in @text, separated by spaces; how many there were. */
guint pmss_kernel_file_parse_numbers (const char *text, guint64 *numbers, guint n);

G_END_DECLS
