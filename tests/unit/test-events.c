/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "control-fixture.h"
#include "control/events/event-bounds.h"
#include "control/events/event-log.h"
#include "control/events/events.h"
#include "libpmss/pmss-error.h"

static void
check_line (PmssEvent * event, const char *wanted)
{
  g_autofree char *line = NULL;

  event->result = pmss_event_result_of (event->status);
  line = pmss_event_to_line (event);


  g_assert_cmpstr (line, ==, wanted);
}

static void
test_format (void)
{
  check_line (&(PmssEvent) {
      .action = "user set",.user = "admin",.address = "127.0.0.1",.object =
        "anna",.detail = "viewer",.status =
        200},
      "audit: action=\"user set\" result=done user=admin from=127.0.0.1"
      " object=anna detail=viewer status=200");
  check_line (&(PmssEvent) {
      .action = "login",.address = "2001:db8::1",.status = 429},
      "audit: action=login result=refused user=- from=2001:db8::1 status=429");
  check_line (&(PmssEvent) {
      .action = "media put",.user = "bob",.address = "a",.object =
        "",.status =
        507},
      "audit: action=\"media put\" result=failed user=bob from=a object=\"\""
      " status=507");
}

/* However it is called, it cannot make a second line, end a value early, or
 * turn what is read around. */
static void
test_hostile (void)
{
  static const char *const names[] = {
    "a\naudit: action=login result=done user=admin", "\r\033[2J x",
    "x\" user=admin from=\"1.2.3.4", "\\\" user=admin", "\xff\xfe ",
    "evil \xe2\x80\xae" "gpj.exe", "x \xe2\x80\xa8y",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    const PmssEvent entry = {
      .action = "media delete",.user = "bob",.address = "a",
      .object = names[i],.status = 204
    };
    g_autofree char *line = pmss_event_to_line (&entry);
    const char *object = strstr (line, " object=\"");
    const char *end = object + strlen (" object=\"");

    g_assert_nonnull (object);
    g_assert_true (g_utf8_validate (line, -1, NULL));
    for (const char *c = line; *c != '\0'; c++)
      g_assert_false (g_ascii_iscntrl (*c));
    g_assert_null (strstr (line, "\xe2\x80\xae"));
    g_assert_null (strstr (line, "\xe2\x80\xa8"));
    while (*end != '"')
      end += *end == '\\' ? 2 : 1;
    g_assert_cmpstr (end, ==, "\" status=204");
  }
}

static void
test_bounded (void)
{
  PmssEventBounds bounds;
  const PmssEvent refused = {.action = "login",.address = "a",
    .status = 401
  };
  const PmssEvent done = {.action = "login",.address = "a",.status = 200 };
  guint64 missed;
  guint taken = 0;

  pmss_event_bounds_init (&bounds);
  for (guint i = 0; i < 1000; i++)
    taken +=
        pmss_event_bounds_take (&bounds, &refused, G_USEC_PER_SEC, &missed);
  g_assert_cmpuint (taken, ==, PMSS_EVENT_BURST);
  /* what was done is always written */
  g_assert_true (pmss_event_bounds_take (&bounds, &done, G_USEC_PER_SEC,
          &missed));
  g_assert_cmpuint (missed, ==, 0);
  g_assert_true (pmss_event_bounds_take (&bounds, &refused, 2 * G_USEC_PER_SEC,
          &missed));
  g_assert_cmpuint (missed, ==, 1000 - PMSS_EVENT_BURST);
  g_assert_false (pmss_event_bounds_take (&bounds, &refused, 2 * G_USEC_PER_SEC,
          &missed));
}

/* What happens all the time is bounded by itself: it hides no refusal, and no refusals hide it. */
static void
test_frequent (void)
{
  PmssEventBounds bounds;
  const PmssEvent begun = {.action = "session begin",.address = "a",
    .status = 201,.frequent = TRUE
  };
  const PmssEvent refused = {.action = "session begin",.address = "a",
    .status = 429,.frequent = TRUE
  };
  guint64 missed;
  guint taken = 0;

  pmss_event_bounds_init (&bounds);
  for (guint i = 0; i < 1000; i++)
    taken += pmss_event_bounds_take (&bounds, &begun, G_USEC_PER_SEC, &missed);
  g_assert_cmpuint (taken, ==, PMSS_EVENT_FREQUENT_BURST);
  for (taken = 0;
      pmss_event_bounds_take (&bounds, &refused, G_USEC_PER_SEC, &missed);)
    taken++;
  g_assert_cmpuint (taken, ==, PMSS_EVENT_BURST);
  g_assert_true (pmss_event_bounds_take (&bounds, &begun, 2 * G_USEC_PER_SEC,
          &missed));
  g_assert_cmpuint (missed, ==, 1000 - PMSS_EVENT_FREQUENT_BURST);
  g_assert_true (pmss_event_bounds_take (&bounds, &begun, 2 * G_USEC_PER_SEC,
          &missed));
  g_assert_cmpuint (missed, ==, 0);
  g_assert_false (pmss_event_bounds_take (&bounds, &begun, 2 * G_USEC_PER_SEC,
          &missed));
}

