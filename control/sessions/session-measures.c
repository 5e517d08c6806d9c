/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What readers tell of their sessions, and what follows from it for what was promised to them. Any
 * thread. */
#include "control/sessions/sessions-private.h"

#include "control/admission/admission.h"

gint64
pmss_sessions_get_start_in (PmssSessions * self, const char *id)
{
  return self->admission != NULL
      ? pmss_admission_get_start_in (self->admission, id) : 0;
}

PmssMeasure *
pmss_sessions_get_measure (PmssSessions * self, const char *id)
{
  return pmss_measures_get (self->measures, id);
}

/* Where a session's plan would have begun. */
typedef struct
{
  char *id;
  gint64 begun;                 /* seconds since 1970 */
} Move;

static void
free_move (gpointer data)
{
  g_free (((Move *) data)->id);
  g_free (data);
}

static gboolean
write_move (PmssDatabase * database, gpointer data, GError ** error)
{
  const Move *move = data;

  return pmss_database_exec (database, error,
      "UPDATE session SET begun = ?2 WHERE id = ?1 AND begun IS NOT NULL",
      PMSS_TEXT (move->id), PMSS_INT (move->begun));
}

/* A control server that starts anew finds it there. */
static void
keep_move (PmssSessions * self, const char *id, gint64 passed)
{
  Move *move = g_new0 (Move, 1);

  move->id = g_strdup (id);
  move->begun = g_get_real_time () / G_USEC_PER_SEC - passed;
  if (pmss_database_transact_within (self->database, 0, write_move, move,
          free_move, NULL))
    free_move (move);
}

void
pmss_sessions_note_measure (PmssSessions * self, const char *id,
    const PmssMeasure * told)
{
  gint64 passed;

  pmss_measures_note (self->measures, id, told, g_get_monotonic_time ());
  if (self->admission == NULL)
    return;
  if (told == NULL)
    pmss_admission_renew (self->admission, id);
  else if (pmss_admission_note (self->admission, id, told->position,
          told->idle, &passed))
    keep_move (self, id, passed);
}
