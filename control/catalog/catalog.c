/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Media, by name and id. Any thread; runs on the database thread. */
#include "control/catalog/catalog-private.h"

#include <string.h>

#include "control/catalog/catalog-demand.h"

/* The columns of read_medium(), in its order. A medium's version is its ready one, its job its newest one. */
#define MEDIUM_COLUMNS \
  "m.id, m.name, m.state, m.title, m.content_type, m.size, m.sha256, " \
  "m.k, m.m, m.keep_original, m.container, m.duration_ns, m.avg_bitrate, " \
  "m.peak_bitrate_1s, m.peak_bitrate_10s, m.streams, m.tags, m.created, " \
  "m.updated, " \
  "(SELECT v.id FROM version v WHERE v.medium = m.id AND v.state = 'ready'), " \
  "(SELECT max(j.id) FROM job j WHERE j.medium = m.id), " \
  "(SELECT a.summary FROM artwork a WHERE a.medium = m.id)"

static const char *const medium_states[] = {
  [PMSS_MEDIUM_UPLOADING] = "uploading",
  [PMSS_MEDIUM_INGESTING] = "ingesting",
  [PMSS_MEDIUM_READY] = "ready",
  [PMSS_MEDIUM_FAILED] = "failed",
  [PMSS_MEDIUM_DELETING] = "deleting",
};

static const struct
{
  PmssMediumState from, to;
} allowed[] = {
  {PMSS_MEDIUM_UPLOADING, PMSS_MEDIUM_INGESTING},
  {PMSS_MEDIUM_INGESTING, PMSS_MEDIUM_FAILED},
  {PMSS_MEDIUM_FAILED, PMSS_MEDIUM_INGESTING},
};

/* What a function on the database thread needs and gives. */
typedef struct
{
  PmssMedium *medium;
  gint64 id;
  const char *name;
  const char *new_name;
  PmssMediumState from, to;
  const char *prefix, *after;
  guint limit;
  GPtrArray *list;
  char *next;
} MediumCall;

PmssCatalog *
pmss_catalog_new (PmssDatabase * database)
{
  PmssCatalog *self = g_new0 (PmssCatalog, 1);

  self->database = database;
  g_mutex_init (&self->nodes_lock);
  self->version_nodes = pmss_catalog_new_version_nodes ();
  return self;
}

void
pmss_catalog_free (PmssCatalog * self)
{
  g_hash_table_unref (self->version_nodes);
  g_mutex_clear (&self->nodes_lock);
  g_free (self);
}

const char *
pmss_medium_state_to_string (PmssMediumState state)
{
  return medium_states[state];
}

PmssMedium *
pmss_medium_new (void)
{
  PmssMedium *medium = g_new0 (PmssMedium, 1);

  medium->size = medium->duration_ns = -1;
  medium->avg_bitrate = -1;
  medium->peak_bitrate_1s = medium->peak_bitrate_10s = -1;
  return medium;
}

void
pmss_medium_free (PmssMedium * medium)
{
  g_free (medium->name);
  g_free (medium->title);
  g_free (medium->content_type);
  g_free (medium->sha256);
  g_free (medium->container);
  g_free (medium->streams);
  g_free (medium->tags);
  g_free (medium->artwork);
  g_clear_pointer (&medium->envelope, pmss_envelope_free);
  g_free (medium);
}

gboolean
pmss_catalog_check_changed (PmssDatabase * database, GError ** error,
    PmssError code, const char *text)
{
  if (pmss_database_get_changes (database) > 0)
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, code, text);
  return FALSE;
}

gboolean
pmss_catalog_parse_medium_state (const char *text, PmssMediumState * state,
    GError ** error)
{
  for (guint i = 0; i < G_N_ELEMENTS (medium_states); i++) {
    if (g_strcmp0 (text, medium_states[i]) == 0) {
      *state = i;
      return TRUE;
    }
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "The catalog has a medium in the state “%s”", text);
  return FALSE;
}

