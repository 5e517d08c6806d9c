/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/monitor/series.h"

G_BEGIN_DECLS

/* What history keeps of one node and one interval: the columns that are known, each with its packed
 * number. Bytes: column and number by turns, 16 bits each, little-endian. Pure. */

void     pmss_columns_append (GByteArray *bytes, guint column, double value);

typedef struct
{
  const guint8 *at;
  gsize left;
} PmssColumnsIter;
void     pmss_columns_iter_init (PmssColumnsIter *iter, const void *data, gsize size);
/* FALSE: there are no more. Hostile bytes give any columns and numbers, and no more than there are
 * bytes for. */
gboolean pmss_columns_iter_next (PmssColumnsIter *iter, guint *column, guint16 *packed);

G_END_DECLS
