/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every pattern of lost shards, for the profiles that people use: what can be
 * rebuilt is bit-exact, and of what cannot there is an error and no byte. */

#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-striper.h"
#include "shard-reader.h"

#define UNIT PMSS_MIN_UNIT
#define EXTENTS 2
/* of an extent that is whole */
#define ROWS 2

typedef struct
{
  PmssRedundancy redundancy;
  guint k, n;
  guint32 extent_size;
  guint64 size;
  guint8 *bytes;
  PmssVersionId version;
  GBytes *shards[EXTENTS][PMSS_MAX_SHARDS];
  guint32 lost;                 /* set of shards, of each extent */
  gboolean in_layout;           /* they are called lost; otherwise gone from disk */
} Medium;

static PmssLayout *
new_layout (Medium * medium)
{
  PmssLayout *layout = pmss_layout_new (&medium->version, medium->size,
      medium->redundancy, UNIT, medium->extent_size, NULL);
  gint places[PMSS_MAX_SHARDS];

  for (guint i = 0; i < medium->n; i++) {
    PmssNode node = { i + 1, (char *) "127.0.0.1", 1 + i, FALSE, NULL };

    places[i] = pmss_layout_add_node (layout, &node);
    if (medium->in_layout && medium->lost & 1u << i)
      places[i] = -1;
  }
  for (guint32 i = 0; i < EXTENTS; i++)
    pmss_layout_set_extent (layout, i, places);
  return layout;
}

/* A whole extent, and one of @tail bytes. */
static void
medium_init (Medium * medium, PmssRedundancy redundancy, guint64 tail)
{
  g_autoptr (PmssErasure) erasure = pmss_erasure_new (redundancy);
  g_autoptr (PmssLayout) layout = NULL;

  medium->redundancy = redundancy;
  medium->k = redundancy.k;
  medium->n = redundancy.k + redundancy.m;
  medium->extent_size = ROWS * medium->k * UNIT;
  medium->size = medium->extent_size + tail;
  medium->bytes = g_malloc (medium->size);
  for (guint64 i = 0; i < medium->size; i++)
    medium->bytes[i] = g_test_rand_int ();
  pmss_version_id_generate (&medium->version);
  layout = new_layout (medium);
  for (guint32 i = 0; i < EXTENTS; i++) {
    PmssExtentGeometry geometry;

    pmss_layout_get_geometry (layout, i, &geometry);
    pmss_striper_run (erasure, &geometry,
        medium->bytes + (guint64) i * medium->extent_size, medium->shards[i]);
  }
}

static void
medium_clear (Medium * medium)
{
  for (guint i = 0; i < EXTENTS; i++)
    for (guint j = 0; j < medium->n; j++)
      g_bytes_unref (medium->shards[i][j]);
  g_free (medium->bytes);
}

static GBytes *
get_shard (guint32 extent, guint index, gpointer user_data)
{
  Medium *medium = user_data;

  if (medium->lost & 1u << index)
    return NULL;
  return medium->shards[extent][index];
}

/* Whether all of the row can be had. */
static gboolean
is_whole (Medium * medium, PmssLayout * layout, const PmssUnitPlace * place)
{
  PmssExtentGeometry geometry;
  guint lost = 0;

  pmss_layout_get_geometry (layout, place->extent, &geometry);
  for (guint i = 0; i < medium->n; i++)
    lost += medium->lost & 1u << i
        && pmss_extent_geometry_unit_length (&geometry, place->row, i) > 0;
  return lost <= medium->redundancy.m;
}

/* Of a row that is lost somebody may still get what lies on a disk, or learn
 * at once that it is lost. */
static void
check_unit (Medium * medium, PmssLayout * layout, ShardReader * reader,
    guint64 unit)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  PmssUnitPlace place;

  pmss_layout_locate_unit (layout, unit, &place);
  bytes = shard_reader_read (reader, place.offset, &error);
  if (is_whole (medium, layout, &place))
    g_assert_no_error (error);
  else if (medium->lost & 1u << place.index)
    g_assert_nonnull (error);
  if (error == NULL) {
    g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
        medium->bytes + place.offset, place.length);
  } else {
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS);
    g_assert_null (bytes);
  }
}

static void
check_loss (Medium * medium)
{
  g_autoptr (PmssLayout) layout = new_layout (medium);
  g_autoptr (ShardReader) reader = shard_reader_new (layout, get_shard, medium);

  for (guint64 i = 0; i < pmss_layout_get_n_units (layout); i++)
    check_unit (medium, layout, reader, i);
}

/* All sets of at most m+1 shards. */
static void
check_losses (Medium * medium, gboolean in_layout)
{
  medium->in_layout = in_layout;
  for (medium->lost = 0; medium->lost < 1u << medium->n; medium->lost++)
    if (__builtin_popcount (medium->lost) <= medium->redundancy.m + 1)
      check_loss (medium);
}

static void
test_profile (gconstpointer data)
{
  const PmssRedundancy *redundancy = data;
  /* there are 3473 sets of 10+4's: its tails are two */
  gboolean large = redundancy->k > 6;

  for (guint tail = large ? 4 : 1; tail <= redundancy->k; tail += large ? 6 : 1) {
    Medium medium = { {0}, };

    medium_init (&medium, *redundancy, tail * UNIT - (tail % 2 ? 4095 : 100));
    check_losses (&medium, TRUE);
    if (!large)
      check_losses (&medium, FALSE);
    medium_clear (&medium);
  }
}

int
main (int argc, char **argv)
{
  static const PmssRedundancy profiles[] =
      { {1, 1}, {2, 1}, {4, 2}, {6, 2}, {10, 4} };

  g_test_init (&argc, &argv, NULL);
  shard_reader_be_quiet ();
  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++) {
    g_autofree char *path = g_strdup_printf ("/losses/%u+%u", profiles[i].k,
        profiles[i].m);

    g_test_add_data_func (path, &profiles[i], test_profile);
  }
  return g_test_run ();
}
