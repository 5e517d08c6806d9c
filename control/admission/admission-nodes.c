/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the nodes can send, second by second. look_at_nodes(): on the main thread. */
#include "control/admission/admission-private.h"

#include "control/events/events.h"
#include "control/nodes/nodes.h"

/* Slots over which what was promised is compared with the capacity: a minute. */
#define MINUTE (60 / PMSS_SLOT)
#define WORTH 20                /* of the capacity that was written: a change by that part is, too */
#define FELL_AFTER (4 * G_USEC_PER_SEC)
#define OVER_AFTER (10 * G_USEC_PER_SEC)

/* One node's figures, as they were a moment ago. */
typedef struct
{
  guint id;
  gint64 heard;
  PmssNodeStats stats;
} Heard;

typedef struct
{
  guint node;
  gboolean lasts;
  PmssResource resource;
  double capacity, promised;    /* bytes of a slot */
} Fall;

static void
copy_figures (guint id, PmssNodeState state, const PmssNodeStats * stats,
    gint64 heard, gpointer all)
{
  const Heard one = {.id = id,.heard = heard,.stats = *stats };

  g_array_append_val ((GArray *) all, one);
}

NodeEntry *
pmss_admission_get_node_locked (PmssAdmission * self, guint id)
{
  NodeEntry *entry = g_hash_table_lookup (self->nodes, GUINT_TO_POINTER (id));

  if (entry != NULL)
    return entry;
  entry = g_new0 (NodeEntry, 1);
  entry->node = id;
  entry->written = PMSS_CALENDAR_NO_LIMIT;
  pmss_capacity_init (&entry->capacity);
  g_hash_table_insert (self->nodes, GUINT_TO_POINTER (id), entry);
  return entry;
}

/* Bytes of a slot, of those from @now on. */
static double
get_promised_locked (PmssAdmission * self, guint node, guint64 now, guint slots)
{
  double sum = 0;

  for (guint i = 0; i < slots; i++)
    sum += (double) pmss_calendar_get_promised (self->calendar, node, now + i);
  return sum / slots;
}

static void
look_whether_fell_locked (PmssAdmission * self, NodeEntry * entry,
    guint64 now, GArray * falls)
{
  PmssResource resource;
  guint64 capacity = pmss_capacity_get (&entry->capacity, &resource);
  Fall fall = {
    .node = entry->node,.resource = resource,.capacity = (double) capacity,
    .promised = get_promised_locked (self, entry->node, now, MINUTE)
  };
  gboolean more = capacity != PMSS_CALENDAR_NO_LIMIT
      && fall.promised > fall.capacity;

  if (!pmss_trigger_step (&entry->fell, more, !more, FELL_AFTER, OVER_AFTER,
          g_get_monotonic_time ()))
    return;
  fall.lasts = entry->fell.lasts;
  g_array_append_val (falls, fall);
}

/* Where it is worth a row: one that was off by less says as much. */
static void
keep_locked (NodeEntry * entry, GArray * rows)
{
  CapacityRow row = {.node = entry->node };
  guint64 before = entry->written;

  row.bytes = pmss_capacity_get (&entry->capacity, &row.resource);
  if (row.bytes == before || (row.bytes != PMSS_CALENDAR_NO_LIMIT
          && before != PMSS_CALENDAR_NO_LIMIT
          && row.bytes <= before + before / WORTH
          && row.bytes >= before - before / WORTH))
    return;
  entry->written = row.bytes;
  g_array_append_val (rows, row);
}

static void
look_at_node_locked (PmssAdmission * self, const Heard * heard, guint64 now,
    GArray * falls, GArray * rows)
{
  NodeEntry *entry = pmss_admission_get_node_locked (self, heard->id);
  guint64 before = pmss_capacity_get (&entry->capacity, NULL), capacity;

  entry->seen = now;
  if (heard->heard > 0)
    pmss_capacity_note (&entry->capacity, &heard->stats, heard->heard,
        get_promised_locked (self, heard->id, now, 1) / PMSS_SLOT, FALSE);
  capacity = pmss_capacity_get (&entry->capacity, NULL);
  if (capacity != before) {
    pmss_calendar_set_node (self->calendar, heard->id, capacity);
    self->changes++;
  }
  if (heard->heard > 0)
    keep_locked (entry, rows);
  look_whether_fell_locked (self, entry, now, falls);
}

