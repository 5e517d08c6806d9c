/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the nodes could send when control looked last, as rows: a server that has started knows it
 * before their first heartbeats. Any thread. */
#include "control/admission/admission-private.h"

#include "control/database/database.h"

static gboolean
write_row (PmssDatabase * database, const CapacityRow * row, GError ** error)
{
  if (row->bytes == PMSS_CALENDAR_NO_LIMIT)
    return pmss_database_exec (database, error,
        "DELETE FROM node_capacity WHERE node = ?1", PMSS_INT (row->node));
  /* the node may have been removed since */
  return pmss_database_exec (database, error,
      "INSERT INTO node_capacity (node, bytes, resource)"
      " SELECT id, ?2, ?3 FROM node WHERE id = ?1"
      " ON CONFLICT (node) DO UPDATE SET bytes = excluded.bytes,"
      " resource = excluded.resource", PMSS_INT (row->node),
      PMSS_INT (row->bytes), PMSS_INT (row->resource));
}

static gboolean
write_rows (PmssDatabase * database, gpointer data, GError ** error)
{
  const GArray *rows = data;

  for (guint i = 0; i < rows->len; i++)
    if (!write_row (database, &g_array_index (rows, CapacityRow, i), error))
      return FALSE;
  return TRUE;
}

static void
free_rows (gpointer rows)
{
  g_array_unref (rows);
}

void
pmss_admission_write_capacities (PmssDatabase * database, GArray * rows)
{
  if (rows->len == 0
      || pmss_database_transact_within (database, 0, write_rows, rows,
          free_rows, NULL))
    g_array_unref (rows);
}

static gboolean
read_rows (PmssDatabase * database, gpointer data, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT node, bytes, resource FROM node_capacity WHERE bytes >= 0"
      " AND resource BETWEEN 1 AND ?1", PMSS_INT (PMSS_N_RESOURCES - 1));

  while (pmss_rows_next (rows, &local)) {
    CapacityRow row = {
      .node = (guint) pmss_rows_int (rows, 0),
      .bytes = (guint64) pmss_rows_int (rows, 1),
      .resource = (PmssResource) pmss_rows_int (rows, 2)
    };

    g_array_append_val ((GArray *) data, row);
  }
  return pmss_rows_end (g_steal_pointer (&local), error);
}

GArray *
pmss_admission_read_capacities (PmssDatabase * database, GError ** error)
{
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (CapacityRow));

  if (!pmss_database_read (database, read_rows, rows, error))
    return NULL;
  return g_steal_pointer (&rows);
}