/* --- the log --- */

static const PmssEvent by_anna = {.action = "media put",.user = "anna",
  .object = "a",.status = 202
};

static PmssEvents *
start (ControlFixture * f, guint max)
{
  control_fixture_init (f);
  control_fixture_exec (f, "INSERT INTO user (name, role, password, created)"
      " VALUES ('anna', 'viewer', 'x', 1)");
  return pmss_events_new (NULL, f->database, max);
}

static void
stop (ControlFixture * f, PmssEvents * events)
{
  pmss_events_free (events);
  control_fixture_clear (f);
}

static void
note (PmssEvents * events, const PmssEvent * like, guint times)
{
  for (guint i = 0; i < times; i++) {
    char object[16];
    PmssEvent event = *like;

    g_snprintf (object, sizeof (object), "%u", i);
    event.object = object;
    pmss_events_note (events, &event);
  }
  pmss_events_settle (events);
}

static GPtrArray *
list (ControlFixture * f, const char *user, gint64 after, gint64 before,
    guint limit, gboolean wants_more)
{
  const PmssEventQuery query = { user, after, before, limit };
  g_autoptr (GError) error = NULL;
  gboolean more;
  GPtrArray *events = pmss_event_log_list (f->database, &query, &more, &error);

  g_assert_no_error (error);
  g_assert_cmpint (more, ==, wants_more);
  for (guint i = 1; i < events->len; i++)
    g_assert_cmpint (((PmssEvent *) events->pdata[i])->id, >,
        ((PmssEvent *) events->pdata[i - 1])->id);
  return events;
}

static gint64
id_at (GPtrArray * events, guint i)
{
  return ((PmssEvent *) g_ptr_array_index (events, i))->id;
}

/* All of it is there when it is settled, in the order in which it happened. */
static void
test_log (void)
{
  ControlFixture f = { 0 };
  PmssEvents *events = start (&f, 1000);
  g_autoptr (GPtrArray) all = NULL, first = NULL, rest = NULL, newest = NULL;
  const PmssEvent *event;

  note (events, &by_anna, 300);
  all = list (&f, NULL, 0, 0, 1000, FALSE);
  g_assert_cmpuint (all->len, ==, 300);
  event = g_ptr_array_index (all, 299);
  g_assert_cmpstr (event->action, ==, "media put");
  g_assert_cmpstr (event->user, ==, "anna");
  g_assert_cmpstr (event->object, ==, "299");
  g_assert_null (event->address);
  g_assert_cmpint (event->result, ==, PMSS_EVENT_DONE);
  g_assert_cmpuint (event->status, ==, 202);
  g_assert_cmpint (ABS (event->time - g_get_real_time () / G_USEC_PER_SEC), <=,
      60);

  first = list (&f, NULL, 0, 0, 100, TRUE);
  rest = list (&f, NULL, id_at (first, 99), 0, 200, FALSE);
  g_assert_cmpint (id_at (rest, 0), ==, id_at (first, 99) + 1);
  newest = list (&f, NULL, -1, G_MAXINT64, 10, TRUE);
  g_assert_cmpint (id_at (newest, 9), ==, id_at (all, 299));
  stop (&f, events);
}

/* Others' are not theirs to read, nor are those of an earlier account of the name. */
static void
test_own (void)
{
  ControlFixture f = { 0 };
  PmssEvents *events = start (&f, 1000);
  const PmssEvent by_bob = {.action = "media put",.user = "bob",.status = 202 };
  const PmssEvent by_none = {.action = "node down" };
  g_autoptr (GPtrArray) own = NULL, newest = NULL, none = NULL, again = NULL;

  note (events, &by_anna, 5);
  note (events, &by_bob, 7);
  note (events, &by_none, 2);
  own = list (&f, "anna", 0, 0, 100, FALSE);
  g_assert_cmpuint (own->len, ==, 5);
  newest = list (&f, "anna", -1, G_MAXINT64, 3, TRUE);
  g_assert_cmpint (id_at (newest, 2), ==, id_at (own, 4));
  control_fixture_exec (&f, "DELETE FROM user WHERE name = 'anna'");
  none = list (&f, "anna", 0, 0, 100, FALSE);
  g_assert_cmpuint (none->len, ==, 0);
  control_fixture_exec (&f, "INSERT INTO user (name, role, password, created)"
      " VALUES ('anna', 'viewer', 'x', 1)");
  note (events, &by_anna, 1);
  again = list (&f, "anna", 0, 0, 100, FALSE);
  g_assert_cmpuint (again->len, ==, 1);
  stop (&f, events);
}

