/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The simulated clock. */
#include "sim-clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* us; not 0, which means "never" in places */
#define BEGIN (1000 * G_USEC_PER_SEC)

struct _SimEvent
{
  gint64 time;
  guint64 number;
  SimFunc func;                 /* NULL: cancelled */
  gpointer data;
};

static struct
{
  gboolean runs;
  gint64 now;
  gint64 until;                 /* of this turn */
  guint64 count;
  guint64 wakeups;
  GPtrArray *heap;              /* of SimEvent, the first on top */
} sim_time;

/* GLib asks for the time here, too: the program's own functions come before the C library's. */
int
clock_gettime (clockid_t id, struct timespec *out)
{
  if (!sim_time.runs || id != CLOCK_MONOTONIC)
    return (int) syscall (SYS_clock_gettime, id, out);
  out->tv_sec = sim_time.now / G_USEC_PER_SEC;
  out->tv_nsec = sim_time.now % G_USEC_PER_SEC * 1000;
  return 0;
}

void
sim_clock_begin (void)
{
  sim_time.runs = TRUE;
  sim_time.now = BEGIN;
  sim_time.count = sim_time.wakeups = 0;
  sim_time.heap = g_ptr_array_new_with_free_func (g_free);
}

void
sim_clock_end (void)
{
  sim_time.runs = FALSE;
  g_clear_pointer (&sim_time.heap, g_ptr_array_unref);
}

gint64
sim_clock_now (void)
{
  return sim_time.now;
}

gint64
sim_clock_since_begin (void)
{
  return sim_time.now - BEGIN;
}

/* --- The heap --- */

static gboolean
is_before (const SimEvent * a, const SimEvent * b)
{
  return a->time < b->time || (a->time == b->time && a->number < b->number);
}

static void
swap (guint i, guint j)
{
  gpointer event = sim_time.heap->pdata[i];

  sim_time.heap->pdata[i] = sim_time.heap->pdata[j];
  sim_time.heap->pdata[j] = event;
}

static void
sift_up (guint i)
{
  while (i > 0 && is_before (sim_time.heap->pdata[i],
          sim_time.heap->pdata[(i - 1) / 2])) {
    swap (i, (i - 1) / 2);
    i = (i - 1) / 2;
  }
}

static void
sift_down (guint i)
{
  for (;;) {
    guint first = i;

    for (guint child = 2 * i + 1; child <= 2 * i + 2; child++)
      if (child < sim_time.heap->len && is_before (sim_time.heap->pdata[child],
              sim_time.heap->pdata[first]))
        first = child;
    if (first == i)
      return;
    swap (i, first);
    i = first;
  }
}

static SimEvent *
pop (void)
{
  SimEvent *event;

  swap (0, sim_time.heap->len - 1);
  event = g_ptr_array_steal_index (sim_time.heap, sim_time.heap->len - 1);
  sift_down (0);
  return event;
}

static SimEvent *
peek (void)
{
  while (sim_time.heap->len > 0) {
    SimEvent *event = sim_time.heap->pdata[0];

    if (event->func != NULL)
      return event;
    g_free (pop ());
  }
  return NULL;
}

SimEvent *
sim_clock_at (gint64 time, SimFunc func, gpointer data)
{
  SimEvent *event = g_new (SimEvent, 1);

  *event = (SimEvent) {
  MAX (time, sim_time.now), sim_time.count++, func, data};
  g_ptr_array_add (sim_time.heap, event);
  sift_up (sim_time.heap->len - 1);
  return event;
}

SimEvent *
sim_clock_after (gint64 us, SimFunc func, gpointer data)
{
  return sim_clock_at (sim_time.now + us, func, data);
}

void
sim_clock_cancel (SimEvent * event)
{
  event->func = NULL;
}

/* --- Turns --- */

/* In place of poll(): nothing comes from outside, so the time goes on. */
static gint
pass_time (GPollFD * fds, guint n_fds, gint timeout)
{
  SimEvent *next = peek ();
  gint64 time =
      timeout <
      0 ? G_MAXINT64 : sim_time.now + timeout * G_TIME_SPAN_MILLISECOND;
  gboolean is_timer = timeout > 0;

  if (timeout == 0)
    return 0;
  if (next != NULL && next->time <= time) {
    time = next->time;
    is_timer = FALSE;
  }
  if (sim_time.until <= time) {
    time = sim_time.until;
    is_timer = FALSE;
  }
  sim_time.wakeups += is_timer;
  sim_time.now = MAX (sim_time.now, time);
  return 0;
}

void
sim_clock_adopt (GMainContext * context)
{
  g_main_context_set_poll_func (context, pass_time);
}

gboolean
sim_clock_turn (GMainContext * context, gint64 until)
{
  SimEvent *event;

  sim_time.until = until;
  g_main_context_iteration (context, TRUE);
  event = peek ();
  if (event != NULL && event->time <= sim_time.now) {
    SimFunc func = event->func;
    gpointer data = event->data;

    g_free (pop ());
    func (data);
  }
  return sim_time.now < until;
}

guint64
sim_clock_get_wakeups (void)
{
  return sim_time.wakeups;
}
