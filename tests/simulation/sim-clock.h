/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The simulated clock, and what is to happen in the simulated world.
 *
 * One at a time, in one thread. While it runs, CLOCK_MONOTONIC of this process is the simulated
 * time: GLib's and the reader's. It stands still while code runs, and jumps to the next thing
 * that is due: an event here, or a source of the main context. */

typedef void (*SimFunc) (gpointer data);
typedef struct _SimEvent SimEvent;

void      sim_clock_begin       (void);
/* Forgets events that have not happened. The time is the machine's again. */
void      sim_clock_end         (void);
/* us, as g_get_monotonic_time(). */
gint64    sim_clock_now         (void);
gint64    sim_clock_since_begin (void);

/* Calls @func at @time, at once if that has passed; what is due together happens in the order in
 * which it was asked for. The event is valid until it has happened or is cancelled. */
SimEvent *sim_clock_at          (gint64 time, SimFunc func, gpointer data);
SimEvent *sim_clock_after       (gint64 us, SimFunc func, gpointer data);
void      sim_clock_cancel      (SimEvent *event);

/* Gives @context's sources their turns, and lets one event happen. Without either the time goes on,
 * to @until at most. FALSE: that is reached. */
gboolean  sim_clock_turn        (GMainContext *context, gint64 until);
/* @context takes its turns by this clock from now on. */
void      sim_clock_adopt       (GMainContext *context);

/* How often the time stood still for a source of the context, not for an event: the process was
 * woken by a timer of its own. */
guint64   sim_clock_get_wakeups (void);

G_END_DECLS