static PmssMedium *
read_medium (PmssRows * rows, GError ** error)
{
  g_autoptr (PmssMedium) medium = pmss_medium_new ();

  medium->id = pmss_rows_int (rows, 0);
  medium->name = g_strdup (pmss_rows_text (rows, 1));
  if (!pmss_catalog_parse_medium_state (pmss_rows_text (rows, 2),
          &medium->state, error))
    return NULL;
  medium->title = g_strdup (pmss_rows_text (rows, 3));
  medium->content_type = g_strdup (pmss_rows_text (rows, 4));
  medium->size = pmss_rows_int_or_unknown (rows, 5);
  medium->sha256 = g_strdup (pmss_rows_text (rows, 6));
  medium->redundancy.k = (guint8) pmss_rows_int (rows, 7);
  medium->redundancy.m = (guint8) pmss_rows_int (rows, 8);
  medium->keep_original = pmss_rows_int (rows, 9) != 0;
  medium->container = g_strdup (pmss_rows_text (rows, 10));
  medium->duration_ns = pmss_rows_int_or_unknown (rows, 11);
  medium->avg_bitrate = pmss_rows_int_or_unknown (rows, 12);
  medium->peak_bitrate_1s = pmss_rows_int_or_unknown (rows, 13);
  medium->peak_bitrate_10s = pmss_rows_int_or_unknown (rows, 14);
  medium->streams = g_strdup (pmss_rows_text (rows, 15));
  medium->tags = g_strdup (pmss_rows_text (rows, 16));
  medium->created = pmss_rows_int (rows, 17);
  medium->updated = pmss_rows_int (rows, 18);
  medium->has_version = !pmss_rows_is_null (rows, 19);
  medium->job = pmss_rows_int (rows, 20);
  medium->artwork = g_strdup (pmss_rows_text (rows, 21));
  if (medium->has_version
      && !pmss_catalog_column_version (rows, 19, &medium->version, error))
    return NULL;
  return g_steal_pointer (&medium);
}

static void
set_taken (const char *name, GError ** error)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_EXISTS,
      "There is a medium called “%s” already", name);
}

static gboolean
add_medium (PmssDatabase * database, gpointer data, GError ** error)
{
  PmssMedium *m = ((MediumCall *) data)->medium;
  g_autoptr (GError) local = NULL;

  m->created = m->updated = g_get_real_time () / G_USEC_PER_SEC;
  if (pmss_database_exec (database, &local,
          "INSERT INTO medium (name, state, title, content_type, size, sha256,"
          " k, m, keep_original, container, duration_ns, avg_bitrate,"
          " peak_bitrate_1s, peak_bitrate_10s, streams, tags, created, updated)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
          " ?14, ?15, ?16, ?17, ?17)",
          PMSS_TEXT (m->name), PMSS_TEXT (medium_states[m->state]),
          PMSS_TEXT (m->title), PMSS_TEXT (m->content_type),
          PMSS_INT_OR_NULL (m->size), PMSS_TEXT (m->sha256),
          PMSS_INT (m->redundancy.k), PMSS_INT (m->redundancy.m),
          PMSS_INT (m->keep_original ? 1 : 0), PMSS_TEXT (m->container),
          PMSS_INT_OR_NULL (m->duration_ns),
          PMSS_INT_OR_NULL (m->avg_bitrate),
          PMSS_INT_OR_NULL (m->peak_bitrate_1s),
          PMSS_INT_OR_NULL (m->peak_bitrate_10s), PMSS_TEXT (m->streams),
          PMSS_TEXT (m->tags), PMSS_INT (m->created))) {
    m->id = pmss_database_get_last_id (database);
    return pmss_catalog_index_text (database, m->id, error);
  }
  if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_EXISTS))
    set_taken (m->name, error);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_catalog_add_medium (PmssCatalog * self, PmssMedium * medium,
    GError ** error)
{
  MediumCall call = {.medium = medium };

  return pmss_database_transact (self->database, add_medium, &call, error);
}

static gboolean
take_one (MediumCall * call, PmssRows * rows, GError ** error)
{
  g_autoptr (GError) local = NULL;

  if (pmss_rows_next (rows, &local)) {
    call->medium = read_medium (rows, error);
    return call->medium != NULL;
  }
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
  } else if (call->name != NULL) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "There is no medium called “%s”", call->name);
  } else {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "There is no medium %" G_GINT64_FORMAT, call->id);
  }
  return FALSE;
}

static gboolean
get_by_name (PmssDatabase * database, gpointer data, GError ** error)
{
  MediumCall *call = data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " MEDIUM_COLUMNS " FROM medium m"
      " WHERE m.name = ?1 AND m.state <> 'deleting'", PMSS_TEXT (call->name));

  return take_one (call, rows, error);
}

PmssMedium *
pmss_catalog_get_medium (PmssCatalog * self, const char *name, GError ** error)
{
  MediumCall call = {.name = name };

  if (!pmss_database_read (self->database, get_by_name, &call, error))
    return NULL;
  return call.medium;
}

gboolean
pmss_catalog_check_name (PmssCatalog * self, const char *name, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssMedium) medium = pmss_catalog_get_medium (self, name, &local);

  if (medium != NULL)
    set_taken (name, error);
  else if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND))
    return TRUE;
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
get_by_id (PmssDatabase * database, gpointer data, GError ** error)
{
  MediumCall *call = data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " MEDIUM_COLUMNS " FROM medium m WHERE m.id = ?1",
      PMSS_INT (call->id));

  return take_one (call, rows, error);
}

