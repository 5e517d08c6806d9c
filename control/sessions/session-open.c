/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a session begins: all of it is one function of the database thread, so
 * that the layout is of shards that stay as long as the session does. */
#include "control/sessions/sessions-private.h"

#include <string.h>

#include "control/accounts/secret.h"
#include "control/sessions/admission.h"
#include "control/sessions/revocations.h"
#include "libpmss/pmss-error.h"

typedef struct
{
  PmssSessions *sessions;
  const char *name;             /* of the medium */
  const PmssViewer *viewer;
  PmssViewing *session;         /* to be written, or the one that is there */
  gboolean same_way;            /* that one was opened by the same ticket, or by none, too */
  PmssOpened *opened;
} OpenCall;

void
pmss_opened_clear (PmssOpened * opened)
{
  g_clear_pointer (&opened->session, pmss_viewing_free);
  g_clear_pointer (&opened->medium, pmss_medium_free);
  g_clear_pointer (&opened->layout, pmss_layout_part_free);
  g_clear_pointer (&opened->nodes, g_array_unref);
}

static gboolean
fail_taken (GError ** error)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "This id is that of another session: make a new one");
  return FALSE;
}

/* An id is good for one session. What revokes its tokens would else be that of
 * the session before. */
static gboolean
check_never_used (PmssDatabase * database, const OpenCall * call,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT user = ?2 AND lapsed = 0 FROM revocation WHERE session = ?1",
      PMSS_TEXT (call->session->id), PMSS_TEXT (call->session->user));

  if (!pmss_rows_next (rows, &local)) {
    if (local == NULL)
      return TRUE;
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (pmss_rows_int (rows, 0) == 0)
    return fail_taken (error);
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FORBIDDEN,
      "The session was ended");
  return FALSE;
}

/* The session that has the id already; NULL without @error: none. */
static PmssViewing *
find_same (PmssDatabase * database, OpenCall * call, GError ** error)
{
  const PmssTicket *ticket = call->viewer->ticket;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " PMSS_SESSION_COLUMNS ", s.ticket IS ?2"
      " FROM " PMSS_SESSION_TABLES " WHERE s.id = ?1",
      PMSS_TEXT (call->session->id),
      PMSS_TEXT (ticket != NULL ? ticket->id : NULL));

  if (!pmss_rows_next (rows, error))
    return NULL;
  call->same_way = pmss_rows_int (rows, PMSS_SESSION_N_COLUMNS) != 0;
  return pmss_sessions_read_row (rows);
}

/* Asked for again, since the answer was not heard: its lease begins anew. */
static gboolean
take_same (PmssDatabase * database, OpenCall * call,
    PmssViewing * same, GError ** error)
{
  PmssViewing *wanted = call->session;
  gint64 now = wanted->created;

  /* a gateway renews no session that its viewer has beside it */
  if (!call->same_way || !g_str_equal (same->user, wanted->user)
      || same->medium != wanted->medium || same->expires <= now) {
    pmss_viewing_free (same);
    return fail_taken (error);
  }
  same->expires = wanted->expires;
  call->session = same;
  pmss_viewing_free (wanted);
  call->opened->how = PMSS_OPENING_AGAIN;
  return pmss_sessions_date_token (call->sessions, database, same, now, error)
      && pmss_sessions_write_dates (database, same, error);
}

/* Once for each session that is new; asking again costs nothing of it. */
static gboolean
check_budget (OpenCall * call, GError ** error)
{
  if (pmss_session_budget_take (call->sessions->budget, call->viewer->user,
          call->viewer->cap, g_get_monotonic_time ()))
    return TRUE;
  call->opened->how = PMSS_OPENING_CAPPED;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_BUSY,
      "“%s” opens sessions too fast: wait a second", call->viewer->user);
  return FALSE;
}

static gboolean
check_cap (PmssDatabase * database, OpenCall * call, GError ** error)
{
  const PmssViewer *viewer = call->viewer;
  g_autoptr (PmssRows) rows = NULL;

  if (viewer->cap == 0)
    return TRUE;
  rows = pmss_database_query (database,
      "SELECT count(*) FROM session WHERE user = ?1 AND expires > unixepoch ()",
      PMSS_TEXT (viewer->user));
  if (!pmss_rows_next (rows, error))
    return FALSE;
  if (pmss_rows_int (rows, 0) < viewer->cap)
    return TRUE;
  call->opened->how = PMSS_OPENING_CAPPED;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_BUSY,
      "“%s” has %u sessions, as many as are allowed: end one", viewer->user,
      viewer->cap);
  return FALSE;
}

