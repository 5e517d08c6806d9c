/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams that were let in, and those that are not. Any thread. */
#include "control/admission/admission-private.h"

#include "control/config.h"
#include "control/events/events.h"
#include "libpmss/pmss-error.h"

#define SLOT_US (PMSS_SLOT * G_USEC_PER_SEC)
/* A row's lease is of whole seconds: the promise outlasts it. */
#define LEASE_ROUNDING G_USEC_PER_SEC
#define MOST_FULL 256           /* plans of which it is remembered that they do not fit */
/* Slots in which a start is looked for: an hour. */
#define AHEAD (3600 / PMSS_SLOT)
#define SLOT_NS (PMSS_SLOT * G_GINT64_CONSTANT (1000000000))

/* That a plan does not fit, as long as nothing gives room back. */
typedef struct
{
  PmssStreamPlan *plan;
  guint64 changes, slot;
  PmssCalendarBind bind;
  guint64 start;                /* G_MAXUINT64: none within the calendar */
} Full;

static const char *const policies[] = { "on", "peak", "off" };

const char *
pmss_admission_policy_to_string (PmssAdmissionPolicy policy)
{
  return policies[policy];
}

gboolean
pmss_admission_policy_parse (const char *text, gpointer policy, GError ** error)
{
  for (guint i = 0; i < G_N_ELEMENTS (policies); i++) {
    if (g_str_equal (text, policies[i])) {
      *(PmssAdmissionPolicy *) policy = i;
      return TRUE;
    }
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "“%s” is neither on, peak nor off", text);
  return FALSE;
}

gboolean
pmss_admission_reserve_parse (const char *text, gpointer reserve,
    GError ** error)
{
  char *end;
  double value = g_ascii_strtod (text, &end);

  if (g_ascii_isdigit (*text) && *end == '\0' && value >= 0 && value <= 0.9) {
    *(double *) reserve = value;
    return TRUE;
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "“%s” is no number from 0 to 0.9", text);
  return FALSE;
}

static void
free_full (gpointer data)
{
  Full *full = data;

  pmss_stream_plan_unref (full->plan);
  g_free (full);
}

static void
free_promise (gpointer data)
{
  Promise *promise = data;

  pmss_stream_plan_unref (promise->plan);
  g_free (promise);
}

static guint64
get_slot (void)
{
  return (guint64) (g_get_monotonic_time () / SLOT_US);
}

PmssAdmission *
pmss_admission_new (PmssControlContext * context)
{
  const PmssControlConfig *config = context->config;
  PmssAdmission *self = g_new0 (PmssAdmission, 1);
  const PmssCalendarRules rules = {
    .reserve = config->admission_reserve,
    .survive_failure = config->admission_failures,
    .work_ahead = TRUE
  };

  self->context = context;
  self->policy = config->admission;
  self->longest_wait = (gint64) config->admission_wait * 1000000000;
  self->lease = (gint64) config->lease * G_USEC_PER_SEC;
  self->plans = pmss_plans_new (context->database, context->catalog,
      self->policy == PMSS_ADMISSION_PEAK, PMSS_PLANS_MOST);
  g_mutex_init (&self->lock);
  self->calendar = pmss_calendar_new (&rules, get_slot ());
  self->promises = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_promise);
  self->full = g_hash_table_new_full (NULL, NULL, NULL, free_full);
  self->nodes = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return self;
}

static gboolean
take_back (gpointer session, gpointer data, gpointer admission)
{
  Promise *promise = data;

  if (promise->reservation != NULL)
    pmss_calendar_release (((PmssAdmission *) admission)->calendar,
        g_steal_pointer (&promise->reservation));
  ((PmssAdmission *) admission)->changes++;
  return TRUE;
}

void
pmss_admission_free (PmssAdmission * self)
{
  g_hash_table_foreach_remove (self->promises, take_back, self);
  g_hash_table_unref (self->promises);
  g_hash_table_unref (self->full);
  g_hash_table_unref (self->nodes);
  pmss_calendar_free (self->calendar);
  pmss_plans_free (self->plans);
  g_mutex_clear (&self->lock);
  g_free (self);
}

PmssPlans *
pmss_admission_get_plans (PmssAdmission * self)
{
  return self->plans;
}

guint64
pmss_admission_now_locked (PmssAdmission * self)
{
  guint64 slot = get_slot ();

  pmss_calendar_advance (self->calendar, slot);
  return slot;
}

/* ns */
static gint64
get_time_to (guint64 slot)
{
  gint64 at = (gint64) slot * SLOT_US;

  return MAX (0, at - g_get_monotonic_time ()) * 1000;
}

/* --- Promises --- */

static void
drop_locked (PmssAdmission * self, const char *session)
{
  Promise *promise = g_hash_table_lookup (self->promises, session);

  if (promise == NULL)
    return;
  take_back (NULL, promise, self);
  g_hash_table_remove (self->promises, session);
}

