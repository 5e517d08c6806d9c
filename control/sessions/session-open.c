/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a session begins: all of it is one function of the database thread, so
 * that the layout is of shards that stay as long as the session does. */
#include "control/sessions/sessions-private.h"

#include <string.h>

#include "control/accounts/secret.h"
#include "control/admission/admission.h"
#include "control/sessions/revocations.h"
#include "libpmss/pmss-error.h"

#define NS_PER_S G_GINT64_CONSTANT (1000000000)
#define PLANNED_TRIES 4

typedef struct
{
  PmssSessions *sessions;
  const char *name;             /* of the medium */
  const PmssViewer *viewer;
  PmssViewing *session;         /* to be written, or the one that is there */
  gboolean same_way;            /* that one was opened by the same ticket, or by none, too */
  PmssOpened *opened;
  PmssStreamPlan *plan;         /* (nullable) what is to be promised */
  gboolean unplanned;           /* the plan has to be made first */
  PmssPromise promise;          /* serial 0: none */
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

/* The plan, as of the layout that the session gets; FALSE, and it is unplanned: it is not known
 * yet. What lies in memory is for the transaction that made it. */
static gboolean
find_plan (PmssDatabase * database, OpenCall * call, GError ** error)
{
  PmssAdmission *admission = call->sessions->admission;
  const PmssVersionId *version = &call->session->version;
  gint64 generation;

  if (admission == NULL || call->viewer->bulk)
    return TRUE;
  if (!pmss_catalog_read_generation (database, version, &generation, error))
    return FALSE;
  if (pmss_plans_find (pmss_admission_get_plans (admission), version,
          generation, &call->plan))
    return TRUE;
  call->unplanned = TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
      "The layout of this medium changes all the time: try again");
  return FALSE;
}

/* Two requests cannot both take the last of a capacity. */
static gboolean
admit (OpenCall * call, GError ** error)
{
  PmssOpened *opened = call->opened;
  g_autofree char *text = NULL;

  call->session->rate = (guint64) MAX (0, opened->medium->peak_bitrate_1s);
  if (call->plan == NULL)
    return TRUE;
  if (pmss_admission_admit (call->sessions->admission, call->session->id,
          call->plan, call->viewer->max_wait, &call->promise, &opened->refusal))
    return TRUE;
  opened->how = PMSS_OPENING_REFUSED;
  text = pmss_refusal_to_text (&opened->refusal, opened->medium->name);
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY, text);
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
  return admit (call, error)
      && pmss_sessions_date_token (call->sessions, database, s, s->created,
      error)
      && pmss_database_exec (database, error,
      "INSERT INTO session (id, user, medium, version, address, rate,"
      " created, expires, token_until, login, issued, ticket, begun)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
      PMSS_TEXT (s->id), PMSS_TEXT (s->user), PMSS_INT (s->medium),
      PMSS_BLOB (s->version.bytes, sizeof (s->version.bytes)),
      PMSS_TEXT (s->address), PMSS_INT (s->rate), PMSS_INT (s->created),
      PMSS_INT (s->expires), PMSS_INT (s->token_until), PMSS_BLOB (login,
          sizeof (login)), PMSS_INT (s->issued),
      PMSS_TEXT (ticket != NULL ? ticket->id : NULL),
      call->promise.serial == 0 ? PMSS_NULL : PMSS_INT (s->created
          + call->promise.start_in / NS_PER_S));
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
  return find_plan (database, call, error) && check_budget (call, error)
      && check_cap (database, call, error)
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

/* What was done in memory comes to nothing with the transaction. */
static void
undo (OpenCall * call)
{
  if (call->promise.serial != 0)
    pmss_admission_undo (call->sessions->admission, call->session->id,
        call->promise.serial);
  call->promise.serial = 0;
  g_clear_pointer (&call->plan, pmss_stream_plan_unref);
}

/* One try; it is made again where the plan had to be made first. */
static gboolean
try_to_create (OpenCall * call, GError ** error)
{
  gboolean created = pmss_database_transact (call->sessions->database,
      create_session, call, error);

  if (!created)
    undo (call);
  g_clear_pointer (&call->plan, pmss_stream_plan_unref);
  return created;
}

/* A layout that was changed meanwhile is read again, but not for ever. */
static gboolean
create_planned (OpenCall * call, GError ** error)
{
  for (guint i = 0; i < PLANNED_TRIES; i++) {
    g_autoptr (GError) local = NULL;
    g_autoptr (PmssStreamPlan) plan = NULL;

    call->unplanned = FALSE;
    if (try_to_create (call, &local))
      return TRUE;
    if (!call->unplanned || i + 1 == PLANNED_TRIES) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    if (!pmss_plans_load (pmss_admission_get_plans (call->sessions->admission),
            call->opened->medium, &call->session->version, &plan, error))
      return FALSE;
    g_clear_pointer (&call->session, pmss_viewing_free);
    pmss_opened_clear (call->opened);
  }
  return FALSE;
}

/* Also where it is asked for again, since the answer was not heard. */
static void
note_opened (PmssSessions * self, PmssOpened * opened, const char *client)
{
  const char *id = opened->session->id;

  pmss_measures_open (self->measures, id, client, g_get_monotonic_time ());
  if (self->admission == NULL)
    return;
  pmss_admission_renew (self->admission, id);
  opened->start_in = pmss_admission_get_start_in (self->admission, id);
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
  created = create_planned (&call, error);
  opened->session = call.session;
  if (created && list_nodes (self, opened, error)) {
    note_opened (self, opened, viewer->client);
    return TRUE;
  }
  pmss_opened_clear (opened);
  return FALSE;
}
