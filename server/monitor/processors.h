/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the processors did, all of them together. Threads: any. */

typedef enum
{
  PMSS_CPU_USER,
  PMSS_CPU_NICE,
  PMSS_CPU_SYSTEM,
  PMSS_CPU_IDLE,
  PMSS_CPU_IOWAIT,
  PMSS_CPU_IRQ,
  PMSS_CPU_SOFTIRQ,
  PMSS_CPU_STEAL,
  PMSS_N_CPU_MODES,
} PmssCpuMode;

typedef struct
{
  gboolean known;
  guint number;                 /* of processors; 0: not known */
  guint64 ticks[PMSS_N_CPU_MODES];      /* since the start; what guests get is in `user` */
} PmssProcessors;

/* @text: of /proc/stat. Sets @processors in any case; returns whether they are known. */
gboolean    pmss_processors_parse     (const char *text, PmssProcessors *processors);
gboolean    pmss_processors_read      (const char *root, PmssProcessors *processors);
/* "user", "nice" ... as node_exporter has them */
const char *pmss_processors_mode_name (PmssCpuMode mode);

G_END_DECLS