PmssMedium *
pmss_catalog_read_medium (PmssDatabase * database, gint64 id, GError ** error)
{
  MediumCall call = {.id = id };

  return get_by_id (database, &call, error) ? call.medium : NULL;
}

PmssMedium *
pmss_catalog_get_ready_medium (PmssCatalog * self, const char *name,
    GError ** error)
{
  g_autoptr (PmssMedium) medium = pmss_catalog_get_medium (self, name, error);

  if (medium == NULL)
    return NULL;
  if (medium->state == PMSS_MEDIUM_READY && medium->has_version)
    return g_steal_pointer (&medium);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "“%s” is not ready but %s", medium->name,
      pmss_medium_state_to_string (medium->state));
  return NULL;
}

PmssMedium *
pmss_catalog_get_medium_by_id (PmssCatalog * self, gint64 id, GError ** error)
{
  MediumCall call = {.id = id };

  if (!pmss_database_read (self->database, get_by_id, &call, error))
    return NULL;
  return call.medium;
}

/* One bound: of two SQLite would seek to one, and step over all rows up to the other.
 * One row more than asked for tells whether there is a next page. */
static PmssRows *
query_media (PmssDatabase * database, const MediumCall * call)
{
  gint64 limit = (gint64) call->limit + 1;

  if (strcmp (call->after, call->prefix) >= 0)
    return pmss_database_query (database,
        "SELECT " MEDIUM_COLUMNS " FROM medium m"
        " WHERE m.state <> 'deleting' AND m.name > ?1"
        " ORDER BY m.name LIMIT ?2", PMSS_TEXT (call->after), PMSS_INT (limit));
  return pmss_database_query (database,
      "SELECT " MEDIUM_COLUMNS " FROM medium m"
      " WHERE m.state <> 'deleting' AND m.name >= ?1"
      " ORDER BY m.name LIMIT ?2", PMSS_TEXT (call->prefix), PMSS_INT (limit));
}

/* Names with a common prefix are neighbours in byte order: the walk begins at the prefix (or after @after) and ends at the first name without it. */
static gboolean
list_media (PmssDatabase * database, gpointer data, GError ** error)
{
  MediumCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = query_media (database, call);

  while (pmss_rows_next (rows, &local)) {
    PmssMedium *medium;

    if (!g_str_has_prefix (pmss_rows_text (rows, 1), call->prefix))
      return TRUE;
    if (call->list->len == call->limit) {
      PmssMedium *last = g_ptr_array_index (call->list, call->limit - 1);

      call->next = g_strdup (last->name);
      return TRUE;
    }
    medium = read_medium (rows, error);
    if (medium == NULL)
      return FALSE;
    g_ptr_array_add (call->list, medium);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GPtrArray *
pmss_catalog_list_media (PmssCatalog * self, const char *prefix,
    const char *after, guint limit, char **next, GError ** error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_medium_free);
  MediumCall call = {
    .prefix = prefix != NULL ? prefix : "",
    .after = after != NULL ? after : "",
    .limit = MAX (limit, 1),
    .list = list,
  };

  if (!pmss_database_read (self->database, list_media, &call, error))
    return NULL;
  *next = call.next;
  return g_steal_pointer (&list);
}

static gboolean
update_medium (PmssDatabase * database, gpointer data, GError ** error)
{
  const PmssMedium *m = ((MediumCall *) data)->medium;

  return pmss_database_exec (database, error,
      "UPDATE medium SET title = ?2, content_type = ?3, size = ?4,"
      " sha256 = ?5, container = ?6, duration_ns = ?7, avg_bitrate = ?8,"
      " peak_bitrate_1s = ?9, peak_bitrate_10s = ?10, streams = ?11,"
      " tags = ?12, updated = unixepoch () WHERE id = ?1",
      PMSS_INT (m->id), PMSS_TEXT (m->title), PMSS_TEXT (m->content_type),
      PMSS_INT_OR_NULL (m->size), PMSS_TEXT (m->sha256),
      PMSS_TEXT (m->container), PMSS_INT_OR_NULL (m->duration_ns),
      PMSS_INT_OR_NULL (m->avg_bitrate),
      PMSS_INT_OR_NULL (m->peak_bitrate_1s),
      PMSS_INT_OR_NULL (m->peak_bitrate_10s), PMSS_TEXT (m->streams),
      PMSS_TEXT (m->tags))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_NOT_FOUND,
      "The medium is gone")
      && pmss_catalog_write_demand (database, m, error)
      && pmss_catalog_index_text (database, m->id, error);
}

