/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint32 x;
  gint64 y;
} PmssKnot;

/* The shortest line from (0, 0) to (@n, @least[n]) that at each x of 0..@n lies between @least[x]
 * and @most[x]. Of all such lines it has the smallest steepest piece. Both arrays have @n + 1
 * numbers, begin with 0, end with the same number, and do not fall; @least[x] <= @most[x] < 2^46,
 * @n < 2^17. Returns its ends and bends without the first point: an array of PmssKnot. Takes time
 * in proportion to @n: each of two hulls takes and drops a point once. Pure. */
GArray *pmss_taut_string (const gint64 *least, const gint64 *most, guint n);

G_END_DECLS