static gboolean
insert_session (PmssDatabase * database, OpenCall * call, GError ** error)
{
  PmssViewing *s = call->session;
  const PmssTicket *ticket = call->viewer->ticket;
  guint8 login[PMSS_SECRET_HASH_SIZE];

  if (ticket != NULL)
    memcpy (login, ticket->login, sizeof (login));
  else
    pmss_secret_hash (call->viewer->login, login);
  return pmss_admission_decide (database, call->opened->medium, &s->version,
      &s->rate, error)
      && pmss_sessions_date_token (call->sessions, database, s, s->created,
      error)
      && pmss_database_exec (database, error,
      "INSERT INTO session (id, user, medium, version, address, rate,"
      " created, expires, token_until, login, issued, ticket)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
      PMSS_TEXT (s->id), PMSS_TEXT (s->user), PMSS_INT (s->medium),
      PMSS_BLOB (s->version.bytes, sizeof (s->version.bytes)),
      PMSS_TEXT (s->address), PMSS_INT (s->rate), PMSS_INT (s->created),
      PMSS_INT (s->expires), PMSS_INT (s->token_until), PMSS_BLOB (login,
          sizeof (login)), PMSS_INT (s->issued),
      PMSS_TEXT (ticket != NULL ? ticket->id : NULL));
}

/* It may have ended since it was looked at; its name may be another medium's by now. */
static gboolean
check_ticket (PmssDatabase * database, OpenCall * call, GError ** error)
{
  const PmssTicket *ticket = call->viewer->ticket;

  if (ticket == NULL)
    return TRUE;
  if (ticket->medium == call->session->medium)
    return pmss_tickets_use (database, ticket->id, call->session->id, error);
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "The medium of this ticket has another name now: ask again");
  return FALSE;
}

/* Without an id it cannot be one that is there. */
static gboolean
open_session (PmssDatabase * database, OpenCall * call, GError ** error)
{
  if (!check_ticket (database, call, error))
    return FALSE;
  if (call->viewer->id != NULL) {
    g_autoptr (GError) local = NULL;
    PmssViewing *same = find_same (database, call, &local);

    if (same != NULL)
      return take_same (database, call, same, error);
    if (local != NULL) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    if (!check_never_used (database, call, error))
      return FALSE;
  }
  return check_budget (call, error) && check_cap (database, call, error)
      && insert_session (database, call, error);
}

static PmssViewing *
new_session (PmssSessions * self, const PmssMedium * medium,
    const PmssViewer * viewer)
{
  PmssViewing *session = g_new0 (PmssViewing, 1);

  session->id = viewer->id != NULL ? g_strdup (viewer->id)
      : pmss_secret_new_id ();
  session->user = g_strdup (viewer->user);
  session->address = g_strdup (viewer->address);
  session->medium = medium->id;
  session->medium_name = g_strdup (medium->name);
  session->version = medium->version;
  session->created = g_get_real_time () / G_USEC_PER_SEC;
  session->expires = session->created + self->lease;
  return session;
}

static gboolean
find_medium (OpenCall * call, GError ** error)
{
  call->opened->medium = pmss_catalog_get_ready_medium
      (call->sessions->catalog, call->name, error);
  return call->opened->medium != NULL;
}

static gboolean
create_session (PmssDatabase * database, gpointer data, GError ** error)
{
  OpenCall *call = data;
  PmssSessions *self = call->sessions;
  PmssOpened *opened = call->opened;

  if (!find_medium (call, error))
    return FALSE;
  call->session = new_session (self, opened->medium, call->viewer);
  if (!open_session (database, call, error))
    return FALSE;
  opened->layout = pmss_layout_parts_load_page (self->catalog,
      &call->session->version, 0, PMSS_SESSION_EXTENTS, error);
  return opened->layout != NULL;
}

/* Those of a large layout are read in pieces. Where that fails the session ends
 * with its lease, unless its client asks for it again. */
static gboolean
list_nodes (PmssSessions * self, PmssOpened * opened, GError ** error)
{
  opened->nodes = pmss_layout_parts_list_nodes (opened->layout);
  if (opened->nodes == NULL)
    opened->nodes = pmss_catalog_list_version_nodes (self->catalog,
        &opened->session->version, error);
  return opened->nodes != NULL;
}

gboolean
pmss_sessions_create (PmssSessions * self, const char *name,
    const PmssViewer * viewer, PmssOpened * opened, GError ** error)
{
  OpenCall call = {
    .sessions = self,.name = name,.viewer = viewer,.opened = opened
  };
  gboolean created;

  pmss_sessions_follow_clock (self);
  created = pmss_database_transact (self->database, create_session, &call,
      error);
  opened->session = call.session;
  if (created && list_nodes (self, opened, error)) {
    pmss_measures_open (self->measures, opened->session->id, viewer->client,
        g_get_monotonic_time ());
    return TRUE;
  }
  pmss_opened_clear (opened);
  return FALSE;
}
