/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether one more stream fits, when, and how many. One thread at a time. */
#include "control/admission/calendar-private.h"

/* What a piece takes of its i-th node: data shards first, then parity. */
static guint
piece_get (const PmssPiece * piece, guint i, guint64 * units, guint64 * room)
{
  gboolean is_data = i < piece->part.n_nodes;

  *units = is_data ? piece->units : piece->parity_units;
  *room = is_data ? piece->room : piece->parity_room;
  return is_data ? piece->part.nodes[i]
      : piece->part.parity[i - piece->part.n_nodes];
}

static guint
piece_count (const PmssPiece * piece)
{
  return piece->part.n_nodes + piece->part.n_parity;
}

/* At once */

/* Where a slot spans extents its parts add up, to the stream's peak at most. */
static gboolean
is_piece_idle (PmssCalendar * self, const PmssPiece * piece, guint64 peak)
{
  for (guint i = 0; i < piece_count (piece); i++) {
    PmssPromise promise = {.slot = piece->slot,.slots = piece->slots };
    PmssFailureLoad load = {.slot = piece->slot,.slots = piece->slots,
      .units = peak
    };
    const PmssNodePromises *node = pmss_calendar_get_node (self,
        piece_get (piece, i, &promise.units, &promise.room), &load.node);

    if (node == NULL)
      continue;
    if (promise.slots == 1)
      promise.units = peak;
    if (i < piece->part.n_nodes || piece->parity_units > 0)
      if (!pmss_node_promises_is_idle (node, &promise))
        return FALSE;
    if (self->failures != NULL && load.node < PMSS_FAILURE_MAX_NODES
        && !pmss_failure_reserve_is_idle (self->failures, &load))
      return FALSE;
  }
  return TRUE;
}

static gboolean
has_plenty (PmssCalendar * self, guint64 peak)
{
  for (guint i = 0; i < self->nodes->len; i++)
    if (!pmss_node_promises_has_plenty (g_ptr_array_index (self->nodes, i),
            peak))
      return FALSE;
  return self->failures == NULL;
}

/* TRUE: it fits by far. FALSE: look closer. */
static gboolean
is_idle (PmssCalendar * self, const PmssCalendarStream * stream)
{
  guint64 peak = pmss_calendar_stream_get_peak (stream);
  PmssPieces pieces;
  PmssPiece piece;

  if (has_plenty (self, peak))
    return TRUE;
  pmss_pieces_init (&pieces, self, stream, self->now, self->filled);
  while (pmss_pieces_next (&pieces, &piece))
    if (!is_piece_idle (self, &piece, peak))
      return FALSE;
  return TRUE;
}

/* @load in one slot alone. */
static gboolean
is_node_full (PmssCalendar * self, guint id, PmssFailureLoad load,
    guint64 room, PmssCalendarBind * bind)
{
  const PmssNodePromises *node = pmss_calendar_get_node (self, id, &load.node);
  guint failed;

  if (node == NULL || load.units == 0)
    return FALSE;
  if (pmss_node_promises_is_full (node, load.slot, load.units, room, self->now)) {
    pmss_calendar_bind_set (bind, id, 0, load.slot);
    return TRUE;
  }
  if (self->failures == NULL || load.node >= PMSS_FAILURE_MAX_NODES
      || !pmss_failure_reserve_is_full (self->failures, &load, &failed))
    return FALSE;
  pmss_calendar_bind_set (bind, id, pmss_calendar_get_id (self, failed),
      load.slot);
  return TRUE;
}

/* TRUE, and @bind: what the stream takes in this slot alone is too much. */
static gboolean
is_blocked (PmssCalendar * self, const PmssCalendarStream * stream,
    guint64 slot, PmssCalendarBind * bind)
{
  PmssPieces pieces;
  PmssPiece piece;

  if (slot < stream->start)
    return FALSE;
  pmss_pieces_init (&pieces, self, stream, slot, slot + 1);
  while (pmss_pieces_next (&pieces, &piece))
    for (guint i = 0; i < piece_count (&piece); i++) {
      PmssFailureLoad load = {.slot = slot,.slots = 1 };
      guint64 room;
      guint id = piece_get (&piece, i, &load.units, &room);

      if (is_node_full (self, id, load, room, bind))
        return TRUE;
    }
  return FALSE;
}

/* Closer: it is written in and taken out again. */
static gboolean
try_stream (PmssCalendar * self, const PmssCalendarStream * stream,
    PmssCalendarBind * bind)
{
  PmssPieces pieces;
  PmssPiece piece;
  gboolean fits = TRUE;
  guint n = 0;

  pmss_pieces_init (&pieces, self, stream, self->now, self->filled);
  for (; fits && pmss_pieces_next (&pieces, &piece); n++)
    fits = pmss_calendar_add_piece (self, &piece, bind);
  pmss_pieces_init (&pieces, self, stream, self->now, self->filled);
  for (; n > 0 && pmss_pieces_next (&pieces, &piece); n--)
    pmss_calendar_take_piece (self, &piece);
  /* the piece that did not: in which of its slots */
  for (guint i = 0; !fits && i < piece.slots; i++)
    if (is_blocked (self, stream, piece.slot + i, bind))
      break;
  return fits;
}

