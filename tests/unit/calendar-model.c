/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "calendar-model.h"

#define UNIT 64
#define LONG_SLOT 8
/* No plan of the model is longer. */
#define WINDOW 256

/* What one part of a stream takes of one node in one slot. */
typedef struct
{
  guint32 slot;                 /* of the plan */
  guint node;
  guint failed;                 /* 0: it does so anyway; else if that one fails */
  guint64 bytes, units;
  guint64 ahead;                /* bytes */
} ModelShare;

static guint64
units_of (guint64 bytes)
{
  return (bytes + UNIT - 1) / UNIT;
}

static void
add_share (GArray * shares, guint32 slot, guint node, guint failed,
    guint64 bytes, guint64 units, guint64 ahead)
{
  const ModelShare share = {.slot = slot,.node = node,.failed = failed,
    .bytes = bytes,.units = units,.ahead = ahead
  };

  if (node != 0 && node != failed)
    g_array_append_val (shares, share);
}

static guint
count_lost (const guint32 * ids, guint n)
{
  guint lost = 0;

  for (guint i = 0; i < n; i++)
    lost += ids[i] == 0;
  return lost;
}

static void
add_part (GArray * shares, guint32 slot, const PmssPlanPart * part)
{
  guint lost = count_lost (part->nodes, part->n_nodes);
  guint spare = part->n_parity - count_lost (part->parity, part->n_parity);
  guint64 units = units_of (part->bytes);
  guint64 moved = 0, moved_units = 0;

  for (guint i = 0; i < part->n_nodes; i++)
    add_share (shares, slot, part->nodes[i], 0, part->bytes, units,
        part->ahead);
  if (lost > 0 && lost <= spare) {
    moved = part->bytes * lost / spare;
    moved_units = units_of (moved + 1);
    for (guint i = 0; i < part->n_parity; i++)
      add_share (shares, slot, part->parity[i], 0, moved, moved_units,
          MIN (part->ahead * lost / spare, moved));
  }
  for (guint i = 0; i < part->n_parity && lost < spare; i++) {
    for (guint j = 0; j < part->n_nodes; j++)
      if (part->nodes[j] != 0)
        add_share (shares, slot, part->parity[i], part->nodes[j], 0,
            (units + spare - 1) / spare, 0);
    for (guint j = 0; j < part->n_parity && lost > 0; j++)
      if (part->parity[j] != 0)
        add_share (shares, slot, part->parity[i], part->parity[j], 0,
            (moved_units + spare - 2) / (spare - 1), 0);
  }
}

static GArray *
expand (const PmssStreamPlan * plan)
{
  GArray *shares = g_array_new (FALSE, FALSE, sizeof (ModelShare));
  PmssPlanWalk walk;
  PmssPlanPart part;
  guint32 slot;

  pmss_plan_walk_init (&walk, plan, 0);
  while (pmss_plan_walk_next (&walk, &slot, &part))
    for (guint32 i = 0; i < part.slots; i++)
      add_part (shares, slot + i, &part);
  return shares;
}

CalendarModel *
calendar_model_new (const PmssCalendarRules * rules, guint64 now,
    guint64 capacity)
{
  CalendarModel *self = g_new0 (CalendarModel, 1);

  self->rules = *rules;
  self->now = now;
  self->calendar = pmss_calendar_new (rules, now);
  self->streams = g_ptr_array_new ();
  for (guint node = 1; node <= MODEL_NODES; node++) {
    self->capacity[node] = capacity;
    pmss_calendar_set_node (self->calendar, node, capacity);
  }
  return self;
}

static ModelStream *
stream_new (PmssStreamPlan * plan, guint32 skip, guint64 start, guint64 now)
{
  ModelStream *stream = g_new0 (ModelStream, 1);

  stream->plan = pmss_stream_plan_ref (plan);
  stream->skip = skip;
  stream->start = start;
  stream->from = MAX (start, now);
  stream->until = G_MAXUINT64;
  stream->shares = expand (plan);
  return stream;
}

static void
stream_free (ModelStream * stream)
{
  pmss_stream_plan_unref (stream->plan);
  g_array_unref (stream->shares);
  g_free (stream);
}

void
calendar_model_free (CalendarModel * self)
{
  for (guint i = 0; i < self->streams->len; i++)
    stream_free (g_ptr_array_index (self->streams, i));
  g_ptr_array_unref (self->streams);
  pmss_calendar_free (self->calendar);
  g_free (self);
}

