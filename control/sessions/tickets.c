/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tickets: rows of the database. */
#include "control/sessions/tickets.h"

#include <string.h>

#include "control/database/database.h"
#include "control/keys.h"
#include "control/sessions/revocations.h"
#include "libpmss/pmss-error.h"

#define PIECE 200               /* tickets that are forgotten in one call */
/* @2 is its gateway, or was: a viewer goes on by each URL that it was given. */
#define IS_GATEWAY "(?2 IN (t.node, t.second, t.third)" \
  " OR EXISTS (SELECT 1 FROM ticket_past p WHERE p.ticket = t.id" \
  " AND p.node = ?2))"
/* A ticket that has a session goes on whatever its time. */
#define GOES_ON "(t.until > unixepoch ()" \
  " OR EXISTS (SELECT 1 FROM session s WHERE s.ticket = t.id))"

typedef struct
{
  const PmssTicketHolder *holder;
  const PmssMedium *medium;
  const GArray *gateways;
  guint8 login[PMSS_SECRET_HASH_SIZE];
  const char *id;
  guint node;
  PmssTicket *ticket;
  char *user;
} TicketCall;

void
pmss_ticket_free (PmssTicket * ticket)
{
  g_free (ticket->id);
  g_free (ticket->user);
  g_free (ticket->address);
  g_free (ticket->name);
  g_free (ticket);
}

static gboolean
not_found (GError ** error)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "There is no such ticket, or it has ended");
  return FALSE;
}

#define COLUMNS "t.id, t.user, t.login, t.address, t.medium, m.name, t.node," \
  " t.second, t.third"
#define TABLES "ticket t JOIN medium m ON m.id = t.medium"

/* A row of those columns. */
static PmssTicket *
read_row (PmssRows * rows)
{
  PmssTicket *ticket = g_new0 (PmssTicket, 1);
  gsize length;
  const void *login = pmss_rows_blob (rows, 2, &length);

  ticket->id = g_strdup (pmss_rows_text (rows, 0));
  ticket->user = g_strdup (pmss_rows_text (rows, 1));
  memcpy (ticket->login, login, MIN (length, sizeof (ticket->login)));
  ticket->address = g_strdup (pmss_rows_text (rows, 3));
  ticket->medium = pmss_rows_int (rows, 4);
  ticket->name = g_strdup (pmss_rows_text (rows, 5));
  for (guint i = 0, n = 0; i < PMSS_MAX_TICKET_NODES; i++) {
    guint node = (guint) pmss_rows_int (rows, 6 + i);

    if (node != 0)
      ticket->nodes[n++] = node;
  }
  return ticket;
}

static gboolean
is_among (const guint * nodes, guint n, guint node)
{
  for (guint i = 0; i < n; i++)
    if (nodes[i] == node)
      return TRUE;
  return FALSE;
}

static void
add_node (PmssTicket * ticket, guint node)
{
  for (guint i = 0; i < PMSS_MAX_TICKET_NODES; i++) {
    if (ticket->nodes[i] == node)
      return;
    if (ticket->nodes[i] == 0) {
      ticket->nodes[i] = node;
      return;
    }
  }
}

/* A gateway that is of use stays, since a session may be under way there. */
static void
choose_nodes (PmssTicket * ticket, const GArray * gateways)
{
  guint before[PMSS_MAX_TICKET_NODES];

  memcpy (before, ticket->nodes, sizeof (before));
  memset (ticket->nodes, 0, sizeof (ticket->nodes));
  for (guint i = 0; i < G_N_ELEMENTS (before); i++)
    if (is_among ((const guint *) gateways->data, gateways->len, before[i]))
      add_node (ticket, before[i]);
  for (guint i = 0; i < gateways->len; i++)
    add_node (ticket, g_array_index (gateways, guint, i));
}

static PmssValue
nullable_node (guint node)
{
  return node != 0 ? PMSS_INT (node) : PMSS_NULL;
}

/* @before: its gateways so far. */
static gboolean
write_past (PmssDatabase * database, const PmssTicket * ticket,
    const guint * before, GError ** error)
{
  for (guint i = 0; i < PMSS_MAX_TICKET_NODES && before[i] != 0; i++)
    if (!is_among (ticket->nodes, PMSS_MAX_TICKET_NODES, before[i])
        && !pmss_database_exec (database, error,
            "INSERT OR IGNORE INTO ticket_past (ticket, node) VALUES (?1, ?2)",
            PMSS_TEXT (ticket->id), PMSS_INT (before[i])))
      return FALSE;
  return TRUE;
}

