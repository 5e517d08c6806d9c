/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Media whose bytes follow from their numbers. */
#include "sim-medium.h"

#include "libpmss/format/pmss-striper.h"
#include "sim-random.h"

typedef struct
{
  guint8 k, m;
  guint32 unit;
  guint rows;                   /* of an extent */
  guint64 size;                 /* in bytes, seldom whole rows */
} Form;

static const Form forms[] = {
  {1, 0, 4096, 8, 8 * 4096 * 3 + 100},
  {1, 1, 4096, 8, 8 * 4096 * 6 + 4095},
  {1, 2, 4096, 16, 16 * 4096 * 4},
  {2, 1, 4096, 8, 8 * 2 * 4096 * 5 + 5000},
  {2, 2, 4096, 4, 4 * 2 * 4096 * 9 + 1},
  {3, 1, 8192, 4, 4 * 3 * 8192 * 4 + 8192 * 3 + 77},
  {3, 2, 4096, 8, 8 * 3 * 4096 * 5 + 4096 * 4},
  {4, 0, 4096, 8, 8 * 4 * 4096 * 3 + 4096},
  {4, 1, 4096, 8, 8 * 4 * 4096 * 3 + 12345},
  {4, 2, 4096, 8, 8 * 4 * 4096 * 6 + 4096 * 9 + 11},
  {4, 2, 4096, 4, 4 * 4 * 4096 * 12},
  {4, 2, 16384, 8, 8 * 4 * 16384 * 3 + 99999},
  {4, 2, 65536, 16, 16 * 4 * 65536 * 2 + 70000},
  {5, 3, 4096, 8, 8 * 5 * 4096 * 4 + 4096 * 7},
  {6, 0, 4096, 4, 4 * 6 * 4096 * 5 + 3},
  {6, 2, 4096, 8, 8 * 6 * 4096 * 3 + 4096 * 13 + 1},
  {8, 2, 4096, 8, 8 * 8 * 4096 * 3 + 4096 * 21},
  {8, 4, 4096, 4, 4 * 8 * 4096 * 5 + 40000},
  {12, 4, 4096, 4, 4 * 12 * 4096 * 3 + 4096 * 5},
  {4, 2, 4096, 8, 4096 * 3 + 10},       /* less than a row */
  {4, 2, 4096, 8, 5},           /* less than a unit */
};

static SimMedium *media[G_N_ELEMENTS (forms)];

guint
sim_medium_count (void)
{
  return G_N_ELEMENTS (forms);
}

static void
fill (SimMedium * medium)
{
  SimRandom random;

  sim_random_init (&random, 1000 + medium->number);
  for (guint i = 0; i < sizeof medium->version.bytes; i++)
    medium->version.bytes[i] = (guint8) sim_random_next (&random);
  medium->bytes = g_malloc (medium->size);
  for (guint64 at = 0; at < medium->size; at++)
    medium->bytes[at] = (guint8) (sim_random_next (&random) >> 7);
}

static void
stripe (SimMedium * medium)
{
  g_autoptr (PmssLayout) layout = sim_medium_new_layout (medium);
  g_autoptr (PmssErasure) erasure = pmss_erasure_new (medium->redundancy);

  medium->n_extents = pmss_layout_get_n_extents (layout);
  medium->shards = g_malloc0 (medium->n_extents * sizeof *medium->shards);
  for (guint32 e = 0; e < medium->n_extents; e++) {
    PmssExtentGeometry geometry;

    pmss_layout_get_geometry (layout, e, &geometry);
    pmss_striper_run (erasure, &geometry,
        medium->bytes + (guint64) e * medium->extent_size, medium->shards[e]);
  }
}

const SimMedium *
sim_medium_get (guint number)
{
  const Form *form = &forms[number];
  SimMedium *medium = media[number];

  if (medium != NULL)
    return medium;
  media[number] = medium = g_new0 (SimMedium, 1);
  medium->number = number;
  medium->redundancy = (PmssRedundancy) {
  form->k, form->m};
  medium->unit = form->unit;
  medium->extent_size = form->rows * form->k * form->unit;
  medium->size = form->size;
  fill (medium);
  stripe (medium);
  return medium;
}

PmssLayout *
sim_medium_new_layout (const SimMedium * medium)
{
  g_autoptr (GError) error = NULL;
  PmssLayout *layout = pmss_layout_new (&medium->version, medium->size,
      medium->redundancy, medium->unit, medium->extent_size, &error);

  g_assert_no_error (error);
  return layout;
}

guint64
sim_medium_rows_per_extent (const SimMedium * medium)
{
  return medium->extent_size / ((guint64) medium->redundancy.k * medium->unit);
}

guint64
sim_medium_row_at (const SimMedium * medium, guint64 offset)
{
  guint64 in_extent = offset % medium->extent_size;

  return offset / medium->extent_size * sim_medium_rows_per_extent (medium)
      + in_extent / ((guint64) medium->redundancy.k * medium->unit);
}
