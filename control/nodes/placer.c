/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Places the shards of one version. On the job's thread. */
#include "control/nodes/placer.h"

#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-placement.h"
#include "control/nodes/nodes.h"

#define PATIENCE (10 * G_USEC_PER_SEC)  /* less than the writer's timeout: its requests stand still meanwhile */
#define LOOK_EVERY 250          /* ms */
#define SHUN (30 * G_USEC_PER_SEC)
#define MAX_CHANCES 3

/* Why a node is passed over. */
typedef struct
{
  char *reason;
  gint64 until;                 /* monotonic, us; G_MAXINT64: its disk is full */
  gint64 since;                 /* seconds since 1970 */
  guint chances;                /* that it was given after it failed */
} Shunned;

struct _PmssPlacer
{
  PmssControlContext *context;
  PmssVersion version;
  GCancellable *cancellable;
  PmssPlacement *placement;
  GHashTable *shunned;          /* node id -> Shunned */
  guint failed;                 /* the node that failed last */
  gboolean hopeful;             /* the last time that nodes were too few: enough may come back */
  GStringChunk *strings;        /* of the nodes handed out */
  guint64 shard_size;           /* of a full extent */
  guint32 next;                 /* extents before this one are known to `placement` */
};

static void
shunned_free (Shunned * shunned)
{
  g_free (shunned->reason);
  g_free (shunned);
}

static guint64
largest_shard (const PmssVersion * version)
{
  PmssExtentGeometry geometry;

  return pmss_version_get_geometry (version, 0, &geometry)
      ? pmss_extent_geometry_shard_size (&geometry, 0) : 0;
}

PmssPlacer *
pmss_placer_new (PmssControlContext * context, const PmssVersion * version,
    GCancellable * cancellable)
{
  PmssPlacer *self = g_new0 (PmssPlacer, 1);

  self->context = context;
  self->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  self->shunned = g_hash_table_new_full (NULL, NULL, NULL,
      (GDestroyNotify) shunned_free);
  self->strings = g_string_chunk_new (1024);
  pmss_placer_turn_to (self, version);
  return self;
}

void
pmss_placer_turn_to (PmssPlacer * self, const PmssVersion * version)
{
  g_clear_pointer (&self->placement, pmss_placement_free);
  self->version = *version;
  self->placement = pmss_placement_new (&version->id, version->redundancy);
  self->shard_size = largest_shard (version);
  self->next = 0;
}

void
pmss_placer_free (PmssPlacer * self)
{
  g_clear_object (&self->cancellable);
  pmss_placement_free (self->placement);
  g_hash_table_unref (self->shunned);
  g_string_chunk_free (self->strings);
  g_free (self);
}

void
pmss_placer_note (PmssPlacer * self, const PmssExtent * extent)
{
  if (extent->number < self->next)
    return;
  pmss_placement_note (self->placement, extent->nodes);
  self->next = extent->number + 1;
}

static guint
count_shards (PmssPlacer * self)
{
  return self->version.redundancy.k + self->version.redundancy.m;
}

static void
fill_node (PmssPlacer * self, const PmssNodeInfo * info, PmssNode * node)
{
  *node = info->node;
  node->address = g_string_chunk_insert_const (self->strings,
      info->node.address);
  node->zone = g_string_chunk_insert_const (self->strings,
      info->node.zone ? info->node.zone : "");
}

static PmssNodeInfo *
find_info (GPtrArray * infos, guint id)
{
  for (guint i = 0; i < infos->len; i++) {
    PmssNodeInfo *info = g_ptr_array_index (infos, i);
    if (info->node.id == id)
      return info;
  }
  return NULL;
}

/* NULL: the node can be used. */
static const char *
why_not (PmssPlacer * self, const PmssNodeInfo * info)
{
  Shunned *shunned = g_hash_table_lookup (self->shunned,
      GUINT_TO_POINTER (info->node.id));

  if (info->state != PMSS_NODE_UP)
    return info->state == PMSS_NODE_DOWN ? "is down" : "does not answer";
  if (info->read_only)
    return "takes no writes";
  if (shunned != NULL && shunned->until > g_get_monotonic_time ())
    return shunned->reason;
  if (info->free < self->shard_size)
    return "has no room";
  return NULL;
}