static gboolean
write_nodes (PmssDatabase * database, const PmssTicket * ticket,
    GError ** error)
{
  return pmss_database_exec (database, error,
      "UPDATE ticket SET node = ?2, second = ?3, third = ?4 WHERE id = ?1",
      PMSS_TEXT (ticket->id), PMSS_INT (ticket->nodes[0]),
      nullable_node (ticket->nodes[1]), nullable_node (ticket->nodes[2]));
}

/* One that is there goes on with the gateways of now. */
static gboolean
renew (PmssDatabase * database, TicketCall * call, GError ** error)
{
  guint before[PMSS_MAX_TICKET_NODES];

  memcpy (before, call->ticket->nodes, sizeof (before));
  choose_nodes (call->ticket, call->gateways);
  return memcmp (before, call->ticket->nodes, sizeof (before)) == 0
      || (write_past (database, call->ticket, before, error)
      && write_nodes (database, call->ticket, error));
}

/* The ticket stays NULL where there is none that is of use. */
static gboolean
find_same (PmssDatabase * database, TicketCall * call, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " COLUMNS " FROM " TABLES
      " WHERE t.login = ?1 AND t.medium = ?2 AND t.address = ?3 AND " GOES_ON,
      PMSS_BLOB (call->login, sizeof (call->login)),
      PMSS_INT (call->medium->id), PMSS_TEXT (call->holder->address));

  if (pmss_rows_next (rows, &local))
    call->ticket = read_row (rows);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Those that have rested for longest. */
static gboolean
bound_resting (PmssDatabase * database, const char *user, GError ** error)
{
  return pmss_database_exec (database, error,
      "DELETE FROM ticket WHERE id IN (SELECT t.id FROM ticket t"
      " WHERE t.user = ?1 AND NOT EXISTS (SELECT 1 FROM session s"
      " WHERE s.ticket = t.id) ORDER BY t.until DESC LIMIT 1000 OFFSET ?2)",
      PMSS_TEXT (user), PMSS_INT (PMSS_MAX_RESTING_TICKETS));
}

/* One that is there has ended. */
static gboolean
insert (PmssDatabase * database, TicketCall * call, GError ** error)
{
  PmssTicket *ticket = g_new0 (PmssTicket, 1);

  call->ticket = ticket;
  ticket->is_new = TRUE;
  ticket->id = pmss_secret_new_id ();
  ticket->user = g_strdup (call->holder->user);
  memcpy (ticket->login, call->login, sizeof (ticket->login));
  ticket->address = g_strdup (call->holder->address);
  ticket->medium = call->medium->id;
  ticket->name = g_strdup (call->medium->name);
  choose_nodes (ticket, call->gateways);
  return pmss_database_exec (database, error,
      "DELETE FROM ticket WHERE login = ?1 AND medium = ?2 AND address = ?3",
      PMSS_BLOB (ticket->login, sizeof (ticket->login)),
      PMSS_INT (ticket->medium), PMSS_TEXT (ticket->address))
      && pmss_database_exec (database, error,
      "INSERT INTO ticket (id, user, login, medium, address, node, second,"
      " third, created, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
      " unixepoch (), unixepoch () + ?9)", PMSS_TEXT (ticket->id),
      PMSS_TEXT (ticket->user), PMSS_BLOB (ticket->login,
          sizeof (ticket->login)), PMSS_INT (ticket->medium),
      PMSS_TEXT (ticket->address), PMSS_INT (ticket->nodes[0]),
      nullable_node (ticket->nodes[1]), nullable_node (ticket->nodes[2]),
      PMSS_INT (PMSS_TICKET_BEGIN))
      && bound_resting (database, ticket->user, error);
}

/* As the tokens of sessions: nodes refuse what was signed in the second of a cut, or before. */
static gboolean
date_token (PmssDatabase * database, PmssTicket * ticket, GError ** error)
{
  gint64 cut;

  if (!pmss_revocations_get_cut (database, ticket->user, &cut, error))
    return FALSE;
  ticket->issued = MAX (g_get_real_time () / G_USEC_PER_SEC, cut + 1);
  return TRUE;
}

