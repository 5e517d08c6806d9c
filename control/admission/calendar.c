/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is promised of each node: nodes, time, reservations. One thread at a
 * time. */
#include "control/admission/calendar-private.h"

/* Beyond the four hours of PMSS_CALENDAR_SLOTS, long streams are written in by
 * so many slots at once. */
#define BATCH 256
/* Ids of nodes count up from 1. */
#define MAX_NODE_ID (1u << 20)
/* Units in a slot; a node that is faster has no limit. */
#define MAX_CAPACITY (G_GUINT64_CONSTANT (1) << 48)

PmssCalendar *
pmss_calendar_new (const PmssCalendarRules * rules, guint64 slot)
{
  PmssCalendar *self = g_new0 (PmssCalendar, 1);

  self->rules = *rules;
  self->now = slot;
  self->filled = slot + PMSS_CALENDAR_SLOTS + BATCH;
  self->nodes = g_ptr_array_new_with_free_func (
      (GDestroyNotify) pmss_node_promises_free);
  self->places = g_array_new (FALSE, TRUE, sizeof (guint32));
  if (rules->survive_failure)
    self->failures = pmss_failure_reserve_new (slot);
  g_queue_init (&self->reservations);
  return self;
}

static void
reservation_free (PmssReservation * reservation)
{
  pmss_stream_plan_unref (reservation->plan);
  g_free (reservation);
}

void
pmss_calendar_free (PmssCalendar * self)
{
  for (GList * l; (l = g_queue_pop_head_link (&self->reservations)) != NULL;)
    reservation_free (l->data);
  g_clear_pointer (&self->failures, pmss_failure_reserve_free);
  g_array_unref (self->places);
  g_ptr_array_unref (self->nodes);
  g_free (self);
}

/* Nodes */

PmssNodePromises *
pmss_calendar_get_node (const PmssCalendar * self, guint id, guint * place)
{
  guint32 found = id < self->places->len
      ? g_array_index (self->places, guint32, id) : 0;

  *place = found - 1;
  return found > 0 ? g_ptr_array_index (self->nodes, found - 1) : NULL;
}

guint
pmss_calendar_get_id (const PmssCalendar * self, guint place)
{
  const PmssNodePromises *node;

  if (place >= self->nodes->len)
    return 0;
  node = g_ptr_array_index (self->nodes, place);
  return node->id;
}

PmssNodePromises *
pmss_calendar_want_node (PmssCalendar * self, guint id, guint * place)
{
  PmssNodePromises *node = pmss_calendar_get_node (self, id, place);

  if (node != NULL || id == 0 || id > MAX_NODE_ID)
    return node;
  node = pmss_node_promises_new (id);
  g_ptr_array_add (self->nodes, node);
  if (id >= self->places->len)
    g_array_set_size (self->places, id + 1);
  g_array_index (self->places, guint32, id) = self->nodes->len;
  if (self->failures != NULL)
    pmss_failure_reserve_grow (self->failures,
        MIN (self->nodes->len, PMSS_FAILURE_MAX_NODES));
  *place = self->nodes->len - 1;
  return node;
}

/* The larger of both reserves counts: a failure may use all of a node. */
static void
set_limits (PmssCalendar * self, PmssNodePromises * node, guint place)
{
  guint64 units = node->capacity / PMSS_PROMISE_UNIT;
  double given = 1 - CLAMP (self->rules.reserve, 0, 1);

  if (units > MAX_CAPACITY)
    units = G_MAXUINT64;
  pmss_node_promises_set_limit (node, units == G_MAXUINT64 ? units
      : (guint64) (units * given), self->now);
  if (self->failures != NULL && place < PMSS_FAILURE_MAX_NODES)
    pmss_failure_reserve_set_capacity (self->failures, place, units);
}

static void
set_all_limits (PmssCalendar * self)
{
  for (guint i = 0; i < self->nodes->len; i++)
    set_limits (self, g_ptr_array_index (self->nodes, i), i);
}

void
pmss_calendar_set_node (PmssCalendar * self, guint id, guint64 capacity)
{
  guint place;
  PmssNodePromises *node = pmss_calendar_want_node (self, id, &place);

  if (node == NULL || node->capacity == capacity)
    return;
  node->capacity = capacity;
  set_limits (self, node, place);
}

/* Streams may still have it in their plans, so its ring stays. */
void
pmss_calendar_remove_node (PmssCalendar * self, guint id)
{
  guint place;

  if (pmss_calendar_get_node (self, id, &place) != NULL)
    pmss_calendar_set_node (self, id, PMSS_CALENDAR_NO_LIMIT);
}

/* Reservations */

static void
write_slots (PmssCalendar * self, const PmssCalendarStream * stream,
    guint64 from, guint64 end)
{
  PmssCalendarBind bind;
  PmssPieces pieces;
  PmssPiece piece;

  pmss_pieces_init (&pieces, self, stream, from, end);
  while (pmss_pieces_next (&pieces, &piece))
    pmss_calendar_add_piece (self, &piece, &bind);
}