static gboolean
fits (PmssCalendar * self, const PmssCalendarStream * stream,
    PmssCalendarBind * bind)
{
  return is_idle (self, stream) || try_stream (self, stream, bind);
}

gboolean
pmss_calendar_find (PmssCalendar * self, const PmssStreamPlan * plan,
    guint32 skip, guint weight, guint64 first, guint64 last, guint64 * start,
    PmssCalendarBind * bind)
{
  PmssCalendarStream stream = {.plan = plan,.skip = skip,
    .weight = MIN (weight, PMSS_CALENDAR_MOST)
  };
  guint64 end = self->now + PMSS_CALENDAR_SLOTS;
  PmssCalendarBind found = { 0 };

  first = MAX (first, self->now);
  end = MIN (end, MAX (last, first) + 1);
  *bind = found;
  for (stream.start = first; stream.start < end; stream.start++) {
    /* most often what was in the way still is */
    if (stream.start > first && is_blocked (self, &stream, found.slot, &found))
      continue;
    if (fits (self, &stream, &found)) {
      *start = stream.start;
      return TRUE;
    }
    if (stream.start == first)
      *bind = found;
  }
  return FALSE;
}

/* How many */

/* What the node has to do for those that are taken for gone. Without a reserve
 * for failures it is not known what moves where: in equal parts, then. */
static guint64
moved_to (const PmssCalendar * self, const guint * gone, guint n_gone,
    guint place, guint64 slot)
{
  guint64 units = 0;

  if (self->failures != NULL && place < PMSS_FAILURE_MAX_NODES)
    return pmss_failure_reserve_get_moved (self->failures, gone, n_gone,
        place, slot);
  for (guint i = 0; i < n_gone; i++) {
    const PmssNodePromises *node = g_ptr_array_index (self->nodes, gone[i]);

    units += node->promised[PMSS_RING_AT (slot)];
  }
  return units / MAX (self->nodes->len - n_gone, 1);
}

static gboolean
fits_beside (const PmssCalendar * self, const PmssPiece * piece, guint64 peak,
    const GArray * gone)
{
  for (guint i = 0; i < piece_count (piece); i++) {
    guint64 units, room;
    guint place;
    const PmssNodePromises *node = pmss_calendar_get_node (self,
        piece_get (piece, i, &units, &room), &place);

    if (node == NULL || units == 0 || node->limit == G_MAXUINT64)
      continue;
    if (piece->slots == 1)
      units = peak;
    for (guint64 slot = piece->slot; slot < piece->slot + piece->slots; slot++)
      if (node->promised[PMSS_RING_AT (slot)] + units + moved_to (self,
              (const guint *) gone->data, gone->len, place, slot) > node->limit)
        return FALSE;
  }
  return TRUE;
}

/* After a failure neither work ahead nor the next failure counts. */
static gboolean
fits_without (PmssCalendar * self, const PmssCalendarStream * stream,
    const GArray * without)
{
  g_autoptr (GArray) gone = g_array_new (FALSE, FALSE, sizeof (guint));
  guint64 peak = pmss_calendar_stream_get_peak (stream);
  PmssPieces pieces;
  PmssPiece piece;

  for (guint i = 0; i < without->len; i++) {
    guint place;

    if (pmss_calendar_get_node (self, g_array_index (without, guint, i),
            &place) != NULL)
      g_array_append_val (gone, place);
  }
  pmss_pieces_init (&pieces, self, stream, self->now, self->filled);
  pieces.without = without;
  while (pmss_pieces_next (&pieces, &piece))
    if (piece.lost > piece.spare || !fits_beside (self, &piece, peak, gone))
      return FALSE;
  return TRUE;
}

static gboolean
fit_so_many (PmssCalendar * self, const PmssStreamPlan * plan,
    const GArray * without, guint weight)
{
  const PmssCalendarStream stream = {.plan = plan,.start = self->now,
    .weight = weight
  };
  PmssCalendarBind bind;

  return without != NULL && without->len > 0
      ? fits_without (self, &stream, without) : fits (self, &stream, &bind);
}

guint
pmss_calendar_count_more (PmssCalendar * self, const PmssStreamPlan * plan,
    const GArray * without, guint most)
{
  guint64 fit = 0, above = 1;

  most = MIN (most, PMSS_CALENDAR_MOST);
  while (above <= most && fit_so_many (self, plan, without, (guint) above)) {
    fit = above;
    above *= 2;
  }
  above = MIN (above, (guint64) most + 1);
  while (above - fit > 1) {
    guint64 middle = (fit + above) / 2;

    if (fit_so_many (self, plan, without, (guint) middle))
      fit = middle;
    else
      above = middle;
  }
  return (guint) fit;
}