/* Those that can be used and are not in @except (0-terminated). */
static GArray *
list_candidates (PmssPlacer * self, GPtrArray * infos, const guint * except)
{
  GArray *nodes = g_array_new (FALSE, FALSE, sizeof (PmssPlacementNode));

  for (guint i = 0; i < infos->len; i++) {
    PmssNodeInfo *info = g_ptr_array_index (infos, i);
    PmssPlacementNode node = {
      .id = info->node.id,
      .zone = info->node.zone ? info->node.zone : "",
      .weight = MAX (info->capacity, 1),
      .free = info->free,
    };
    gboolean taken = FALSE;

    for (const guint * e = except; e && *e; e++)
      taken |= *e == node.id;
    if (!taken && !why_not (self, info))
      g_array_append_val (nodes, node);
  }
  return nodes;
}

/* Whether there would be enough if all that are down came back. */
static gboolean
may_hope (PmssPlacer * self, GPtrArray * infos, guint wanted)
{
  guint n = 0;

  for (guint i = 0; i < infos->len; i++) {
    PmssNodeInfo *info = g_ptr_array_index (infos, i);
    Shunned *shunned = g_hash_table_lookup (self->shunned,
        GUINT_TO_POINTER (info->node.id));
    gboolean full = info->state == PMSS_NODE_UP
        && info->free < self->shard_size;

    if (!full && (shunned == NULL || shunned->until != G_MAXINT64))
      n++;
  }
  return n >= wanted;
}

static gboolean
look_later (PmssPlacer * self, GError ** error)
{
  GPollFD fd;

  if (self->cancellable && g_cancellable_make_pollfd (self->cancellable, &fd)) {
    g_poll (&fd, 1, LOOK_EVERY);
    g_cancellable_release_fd (self->cancellable);
  } else {
    g_usleep (LOOK_EVERY * 1000);
  }
  return !g_cancellable_set_error_if_cancelled (self->cancellable, error);
}

static void
set_too_few (PmssPlacer * self, GPtrArray * infos, GError ** error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *size = g_format_size (self->shard_size);
  g_autoptr (GArray) usable = list_candidates (self, infos, NULL);
  char redundancy[8];

  pmss_redundancy_to_string (self->version.redundancy, redundancy);
  g_string_append_printf (text, "Redundancy %s needs %u storage servers with %s"
      " free, and %u of %u can be used", redundancy, count_shards (self), size,
      usable->len, infos->len);
  for (guint i = 0; i < infos->len; i++) {
    PmssNodeInfo *info = g_ptr_array_index (infos, i);
    const char *reason = why_not (self, info);

    if (reason != NULL)
      g_string_append_printf (text, "; node %u (%s:%u) %s%s%s", info->node.id,
          info->node.address, info->node.port, reason,
          info->reason ? ": " : "", info->reason ? info->reason : "");
  }
  self->hopeful = may_hope (self, infos, count_shards (self));
  g_string_append (text, self->hopeful ? ". Start or add storage servers" :
      ". Start or add storage servers, or free space on them, then resume the "
      "job");
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE, text->str);
}

/* The placement of before, if there is one. */
static gboolean
load_extent (PmssPlacer * self, guint32 number, PmssExtent * extent,
    gboolean * found, GError ** error)
{
  g_autoptr (GArray) extents = pmss_catalog_list_extents
      (self->context->catalog, &self->version.id, number, 1, error);

  if (extents == NULL)
    return FALSE;
  *found = extents->len == 1
      && g_array_index (extents, PmssExtent, 0).number == number;
  if (*found)
    *extent = g_array_index (extents, PmssExtent, 0);
  return TRUE;
}

