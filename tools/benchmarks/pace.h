/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A viewer's sink: it takes each byte when it is due at a constant rate, from
 * the first one on. Belongs to one streaming thread. */
typedef struct
{
  double bytes_per_second;
  gint64 first;                 /* monotonic, us: when the first byte was due */
  guint64 bytes;                /* taken */
} BenchPace;

/* Takes @bytes that have just come: sleeps until they are due, or returns how
 * late they are, in us. */
gint64 bench_pace_take (BenchPace *pace, gsize bytes);
/* A viewer who stood still for @late us goes on from there. */
void bench_pace_slip (BenchPace *pace, gint64 late);

G_END_DECLS