gboolean
pmss_catalog_update_medium (PmssCatalog * self, const PmssMedium * medium,
    GError ** error)
{
  MediumCall call = {.medium = (PmssMedium *) medium };

  return pmss_database_transact (self->database, update_medium, &call, error);
}

/* What is being uploaded is found again by its name. */
static gboolean
check_renamable (const PmssMedium * medium, GError ** error)
{
  if (medium->state != PMSS_MEDIUM_UPLOADING)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "“%s” is still being uploaded: it can be renamed when it is there",
      medium->name);
  return FALSE;
}

static gboolean
rename_medium (PmssDatabase * database, gpointer data, GError ** error)
{
  MediumCall *call = data;
  g_autoptr (GError) local = NULL;

  if (!get_by_name (database, call, error))
    return FALSE;
  if (check_renamable (call->medium, error)
      && pmss_database_exec (database, &local,
          "UPDATE medium SET name = ?2, updated = unixepoch () WHERE id = ?1",
          PMSS_INT (call->medium->id), PMSS_TEXT (call->new_name))
      && pmss_database_exec (database, &local,
          "UPDATE job SET medium_name = ?2 WHERE medium = ?1",
          PMSS_INT (call->medium->id), PMSS_TEXT (call->new_name))
      && pmss_catalog_index_text (database, call->medium->id, &local))
    return TRUE;
  if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_EXISTS))
    set_taken (call->new_name, error);
  else if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  g_clear_pointer (&call->medium, pmss_medium_free);
  return FALSE;
}

PmssMedium *
pmss_catalog_rename_medium (PmssCatalog * self, const char *name,
    const char *new_name, GError ** error)
{
  MediumCall call = {.name = name,.new_name = new_name };

  if (!pmss_database_transact (self->database, rename_medium, &call, error))
    return NULL;
  g_free (call.medium->name);
  call.medium->name = g_strdup (new_name);
  return call.medium;
}

static gboolean
set_medium_state (PmssDatabase * database, gpointer data, GError ** error)
{
  MediumCall *call = data;

  return pmss_database_exec (database, error,
      "UPDATE medium SET state = ?3, updated = unixepoch ()"
      " WHERE id = ?1 AND state = ?2",
      PMSS_INT (call->id), PMSS_TEXT (medium_states[call->from]),
      PMSS_TEXT (medium_states[call->to]))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CONFLICT,
      "The medium is in another state by now");
}

gboolean
pmss_catalog_set_medium_state (PmssCatalog * self, gint64 id,
    PmssMediumState from, PmssMediumState to, GError ** error)
{
  MediumCall call = {.id = id,.from = from,.to = to };
  gboolean known = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (allowed); i++)
    known |= allowed[i].from == from && allowed[i].to == to;
  g_return_val_if_fail (known, FALSE);
  return pmss_database_transact (self->database, set_medium_state, &call,
      error);
}

static gboolean
mark_deleting (PmssDatabase * database, gpointer data, GError ** error)
{
  MediumCall *call = data;

  return pmss_database_exec (database, error,
      "UPDATE medium SET state = 'deleting', updated = unixepoch ()"
      " WHERE id = ?1 AND state <> 'deleting'", PMSS_INT (call->id))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_NOT_FOUND,
      "The medium is gone")
      && pmss_database_exec (database, error,
      "UPDATE version SET state = 'deleting' WHERE medium = ?1",
      PMSS_INT (call->id))
      && pmss_database_exec (database, error,
      "DELETE FROM session WHERE medium = ?1", PMSS_INT (call->id))
      && pmss_catalog_index_text (database, call->id, error);
}

gboolean
pmss_catalog_mark_deleting (PmssCatalog * self, gint64 id, GError ** error)
{
  MediumCall call = {.id = id };

  return pmss_database_transact (self->database, mark_deleting, &call, error);
}

/* A version or a kept original that is left makes this fail: they refer to the medium. */
static gboolean
remove_medium (PmssDatabase * database, gpointer data, GError ** error)
{
  MediumCall *call = data;

  return pmss_database_exec (database, error,
      "DELETE FROM medium WHERE id = ?1 AND state = 'deleting'",
      PMSS_INT (call->id))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CONFLICT,
      "The medium is not being deleted");
}

gboolean
pmss_catalog_remove_medium (PmssCatalog * self, gint64 id, GError ** error)
{
  MediumCall call = {.id = id };

  return pmss_database_transact (self->database, remove_medium, &call, error);
}
