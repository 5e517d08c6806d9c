/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tickets of viewers who play through a gateway. */
#include "control-fixture.h"

#include "control/sessions/tickets.h"
#include "libpmss/pmss-error.h"

#define LOGIN "a-login"
#define OTHER_LOGIN "another-login"

typedef struct
{
  ControlFixture base;
  guint node;                   /* the first of three */
  PmssMedium film, song;
  GArray *gateways;             /* of them, the best one first */
} Fixture;

static void
add_login (Fixture * f, const char *login)
{
  guint8 hash[PMSS_SECRET_HASH_SIZE];
  g_autoptr (GString) sql = g_string_new ("INSERT INTO api_token (hash, user,"
      " created, expires) VALUES (x'");

  pmss_secret_hash (login, hash);
  for (guint i = 0; i < sizeof (hash); i++)
    g_string_append_printf (sql, "%02x", hash[i]);
  g_string_append (sql, "', 'anna', 1, unixepoch () + 1000)");
  control_fixture_exec (&f->base, sql->str);
}

static void
set_gateways (Fixture * f, guint first, guint second)
{
  guint ids[] = { f->node + first, f->node + second };

  g_array_set_size (f->gateways, 0);
  g_array_append_vals (f->gateways, ids, G_N_ELEMENTS (ids));
}

static void
set_up (Fixture * f, gconstpointer data)
{
  control_fixture_init (&f->base);
  f->node = control_fixture_add_nodes (&f->base, 3);
  control_fixture_exec (&f->base, "INSERT INTO user (name, password, role,"
      " created) VALUES ('anna', 'x', 'viewer', 1)");
  add_login (f, LOGIN);
  add_login (f, OTHER_LOGIN);
  control_fixture_exec (&f->base, "INSERT INTO medium (id, name, state, k, m,"
      " created, updated) VALUES (1, 'film', 'ready', 1, 0, 1, 1),"
      " (2, 'song', 'ready', 1, 0, 1, 1)");
  control_fixture_exec (&f->base, "INSERT INTO version (id, medium, state,"
      " size, k, m, unit, extent, created) VALUES (zeroblob (16), 1, 'ready',"
      " 1, 1, 0, 4096, 4096, 1)");
  f->film = (PmssMedium) {
  .id = 1,.name = (char *) "film"};
  f->song = (PmssMedium) {
  .id = 2,.name = (char *) "song"};
  f->gateways = g_array_new (FALSE, FALSE, sizeof (guint));
  set_gateways (f, 0, 1);
}

static void
tear_down (Fixture * f, gconstpointer data)
{
  g_array_unref (f->gateways);
  control_fixture_clear (&f->base);
}

static PmssTicket *
take (Fixture * f, const char *login, const char *address,
    const PmssMedium * medium)
{
  const PmssTicketHolder holder = { "anna", login, address };
  g_autoptr (GError) error = NULL;
  PmssTicket *ticket = pmss_tickets_take (f->base.database, &holder, medium,
      f->gateways, &error);

  g_assert_no_error (error);
  return ticket;
}

static void
assert_there (Fixture * f, const PmssTicket * ticket, guint node,
    gboolean there)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssTicket) found = pmss_tickets_get (f->base.database,
      ticket->id, node, &error);

  if (there) {
    g_assert_no_error (error);
    g_assert_cmpstr (found->user, ==, "anna");
    g_assert_cmpstr (found->name, ==, ticket->name);
    g_assert_cmpmem (found->login, sizeof (found->login), ticket->login,
        sizeof (ticket->login));
  } else {
    assert_pmss_error (error, NOT_FOUND);
    g_assert_null (found);
  }
}

/* A session by @ticket begins. */
static void
open_session (Fixture * f, const PmssTicket * ticket)
{
  g_autofree char *sql = g_strdup_printf ("INSERT INTO session (id, user,"
      " medium, version, address, rate, created, expires, ticket) VALUES"
      " (lower (hex (randomblob (16))), 'anna', 1, zeroblob (16), '', 0, 1,"
      " unixepoch () + 60, '%s')", ticket->id);

  control_fixture_exec (&f->base, sql);
}

static gint64
count (Fixture * f, const char *where)
{
  g_autofree char *sql = g_strdup_printf ("SELECT count (*) FROM %s", where);

  return control_fixture_count (&f->base, sql);
}

static void
assert_nodes (Fixture * f, const PmssTicket * ticket, int first, int second,
    int third)
{
  const int nodes[] = { first, second, third };

  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    g_assert_cmpuint (ticket->nodes[i], ==,
        nodes[i] < 0 ? 0 : f->node + (guint) nodes[i]);
}

/* One viewer and one medium: one ticket. */
static void
test_same (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssTicket) first = take (f, LOGIN, "::1", &f->film);
  g_autoptr (PmssTicket) again = NULL;
  PmssTicket *others[3];

  again = take (f, LOGIN, "::1", &f->film);
  g_assert_cmpstr (again->id, ==, first->id);
  others[0] = take (f, OTHER_LOGIN, "::1", &f->film);
  others[1] = take (f, LOGIN, "::2", &f->film);
  others[2] = take (f, LOGIN, "::1", &f->song);
  g_assert_cmpint (count (f, "ticket"), ==, 4);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    g_assert_cmpstr (others[i]->id, !=, first->id);
    pmss_ticket_free (others[i]);
  }
}

