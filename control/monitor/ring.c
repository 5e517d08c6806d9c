/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ten minutes of a node, second by second. Pure. */
#include "control/monitor/ring.h"

#include <math.h>
#include <string.h>

#include "control/monitor/packed-number.h"

struct _PmssRing
{
  guint n_series;
  gint64 last;
  /* a row a second, since each second all series are written */
  guint16 packed[];
};

static gsize
row_size (const PmssRing * self)
{
  return self->n_series * sizeof (guint16);
}

static guint16 *
row_of (PmssRing * self, gint64 second)
{
  return self->packed + (gsize) (second % PMSS_RING_SECONDS) * self->n_series;
}

static void
clear_row (PmssRing * self, gint64 second)
{
  memset (row_of (self, second), 0xff, row_size (self));
}

PmssRing *
pmss_ring_new (guint n_series)
{
  PmssRing *self = g_malloc (sizeof (PmssRing)
      + PMSS_RING_SECONDS * n_series * sizeof (guint16));

  self->n_series = n_series;
  self->last = G_MININT64;
  for (guint i = 0; i < PMSS_RING_SECONDS; i++)
    clear_row (self, i);
  return self;
}

void
pmss_ring_free (PmssRing * self)
{
  g_free (self);
}

void
pmss_ring_add (PmssRing * self, gint64 second, const double *values)
{
  guint16 *row;

  if (second <= self->last || second < 0)
    return;
  for (gint64 s = MAX (self->last + 1, second - PMSS_RING_SECONDS + 1);
      s < second; s++)
    if (s >= 0)
      clear_row (self, s);
  row = row_of (self, second);
  for (guint i = 0; i < self->n_series; i++)
    row[i] = pmss_packed_number_pack (values[i]);
  self->last = second;
}

double
pmss_ring_get (const PmssRing * self, guint series, gint64 second)
{
  if (second < 0 || second > self->last
      || second <= self->last - PMSS_RING_SECONDS || series >= self->n_series)
    return NAN;
  return pmss_packed_number_unpack (row_of ((PmssRing *) self, second)[series]);
}

gint64
pmss_ring_get_last (const PmssRing * self)
{
  return self->last;
}
