/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-plan.h"

/* The end of the medium, where no later rows are there for nodes that have
 * nothing to do with the last ones.
 *
 * The plan asks for data units. Over many extents every node has as many as any
 * other, but of the last extents some hold parity only, and their links would
 * be idle while the others still carry the data. So here those that have much
 * to give hand some of it over: in place of a data unit that has not been asked
 * for yet, another unit of its row is wanted, of a node that has less to give.
 * A row still takes k units, whichever these are, so no byte more is sent.
 *
 * First whoever has more than the average hands over its last rows in a
 * stretch, which keeps requests long; then single units go from one to another
 * as long as that makes two of them more equal: by then, where the placement
 * allows it, no two differ by more than a record. This is done anew with each
 * plan, so a node that turns out to be slow ends up with little.
 */

typedef struct
{
  gboolean takes_part;          /* is up and has shards of these rows */
  guint load;                   /* records under way or wanted */
} Share;

typedef struct
{
  PmssPlan *plan;
  guint64 first, end;           /* rows */
  Share *shares;                /* of each link */
} Tail;

static Share *
unit_share (Tail * tail, PmssRow * row, guint index)
{
  PmssLink *link = pmss_links_get_shard_link (tail->plan->links, row->extent,
      index);

  return link != NULL ? &tail->shares[link->index] : NULL;
}

static guint
count_under_way (PmssLink * link)
{
  guint i, n = 0;

  for (i = 0; i < link->streams->len; i++) {
    PmssStream *stream = link->streams->pdata[i];
    const PmssStreamRange *range = pmss_stream_get_range (stream);

    n += range->first_row + range->n_rows - pmss_stream_get_row (stream);
  }
  return n;
}

static void
count_wanted (Tail * tail, PmssRow * row)
{
  PmssRedundancy redundancy = tail->plan->rows->redundancy;
  guint i;

  for (i = 0; i < redundancy.k + redundancy.m; i++) {
    PmssUnitSlot *slot = &row->slots[i];
    Share *share = unit_share (tail, row, i);

    if (share == NULL)
      continue;
    share->takes_part |= pmss_links_get_source (tail->plan->links, row, i) ==
        PMSS_SOURCE_GOOD;
    share->load += slot->wanted && slot->state == PMSS_UNIT_NONE;
  }
}

static guint
average_load (Tail * tail)
{
  guint i, n = 0, sum = 0;

  for (i = 0; i < tail->plan->links->all->len; i++) {
    if (!tail->shares[i].takes_part)
      continue;
    sum += tail->shares[i].load;
    n++;
  }
  return n > 0 ? (sum + n / 2) / n : 0;
}

/* The unit that is best asked for in place of unit @index: not a longer one,
 * as the file's last row has. -1: none would make it more equal. */
static gint
find_other (Tail * tail, PmssRow * row, guint index)
{
  PmssRedundancy redundancy = tail->plan->rows->redundancy;
  guint least = unit_share (tail, row, index)->load - 1;
  PmssExtentGeometry geometry;
  guint32 length;
  gint other = -1;
  guint i;

  pmss_rows_geometry (tail->plan->rows, row, &geometry);
  length = pmss_extent_geometry_unit_length (&geometry, row->row, index);
  for (i = 0; i < redundancy.k + redundancy.m; i++) {
    guint32 other_length =
        pmss_extent_geometry_unit_length (&geometry, row->row, i);

    if (row->slots[i].wanted || row->slots[i].state != PMSS_UNIT_NONE
        || other_length == 0 || other_length > length
        || pmss_links_get_source (tail->plan->links, row, i) != PMSS_SOURCE_GOOD
        || unit_share (tail, row, i)->load >= least)
      continue;
    least = unit_share (tail, row, i)->load;
    other = i;
  }
  return other;
}

static gboolean
hand_over (Tail * tail, PmssRow * row, guint index)
{
  guint k = tail->plan->rows->redundancy.k;
  gint other = find_other (tail, row, index);

  if (other < 0)
    return FALSE;
  unit_share (tail, row, index)->load--;
  unit_share (tail, row, other)->load++;
  row->slots[index].wanted = FALSE;
  if (index < k)
    pmss_rows_spare (row, index);
  row->slots[other].wanted = TRUE;
  row->missing &= ~(1u << other);
  row->spared &= ~(1u << other);
  return TRUE;
}

/* Hands over what @link is to give, from the last row on, until it has no more
 * than @enough. Whether anything has changed. */
static gboolean
relieve (Tail * tail, PmssLink * link, guint enough)
{
  Share *share = &tail->shares[link->index];
  gboolean changed = FALSE;
  guint64 number;

  for (number = tail->end; number-- > tail->first && share->load > enough;) {
    PmssRow *row = pmss_rows_get (tail->plan->rows, number);
    gint index =
        pmss_links_get_link_shard (tail->plan->links, link, row->extent);

    if (index >= 0 && row->slots[index].wanted
        && row->slots[index].state == PMSS_UNIT_NONE)
      changed |= hand_over (tail, row, index);
  }
  return changed;
}

static gboolean
relieve_all (Tail * tail, guint enough)
{
  gboolean changed = FALSE;
  guint i;

  for (i = 0; i < tail->plan->links->all->len; i++)
    changed |= relieve (tail, pmss_links_get (tail->plan->links, i), enough);
  return changed;
}

void
pmss_tail_share (PmssPlan * self, guint64 fixed, guint64 first, guint64 end)
{
  g_autofree Share *shares = g_new0 (Share, self->links->all->len);
  Tail tail = {.plan = self,.first = first,.end = end,.shares = shares };
  guint64 number;
  guint i;

  for (i = 0; i < self->links->all->len; i++)
    shares[i].load = count_under_way (pmss_links_get (self->links, i));
  for (number = fixed; number < end; number++)
    count_wanted (&tail, pmss_rows_get (self->rows, number));
  relieve_all (&tail, average_load (&tail));
  /* Ends: each time two become more equal, the sum of squares falls. */
  while (relieve_all (&tail, 0));
}
