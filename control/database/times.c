/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long the database thread is occupied in one piece. Written by that thread, read by any. */

#include "control/database/database-private.h"

void
pmss_times_note (PmssDatabase * self, PmssPiece piece, gint64 spent)
{
  static const gint64 bounds[] = { PMSS_PIECE_BOUNDS };
  guint i = 0;

  while (i < G_N_ELEMENTS (bounds) && spent > bounds[i])
    i++;
  g_mutex_lock (&self->tally_lock);
  self->times.number[piece][i]++;
  self->times.spent[piece] += spent;
  g_mutex_unlock (&self->tally_lock);
}

void
pmss_database_get_times (PmssDatabase * self, PmssDatabaseTimes * times)
{
  g_mutex_lock (&self->tally_lock);
  *times = self->times;
  g_mutex_unlock (&self->tally_lock);
}
