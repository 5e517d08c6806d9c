/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What control is told of the reading when the session is renewed (docs/protocol.md, "What a
 * reader tells"). On the I/O thread. */
#include "libpmss/reader/pmss-engine.h"

#define MAX_NODES 256           /* that control takes at a time */

/* Lock held. Bytes from the place that was read last up to the first that is not here. */
static guint64
count_buffered (PmssEngine * engine)
{
  PmssRows *rows = &engine->rows;
  const PmssCursor *cursor = engine->cursors.active;
  guint64 end = pmss_cursors_get_window_end (&engine->cursors, cursor);
  guint64 from = pmss_rows_get_offset (rows, cursor->row, cursor->index);
  guint index = cursor->index;

  for (guint64 number = cursor->row; number < end; number++, index = 0) {
    PmssRow *row = pmss_rows_get (rows, number);

    for (; index < rows->redundancy.k; index++)
      if (row == NULL || row->slots[index].state != PMSS_UNIT_READY)
        return pmss_rows_get_offset (rows, number, index) - from;
  }
  return pmss_rows_get_offset (rows, end, 0) - from;
}

static void
add_count (JsonBuilder * json, const char *name, guint64 count)
{
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, (gint64) count);
}

/* ns that a unit was awaited, mean; 0: none was. */
static guint64
get_unit_time (const PmssLinkCounters * now, const PmssLinkCounters * told)
{
  guint64 waits = now->waits - told->waits;

  return waits > 0 ? (now->waited - told->waited) * 1000 / waits : 0;
}

/* Lock held: what came of @link since control was told of it last. An answer that is lost has been
 * counted: these are figures to look at. */
static void
add_node (JsonBuilder * json, PmssLink * link)
{
  const PmssLinkCounters *now = &link->counters, *told = &link->told;

  json_builder_begin_object (json);
  add_count (json, "id", link->node.id);
  add_count (json, "bytes", now->bytes - told->bytes);
  add_count (json, "units", now->units - told->units);
  add_count (json, "rebuilt", now->rebuilt - told->rebuilt);
  add_count (json, "late", now->late - told->late);
  add_count (json, "rtt_ns", get_unit_time (now, told));
  json_builder_end_object (json);
  link->told = link->counters;
}

static gboolean
has_news (const PmssLink * link)
{
  return link->counters.bytes != link->told.bytes
      || link->counters.rebuilt != link->told.rebuilt
      || link->counters.late != link->told.late;
}

JsonNode *
pmss_engine_measure (PmssEngine * engine)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  guint n = 0;

  json_builder_begin_object (json);
  g_mutex_lock (&engine->lock);
  if (engine->cursors.active != NULL) {
    add_count (json, "position", pmss_rows_get_offset (&engine->rows,
            engine->cursors.active->row, engine->cursors.active->index));
    add_count (json, "buffer_bytes", count_buffered (engine));
  }
  json_builder_set_member_name (json, "idle");
  json_builder_add_boolean_value (json, engine->paused);
  json_builder_set_member_name (json, "nodes");
  json_builder_begin_array (json);
  for (guint i = 0; i < engine->links.all->len && n < MAX_NODES; i++) {
    PmssLink *link = pmss_links_get (&engine->links, i);

    if (has_news (link)) {
      add_node (json, link);
      n++;
    }
  }
  json_builder_end_array (json);
  g_mutex_unlock (&engine->lock);
  json_builder_end_object (json);
  return json_builder_get_root (json);
}
