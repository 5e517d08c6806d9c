/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shortest line between two bounds. Any thread. */
#include "control/admission/taut-string.h"

/* From the last bend on, the line lies between two hulls: that of the upper
 * bound bends upwards, that of the lower one downwards. When they cross, the
 * line touches one of them there:
 *
 *      upper  ╲__╱╱        the next upper point pulls the line below the
 *   bend ●────────×        lower hull: it bends at the lower hull's first
 *      lower  ╱▔▔╲         point, from which both hulls begin anew
 */
typedef struct
{
  PmssKnot *points;             /* the first is the last bend */
  guint first, end;
  int sign;                     /* 1: slopes grow along it; -1: they fall */
} Hull;

/* > 0: the way from @a to @b is steeper than that from @a to @c. */
static gint64
compare_slopes (const PmssKnot * a, const PmssKnot * b, const PmssKnot * c)
{
  return (b->y - a->y) * (gint64) (c->x - a->x)
      - (c->y - a->y) * (gint64) (b->x - a->x);
}

static guint
hull_length (const Hull * hull)
{
  return hull->end - hull->first;
}

static void
hull_add (Hull * hull, PmssKnot point)
{
  while (hull_length (hull) >= 2) {
    const PmssKnot *last = &hull->points[hull->end - 2];

    if (hull->sign * compare_slopes (last, last + 1, &point) < 0)
      break;
    hull->end--;
  }
  hull->points[hull->end++] = point;
}

static void
hull_restart (Hull * hull, PmssKnot bend)
{
  PmssKnot last = hull->points[hull->end - 1];

  hull->first = 0;
  hull->end = 0;
  hull->points[hull->end++] = bend;
  if (last.x > bend.x)
    hull->points[hull->end++] = last;
}

/* @straight has the last point alone; where @other begins beyond it, the line
 * bends there. */
static void
bend_along (Hull * straight, Hull * other, GArray * knots)
{
  while (hull_length (straight) == 2 && hull_length (other) > 2) {
    const PmssKnot *bend = &other->points[other->first];

    if (other->sign * compare_slopes (bend, bend + 1,
            &straight->points[straight->first + 1]) >= 0)
      return;
    other->first++;
    g_array_append_val (knots, other->points[other->first]);
    hull_restart (straight, other->points[other->first]);
  }
}

GArray *
pmss_taut_string (const gint64 * least, const gint64 * most, guint n)
{
  GArray *knots = g_array_new (FALSE, FALSE, sizeof (PmssKnot));
  Hull upper = {.points = g_new0 (PmssKnot, n + 1),.sign = 1 };
  Hull lower = {.points = g_new0 (PmssKnot, n + 1),.sign = -1 };

  hull_add (&upper, (PmssKnot) {
      0, most[0]}
  );
  hull_add (&lower, (PmssKnot) {
      0, least[0]}
  );
  for (guint x = 1; x <= n; x++) {
    hull_add (&upper, (PmssKnot) {
        x, most[x]}
    );
    hull_add (&lower, (PmssKnot) {
        x, least[x]}
    );
    bend_along (&upper, &lower, knots);
    bend_along (&lower, &upper, knots);
  }
  /* both end in one point, so one of them is straight and the other is it */
  if (n > 0)
    g_array_append_val (knots, lower.points[lower.end - 1]);
  g_free (upper.points);
  g_free (lower.points);
  return knots;
}