static gboolean
take (PmssDatabase * database, gpointer data, GError ** error)
{
  TicketCall *call = data;

  return find_same (database, call, error)
      && (call->ticket != NULL ? renew (database, call, error)
      : insert (database, call, error))
      && date_token (database, call->ticket, error);
}

PmssTicket *
pmss_tickets_take (PmssDatabase * database, const PmssTicketHolder * holder,
    const PmssMedium * medium, const GArray * gateways, GError ** error)
{
  TicketCall call = {
    .holder = holder,.medium = medium,.gateways = gateways
  };
  gboolean taken;

  pmss_secret_hash (holder->login, call.login);
  taken = pmss_database_transact (database, take, &call, error);
  if (!taken)
    g_clear_pointer (&call.ticket, pmss_ticket_free);
  return call.ticket;
}

static gboolean
get (PmssDatabase * database, gpointer data, GError ** error)
{
  TicketCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " COLUMNS " FROM " TABLES
      " WHERE t.id = ?1 AND " IS_GATEWAY " AND m.state = 'ready' AND "
      GOES_ON, PMSS_TEXT (call->id), PMSS_INT (call->node));

  if (pmss_rows_next (rows, &local)) {
    call->ticket = read_row (rows);
    return TRUE;
  }
  if (local == NULL)
    return not_found (error);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

PmssTicket *
pmss_tickets_get (PmssDatabase * database, const char *id, guint node,
    GError ** error)
{
  TicketCall call = {.id = id,.node = node };

  pmss_database_read (database, get, &call, error);
  return call.ticket;
}

static gboolean
get_session_user (PmssDatabase * database, gpointer data, GError ** error)
{
  TicketCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT s.user FROM session s JOIN ticket t ON t.id = s.ticket"
      " WHERE s.id = ?1 AND " IS_GATEWAY,
      PMSS_TEXT (call->id), PMSS_INT (call->node));

  if (pmss_rows_next (rows, &local)) {
    call->user = g_strdup (pmss_rows_text (rows, 0));
    return TRUE;
  }
  if (local == NULL)
    return not_found (error);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

char *
pmss_tickets_get_session_user (PmssDatabase * database, const char *id,
    guint node, GError ** error)
{
  TicketCall call = {.id = id,.node = node };

  pmss_database_read (database, get_session_user, &call, error);
  return call.user;
}

char *
pmss_tickets_mint (PmssKeys * keys, const PmssTicket * ticket, guint node,
    guint lifetime, const char *origin)
{
  g_autoptr (PmssTokenClaims) claims = pmss_token_claims_new ();

  claims->issued = ticket->issued;
  claims->expires = ticket->issued + lifetime;
  claims->ops = PMSS_TOKEN_GATEWAY;
  claims->any_version = TRUE;
  claims->medium = g_strdup (ticket->name);
  claims->user = g_strdup (ticket->user);
  claims->session = g_strdup (ticket->id);
  claims->origin = g_strdup (origin);
  pmss_token_claims_add_nodes (claims, node, node);
  return pmss_keys_mint (keys, claims);
}

gboolean
pmss_tickets_use (PmssDatabase * database, const char *id, const char *session,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT 1 FROM ticket t WHERE t.id = ?1 AND " GOES_ON, PMSS_TEXT (id));

  if (pmss_rows_next (rows, &local))
    return pmss_database_exec (database, error,
        "DELETE FROM session WHERE ticket = ?1 AND id <> ?2", PMSS_TEXT (id),
        PMSS_TEXT (session));
  if (local == NULL)
    return not_found (error);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_tickets_prune (PmssDatabase * database, gboolean * more, GError ** error)
{
  if (!pmss_database_exec (database, error,
          "DELETE FROM ticket WHERE id IN (SELECT t.id FROM ticket t"
          " WHERE t.until <= unixepoch () AND NOT EXISTS (SELECT 1"
          " FROM session s WHERE s.ticket = t.id) LIMIT ?1)", PMSS_INT (PIECE)))
    return FALSE;
  *more = pmss_database_get_changes (database) == PIECE;
  return TRUE;
}
