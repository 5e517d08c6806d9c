/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was promised before this server started, out of the sessions' rows. At the start. */
#include "control/admission/admission-private.h"

#include <string.h>

#include "control/database/database.h"
#include "libpmss/pmss-error.h"

typedef struct
{
  char *session;
  gint64 medium;
  PmssVersionId version;
  gint64 generation;
  gint64 passed;                /* s since its plan began; less than 0: it is to begin */
} Row;

static void
clear_row (gpointer data)
{
  g_free (((Row *) data)->session);
}

static gboolean
read_rows (PmssDatabase * database, gpointer list, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT s.id, s.medium, s.version, v.generation, unixepoch () - s.begun"
      " FROM session s JOIN version v ON v.id = s.version"
      " WHERE s.begun IS NOT NULL AND s.expires > unixepoch ()"
      " ORDER BY s.begun, s.id");

  while (pmss_rows_next (rows, &local)) {
    Row row = {
      .session = g_strdup (pmss_rows_text (rows, 0)),
      .medium = pmss_rows_int (rows, 1),
      .generation = pmss_rows_int (rows, 3),
      .passed = pmss_rows_int (rows, 4)
    };
    gsize length;
    const void *version = pmss_rows_blob (rows, 2, &length);

    memcpy (row.version.bytes, version, MIN (length,
            sizeof (row.version.bytes)));
    g_array_append_val ((GArray *) list, row);
  }
  return pmss_rows_end (g_steal_pointer (&local), error);
}

static PmssStreamPlan *
get_plan (PmssAdmission * self, const Row * row, GError ** error)
{
  PmssStreamPlan *plan;
  g_autoptr (PmssMedium) medium = NULL;

  if (pmss_plans_find (self->plans, &row->version, row->generation, &plan))
    return plan;
  medium = pmss_catalog_get_medium_by_id (self->context->catalog, row->medium,
      error);
  if (medium == NULL || !pmss_plans_load (self->plans, medium, &row->version,
          &plan, error))
    return NULL;
  return plan;
}

/* A clock that was set while no server ran does not put a stream further away than one may wait. */
static void
write_locked (PmssAdmission * self, const Row * row, PmssStreamPlan * plan)
{
  guint64 now = pmss_admission_now_locked (self);
  gint64 most = self->longest_wait / 1000000000;
  Promise *promise = pmss_admission_add_locked (self, row->session, plan);
  guint64 slots = pmss_stream_plan_get_slots (plan);
  guint64 ahead = (guint64) MAX (0, MIN (-row->passed, most)) / PMSS_SLOT;
  guint64 skip = (guint64) MAX (0, row->passed) / PMSS_SLOT;

  if (skip < slots) {
    pmss_admission_write_locked (self, promise, (guint32) skip, now + ahead);
  } else {
    promise->progress.held = TRUE;
    promise->progress.start = now;
    promise->progress.skip = (guint32) slots - 1;
  }
}

/* What cannot be read is of one medium: its streams go on without a promise. */
static void
restore_row (PmssAdmission * self, const Row * row)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssStreamPlan) plan = get_plan (self, row, &error);

  if (plan == NULL) {
    if (error != NULL)
      g_warning ("What session %s needs is not known: %s", row->session,
          error->message);
    return;
  }
  g_mutex_lock (&self->lock);
  write_locked (self, row, plan);
  g_mutex_unlock (&self->lock);
}

static gboolean
restore_capacities (PmssAdmission * self, GError ** error)
{
  g_autoptr (GArray) rows =
      pmss_admission_read_capacities (self->context->database, error);

  if (rows == NULL)
    return FALSE;
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < rows->len; i++) {
    const CapacityRow *row = &g_array_index (rows, CapacityRow, i);
    NodeEntry *entry = pmss_admission_get_node_locked (self, row->node);

    pmss_capacity_restore (&entry->capacity, row->resource, row->bytes);
    entry->written = row->bytes;
    pmss_calendar_set_node (self->calendar, row->node, row->bytes);
  }
  g_mutex_unlock (&self->lock);
  return TRUE;
}

gboolean
pmss_admission_restore (PmssAdmission * self, GError ** error)
{
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (Row));

  g_array_set_clear_func (rows, clear_row);
  if (!restore_capacities (self, error)
      || !pmss_database_read (self->context->database, read_rows, rows, error))
    return FALSE;
  for (guint i = 0; i < rows->len; i++)
    restore_row (self, &g_array_index (rows, Row, i));
  return TRUE;
}