/* There are never more than the bound, and what viewers and strangers do displaces nothing else. */
static void
test_bound (void)
{
  ControlFixture f = { 0 };
  PmssEvents *events = start (&f, 100);
  const PmssEvent by_admin = {.action = "user add",.user = "admin",
    .status = 201
  };
  PmssEvent minor = by_anna;

  minor.minor = TRUE;
  note (events, &by_admin, 30);
  for (guint i = 0; i < 10; i++)
    note (events, &minor, 200);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count(*) FROM event"
          " WHERE minor"), ==, 50);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count(*) FROM event"
          " WHERE NOT minor"), ==, 30);
  /* the newest stay */
  g_assert_cmpint (control_fixture_count (&f, "SELECT max(id) - min(id)"
          " FROM event WHERE minor"), ==, 49);
  note (events, &by_admin, 200);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count(*) FROM event"),
      ==, 100);
  g_assert_cmpint (pmss_database_get_tally (f.database, "event", "0"), ==, 50);
  stop (&f, events);
}

/* A bound that was lowered is reached in pieces; without a log there is nothing to wait for. */
static void
test_lowered (void)
{
  ControlFixture f = { 0 };
  PmssEvents *events = start (&f, 10000);

  note (events, &by_anna, 3000);
  pmss_events_free (events);
  events = pmss_events_new (NULL, f.database, 20);
  note (events, &by_anna, 1);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count(*) FROM event"),
      ==, 2001);
  note (events, &by_anna, 1);
  note (events, &by_anna, 1);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count(*) FROM event"),
      ==, 10);
  pmss_events_free (events);
  events = pmss_events_new (NULL, f.database, 0);
  note (events, &by_anna, 10);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count(*) FROM event"),
      ==, 10);
  stop (&f, events);
}

static gpointer
note_and_settle (gpointer data)
{
  for (guint i = 0; i < 50; i++) {
    pmss_events_note (data, &by_anna);
    pmss_events_settle (data);
  }
  return NULL;
}

/* Many threads share commits, and none waits for ever. Those that do not wait wait for nothing. */
static void
test_threads (void)
{
  ControlFixture f = { 0 };
  PmssEvents *events = start (&f, 1000);
  GThread *threads[8];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("note", note_and_settle, events);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count(*) FROM event"),
      ==, 400);
  control_fixture_hold (&f);
  for (guint i = 0; i < PMSS_EVENTS_WAITING + 2 * 256 + 1; i++)
    pmss_events_note (events, &by_anna);
  control_fixture_release (&f);
  pmss_events_settle (events);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count(*) FROM event"),
      ==, 500);
  stop (&f, events);
}

static gboolean
refuse_rows (PmssDatabase * database, gpointer data, GError ** error)
{
  return pmss_database_exec_values (database, error, data, PMSS_VALUES ());
}

/* A log that cannot be written keeps nobody waiting, and goes on when it can be. */
static void
test_blind (void)
{
  ControlFixture f = { 0 };
  PmssEvents *events = start (&f, 1000);
  GLogLevelFlags fatal;

  g_assert_true (pmss_database_transact (f.database, refuse_rows,
          (gpointer) "CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.event"
          " BEGIN SELECT raise (ABORT, 'no'); END", NULL));
  fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  note (events, &by_anna, 1);
  note (events, &by_anna, 3);
  g_log_set_always_fatal (fatal);
  g_assert_true (pmss_database_transact (f.database, refuse_rows,
          (gpointer) "DROP TRIGGER refuse", NULL));
  note (events, &by_anna, 1);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count(*) FROM event"),
      ==, 1);
  stop (&f, events);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/events/format", test_format);
  g_test_add_func ("/events/hostile", test_hostile);
  g_test_add_func ("/events/bounded", test_bounded);
  g_test_add_func ("/events/frequent", test_frequent);
  g_test_add_func ("/events/log", test_log);
  g_test_add_func ("/events/own", test_own);
  g_test_add_func ("/events/bound", test_bound);
  g_test_add_func ("/events/lowered", test_lowered);
  g_test_add_func ("/events/threads", test_threads);
  g_test_add_func ("/events/blind", test_blind);
  return g_test_run ();
}