PmssReservation *
pmss_calendar_reserve (PmssCalendar * self, PmssStreamPlan * plan,
    guint32 skip, guint64 start)
{
  PmssReservation *reservation = g_new0 (PmssReservation, 1);

  reservation->plan = pmss_stream_plan_ref (plan);
  reservation->stream = (PmssCalendarStream) {
  .plan = plan,.skip = skip,.start = start,.weight = 1};
  reservation->link.data = reservation;
  g_queue_push_tail_link (&self->reservations, &reservation->link);
  write_slots (self, &reservation->stream, self->now, self->filled);
  return reservation;
}

/* Of the present slot it may have sent something in the slot before. */
static void
forget_ahead (PmssCalendar * self, const PmssPiece * piece)
{
  PmssNodePromises *node;
  guint place;

  if (piece->slot != self->now)
    return;
  for (guint i = 0; i < piece->part.n_nodes; i++)
    if ((node = pmss_calendar_get_node (self, piece->part.nodes[i],
                &place)) != NULL)
      pmss_node_promises_forget_ahead (node, piece->room);
  for (guint i = 0; i < piece->part.n_parity; i++)
    if ((node = pmss_calendar_get_node (self, piece->part.parity[i],
                &place)) != NULL)
      pmss_node_promises_forget_ahead (node, piece->parity_room);
}

void
pmss_calendar_release (PmssCalendar * self, PmssReservation * reservation)
{
  PmssPieces pieces;
  PmssPiece piece;

  pmss_pieces_init (&pieces, self, &reservation->stream, self->now,
      self->filled);
  while (pmss_pieces_next (&pieces, &piece)) {
    forget_ahead (self, &piece);
    pmss_calendar_take_piece (self, &piece);
  }
  g_queue_unlink (&self->reservations, &reservation->link);
  reservation_free (reservation);
}

guint64
pmss_reservation_get_start (const PmssReservation * reservation)
{
  return reservation->stream.start;
}

guint64
pmss_calendar_get_promised (PmssCalendar * self, guint id, guint64 slot)
{
  guint place;
  const PmssNodePromises *node = pmss_calendar_get_node (self, id, &place);

  if (node == NULL || slot < self->now || slot >= self->filled)
    return 0;
  return node->promised[PMSS_RING_AT (slot)] * PMSS_PROMISE_UNIT;
}

/* Time */

/* Streams that go beyond what is written in. */
static void
fill (PmssCalendar * self, guint64 from, guint64 end)
{
  for (GList * l = self->reservations.head; l != NULL; l = l->next) {
    const PmssReservation *reservation = l->data;

    if (pmss_calendar_stream_get_end (&reservation->stream) > from)
      write_slots (self, &reservation->stream, from, end);
  }
  self->filled = end;
}

static void
clear (PmssCalendar * self)
{
  for (guint i = 0; i < self->nodes->len; i++)
    pmss_node_promises_clear (g_ptr_array_index (self->nodes, i));
  g_clear_pointer (&self->failures, pmss_failure_reserve_free);
  if (!self->rules.survive_failure)
    return;
  self->failures = pmss_failure_reserve_new (self->now);
  pmss_failure_reserve_grow (self->failures,
      MIN (self->nodes->len, PMSS_FAILURE_MAX_NODES));
}

/* Everything anew. */
static void
rewrite (PmssCalendar * self)
{
  clear (self);
  set_all_limits (self);
  fill (self, self->now, self->now + PMSS_CALENDAR_SLOTS + BATCH);
}

static void
advance_by (PmssCalendar * self, guint64 slots)
{
  guint64 to = self->now + slots;

  for (guint i = 0; i < self->nodes->len; i++)
    pmss_node_promises_advance (g_ptr_array_index (self->nodes, i), self->now,
        to);
  if (self->failures != NULL)
    pmss_failure_reserve_advance (self->failures, to);
  self->now = to;
  if (self->now + PMSS_CALENDAR_SLOTS > self->filled)
    fill (self, self->filled, self->filled + BATCH);
}

void
pmss_calendar_advance (PmssCalendar * self, guint64 slot)
{
  if (slot > self->now && slot - self->now > PMSS_CALENDAR_SLOTS) {
    self->now = slot;
    rewrite (self);
  }
  while (slot > self->now)
    advance_by (self, MIN (slot - self->now, BATCH));
}

void
pmss_calendar_set_rules (PmssCalendar * self, const PmssCalendarRules * rules)
{
  gboolean is_other = rules->work_ahead != self->rules.work_ahead
      || rules->survive_failure != self->rules.survive_failure;

  self->rules = *rules;
  if (is_other)
    rewrite (self);
  else
    set_all_limits (self);
}