/* Sums */

typedef struct
{
  guint64 due, room;            /* units */
} ModelSlot;

typedef struct
{
  ModelSlot slots[MODEL_NODES + 1][WINDOW];     /* from now on */
  /* of long slots, the present one first: by node, and if which one fails */
  guint64 moved[MODEL_NODES + 1][MODEL_NODES + 1][WINDOW / LONG_SLOT + 2];
} ModelSums;

static void
add_stream (const CalendarModel * self, const ModelStream * stream,
    ModelSums * sums)
{
  for (guint i = 0; i < stream->shares->len; i++) {
    const ModelShare *share = &g_array_index (stream->shares, ModelShare, i);
    guint64 slot = stream->start + share->slot - stream->skip;
    ModelSlot *sum;

    if (share->slot < stream->skip || slot < stream->from
        || slot >= stream->until)
      continue;
    if (slot / LONG_SLOT >= self->now / LONG_SLOT)
      sums->moved[share->node][share->failed]
          [slot / LONG_SLOT - self->now / LONG_SLOT] += share->units;
    if (slot < self->now || share->failed != 0)
      continue;
    g_assert_cmpuint (slot, <, self->now + WINDOW);
    sum = &sums->slots[share->node][slot - self->now];
    sum->due += share->units;
    if (slot != stream->start && self->rules.work_ahead)
      sum->room += share->ahead / UNIT;
  }
}

static ModelSums *
add_up (const CalendarModel * self)
{
  ModelSums *sums = g_new0 (ModelSums, 1);

  for (guint i = 0; i < self->streams->len; i++)
    add_stream (self, g_ptr_array_index (self->streams, i), sums);
  return sums;
}

static guint64
limit_of (const CalendarModel * self, guint node)
{
  return (guint64) ((self->capacity[node] / UNIT) * (1 - self->rules.reserve));
}

static gboolean
node_fits (const CalendarModel * self, const ModelSums * sums, guint node)
{
  guint64 backlog = 0;

  for (guint i = WINDOW; i-- > 0;) {
    const ModelSlot *slot = &sums->slots[node][i];
    guint64 due = backlog + slot->due;
    guint64 limit = limit_of (self, node);

    backlog = due > limit ? due - limit : 0;
    if (backlog > (i > 0 ? slot->room : self->ahead[node]))
      return FALSE;
  }
  for (guint failed = 1; failed <= MODEL_NODES && self->rules.survive_failure;
      failed++)
    for (guint i = 0; i < WINDOW / LONG_SLOT + 2; i++)
      if (sums->moved[node][0][i] + sums->moved[node][failed][i]
          > self->capacity[node] / UNIT * LONG_SLOT)
        return FALSE;
  return TRUE;
}

gboolean
calendar_model_fits (CalendarModel * self, PmssStreamPlan * plan, guint32 skip,
    guint64 start)
{
  ModelStream *stream = stream_new (plan, skip, start, self->now);
  g_autofree ModelSums *sums = add_up (self);
  gboolean fits = TRUE;

  add_stream (self, stream, sums);
  stream_free (stream);
  for (guint node = 1; node <= MODEL_NODES && fits; node++)
    fits = node_fits (self, sums, node);
  return fits;
}

ModelStream *
calendar_model_reserve (CalendarModel * self, PmssStreamPlan * plan,
    guint32 skip, guint64 start)
{
  ModelStream *stream = stream_new (plan, skip, start, self->now);

  stream->reservation = pmss_calendar_reserve (self->calendar, plan, skip,
      start);
  g_ptr_array_add (self->streams, stream);
  return stream;
}

void
calendar_model_release (CalendarModel * self, ModelStream * stream)
{
  for (guint i = 0; i < stream->shares->len; i++) {
    const ModelShare *share = &g_array_index (stream->shares, ModelShare, i);
    guint64 slot = stream->start + share->slot - stream->skip;
    guint64 room = share->ahead / UNIT;

    if (share->slot >= stream->skip && slot == self->now
        && slot != stream->start && share->failed == 0
        && self->rules.work_ahead)
      self->ahead[share->node] -= MIN (self->ahead[share->node], room);
  }
  stream->until = self->now;
  pmss_calendar_release (self->calendar, stream->reservation);
  stream->reservation = NULL;
}

/* Nodes that send */

