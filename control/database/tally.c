/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many rows there are of a kind: counted once, at the start, and along with each change; a copy in memory is read by any thread. */
#include "control/database/database-private.h"

#include <string.h>

/* In the temporary schema: it goes with the connection, and a transaction that is rolled back takes its counts along. */
#define TABLE "CREATE TEMP TABLE tally (kind TEXT NOT NULL, state TEXT NOT NULL," \
  " number INTEGER NOT NULL, PRIMARY KEY (kind, state)) WITHOUT ROWID;"

#define ADD(kind, state) "INSERT OR IGNORE INTO tally VALUES ('" kind "', " state ", 0);" \
  "UPDATE tally SET number = number + 1 WHERE kind = '" kind "' AND state = " state ";"
#define TAKE(kind, state) "UPDATE tally SET number = number - 1" \
  " WHERE kind = '" kind "' AND state = " state ";"

#define COUNT_ROWS(kind, new_state, old_state) \
  "CREATE TEMP TRIGGER tally_" kind "_new AFTER INSERT ON main." kind \
  " BEGIN " ADD (kind, new_state) " END;" \
  "CREATE TEMP TRIGGER tally_" kind "_gone AFTER DELETE ON main." kind \
  " BEGIN " TAKE (kind, old_state) " END;"

#define COUNT_STATES(kind) \
  "INSERT INTO tally SELECT '" kind "', state, count(*) FROM main." kind " GROUP BY state;" \
  COUNT_ROWS (kind, "new.state", "old.state") \
  "CREATE TEMP TRIGGER tally_" kind "_state AFTER UPDATE OF state ON main." kind \
  " BEGIN " TAKE (kind, "old.state") ADD (kind, "new.state") " END;"

/* Of what a known token says of its user. */
#define COUNT_RIGHTS(table, event) \
  "CREATE TEMP TRIGGER tally_rights_" table "_" event " AFTER " event " ON main." table \
  " BEGIN UPDATE tally SET number = number + 1 WHERE kind = 'rights'; END;"

#define COUNT_ALL(kind) \
  "INSERT INTO tally SELECT '" kind "', '', count(*) FROM main." kind ";" \
  COUNT_ROWS (kind, "''", "''")

static const char script[] = TABLE COUNT_STATES ("medium")
    COUNT_STATES ("job")
    COUNT_ALL ("pending_deletion")
    COUNT_ALL ("session")
    COUNT_ALL ("bad_shard")
    "INSERT INTO tally SELECT 'event', minor, count(*) FROM main.event GROUP BY minor;"
    COUNT_ROWS ("event", "new.minor", "old.minor")
    "INSERT INTO tally VALUES ('rights', '', 1);"
    COUNT_RIGHTS ("user", "UPDATE")
    COUNT_RIGHTS ("user", "DELETE")
    COUNT_RIGHTS ("api_token", "UPDATE")
    COUNT_RIGHTS ("api_token", "DELETE")
    "INSERT INTO tally SELECT 'revocation', '', ifnull(max(id), 0) FROM main.revocation;"
    "CREATE TEMP TRIGGER tally_revocation_new AFTER INSERT ON main.revocation"
    " BEGIN UPDATE tally SET number = new.id WHERE kind = 'revocation'; END;";

     void pmss_tally_init (PmssDatabase * self)
{
  g_mutex_init (&self->tally_lock);
  self->tally = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

void
pmss_tally_clear (PmssDatabase * self)
{
  g_hash_table_unref (self->tally);
  g_mutex_clear (&self->tally_lock);
}

gboolean
pmss_tally_start (PmssDatabase * self, GError ** error)
{
  if (!pmss_database_run_script (self, script, error))
    return FALSE;
  pmss_tally_read (self);
  return TRUE;
}

void
pmss_tally_read (PmssDatabase * self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (self,
      "SELECT kind || '/' || state, number FROM temp.tally");

  g_mutex_lock (&self->tally_lock);
  while (pmss_rows_next (rows, &error)) {
    gint64 *number = g_hash_table_lookup (self->tally, pmss_rows_text (rows,
            0));

    if (number == NULL) {
      number = g_new0 (gint64, 1);
      g_hash_table_insert (self->tally, g_strdup (pmss_rows_text (rows, 0)),
          number);
    }
    *number = pmss_rows_int (rows, 1);
  }
  /* it says what memory of it is good for no more */
  if (error != NULL)
    g_hash_table_remove (self->tally, "rights/");
  g_mutex_unlock (&self->tally_lock);
  if (error != NULL)
    g_warning ("Cannot read the counters: %s", error->message);
}

gint64
pmss_database_get_tally (PmssDatabase * self, const char *kind,
    const char *state)
{
  g_autofree char *key = g_strconcat (kind, "/", state, NULL);
  gint64 *found, number;

  g_mutex_lock (&self->tally_lock);
  found = g_hash_table_lookup (self->tally, key);
  number = found != NULL ? *found : 0;
  g_mutex_unlock (&self->tally_lock);
  return number;
}

static gint
compare_states (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

void
pmss_database_each_tally (PmssDatabase * self, const char *kind,
    PmssDatabaseTallyFunc func, gpointer user_data)
{
  g_autofree char *prefix = g_strconcat (kind, "/", NULL);
  g_autoptr (GPtrArray) states = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer key;

  g_mutex_lock (&self->tally_lock);
  g_hash_table_iter_init (&iter, self->tally);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (g_str_has_prefix (key, prefix))
      g_ptr_array_add (states, g_strdup ((char *) key + strlen (prefix)));
  g_mutex_unlock (&self->tally_lock);
  g_ptr_array_sort (states, compare_states);
  for (guint i = 0; i < states->len; i++)
    func (g_ptr_array_index (states, i), pmss_database_get_tally (self, kind,
            g_ptr_array_index (states, i)), user_data);
}