static gboolean
fill_nodes (PmssPlacer * self, GPtrArray * infos, const guint * ids,
    PmssNode * nodes, GError ** error)
{
  for (guint i = 0; i < count_shards (self); i++) {
    PmssNodeInfo *info = find_info (infos, ids[i]);

    if (info == NULL) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
          "There is no node %u any more", ids[i]);
      return FALSE;
    }
    fill_node (self, info, &nodes[i]);
  }
  return TRUE;
}

gboolean
pmss_placer_place (PmssPlacer * self, guint32 number, PmssNode * nodes,
    GError ** error)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  guint chosen[PMSS_MAX_SHARDS];
  PmssExtent extent;
  gboolean placed;

  if (!load_extent (self, number, &extent, &placed, error))
    return FALSE;
  if (placed)
    pmss_placer_note (self, &extent);
  for (;;) {
    g_autoptr (GPtrArray) infos = pmss_nodes_list (self->context->nodes, error);
    g_autoptr (GArray) candidates = NULL;

    if (infos == NULL)
      return FALSE;
    if (placed)
      return fill_nodes (self, infos, extent.nodes, nodes, error);
    candidates = list_candidates (self, infos, NULL);
    if (pmss_placement_choose (self->placement, number,
            (PmssPlacementNode *) candidates->data, candidates->len,
            self->shard_size, chosen, NULL)) {
      self->next = number + 1;
      return pmss_catalog_place_extent (self->context->catalog,
          &self->version.id, number, chosen, count_shards (self), error)
          && fill_nodes (self, infos, chosen, nodes, error);
    }
    if (g_get_monotonic_time () >= deadline
        || !may_hope (self, infos, count_shards (self))) {
      set_too_few (self, infos, error);
      return FALSE;
    }
    if (!look_later (self, error))
      return FALSE;
  }
}

/* Replacing */

void
pmss_placer_shun (PmssPlacer * self, guint node, const GError * reason)
{
  gboolean full = g_error_matches (reason, PMSS_ERROR, PMSS_ERROR_NO_SPACE);
  Shunned *before = g_hash_table_lookup (self->shunned,
      GUINT_TO_POINTER (node));
  Shunned *shunned = g_new0 (Shunned, 1);
  g_autofree char *text = reason != NULL ? pmss_error_without_peer (reason) :
      g_strdup ("unknown error");

  shunned->reason = g_strdup_printf ("failed: %s", text);
  shunned->until = full ? G_MAXINT64 : g_get_monotonic_time () + SHUN;
  shunned->since = g_get_real_time () / G_USEC_PER_SEC;
  shunned->chances = before != NULL ? before->chances : 0;
  g_hash_table_replace (self->shunned, GUINT_TO_POINTER (node), shunned);
  self->failed = node;
}

