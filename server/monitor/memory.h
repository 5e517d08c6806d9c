/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The machine's memory, and this process. Threads: any. */

typedef struct
{
  gboolean known;
  guint64 total, available;     /* bytes; available: what programs can still get */
  gboolean cached_known;
  guint64 cached;               /* bytes of the page cache */
} PmssMemory;

typedef struct
{
  gboolean known;
  guint64 resident;             /* bytes */
  double cpu;                   /* seconds of processors that it took */
} PmssProcess;

/* @text: of /proc/meminfo, of /proc/self/stat. Each sets its figures in any case, and returns
 * whether they are known. */
gboolean pmss_memory_parse  (const char *text, PmssMemory *memory);
gboolean pmss_memory_read   (const char *root, PmssMemory *memory);
/* @page: bytes. @hertz: ticks a second. */
gboolean pmss_process_parse (const char *text, guint page, guint hertz, PmssProcess *process);
gboolean pmss_process_read  (const char *root, PmssProcess *process);

G_END_DECLS