Promise *
pmss_admission_add_locked (PmssAdmission * self, const char *session,
    PmssStreamPlan * plan)
{
  Promise *promise = g_new0 (Promise, 1);

  drop_locked (self, session);
  promise->serial = ++self->serial;
  promise->plan = pmss_stream_plan_ref (plan);
  promise->until = g_get_monotonic_time () + self->lease + LEASE_ROUNDING;
  g_hash_table_insert (self->promises, g_strdup (session), promise);
  return promise;
}

void
pmss_admission_write_locked (PmssAdmission * self, Promise * promise,
    guint32 skip, guint64 start)
{
  take_back (NULL, promise, self);
  promise->progress.held = TRUE;
  promise->progress.start = start;
  promise->progress.skip = skip;
  promise->reservation = pmss_calendar_reserve (self->calendar, promise->plan,
      skip, start);
}

void
pmss_admission_release (PmssAdmission * self, const char *session)
{
  g_mutex_lock (&self->lock);
  drop_locked (self, session);
  g_mutex_unlock (&self->lock);
}

void
pmss_admission_undo (PmssAdmission * self, const char *session, guint64 serial)
{
  Promise *promise;

  g_mutex_lock (&self->lock);
  promise = g_hash_table_lookup (self->promises, session);
  if (promise != NULL && promise->serial == serial)
    drop_locked (self, session);
  g_mutex_unlock (&self->lock);
}

gint64
pmss_admission_get_start_in (PmssAdmission * self, const char *session)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  Promise *promise = g_hash_table_lookup (self->promises, session);

  return promise != NULL ? get_time_to (promise->progress.start) : 0;
}

/* --- Who is let in --- */

static Full *
remember_locked (PmssAdmission * self, PmssStreamPlan * plan)
{
  Full *full = g_hash_table_lookup (self->full, plan);

  if (full != NULL)
    return full;
  if (g_hash_table_size (self->full) >= MOST_FULL)
    g_hash_table_remove_all (self->full);
  full = g_new0 (Full, 1);
  full->plan = pmss_stream_plan_ref (plan);
  g_hash_table_insert (self->full, plan, full);
  return full;
}

/* The first slot from @from on in which it fits, as far as is looked. */
static void
look_ahead_locked (PmssAdmission * self, Full * full, guint64 from)
{
  PmssCalendarBind bind;
  guint64 last = full->slot + AHEAD;

  if (from > last || !pmss_calendar_find (self->calendar, full->plan, 0, 1,
          from, last, &full->start, &bind))
    full->start = G_MAXUINT64;
}

/* What is in the way now, and when it would fit; NULL: it fits. Who asks again and again is
 * answered without a look at the calendar. @last: slot; a start up to it is going to be
 * granted. */
static const Full *
find_full_locked (PmssAdmission * self, PmssStreamPlan * plan, guint64 now,
    guint64 last)
{
  Full *full = g_hash_table_lookup (self->full, plan);
  PmssCalendarBind bind;
  guint64 start;

  if (full != NULL && full->slot == now && full->changes == self->changes) {
    /* others may have taken that start meanwhile */
    if (full->start <= last)
      look_ahead_locked (self, full, full->start);
    return full;
  }
  if (pmss_calendar_find (self->calendar, plan, 0, 1, now, now, &start, &bind))
    return NULL;
  full = remember_locked (self, plan);
  full->slot = now;
  full->changes = self->changes;
  full->bind = bind;
  look_ahead_locked (self, full, now + 1);
  return full;
}

static PmssResource
get_resource_locked (PmssAdmission * self, guint node)
{
  NodeEntry *entry = g_hash_table_lookup (self->nodes, GUINT_TO_POINTER (node));
  PmssResource resource = PMSS_RESOURCE_NONE;

  if (entry != NULL)
    pmss_capacity_get (&entry->capacity, &resource);
  return resource;
}

/* FALSE: not within @wait (ns). */
static gboolean
find_start_locked (PmssAdmission * self, PmssStreamPlan * plan, guint64 now,
    gint64 wait, guint64 * start, PmssRefusal * refusal)
{
  guint64 last = now + (guint64) CLAMP (wait, 0, self->longest_wait) / SLOT_NS;
  const Full *full = NULL;

  if (self->policy != PMSS_ADMISSION_OFF)
    full = find_full_locked (self, plan, now, last);
  *start = full != NULL ? full->start : now;
  if (*start <= last)
    return TRUE;
  refusal->node = full->bind.node;
  refusal->resource = get_resource_locked (self, full->bind.node);
  refusal->start_in = *start == G_MAXUINT64 ? -1 : get_time_to (*start);
  refusal->retry_after = pmss_refusal_spread (refusal->start_in,
      self->refused++);
  return FALSE;
}

