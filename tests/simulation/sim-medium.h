/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/format/pmss-layout.h"

G_BEGIN_DECLS

/**
 * SimMedium:
 *
 * One of a few media. Its bytes follow from its number; its shard files are real ones, made once in
 * a process and kept.
 */
typedef struct
{
  guint number;
  PmssRedundancy redundancy;
  guint32 unit;                 /* bytes */
  guint32 extent_size;          /* bytes */
  guint64 size;                 /* bytes */
  PmssVersionId version;
  guint8 *bytes;
  guint32 n_extents;
  GBytes *(*shards)[PMSS_MAX_SHARDS];   /* of each extent */
} SimMedium;

guint            sim_medium_count   (void);
/* (transfer none): valid until the process ends. */
const SimMedium *sim_medium_get     (guint number);
/* Without nodes. */
PmssLayout      *sim_medium_new_layout (const SimMedium *medium);
/* The row, counted over all extents, that has the byte at @offset. */
guint64          sim_medium_row_at  (const SimMedium *medium, guint64 offset);
guint64          sim_medium_rows_per_extent (const SimMedium *medium);

G_END_DECLS
