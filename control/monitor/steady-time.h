/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssSteadyTime:
 *
 * Names the seconds of the monotonic clock by the wall clock. Each second has one name, and no two
 * have the same, as long as the wall clock is not set: that it is disciplined moves no name. Where
 * it is set, all names follow, those of the past too. {0}: not yet begun. Pure.
 */
typedef struct
{
  gint64 offset;                /* s, wall less monotonic */
  gboolean begun;
} PmssSteadyTime;

/* Looks at both clocks, µs. */
void   pmss_steady_time_look (PmssSteadyTime *time, gint64 monotonic, gint64 wall);

G_END_DECLS
