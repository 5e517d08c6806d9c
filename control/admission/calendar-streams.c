/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a stream takes of each node, written into the calendar and taken out.
 * One thread at a time. */
#include "control/admission/calendar-private.h"

guint64
pmss_calendar_stream_get_end (const PmssCalendarStream * stream)
{
  guint32 slots = pmss_stream_plan_get_slots (stream->plan);

  return stream->start + (slots > stream->skip ? slots - stream->skip : 0);
}

static guint64
units_of (guint64 bytes, guint weight)
{
  return (bytes + PMSS_PROMISE_UNIT - 1) / PMSS_PROMISE_UNIT * weight;
}

guint64
pmss_calendar_stream_get_peak (const PmssCalendarStream * stream)
{
  guint parts;
  guint64 bytes = pmss_stream_plan_get_peak (stream->plan, &parts);

  /* what is read and what would move are rounded up, in each part */
  return (bytes / PMSS_PROMISE_UNIT + 3 * (guint64) parts) * stream->weight;
}

void
pmss_pieces_init (PmssPieces * pieces, const PmssCalendar * calendar,
    const PmssCalendarStream * stream, guint64 from, guint64 end)
{
  guint64 skip;

  pieces->calendar = calendar;
  pieces->without = NULL;
  pieces->stream = *stream;
  pieces->from = MAX (from, stream->start);
  pieces->end = end;
  pieces->at = pieces->part_end = pieces->from;
  skip = pieces->from - stream->start + stream->skip;
  pmss_plan_walk_init (&pieces->walk, stream->plan,
      (guint32) MIN (skip, G_MAXUINT32));
}

static gboolean
take_part (PmssPieces * pieces)
{
  guint32 slot;

  if (pieces->from >= pieces->end
      || !pmss_plan_walk_next (&pieces->walk, &slot, &pieces->part))
    return FALSE;
  pieces->at = pieces->stream.start + (slot - pieces->stream.skip);
  pieces->part_end = MIN (pieces->at + pieces->part.slots, pieces->end);
  return pieces->at < pieces->end;
}

/* What lost data shards had is read from the parity shards, in equal parts. */
static void
share_lost (PmssPiece * piece, guint weight, guint64 ahead)
{
  const PmssPlanPart *part = &piece->part;
  guint64 bytes;

  piece->lost = piece->spare = 0;
  piece->parity_units = piece->parity_room = 0;
  for (guint i = 0; i < part->n_nodes; i++)
    piece->lost += part->nodes[i] == 0;
  for (guint i = 0; i < part->n_parity; i++)
    piece->spare += part->parity[i] != 0;
  if (piece->lost == 0 || piece->lost > piece->spare)
    return;
  bytes = part->bytes * piece->lost / piece->spare;
  piece->parity_units = units_of (bytes + 1, weight);
  piece->parity_room = MIN (ahead * piece->lost / piece->spare, bytes)
      / PMSS_PROMISE_UNIT * weight;
}

/* The part's ids, with 0 for those that are taken for gone. */
static void
leave_out (PmssPieces * pieces, PmssPlanPart * part)
{
  guint n = part->n_nodes + part->n_parity;

  if (pieces->without == NULL || n > PMSS_MAX_SHARDS)
    return;
  memcpy (pieces->ids, part->nodes, n * sizeof *pieces->ids);
  for (guint i = 0; i < n; i++)
    for (guint j = 0; j < pieces->without->len; j++)
      if (pieces->ids[i] == g_array_index (pieces->without, guint, j))
        pieces->ids[i] = 0;
  part->nodes = pieces->ids;
  part->parity = pieces->ids + part->n_nodes;
}

gboolean
pmss_pieces_next (PmssPieces * pieces, PmssPiece * piece)
{
  gboolean is_first;
  guint64 ahead;

  if (pieces->at >= pieces->part_end && !take_part (pieces))
    return FALSE;
  /* before the first slot its client does not read */
  is_first = pieces->at == pieces->stream.start;
  piece->slot = pieces->at;
  piece->slots = is_first ? 1 : (guint) (pieces->part_end - pieces->at);
  piece->part = pieces->part;
  leave_out (pieces, &piece->part);
  ahead = is_first || !pieces->calendar->rules.work_ahead
      ? 0 : piece->part.ahead;
  piece->units = units_of (piece->part.bytes, pieces->stream.weight);
  piece->room = ahead / PMSS_PROMISE_UNIT * pieces->stream.weight;
  share_lost (piece, pieces->stream.weight, ahead);
  pieces->at += piece->slots;
  return TRUE;
}

/* Where it is written */

void
pmss_calendar_bind_set (PmssCalendarBind * bind, guint node, guint failed,
    guint64 slot)
{
  bind->node = node;
  bind->failed = failed;
  bind->slot = slot;
}

static gboolean
has_reserve (const PmssCalendar * self, guint place)
{
  return self->failures != NULL && place < PMSS_FAILURE_MAX_NODES;
}

/* FALSE, and @bind: the load does not fit. */
static gboolean
note_failed (PmssCalendar * self, PmssFailureLoad load, guint id,
    PmssCalendarBind * bind)
{
  guint failed;

  load.units = 0;
  pmss_failure_reserve_is_full (self->failures, &load, &failed);
  pmss_calendar_bind_set (bind, id, pmss_calendar_get_id (self, failed),
      load.slot);
  return FALSE;
}

