/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of events as rows. */
#include "control/events/event-log.h"

/* Rows that go in one transaction: where the bound was lowered there may be many. */
#define PIECE 1000

#define COLUMNS "id, time, action, result, user, address, object, detail, status"
/* a user's own, since there is this account */
#define OWN " AND user = ?3 AND id > (SELECT events_after FROM user WHERE name = ?3)"

static gboolean
add_row (PmssDatabase * database, PmssEvent * event, GError ** error)
{
  if (!pmss_database_exec (database, error,
          "INSERT INTO event (time, action, result, user, address, object,"
          " detail, status, minor) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
          PMSS_INT (event->time), PMSS_TEXT (event->action),
          PMSS_TEXT (pmss_event_result_to_string (event->result)),
          PMSS_TEXT (event->user), PMSS_TEXT (event->address),
          PMSS_TEXT (event->object), PMSS_TEXT (event->detail),
          PMSS_INT (event->status), PMSS_INT (event->minor)))
    return FALSE;
  event->id = pmss_database_get_last_id (database);
  return TRUE;
}

/* As the transaction has it, before it is committed. */
static gboolean
count_rows (PmssDatabase * database, gboolean minor, gint64 * count,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT number FROM temp.tally WHERE kind = 'event' AND state = ?1",
      PMSS_TEXT (minor ? "1" : "0"));

  *count = pmss_rows_next (rows, &local) ? pmss_rows_int (rows, 0) : 0;
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
drop_oldest (PmssDatabase * database, gboolean minor, gint64 max,
    GError ** error)
{
  gint64 count;

  if (!count_rows (database, minor, &count, error))
    return FALSE;
  return count <= max || pmss_database_exec (database, error,
      "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE minor = ?1"
      " ORDER BY id LIMIT ?2)", PMSS_INT (minor),
      PMSS_INT (MIN (count - max, PIECE)));
}

gboolean
pmss_event_log_add (PmssDatabase * database, GPtrArray * events, guint max,
    GError ** error)
{
  for (guint i = 0; i < events->len; i++)
    if (!add_row (database, g_ptr_array_index (events, i), error))
      return FALSE;
  return drop_oldest (database, TRUE, max / 2, error)
      && drop_oldest (database, FALSE, max - max / 2, error);
}

typedef struct
{
  const PmssEventQuery *query;
  GPtrArray *list;
} ListCall;

static PmssEvent *
read_row (PmssRows * rows)
{
  PmssEvent event = {
    .id = pmss_rows_int (rows, 0),.time = pmss_rows_int (rows, 1),
    .action = pmss_rows_text (rows, 2),.user = pmss_rows_text (rows, 4),
    .address = pmss_rows_text (rows, 5),.object = pmss_rows_text (rows, 6),
    .detail = pmss_rows_text (rows, 7),.status = pmss_rows_int (rows, 8)
  };

  pmss_event_result_parse (pmss_rows_text (rows, 3), &event.result);
  return pmss_event_copy (&event);
}

static PmssRows *
query_rows (PmssDatabase * database, const PmssEventQuery * query)
{
  gboolean forth = query->after >= 0;
  const PmssValue *values = PMSS_VALUES (PMSS_INT (forth ? query->after :
          query->before), PMSS_INT (query->limit + 1), PMSS_TEXT (query->user));
  const PmssValue *all = PMSS_VALUES (PMSS_INT (forth ? query->after :
          query->before), PMSS_INT (query->limit + 1));

  if (query->user != NULL)
    return pmss_database_query_values (database, forth ?
        "SELECT " COLUMNS " FROM event WHERE id > ?1" OWN
        " ORDER BY id LIMIT ?2" :
        "SELECT " COLUMNS " FROM event WHERE id < ?1" OWN
        " ORDER BY id DESC LIMIT ?2", values);
  return pmss_database_query_values (database, forth ?
      "SELECT " COLUMNS " FROM event WHERE id > ?1 ORDER BY id LIMIT ?2" :
      "SELECT " COLUMNS " FROM event WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
      all);
}

static gboolean
list_rows (PmssDatabase * database, gpointer data, GError ** error)
{
  ListCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = query_rows (database, call->query);

  while (pmss_rows_next (rows, &local))
    g_ptr_array_add (call->list, read_row (rows));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static void
reverse (GPtrArray * list)
{
  for (guint i = 0; i < list->len / 2; i++) {
    gpointer swapped = list->pdata[i];

    list->pdata[i] = list->pdata[list->len - 1 - i];
    list->pdata[list->len - 1 - i] = swapped;
  }
}

GPtrArray *
pmss_event_log_list (PmssDatabase * database, const PmssEventQuery * query,
    gboolean * more, GError ** error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_event_free);
  ListCall call = { query, list };

  if (!pmss_database_read (database, list_rows, &call, error))
    return NULL;
  *more = list->len > query->limit;
  if (*more)
    g_ptr_array_set_size (list, (gint) query->limit);
  if (query->after < 0)
    reverse (list);
  return g_steal_pointer (&list);
}
