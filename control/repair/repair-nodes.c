/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nodes as repair sees them. On the repair job's threads. */
#include "control/config.h"
#include "control/nodes/nodes.h"
#include "control/repair/repair-private.h"

static gboolean
is_gone (const PmssNodeView * view, const PmssNodeInfo * info, gint64 delay)
{
  if (info->state != PMSS_NODE_DOWN)
    return FALSE;
  return info->repair || (!view->many_down && info->lasted >= delay);
}

static void
mix (PmssNodeView * self, guint64 value)
{
  self->mark = self->mark * 31 + g_int64_hash (&value);
}

static void
add_node (PmssNodeView * self, const PmssNodeInfo * info, gint64 delay)
{
  PmssPlaceState state = PMSS_PLACE_AWAY;

  if (info->state == PMSS_NODE_UP)
    state = PMSS_PLACE_UP;
  else if (is_gone (self, info, delay))
    state = PMSS_PLACE_GONE;
  if (state == PMSS_PLACE_GONE)
    self->gone_shards += info->shards;
  self->asked |= info->repair && info->state == PMSS_NODE_DOWN;
  self->bad_shards += info->bad_shards;
  mix (self, (guint64) info->node.id << 8 | state);
  /* one that went and came back has changed, too */
  mix (self, info->since);
  g_hash_table_insert (self->states, GUINT_TO_POINTER (info->node.id),
      GUINT_TO_POINTER (state));
}

PmssNodeView *
pmss_node_view_new (PmssControlContext * context, GError ** error)
{
  g_autoptr (GPtrArray) infos = pmss_nodes_list (context->nodes, error);
  PmssNodeView *self;
  guint up = 0;

  if (infos == NULL)
    return NULL;
  self = g_new0 (PmssNodeView, 1);
  g_atomic_ref_count_init (&self->refs);
  self->states = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < infos->len; i++)
    up += ((PmssNodeInfo *) infos->pdata[i])->state == PMSS_NODE_UP;
  self->many_down = 2 * up < infos->len;
  for (guint i = 0; i < infos->len; i++)
    add_node (self, infos->pdata[i], context->config->repair_delay);
  return self;
}

PmssNodeView *
pmss_node_view_ref (PmssNodeView * self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
pmss_node_view_unref (PmssNodeView * self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_hash_table_unref (self->states);
  g_free (self);
}

PmssPlaceState
pmss_node_view_get (const PmssNodeView * self, guint node)
{
  gpointer state;

  if (!g_hash_table_lookup_extended (self->states, GUINT_TO_POINTER (node),
          NULL, &state))
    return PMSS_PLACE_GONE;
  return GPOINTER_TO_UINT (state);
}

gboolean
pmss_node_view_has_new_gone (const PmssNodeView * before,
    const PmssNodeView * now)
{
  GHashTableIter iter;
  gpointer node, state;

  g_hash_table_iter_init (&iter, now->states);
  while (g_hash_table_iter_next (&iter, &node, &state))
    if (GPOINTER_TO_UINT (state) == PMSS_PLACE_GONE
        && pmss_node_view_get (before,
            GPOINTER_TO_UINT (node)) != PMSS_PLACE_GONE)
      return TRUE;
  return FALSE;
}