static gboolean
add_load (PmssCalendar * self, guint id, const PmssPromise * promise,
    PmssCalendarBind * bind)
{
  guint place;
  PmssNodePromises *node = pmss_calendar_want_node (self, id, &place);
  PmssFailureLoad load = {.slot = promise->slot,.slots = promise->slots,
    .node = place,.units = promise->units
  };
  gboolean fits, survives;

  if (node == NULL)
    return TRUE;
  fits = pmss_node_promises_add (node, promise, self->now);
  survives = !has_reserve (self, place)
      || pmss_failure_reserve_add (self->failures, &load);
  if (!fits)
    pmss_calendar_bind_set (bind, id, 0, promise->slot);
  else if (!survives)
    note_failed (self, load, id, bind);
  return fits && survives;
}

static void
take_load (PmssCalendar * self, guint id, const PmssPromise * promise)
{
  guint place;
  PmssNodePromises *node = pmss_calendar_get_node (self, id, &place);
  const PmssFailureLoad load = {.slot = promise->slot,.slots = promise->slots,
    .node = place,.units = promise->units
  };

  if (node == NULL)
    return;
  pmss_node_promises_take (node, promise, self->now);
  if (has_reserve (self, place))
    pmss_failure_reserve_take (self->failures, &load);
}

typedef gboolean (*MoveFunc) (PmssCalendar * self, guint failed, guint id,
    PmssFailureLoad * load, PmssCalendarBind * bind);

static gboolean
add_move (PmssCalendar * self, guint failed, guint id, PmssFailureLoad * load,
    PmssCalendarBind * bind)
{
  if (pmss_failure_reserve_add_move (self->failures, failed, load))
    return TRUE;
  return note_failed (self, *load, id, bind);
}

static gboolean
take_move (PmssCalendar * self, guint failed, guint id, PmssFailureLoad * load,
    PmssCalendarBind * bind)
{
  pmss_failure_reserve_take_move (self->failures, failed, load);
  return TRUE;
}

/* If the node @failed fails, the others with parity get so much each. */
static gboolean
move_to_parity (PmssCalendar * self, const PmssPiece * piece, guint failed,
    guint64 units, MoveFunc move, PmssCalendarBind * bind)
{
  PmssFailureLoad load = {.slot = piece->slot,.slots = piece->slots,
    .units = units
  };
  gboolean fits = TRUE;
  guint from;

  if (failed == 0 || pmss_calendar_get_node (self, failed, &from) == NULL
      || !has_reserve (self, from))
    return TRUE;
  for (guint i = 0; i < piece->part.n_parity; i++) {
    guint id = piece->part.parity[i];

    if (id == 0 || id == failed
        || pmss_calendar_want_node (self, id, &load.node) == NULL
        || !has_reserve (self, load.node))
      continue;
    fits = move (self, from, id, &load, bind) && fits;
  }
  return fits;
}

static guint64
share_of (guint64 units, guint n)
{
  return (units + n - 1) / n;
}

/* What would move if a node failed. Where that leaves too few shards nothing
 * moves: the stream ends. */
static gboolean
move_piece (PmssCalendar * self, const PmssPiece * piece, MoveFunc move,
    PmssCalendarBind * bind)
{
  const PmssPlanPart *part = &piece->part;
  gboolean fits = TRUE;

  if (self->failures == NULL || piece->lost >= piece->spare)
    return TRUE;
  for (guint i = 0; i < part->n_nodes; i++)
    fits = move_to_parity (self, piece, part->nodes[i],
        share_of (piece->units, piece->spare), move, bind) && fits;
  for (guint i = 0; i < part->n_parity && piece->lost > 0; i++)
    fits = move_to_parity (self, piece, part->parity[i],
        share_of (piece->parity_units, piece->spare - 1), move, bind) && fits;
  return fits;
}

gboolean
pmss_calendar_add_piece (PmssCalendar * self, const PmssPiece * piece,
    PmssCalendarBind * bind)
{
  const PmssPlanPart *part = &piece->part;
  const PmssPromise data = { piece->slot, piece->slots, piece->units,
    piece->room
  };
  const PmssPromise parity = { piece->slot, piece->slots,
    piece->parity_units, piece->parity_room
  };
  gboolean fits = TRUE;

  for (guint i = 0; i < part->n_nodes; i++)
    fits = (part->nodes[i] == 0
        || add_load (self, part->nodes[i], &data, bind)) && fits;
  for (guint i = 0; i < part->n_parity && piece->parity_units > 0; i++)
    fits = (part->parity[i] == 0
        || add_load (self, part->parity[i], &parity, bind)) && fits;
  return move_piece (self, piece, add_move, bind) && fits;
}

void
pmss_calendar_take_piece (PmssCalendar * self, const PmssPiece * piece)
{
  const PmssPlanPart *part = &piece->part;
  const PmssPromise data = { piece->slot, piece->slots, piece->units,
    piece->room
  };
  const PmssPromise parity = { piece->slot, piece->slots,
    piece->parity_units, piece->parity_room
  };

  for (guint i = 0; i < part->n_nodes; i++)
    if (part->nodes[i] != 0)
      take_load (self, part->nodes[i], &data);
  for (guint i = 0; i < part->n_parity && piece->parity_units > 0; i++)
    if (part->parity[i] != 0)
      take_load (self, part->parity[i], &parity);
  move_piece (self, piece, take_move, NULL);
}