/* Its gateways stay as long as they are of use. Whoever was one may still be used. */
static void
test_gateways (Fixture * f, gconstpointer data)
{
  static const struct
  {
    guint offered[2];
    int has[3];
  } steps[] = {
    {{0, 1}, {0, 1, -1}},
    {{1, 0}, {0, 1, -1}},
    {{2, 1}, {1, 2, -1}},
    {{0, 2}, {2, 0, -1}},
    {{1, 0}, {0, 1, -1}},
  };
  g_autofree char *id = NULL;
  guint seen = 0;               /* bits */

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    g_autoptr (PmssTicket) ticket = NULL;

    set_gateways (f, steps[i].offered[0], steps[i].offered[1]);
    ticket = take (f, LOGIN, "::1", &f->film);
    if (id == NULL)
      id = g_strdup (ticket->id);
    g_assert_cmpstr (ticket->id, ==, id);
    assert_nodes (f, ticket, steps[i].has[0], steps[i].has[1], steps[i].has[2]);
    seen |= 1u << steps[i].has[0] | 1u << steps[i].has[1];
    for (guint node = 0; node < 3; node++)
      assert_there (f, ticket, f->node + node, (seen & 1u << node) != 0);
  }
  g_assert_cmpint (count (f, "ticket_past"), ==, 3);
  control_fixture_exec (&f->base, "DELETE FROM node WHERE id = (SELECT second"
      " FROM ticket)");
  g_assert_cmpint (count (f, "ticket WHERE second IS NULL"), ==, 1);
}

static gboolean
prune (PmssDatabase * database, gpointer more, GError ** error)
{
  return pmss_tickets_prune (database, more, error);
}

static void
run_prune (Fixture * f)
{
  g_autoptr (GError) error = NULL;
  gboolean more;

  g_assert_true (pmss_database_transact (f->base.database, prune, &more,
          &error));
  g_assert_no_error (error);
}

/* It ends unused, is there as long as it has a session, and rests for an hour. */
static void
test_time (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssTicket) ticket = take (f, LOGIN, "::1", &f->film);
  g_autoptr (PmssTicket) next = NULL;

  g_assert_cmpint (count (f, "ticket WHERE until BETWEEN unixepoch () + 50 AND"
          " unixepoch () + 60"), ==, 1);
  open_session (f, ticket);
  control_fixture_exec (&f->base, "UPDATE ticket SET until = unixepoch () - 1");
  run_prune (f);
  assert_there (f, ticket, ticket->nodes[0], TRUE);
  control_fixture_exec (&f->base, "DELETE FROM session");
  g_assert_cmpint (count (f, "ticket WHERE until BETWEEN unixepoch () + 3590"
          " AND unixepoch () + 3600"), ==, 1);
  assert_there (f, ticket, ticket->nodes[0], TRUE);
  control_fixture_exec (&f->base, "UPDATE ticket SET until = unixepoch () - 1");
  assert_there (f, ticket, ticket->nodes[0], FALSE);
  next = take (f, LOGIN, "::1", &f->film);
  g_assert_cmpstr (next->id, !=, ticket->id);
  control_fixture_exec (&f->base, "UPDATE ticket SET until = unixepoch () - 1");
  run_prune (f);
  g_assert_cmpint (count (f, "ticket"), ==, 0);
}

/* What it goes with. The session goes, too. */
static void
test_ends (Fixture * f, gconstpointer data)
{
  static const char *const ends[] = {
    "DELETE FROM api_token", "UPDATE user SET role = 'operator'",
    "DELETE FROM ticket", "DELETE FROM node",
  };

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    g_autoptr (PmssTicket) ticket = take (f, LOGIN, "::1", &f->film);

    open_session (f, ticket);
    control_fixture_exec (&f->base, ends[i]);
    assert_there (f, ticket, ticket->nodes[0], FALSE);
    g_assert_cmpint (count (f, "ticket"), ==, 0);
    g_assert_cmpint (count (f, "session"), ==, 0);
    if (i == 0)
      add_login (f, LOGIN);
  }
}

static void
test_deleted_medium (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssTicket) ticket = take (f, LOGIN, "::1", &f->film);

  control_fixture_exec (&f->base, "UPDATE medium SET state = 'deleting'");
  assert_there (f, ticket, ticket->nodes[0], FALSE);
}

/* However much somebody looks around. */
static void
test_bound (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssTicket) played = take (f, LOGIN, "::1", &f->film);

  open_session (f, played);
  for (guint i = 0; i < PMSS_MAX_RESTING_TICKETS + 20; i++) {
    g_autofree char *address = g_strdup_printf ("::2:%u", i);

    pmss_ticket_free (take (f, LOGIN, address, &f->song));
  }
  g_assert_cmpint (count (f, "ticket"), ==, PMSS_MAX_RESTING_TICKETS + 1);
  assert_there (f, played, played->nodes[0], TRUE);
}

#define ADD(name, function) \
  g_test_add ("/tickets/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("same", test_same);
  ADD ("gateways", test_gateways);
  ADD ("time", test_time);
  ADD ("ends", test_ends);
  ADD ("deleted-medium", test_deleted_medium);
  ADD ("bound", test_bound);
  return g_test_run ();
}
