/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions that are there, their leases and their ends; session-open.c opens
 * them. Any thread. */
#include "control/sessions/sessions-private.h"

#include <string.h>

#include "control/admission/admission.h"
#include "control/events/events.h"
#include "control/sessions/revocations.h"
#include "libpmss/pmss-error.h"

#define REPORT_PAUSE G_USEC_PER_SEC
#define PIECE 200               /* sessions that are ended in one call */

/* What a function on the database thread needs and gives. */
typedef struct
{
  PmssSessions *sessions;
  PmssViewing *session;
  const char *id, *user;
  gint64 now;
  GPtrArray *list;
} SessionCall;

typedef struct
{
  GPtrArray *lapsed;            /* of PmssEvent */
  gboolean more;                /* there is more to be done */
} LapseCall;

/* Nobody could renew while control was down. */
static gboolean
lengthen_leases (PmssDatabase * database, gpointer data, GError ** error)
{
  PmssSessions *self = data;

  return pmss_database_exec (database, error,
      "UPDATE session SET expires = max (expires, unixepoch () + ?1)",
      PMSS_INT (self->lease));
}

PmssSessions *
pmss_sessions_new (PmssDatabase * database, PmssCatalog * catalog,
    PmssKeys * keys, guint lease, guint stream_lifetime)
{
  PmssSessions *self = g_new0 (PmssSessions, 1);
  g_autoptr (GError) error = NULL;

  self->database = database;
  self->catalog = catalog;
  self->keys = keys;
  self->lease = lease;
  g_mutex_init (&self->lock);
  g_mutex_init (&self->clock_lock);
  pmss_clock_step_note (&self->clock_step, g_get_real_time (),
      g_get_monotonic_time ());
  self->reported = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  self->stream_lifetime = MAX (stream_lifetime, lease);
  self->budget = pmss_session_budget_new ();
  self->measures = pmss_measures_new ();
  if (!pmss_database_transact (database, lengthen_leases, self, &error))
    g_warning ("Cannot lengthen the leases: %s", error->message);
  return self;
}

void
pmss_sessions_free (PmssSessions * self)
{
  pmss_measures_free (self->measures);
  pmss_session_budget_free (self->budget);
  g_hash_table_unref (self->reported);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->clock_lock);
  g_free (self);
}

void
pmss_sessions_set_events (PmssSessions * self, PmssEvents * events)
{
  self->events = events;
}

void
pmss_sessions_set_admission (PmssSessions * self, PmssAdmission * admission)
{
  self->admission = admission;
}

guint
pmss_sessions_get_lease (PmssSessions * self)
{
  return self->lease;
}

void
pmss_viewing_free (PmssViewing * session)
{
  g_free (session->id);
  g_free (session->user);
  g_free (session->address);
  g_free (session->medium_name);
  g_free (session);
}

PmssViewing *
pmss_sessions_read_row (PmssRows * rows)
{
  PmssViewing *session = g_new0 (PmssViewing, 1);
  gsize length;
  const void *version = pmss_rows_blob (rows, 5, &length);

  session->id = g_strdup (pmss_rows_text (rows, 0));
  session->user = g_strdup (pmss_rows_text (rows, 1));
  session->address = g_strdup (pmss_rows_text (rows, 2));
  session->medium = pmss_rows_int (rows, 3);
  session->medium_name = g_strdup (pmss_rows_text (rows, 4));
  memcpy (session->version.bytes, version,
      MIN (length, sizeof (session->version.bytes)));
  session->rate = (guint64) pmss_rows_int (rows, 6);
  session->created = pmss_rows_int (rows, 7);
  session->expires = pmss_rows_int (rows, 8);
  session->generation = (guint64) pmss_rows_int (rows, 9);
  return session;
}

static gboolean
not_found (GError ** error)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "There is no such session, or it has ended");
  return FALSE;
}

/* One that was ended is not to be opened again by itself; one that has
 * expired, or was never there, may be. */
