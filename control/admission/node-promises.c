/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is promised of one node, slot by slot. One thread at a time. */
#include "control/admission/node-promises.h"

/* Slots after which the fullest one is looked for anew. */
#define FIND_MOST 64

/* The backlog of a slot is what has to be sent before it begins:
 *
 *   backlog[t] = max (0, backlog[t + 1] + promised[t] - limit)
 *
 * Clients have room for it if it is at most room[t], a part of what is due in t
 * itself. So whatever was sent ahead of t is due in t, and is worth the same
 * whosever it is: the sums are enough, and nothing is late. */

PmssNodePromises *
pmss_node_promises_new (guint id)
{
  PmssNodePromises *self = g_new0 (PmssNodePromises, 1);

  self->id = id;
  self->capacity = G_MAXUINT64;
  self->limit = G_MAXUINT64;
  self->promised = g_new0 (guint64, PMSS_RING_SLOTS);
  self->room = g_new0 (guint64, PMSS_RING_SLOTS);
  self->backlog = g_new0 (guint64, PMSS_RING_SLOTS);
  return self;
}

void
pmss_node_promises_free (PmssNodePromises * self)
{
  g_free (self->promised);
  g_free (self->room);
  g_free (self->backlog);
  g_free (self);
}

static guint64
backlog_of (const PmssNodePromises * self, guint64 slot, guint64 units)
{
  guint64 due = self->backlog[PMSS_RING_AT (slot + 1)]
      + self->promised[PMSS_RING_AT (slot)] + units;

  return due > self->limit ? due - self->limit : 0;
}

static guint64
room_of (const PmssNodePromises * self, guint64 slot, guint64 now)
{
  return slot > now ? self->room[PMSS_RING_AT (slot)] : self->ahead;
}

/* After a change of the slots @first..@last, and on to earlier ones as far as
 * they change. FALSE: there is more than room for it. */
static gboolean
update_backlog (PmssNodePromises * self, guint64 first, guint64 last,
    guint64 now)
{
  gboolean has_room = TRUE;

  for (guint64 slot = last + 1; slot > now; slot--) {
    guint64 *backlog = &self->backlog[PMSS_RING_AT (slot - 1)];
    guint64 changed = backlog_of (self, slot - 1, 0);

    if (slot - 1 < first && changed == *backlog)
      break;
    self->n_backlog += (changed > 0) - (*backlog > 0);
    *backlog = changed;
    has_room = has_room && changed <= room_of (self, slot - 1, now);
  }
  return has_room;
}

void
pmss_node_promises_set_limit (PmssNodePromises * self, guint64 limit,
    guint64 now)
{
  self->limit = limit;
  update_backlog (self, now, now + PMSS_RING_SLOTS - 2, now);
}

/* How many slots from the @done-th on lie side by side in the ring. */
static guint
count_beside (const PmssPromise * promise, guint done, guint * at)
{
  *at = PMSS_RING_AT (promise->slot + done);
  return MIN (promise->slots - done, PMSS_RING_SLOTS - *at);
}

static guint64
add_to_slots (PmssNodePromises * self, const PmssPromise * promise)
{
  guint64 most = 0;
  guint at, n;

  for (guint done = 0; done < promise->slots; done += n) {
    n = count_beside (promise, done, &at);
    for (guint i = at; i < at + n; i++) {
      self->promised[i] += promise->units;
      most = MAX (most, self->promised[i]);
    }
    for (guint i = at; i < at + n && promise->room > 0; i++)
      self->room[i] += promise->room;
  }
  return most;
}

gboolean
pmss_node_promises_add (PmssNodePromises * self, const PmssPromise * promise,
    guint64 now)
{
  guint64 most = add_to_slots (self, promise);

  self->most = MAX (self->most, most);
  if (most <= self->limit && self->n_backlog == 0)
    return TRUE;
  return update_backlog (self, promise->slot,
      promise->slot + promise->slots - 1, now);
}

void
pmss_node_promises_take (PmssNodePromises * self, const PmssPromise * promise,
    guint64 now)
{
  guint at, n;

  for (guint done = 0; done < promise->slots; done += n) {
    n = count_beside (promise, done, &at);
    for (guint i = at; i < at + n; i++)
      self->promised[i] -= promise->units;
    for (guint i = at; i < at + n && promise->room > 0; i++)
      self->room[i] -= promise->room;
  }
  if (self->n_backlog > 0)
    update_backlog (self, promise->slot, promise->slot + promise->slots - 1,
        now);
}

void
pmss_node_promises_forget_ahead (PmssNodePromises * self, guint64 units)
{
  self->ahead -= MIN (self->ahead, units);
}

gboolean
pmss_node_promises_is_idle (const PmssNodePromises * self,
    const PmssPromise * promise)
{
  guint64 most = 0;
  guint at, n;

  if (self->limit == G_MAXUINT64)
    return TRUE;
  for (guint done = 0; done < promise->slots; done += n) {
    n = count_beside (promise, done, &at);
    for (guint i = at; i < at + n; i++)
      most = MAX (most, self->promised[i]);
  }
  if (most + promise->units > self->limit)
    return FALSE;
  for (guint i = 0; i < promise->slots && self->n_backlog > 0; i++)
    if (self->backlog[PMSS_RING_AT (promise->slot + i + 1)] > 0)
      return FALSE;
  return TRUE;
}

gboolean
pmss_node_promises_has_plenty (const PmssNodePromises * self, guint64 units)
{
  return self->limit == G_MAXUINT64
      || (self->n_backlog == 0 && self->most + units <= self->limit);
}

gboolean
pmss_node_promises_is_full (const PmssNodePromises * self, guint64 slot,
    guint64 units, guint64 room, guint64 now)
{
  return backlog_of (self, slot, units) > room_of (self, slot, now) + room;
}

static void
end_slot (PmssNodePromises * self, guint64 slot)
{
  guint at = PMSS_RING_AT (slot);
  guint64 room = self->room[PMSS_RING_AT (slot + 1)];
  guint64 done = self->limit == G_MAXUINT64 ? room : self->ahead + self->limit;

  done -= MIN (done, self->limit == G_MAXUINT64 ? 0 : self->promised[at]);
  self->ahead = MIN (done, room);
  self->n_backlog -= self->backlog[at] > 0;
  self->promised[at] = self->room[at] = self->backlog[at] = 0;
}

void
pmss_node_promises_advance (PmssNodePromises * self, guint64 from, guint64 to)
{
  for (guint64 slot = from; slot < to; slot++)
    end_slot (self, slot);
  if (from / FIND_MOST == to / FIND_MOST)
    return;
  self->most = 0;
  for (guint i = 0; i < PMSS_RING_SLOTS; i++)
    self->most = MAX (self->most, self->promised[i]);
}

void
pmss_node_promises_clear (PmssNodePromises * self)
{
  for (guint i = 0; i < PMSS_RING_SLOTS; i++)
    self->promised[i] = self->room[i] = self->backlog[i] = 0;
  self->n_backlog = 0;
  self->most = 0;
  self->ahead = 0;
}