/* It was removed from the cluster. */
static void
drop_unseen_locked (PmssAdmission * self, guint64 now)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    NodeEntry *entry = value;

    if (entry->seen == now)
      continue;
    pmss_calendar_remove_node (self->calendar, entry->node);
    self->changes++;
    g_hash_table_iter_remove (&iter);
  }
}

/* bit/s, in words */
static char *
format_rate (double bytes)
{
  return g_strdup_printf ("%.1f Mbit/s", bytes * 8 / PMSS_SLOT / 1e6);
}

static void
tell_fall (PmssAdmission * self, const Fall * fall)
{
  g_autofree char *node = g_strdup_printf ("%u", fall->node);
  g_autofree char *capacity = format_rate (fall->capacity);
  g_autofree char *promised = format_rate (fall->promised);
  g_autofree char *detail = fall->lasts
      ? g_strdup_printf ("its %s carries %s, and %s are promised to streams: "
      "no one else is let in. See docs/admission.md",
      pmss_resource_to_string (fall->resource), capacity, promised)
      : g_strdup_printf ("over: what is promised to streams fits again");
  const PmssEvent event = {
    .action = "capacity fell",.object = node,.detail = detail,
    .result = fall->lasts ? PMSS_EVENT_FAILED : PMSS_EVENT_DONE
  };

  pmss_events_note (self->context->events, &event);
}

void
pmss_admission_look_at_nodes (PmssAdmission * self)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (Heard));
  g_autoptr (GArray) falls = g_array_new (FALSE, FALSE, sizeof (Fall));
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (CapacityRow));
  guint64 now;

  pmss_nodes_visit (self->context->nodes, copy_figures, all);
  g_mutex_lock (&self->lock);
  now = pmss_admission_now_locked (self);
  for (guint i = 0; i < all->len; i++)
    look_at_node_locked (self, &g_array_index (all, Heard, i), now, falls,
        rows);
  drop_unseen_locked (self, now);
  g_mutex_unlock (&self->lock);
  pmss_admission_write_capacities (self->context->database, rows);
  for (guint i = 0; i < falls->len; i++)
    tell_fall (self, &g_array_index (falls, Fall, i));
}

static int
compare_rooms (gconstpointer a, gconstpointer b)
{
  const PmssNodeRoom *x = a, *y = b;

  return (x->node > y->node) - (x->node < y->node);
}

static void
count_streams_locked (PmssAdmission * self, guint64 now, guint * streams,
    guint * waiting)
{
  GHashTableIter iter;
  gpointer value;

  *streams = *waiting = 0;
  g_hash_table_iter_init (&iter, self->promises);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const Promise *promise = value;

    *streams += promise->progress.held;
    *waiting += promise->progress.start > now;
  }
}

GArray *
pmss_admission_list_nodes (PmssAdmission * self, guint * streams,
    guint * waiting)
{
  GArray *rooms = g_array_new (FALSE, FALSE, sizeof (PmssNodeRoom));
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  guint64 now = pmss_admission_now_locked (self);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const NodeEntry *entry = value;
    PmssNodeRoom room = {
      .node = entry->node,.correction = entry->capacity.correction,
      .fell = entry->fell.lasts,.promised = (guint64)
          get_promised_locked (self, entry->node, now, MINUTE)
    };

    room.capacity = pmss_capacity_get (&entry->capacity, &room.resource);
    g_array_append_val (rooms, room);
  }
  count_streams_locked (self, now, streams, waiting);
  g_array_sort (rooms, compare_rooms);
  return rooms;
}