static gboolean
explain_absence (PmssDatabase * database, const char *id, GError ** error)
{
  gboolean ended;

  if (!pmss_revocations_has (database, id, &ended, error))
    return FALSE;
  if (!ended)
    return not_found (error);
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FORBIDDEN,
      "The session was ended");
  return FALSE;
}

/* The session stays NULL where there is none. */
static gboolean
find_session (PmssDatabase * database, SessionCall * call, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " PMSS_SESSION_COLUMNS " FROM " PMSS_SESSION_TABLES
      " WHERE s.id = ?1 AND s.user = ?2 AND s.expires > unixepoch ()",
      PMSS_TEXT (call->id), PMSS_TEXT (call->user));

  if (pmss_rows_next (rows, &local))
    call->session = pmss_sessions_read_row (rows);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_sessions_date_token (PmssSessions * self, PmssDatabase * database,
    PmssViewing * session, gint64 now, GError ** error)
{
  gint64 cut;

  if (!pmss_revocations_get_cut (database, session->user, &cut, error))
    return FALSE;
  /* nodes refuse what was signed in the second of the cut, or before */
  session->issued = MAX (now, cut + 1);
  session->token_until = now + self->stream_lifetime;
  return TRUE;
}

gboolean
pmss_sessions_write_dates (PmssDatabase * database, const PmssViewing * session,
    GError ** error)
{
  return pmss_database_exec (database, error,
      "UPDATE session SET expires = ?2, token_until = max (token_until, ?3),"
      " issued = max (issued, ?4) WHERE id = ?1", PMSS_TEXT (session->id),
      PMSS_INT (session->expires), PMSS_INT (session->token_until),
      PMSS_INT (session->issued));
}

static gboolean
renew_session (PmssDatabase * database, gpointer data, GError ** error)
{
  SessionCall *call = data;
  PmssSessions *self = call->sessions;

  if (!find_session (database, call, error))
    return FALSE;
  if (call->session == NULL)
    return explain_absence (database, call->id, error);
  call->session->expires = call->now + self->lease;
  return pmss_sessions_date_token (self, database, call->session, call->now,
      error) && pmss_sessions_write_dates (database, call->session, error);
}

static gboolean
move_leases (PmssDatabase * database, gpointer data, GError ** error)
{
  const gint64 *step = data;

  return pmss_database_exec (database, error,
      "UPDATE session SET expires = expires + ?1, begun = begun + ?1",
      PMSS_INT (*step))
      && pmss_database_exec (database, error,
      "UPDATE ticket SET until = until + ?1", PMSS_INT (*step));
}

/* Leases last by the clock that nobody sets: where the other one was set, they
 * are set with it, before anybody looks whether one has run out. */
void
pmss_sessions_follow_clock (PmssSessions * self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->clock_lock);
  gint64 step = pmss_clock_step_note (&self->clock_step, g_get_real_time (),
      g_get_monotonic_time ());

  if (step == 0)
    return;
  g_warning ("The clock was set by %" G_GINT64_FORMAT " s; the leases of "
      "sessions go on", step);
  if (!pmss_database_transact (self->database, move_leases, &step, &error))
    g_warning ("Cannot move the leases of sessions: %s", error->message);
}

PmssViewing *
pmss_sessions_renew (PmssSessions * self, const char *id, const char *user,
    GError ** error)
{
  SessionCall call = {.sessions = self,.id = id,.user = user };

  pmss_sessions_follow_clock (self);
  call.now = g_get_real_time () / G_USEC_PER_SEC;
  if (pmss_database_transact (self->database, renew_session, &call, error))
    return call.session;
  g_clear_pointer (&call.session, pmss_viewing_free);
  return NULL;
}

static gboolean
get_session (PmssDatabase * database, gpointer data, GError ** error)
{
  SessionCall *call = data;

  return find_session (database, call, error)
      && (call->session != NULL || not_found (error));
}

PmssViewing *
pmss_sessions_get (PmssSessions * self, const char *id, const char *user,
    GError ** error)
{
  SessionCall call = {.id = id,.user = user };

  if (!pmss_database_read (self->database, get_session, &call, error))
    return NULL;
  return call.session;
}