static gboolean
has_zone (GPtrArray * infos, const PmssExtent * extent, guint but,
    const char *zone)
{
  for (guint i = 0; i < extent->n_nodes; i++) {
    PmssNodeInfo *info = find_info (infos, extent->nodes[i]);
    if (i != but && info != NULL && g_strcmp0 (info->node.zone, zone) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Without those in zones that hold another shard of the extent, unless nothing would be left. */
static void
prefer_zones (GArray * candidates, GPtrArray * infos, const PmssExtent * extent,
    guint shard)
{
  g_autoptr (GArray) apart = g_array_new (FALSE, FALSE,
      sizeof (PmssPlacementNode));

  for (guint i = 0; i < candidates->len; i++) {
    PmssPlacementNode node = g_array_index (candidates, PmssPlacementNode, i);
    if (*node.zone && !has_zone (infos, extent, shard, node.zone))
      g_array_append_val (apart, node);
  }
  if (apart->len == 0)
    return;
  g_array_set_size (candidates, 0);
  g_array_append_vals (candidates, apart->data, apart->len);
}

/* 0: none, or an error. */
static guint
choose_other (PmssPlacer * self, GPtrArray * infos, const PmssExtent * extent,
    guint shard, GError ** error)
{
  PmssRedundancy one = { 1, 0 };
  g_autoptr (PmssPlacement) placement =
      pmss_placement_new (&self->version.id, one);
  /* those on which this very shard waits to be deleted, and those that have another one */
  g_autoptr (GArray) except = pmss_catalog_list_pending_nodes
      (self->context->catalog, &self->version.id, extent->number, shard, error);
  g_autoptr (GArray) candidates = NULL;
  guint chosen, end = 0;

  if (except == NULL)
    return 0;
  g_array_append_vals (except, extent->nodes, extent->n_nodes);
  g_array_append_val (except, end);
  candidates = list_candidates (self, infos, (const guint *) except->data);
  prefer_zones (candidates, infos, extent, shard);
  return pmss_placement_choose (placement, extent->number,
      (PmssPlacementNode *) candidates->data, candidates->len,
      self->shard_size, &chosen, NULL) ? chosen : 0;
}

gboolean
pmss_placer_replace (PmssPlacer * self, guint32 number, guint shard,
    guint failed, const GError * reason, PmssNode * node, GError ** error)
{
  g_autoptr (GPtrArray) infos = NULL;
  g_autoptr (GError) local = NULL;
  PmssExtent extent;
  gboolean found;
  guint id;

  if (!load_extent (self, number, &extent, &found, error))
    return FALSE;
  if (!found || shard >= extent.n_nodes || extent.nodes[shard] != failed) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "Shard %u of extent %u is not on node %u", shard, number, failed);
    return FALSE;
  }
  pmss_placer_shun (self, failed, reason);
  infos = pmss_nodes_list (self->context->nodes, error);
  if (infos == NULL)
    return FALSE;
  id = choose_other (self, infos, &extent, shard, &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (id == 0) {
    set_too_few (self, infos, error);
    return FALSE;
  }
  g_message ("Extent %u, shard %u: from node %u to node %u (%s)", number, shard,
      failed, id, reason != NULL ? reason->message : "");
  fill_node (self, find_info (infos, id), node);
  return pmss_catalog_replace_shard (self->context->catalog,
      &self->version.id, number, shard, id, error);
}

gboolean
pmss_placer_choose (PmssPlacer * self, const PmssExtent * extent, guint shard,
    guint * node, GError ** error)
{
  g_autoptr (GPtrArray) infos = pmss_nodes_list (self->context->nodes, error);
  g_autoptr (GError) local = NULL;

  if (infos == NULL)
    return FALSE;
  *node = choose_other (self, infos, extent, shard, &local);
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else if (*node == 0)
    set_too_few (self, infos, error);
  return *node != 0;
}

gboolean
pmss_placer_is_hopeful (PmssPlacer * self)
{
  return self->hopeful;
}

gboolean
pmss_placer_has_enough (PmssControlContext * context,
    const PmssVersion * version)
{
  g_autoptr (PmssPlacer) placer = pmss_placer_new (context, version, NULL);
  g_autoptr (GPtrArray) infos = pmss_nodes_list (context->nodes, NULL);
  g_autoptr (GArray) usable =
      infos != NULL ? list_candidates (placer, infos, NULL) : NULL;

  return usable && usable->len >= count_shards (placer);
}

gboolean
pmss_placer_retry (PmssPlacer * self)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  Shunned *shunned = g_hash_table_lookup (self->shunned,
      GUINT_TO_POINTER (self->failed));

  if (shunned == NULL || shunned->until == G_MAXINT64
      || shunned->chances >= MAX_CHANCES)
    return FALSE;
  while (g_get_monotonic_time () < deadline && look_later (self, NULL)) {
    g_autoptr (PmssNodeInfo) info = pmss_nodes_peek (self->context->nodes,
        self->failed);

    /* one that has just died counts as up for a while: only a new sign of life counts */
    if (info != NULL && info->state == PMSS_NODE_UP && !info->read_only
        && info->last_seen > shunned->since) {
      shunned->until = 0;
      shunned->chances++;
      return TRUE;
    }
  }
  return FALSE;
}
