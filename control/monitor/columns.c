/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The columns of one interval, as bytes. Pure. */
#include "control/monitor/columns.h"

#include "control/monitor/packed-number.h"

#define EACH 4                  /* bytes */

static void
append (GByteArray * bytes, guint number)
{
  const guint8 two[] = { number & 0xff, number >> 8 & 0xff };

  g_byte_array_append (bytes, two, sizeof (two));
}

void
pmss_columns_append (GByteArray * bytes, guint column, double value)
{
  if (isnan (value))
    return;
  append (bytes, column);
  append (bytes, pmss_packed_number_pack (value));
}

void
pmss_columns_iter_init (PmssColumnsIter * iter, const void *data, gsize size)
{
  iter->at = data;
  iter->left = size;
}

static guint
get (const guint8 * at)
{
  return at[0] | (guint) at[1] << 8;
}

gboolean
pmss_columns_iter_next (PmssColumnsIter * iter, guint * column,
    guint16 * packed)
{
  if (iter->left < EACH)
    return FALSE;
  *column = get (iter->at);
  *packed = (guint16) get (iter->at + 2);
  iter->at += EACH;
  iter->left -= EACH;
  return TRUE;
}