static gboolean
is_old (gpointer id, gpointer at, gpointer now)
{
  return *(gint64 *) now - *(gint64 *) at >= REPORT_PAUSE;
}

/* Of sessions that are there, so that there are no more entries than those. */
static gboolean
may_report (PmssSessions * self, const char *id)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  gint64 now = g_get_monotonic_time ();
  gint64 *last = g_hash_table_lookup (self->reported, id);

  if (last != NULL && !is_old (NULL, last, &now))
    return FALSE;
  g_hash_table_replace (self->reported, g_strdup (id),
      g_memdup2 (&now, sizeof (now)));
  return TRUE;
}

PmssViewing *
pmss_sessions_begin_report (PmssSessions * self, const char *id,
    const char *user, GError ** error)
{
  g_autoptr (PmssViewing) session = pmss_sessions_get (self, id, user, error);

  if (session == NULL)
    return NULL;
  if (may_report (self, id))
    return g_steal_pointer (&session);
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
      "A reader may report once a second");
  return NULL;
}

static gboolean
end_session (PmssDatabase * database, gpointer data, GError ** error)
{
  SessionCall *call = data;

  if (!pmss_database_exec (database, error,
          "DELETE FROM session"
          " WHERE id = ?1 AND (?2 IS NULL OR user = ?2)",
          PMSS_TEXT (call->id), PMSS_TEXT (call->user)))
    return FALSE;
  return pmss_database_get_changes (database) > 0 || not_found (error);
}

/* What was promised to it is free. */
static gboolean
release (PmssSessions * self, const char *id)
{
  if (self->admission != NULL)
    pmss_admission_release (self->admission, id);
  return TRUE;
}

gboolean
pmss_sessions_let_go (PmssSessions * self, const char *id, const char *user,
    GError ** error)
{
  SessionCall call = {.id = id,.user = user };

  return pmss_database_transact (self->database, end_session, &call, error)
      && release (self, id);
}

/* The session goes with its ticket. */
static gboolean
end_with_ticket (PmssDatabase * database, gpointer data, GError ** error)
{
  SessionCall *call = data;

  if (!pmss_database_exec (database, error,
          "DELETE FROM ticket WHERE id = (SELECT ticket FROM session"
          " WHERE id = ?1 AND (?2 IS NULL OR user = ?2))",
          PMSS_TEXT (call->id), PMSS_TEXT (call->user)))
    return FALSE;
  return pmss_database_get_changes (database) > 0
      || end_session (database, data, error);
}

gboolean
pmss_sessions_end (PmssSessions * self, const char *id, const char *user,
    GError ** error)
{
  SessionCall call = {.id = id,.user = user };

  return pmss_database_transact (self->database, end_with_ticket, &call, error)
      && release (self, id);
}

static gboolean
list_sessions (PmssDatabase * database, gpointer data, GError ** error)
{
  SessionCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " PMSS_SESSION_COLUMNS " FROM " PMSS_SESSION_TABLES
      " WHERE s.expires > unixepoch () ORDER BY s.created, s.id");

  while (pmss_rows_next (rows, &local))
    g_ptr_array_add (call->list, pmss_sessions_read_row (rows));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GPtrArray *
pmss_sessions_list (PmssSessions * self, GError ** error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_viewing_free);
  SessionCall call = {.list = list };

  if (!pmss_database_read (self->database, list_sessions, &call, error))
    return NULL;
  return g_steal_pointer (&list);
}

