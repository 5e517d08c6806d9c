/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chooses nodes for extents by weighted rendezvous hashing. Its owner's thread.
 * */

#include "pmss-placement.h"

#include <math.h>
#include <string.h>

#include <sodium.h>

#include "libpmss/pmss-error.h"

/* What a node has carried of this version so far. */
typedef struct
{
  guint data;                   /* data shards */
  guint last_parity;            /* the latest of the extents, counted from 1,
                                 * in which it carried parity; 0: none */
} Carried;

struct _PmssPlacement
{
  PmssVersionId version;
  guint k, n;
  guint n_placed;               /* extents */
  GHashTable *carried;          /* node id -> Carried */
};

/* A node that qualifies for the extent at hand. */
typedef struct
{
  const PmssPlacementNode *node;
  double score;
  const Carried *carried;
} Candidate;

PmssPlacement *
pmss_placement_new (const PmssVersionId * version, PmssRedundancy redundancy)
{
  PmssPlacement *placement;

  g_return_val_if_fail (pmss_redundancy_check (redundancy), NULL);

  placement = g_new0 (PmssPlacement, 1);
  placement->version = *version;
  placement->k = redundancy.k;
  placement->n = redundancy.k + redundancy.m;
  placement->carried = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return placement;
}

void
pmss_placement_free (PmssPlacement * placement)
{
  if (placement == NULL)
    return;
  g_hash_table_unref (placement->carried);
  g_free (placement);
}

/* SipHash of version, extent and node, as a number between 0 and 1. */
static double
hash (const PmssPlacement * placement, guint32 extent, guint32 id)
{
  /* it need not be secret, only always the same */
  static const guint8 key[crypto_shorthash_KEYBYTES] = "pmss-placement-1";
  guint8 input[24];
  guint64 value;

  extent = GUINT32_TO_LE (extent);
  id = GUINT32_TO_LE (id);
  memcpy (input, placement->version.bytes, 16);
  memcpy (input + 16, &extent, 4);
  memcpy (input + 20, &id, 4);
  crypto_shorthash ((guint8 *) & value, input, sizeof (input), key);
  /* as many bits as a double holds, and never 0 or 1 */
  return ((GUINT64_FROM_LE (value) >> 11) + 0.5) / 9007199254740992.0;
}

static Carried *
get_carried (PmssPlacement * placement, guint id)
{
  Carried *carried = g_hash_table_lookup (placement->carried,
      GUINT_TO_POINTER (id));

  if (carried == NULL) {
    carried = g_new0 (Carried, 1);
    g_hash_table_insert (placement->carried, GUINT_TO_POINTER (id), carried);
  }
  return carried;
}

static int
by_score (gconstpointer a, gconstpointer b)
{
  const Candidate *left = a, *right = b;

  if (left->score != right->score)
    return left->score > right->score ? -1 : 1;
  return left->node->id < right->node->id ? -1 : 1;
}

/* Who gets data shards first: whoever carried the smallest share of them; of
 * several, whoever carried parity last, so that parity goes round among nodes
 * that are always together. */
static int
by_share_of_data (gconstpointer a, gconstpointer b)
{
  const Candidate *left = a, *right = b;
  double left_share = left->carried->data / left->node->weight;
  double right_share = right->carried->data / right->node->weight;

  if (left_share != right_share)
    return left_share < right_share ? -1 : 1;
  if (left->carried->last_parity != right->carried->last_parity)
    return left->carried->last_parity > right->carried->last_parity ? -1 : 1;
  return by_score (a, b);
}

/* All nodes with room, best first. */
static GArray *
rank (PmssPlacement * placement, guint32 extent,
    const PmssPlacementNode * nodes, guint n_nodes, guint64 shard_size)
{
  GArray *ranked = g_array_new (FALSE, FALSE, sizeof (Candidate));

  for (guint i = 0; i < n_nodes; i++) {
    Candidate candidate = {.node = &nodes[i] };

    if (nodes[i].free < shard_size || !(nodes[i].weight > 0))
      continue;
    candidate.score = -nodes[i].weight
        / log (hash (placement, extent, nodes[i].id));
    candidate.carried = get_carried (placement, nodes[i].id);
    g_array_append_val (ranked, candidate);
  }
  g_array_sort (ranked, by_score);
  return ranked;
}

static gboolean
shares_zone (const PmssPlacementNode * a, const PmssPlacementNode * b)
{
  /* a node without a zone fails by itself */
  return a->zone != NULL && a->zone[0] != '\0'
      && g_strcmp0 (a->zone, b->zone) == 0;
}

static guint
count_in_zone (const Candidate * chosen, guint n,
    const PmssPlacementNode * node)
{
  guint count = 0;

  for (guint i = 0; i < n; i++)
    count += shares_zone (node, chosen[i].node);
  return count;
}

/* Takes the best ones, at first at most one of each zone, then at most two,
 * and so on as far as need be. */
static void
choose_set (PmssPlacement * placement, GArray * ranked, Candidate * chosen)
{
  guint n = 0;

  for (guint limit = 1; n < placement->n; limit++) {
    for (guint i = 0; i < ranked->len && n < placement->n; i++) {
      Candidate *candidate = &g_array_index (ranked, Candidate, i);

      if (candidate->node == NULL
          || count_in_zone (chosen, n, candidate->node) >= limit)
        continue;
      chosen[n++] = *candidate;
      candidate->node = NULL;
    }
  }
}

void
pmss_placement_note (PmssPlacement * placement, const guint * chosen)
{
  placement->n_placed++;
  for (guint i = 0; i < placement->n; i++) {
    Carried *carried = get_carried (placement, chosen[i]);

    if (i < placement->k)
      carried->data++;
    else
      carried->last_parity = placement->n_placed;
  }
}

gboolean
pmss_placement_choose (PmssPlacement * placement, guint32 extent,
    const PmssPlacementNode * nodes, guint n_nodes, guint64 shard_size,
    guint * chosen, GError ** error)
{
  g_autoptr (GArray) ranked = rank (placement, extent, nodes, n_nodes,
      shard_size);
  Candidate set[PMSS_MAX_SHARDS];

  if (ranked->len < placement->n) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE,
        "%u storage servers with room are needed, and there are %u",
        placement->n, ranked->len);
    return FALSE;
  }
  choose_set (placement, ranked, set);
  qsort (set, placement->n, sizeof (*set), by_share_of_data);
  for (guint i = 0; i < placement->n; i++)
    chosen[i] = set[i].node->id;
  pmss_placement_note (placement, chosen);
  return TRUE;
}