gboolean
pmss_admission_admit (PmssAdmission * self, const char *session,
    PmssStreamPlan * plan, gint64 max_wait, PmssPromise * given,
    PmssRefusal * refusal)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  guint64 now = pmss_admission_now_locked (self), start;
  Promise *promise;

  if (!find_start_locked (self, plan, now, max_wait, &start, refusal))
    return FALSE;
  promise = pmss_admission_add_locked (self, session, plan);
  pmss_admission_write_locked (self, promise, 0, start);
  given->serial = promise->serial;
  given->start_in = start > now ? get_time_to (start) : 0;
  return TRUE;
}

/* --- Renewals --- */

static Promise *
renew_locked (PmssAdmission * self, const char *session)
{
  Promise *promise = g_hash_table_lookup (self->promises, session);

  if (promise != NULL)
    promise->until = g_get_monotonic_time () + self->lease + LEASE_ROUNDING;
  return promise;
}

void
pmss_admission_renew (PmssAdmission * self, const char *session)
{
  g_mutex_lock (&self->lock);
  renew_locked (self, session);
  g_mutex_unlock (&self->lock);
}

/* A stream that was let in is not refused a seek: what does not fit goes into the reserve. Returns
 * the node that is promised too much then; 0: it fits. */
static guint
move_locked (PmssAdmission * self, Promise * promise, guint32 skip, guint64 now)
{
  PmssCalendarBind bind = { 0 };
  guint64 start;
  gboolean fits;

  take_back (NULL, promise, self);
  fits = pmss_calendar_find (self->calendar, promise->plan, skip, 1, now, now,
      &start, &bind);
  pmss_admission_write_locked (self, promise, skip, now);
  return fits || self->policy == PMSS_ADMISSION_OFF ? 0 : bind.node;
}

/* @node: as move_locked() has it. */
static gboolean
note_locked (PmssAdmission * self, Promise * promise, gint64 position,
    gboolean idle, gint64 * begun, guint * node)
{
  guint64 now = pmss_admission_now_locked (self);
  guint32 skip = 0;

  /* plans of the highest rate are not made of the file's bytes */
  if (self->policy == PMSS_ADMISSION_PEAK)
    position = -1;

  switch (pmss_progress_note (&promise->progress, promise->plan, now, position,
          idle, &skip)) {
    case PMSS_PROGRESS_MOVES:
      *node = move_locked (self, promise, skip, now);
      *begun = (gint64) skip *PMSS_SLOT;

      return TRUE;
    case PMSS_PROGRESS_RESTS:
      take_back (NULL, promise, self);
      promise->progress.held = FALSE;
      return FALSE;
    case PMSS_PROGRESS_GOES_ON:
    default:
      return FALSE;
  }
}

static void
tell_moved (PmssAdmission * self, const char *session, guint node)
{
  g_autofree char *object = g_strdup_printf ("%u", node);
  g_autofree char *detail = g_strdup_printf ("%s goes on elsewhere than "
      "planned: node %u has promised more than it should", session, node);
  const PmssEvent event = {
    .action = "session reserve",.object = object,.detail = detail,
    .frequent = TRUE,.minor = TRUE
  };

  pmss_events_note (self->context->events, &event);
}

gboolean
pmss_admission_note (PmssAdmission * self, const char *session,
    gint64 position, gboolean idle, gint64 * begun)
{
  gboolean moved = FALSE;
  guint node = 0;
  Promise *promise;

  g_mutex_lock (&self->lock);
  promise = renew_locked (self, session);
  if (promise != NULL)
    moved = note_locked (self, promise, position, idle, begun, &node);
  g_mutex_unlock (&self->lock);
  if (node != 0)
    tell_moved (self, session, node);
  return moved;
}

/* --- Time --- */

static gboolean
has_ended (gpointer session, gpointer data, gpointer admission)
{
  Promise *promise = data;

  if (promise->until > g_get_monotonic_time ())
    return FALSE;
  return take_back (session, promise, admission);
}

static gboolean
is_past (gpointer plan, gpointer full, gpointer now)
{
  return ((Full *) full)->slot != *(guint64 *) now;
}

void
pmss_admission_tick (PmssAdmission * self)
{
  guint64 now;

  pmss_admission_look_at_nodes (self);
  g_mutex_lock (&self->lock);
  now = pmss_admission_now_locked (self);
  g_hash_table_foreach_remove (self->full, is_past, &now);
  g_hash_table_foreach_remove (self->promises, has_ended, self);
  g_mutex_unlock (&self->lock);
}

guint
pmss_admission_count_more (PmssAdmission * self, const PmssStreamPlan * plan,
    const GArray * without, guint most)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  pmss_admission_now_locked (self);
  return pmss_calendar_count_more (self->calendar, plan, without, most);
}