static gboolean
count_by_version (PmssDatabase * database, gpointer data, GError ** error)
{
  GArray *list = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT version, count(*) FROM session GROUP BY version");

  while (pmss_rows_next (rows, &local)) {
    PmssVersionStreams one = {.streams = (guint) pmss_rows_int (rows, 1) };
    gsize length;
    const void *version = pmss_rows_blob (rows, 0, &length);

    memcpy (one.version.bytes, version, MIN (length,
            sizeof (one.version.bytes)));
    g_array_append_val (list, one);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GArray *
pmss_sessions_count_by_version (PmssSessions * self, GError ** error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE,
      sizeof (PmssVersionStreams));

  if (!pmss_database_read (self->database, count_by_version, list, error))
    return NULL;
  return g_steal_pointer (&list);
}

static void
add_nodes (PmssTokenClaims * claims, const GArray * nodes)
{
  for (guint i = 0; i < nodes->len; i++) {
    guint id = g_array_index (nodes, guint, i);

    pmss_token_claims_add_nodes (claims, id, id);
  }
}

char *
pmss_sessions_mint (PmssSessions * self, const PmssViewing * session,
    const GArray * nodes)
{
  g_autoptr (PmssTokenClaims) claims = pmss_token_claims_new ();
  char *token;

  claims->issued = session->issued;
  claims->expires = session->token_until;
  claims->ops = PMSS_TOKEN_READ;
  claims->version = session->version;
  claims->medium = g_strdup (session->medium_name);
  claims->user = g_strdup (session->user);
  claims->session = g_strdup (session->id);
  claims->rate = session->rate;
  add_nodes (claims, nodes);
  token = pmss_keys_mint (self->keys, claims);
  if (token == NULL) {
    pmss_token_claims_add_nodes (claims, g_array_index (nodes, guint, 0),
        g_array_index (nodes, guint, nodes->len - 1));
    token = pmss_keys_mint (self->keys, claims);
  }
  return token;
}

/* What is told of a session that has lapsed. */
static PmssEvent *
read_lapse (PmssRows * rows)
{
  const PmssEvent event = {
    .action = "session lapse",.user = pmss_rows_text (rows, 1),
    .address = pmss_rows_text (rows, 2),.object = pmss_rows_text (rows, 3),
    .detail = pmss_rows_text (rows, 0),.frequent = TRUE,.minor = TRUE
  };

  return pmss_event_copy (&event);
}

/* A lease that has run out ends the token, too: who cannot renew has no session. */
static gboolean
lapse_sessions (PmssDatabase * database, LapseCall * call, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "DELETE FROM session WHERE id IN (SELECT id FROM session"
      " WHERE expires <= unixepoch () LIMIT ?1) RETURNING id, user, address,"
      " (SELECT m.name FROM medium m WHERE m.id = session.medium)",
      PMSS_INT (PIECE));

  g_ptr_array_set_size (call->lapsed, 0);
  while (pmss_rows_next (rows, &local))
    g_ptr_array_add (call->lapsed, read_lapse (rows));
  call->more = call->lapsed->len == PIECE;
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
expire_sessions (PmssDatabase * database, gpointer data, GError ** error)
{
  LapseCall *call = data;
  gboolean others;

  if (!lapse_sessions (database, call, error)
      || !pmss_revocations_bound (database, &others, error))
    return FALSE;
  call->more |= others;
  if (!pmss_tickets_prune (database, &others, error))
    return FALSE;
  call->more |= others;
  return TRUE;
}

/* A piece of them. FALSE: there are no more. */
static gboolean
expire_piece (PmssSessions * self, GError ** error)
{
  g_autoptr (GPtrArray) lapsed =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_event_free);
  LapseCall call = {.lapsed = lapsed };

  if (!pmss_database_transact (self->database, expire_sessions, &call, error))
    return FALSE;
  for (guint i = 0; i < lapsed->len; i++) {
    const PmssEvent *event = g_ptr_array_index (lapsed, i);

    release (self, event->detail);
    pmss_events_note (self->events, event);
  }
  return call.more;
}

void
pmss_sessions_tick (PmssSessions * self)
{
  gint64 now = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;

  pmss_sessions_follow_clock (self);
  g_mutex_lock (&self->lock);
  g_hash_table_foreach_remove (self->reported, is_old, &now);
  g_mutex_unlock (&self->lock);
  pmss_session_budget_prune (self->budget, now);
  pmss_measures_prune (self->measures, now, 2 * (gint64) self->lease
      * G_USEC_PER_SEC);
  while (expire_piece (self, &error));
  if (error != NULL)
    g_warning ("Cannot end expired sessions: %s", error->message);
}