/* Bytes of the stream that are due in a slot, and that it may have before. */
static void
stream_due (const ModelStream * stream, guint64 slot, guint node,
    double *due, double *room)
{
  *due = *room = 0;
  for (guint i = 0; i < stream->shares->len; i++) {
    const ModelShare *share = &g_array_index (stream->shares, ModelShare, i);

    if (share->node != node || share->failed != 0 || slot < stream->from
        || slot >= stream->until || share->slot < stream->skip
        || stream->start + share->slot - stream->skip != slot)
      continue;
    *due += share->bytes;
    *room += slot > stream->start ? share->ahead : 0;
  }
}

static void
send_slot (CalendarModel * self, guint node, guint first, gboolean ahead)
{
  double left = limit_of (self, node) * UNIT;
  double due, room;

  for (guint i = 0; i < self->streams->len; i++) {
    ModelStream *stream = g_ptr_array_index (self->streams, i);

    stream_due (stream, self->now, node, &due, &room);
    left -= MAX (due - stream->ahead[node], 0);
    stream->ahead[node] = 0;
  }
  g_assert_cmpfloat (left, >=, -0.001);
  for (guint i = 0; i < self->streams->len && ahead; i++) {
    ModelStream *stream = g_ptr_array_index (self->streams,
        (i + first) % self->streams->len);

    stream_due (stream, self->now + 1, node, &due, &room);
    stream->ahead[node] = MIN (room, left);
    left -= stream->ahead[node];
  }
}

void
calendar_model_step (CalendarModel * self, GRand * rand)
{
  g_autofree ModelSums *sums = add_up (self);

  for (guint node = 1; node <= MODEL_NODES; node++) {
    guint64 can = self->ahead[node] + limit_of (self, node);
    guint64 due = sums->slots[node][0].due;

    send_slot (self, node, g_rand_int (rand) % 100, self->rules.work_ahead);
    self->ahead[node] = MIN (can > due ? can - due : 0,
        sums->slots[node][1].room);
  }
  self->now++;
  pmss_calendar_advance (self->calendar, self->now);
}

void
calendar_model_compare (CalendarModel * self)
{
  g_autofree ModelSums *sums = add_up (self);

  for (guint node = 1; node <= MODEL_NODES; node++)
    for (guint i = 0; i < WINDOW; i++)
      g_assert_cmpuint (pmss_calendar_get_promised (self->calendar, node,
              self->now + i), ==, sums->slots[node][i].due * UNIT);
}

/* Media */

static PmssEnvelope *
make_envelope (GRand * rand, guint most_slots)
{
  guint n = (guint) g_rand_int_range (rand, 1, (gint) most_slots);
  g_autofree guint64 *demand = g_new (guint64, n);
  guint rate = (guint) g_rand_int_range (rand, 100, 20000);
  guint64 size = 0;

  for (guint i = 0; i < n; i++) {
    guint factor = g_rand_int_range (rand, 0, 6) == 0 ? 5 : 1;

    demand[i] = (guint64) g_rand_int_range (rand, 1, (gint) (rate * factor));
    size += demand[i];
  }
  return pmss_envelope_smooth (demand, n, pmss_envelope_buffer_for (size, n));
}

static void
make_places (GRand * rand, guint32 * places, guint n, gboolean with_losses)
{
  guint32 ids[MODEL_NODES];

  for (guint i = 0; i < MODEL_NODES; i++)
    ids[i] = i + 1;
  for (guint i = 0; i < n; i++) {
    guint j = (guint) g_rand_int_range (rand, (gint) i, MODEL_NODES);
    guint32 id = ids[j];

    ids[j] = ids[i];
    ids[i] = id;
    places[i] = with_losses && g_rand_int_range (rand, 0, 8) == 0 ? 0 : id;
  }
}

PmssStreamPlan *
calendar_model_make_plan (GRand * rand, guint most_slots, gboolean with_losses)
{
  g_autoptr (PmssEnvelope) envelope = make_envelope (rand, most_slots);
  guint k = (guint) g_rand_int_range (rand, 1, 5);
  guint m = (guint) g_rand_int_range (rand, 0, 3);
  guint64 extent = (guint64) g_rand_int_range (rand, 3000, 100000);
  guint n = (guint) (pmss_envelope_get_bytes (envelope) / extent + 1);
  g_autofree guint32 *places = g_new (guint32, (k + m) * n);

  for (guint i = 0; i < n; i++)
    make_places (rand, places + (k + m) * i, k + m, with_losses);
  return pmss_stream_plan_new (envelope, extent, k, m, places, n,
      g_rand_double_range (rand, 1, 1.1));
}
