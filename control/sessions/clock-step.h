/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssClockStep:
 *
 * Tells when a user or NTP set the clock while this process ran. The clock then went otherwise than
 * the monotonic one, which cannot be set. Begins as zeroes. Pure. Threads: its owner's.
 */
typedef struct
{
  gboolean known;
  gint64 offset;                /* µs, of the clock from the monotonic one */
} PmssClockStep;

/* By how many seconds the clock was set since the last time, both as of now in
 * µs; less than 0: back. */
gint64 pmss_clock_step_note (PmssClockStep *step, gint64 real, gint64 monotonic);

G_END_DECLS
