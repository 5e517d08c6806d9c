/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes over another layout of the same geometry, in play. Pure. */
#include "libpmss/reader/pmss-takeover.h"

static gboolean
is_same_node (const PmssNode * a, const PmssNode * b)
{
  return a->id == b->id && a->port == b->port && a->tls == b->tls
      && g_str_equal (a->address, b->address);
}

/* One with the same id, and with @address also in the same place. */
static PmssLink *
find_link (const PmssTakeover * parts, const PmssNode * node, gboolean address)
{
  for (guint i = 0; i < parts->links->len; i++) {
    PmssLink *link = parts->links->pdata[i];

    if (address ? is_same_node (&link->node, node)
        : link->node.id == node->id && !link->retired)
      return link;
  }
  return NULL;
}

static gboolean
is_free (const PmssTakeover * parts, PmssLink * link)
{
  return link->retired && link->streams->len == 0 && link->probe == NULL
      && !pmss_news_is_about (parts->news, link);
}

/* Numbers of links stay, so that a new one takes that of one that has gone. */
static guint
find_number (const PmssTakeover * parts)
{
  guint i = 0;

  while (i < parts->links->len && !is_free (parts, parts->links->pdata[i]))
    i++;
  return i;
}

/* It goes on where the node was given up: there is one node less as long as
 * neither gives anything. */
static void
inherit (PmssLink * link, PmssLink * before)
{
  link->reported = before->reported;
  link->told_at = before->told_at;
  before->reported = FALSE;
}

static PmssLink *
add_link (const PmssTakeover * parts, const PmssNode * node, gint64 now)
{
  PmssLink *before = find_link (parts, node, FALSE);
  guint number = find_number (parts);
  PmssLink *link = pmss_link_new (node, number);

  link->state = PMSS_LINK_LOST;
  link->retry_at = link->urgent_retry_at = now;
  if (before != NULL)
    inherit (link, before);
  if (number == parts->links->len) {
    g_ptr_array_add (parts->links, link);
  } else {
    pmss_link_free (parts->links->pdata[number]);
    parts->links->pdata[number] = link;
  }
  g_debug ("node %u is at %s", node->id, link->peer);
  return link;
}

/* The links of @layout's nodes. */
static gint *
map_nodes (const PmssTakeover * parts, PmssLayout * layout, gint64 now)
{
  guint n = pmss_layout_get_n_nodes (layout);
  gint *map = g_new (gint, n + 1);

  for (guint i = 0; i < n; i++) {
    const PmssNode *node = pmss_layout_get_node (layout, i);
    PmssLink *link = find_link (parts, node, TRUE);

    if (link == NULL)
      link = add_link (parts, node, now);
    link->retired = FALSE;
    map[i] = (gint) link->index;
  }
  return map;
}

static gboolean
works (gint number, guint32 extent, guint index, gpointer user_data)
{
  const PmssTakeover *parts = user_data;
  PmssLink *link = parts->links->pdata[number];

  return (link->state == PMSS_LINK_UP || link->state == PMSS_LINK_LATE)
      && pmss_bad_shards_get_tries (parts->bad_shards, extent, index) == 0;
}

/* What was found in another place says nothing any more. Whether a shard of
 * @row has moved. */
static gboolean
forget_moved (const PmssTakeover * parts, const PmssPlaces * old, PmssRow * row)
{
  gboolean moved = FALSE;

  for (guint i = 0; i < old->width; i++) {
    if (pmss_places_get (old, row->extent, i) ==
        pmss_places_get (parts->places, row->extent, i))
      continue;
    moved = TRUE;
    pmss_bad_shards_forget (parts->bad_shards, row->extent, i, G_MAXINT64);
    if (row->slots[i].state == PMSS_UNIT_BAD)
      pmss_rows_set_empty (parts->rows, row, i, PMSS_UNIT_NONE);
  }
  return moved;
}

/* What is bad where it is may have been written anew. */
static void
look_again (const PmssTakeover * parts, const PmssPlaces * old)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, parts->rows->table);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    PmssRow *row = value;

    pmss_bad_shards_hurry (parts->bad_shards, row->extent);
    if (!forget_moved (parts, old, row))
      continue;
    g_clear_error (&row->error);
    row->stuck_since = 0;
  }
}

static PmssPlaces
copy_current (const PmssPlaces * places)
{
  PmssPlaces copy = *places;

  copy.former = NULL;
  copy.current = g_memdup2 (places->current, sizeof (gint16) *
      ((gsize) places->n_extents * places->width + 1));
  return copy;
}

/* Those that have no shard any more are asked for nothing. */
static void
retire_unused (const PmssTakeover * parts)
{
  g_autofree gboolean *used = g_new0 (gboolean, parts->links->len + 1);

  pmss_places_mark (parts->places, used, parts->links->len);
  for (guint i = 0; i < parts->links->len; i++) {
    PmssLink *link = parts->links->pdata[i];

    link->retired = !used[i];
    if (!link->retired)
      continue;
    link->reported = FALSE;
    if (link->state == PMSS_LINK_LOST)
      link->state = PMSS_LINK_UP;
  }
  pmss_news_count_missing (parts->news, parts->links,
      parts->rows->redundancy.m);
}

void
pmss_takeover_run (const PmssTakeover * parts, PmssLayout * layout, gint64 now)
{
  g_autofree gint *map = map_nodes (parts, layout, now);
  PmssPlaces old = copy_current (parts->places);

  pmss_places_take_over (parts->places, layout, map, works, (gpointer) parts);
  pmss_layout_unref (parts->rows->layout);
  parts->rows->layout = pmss_layout_ref (layout);
  look_again (parts, &old);
  pmss_places_clear (&old);
  retire_unused (parts);
}
