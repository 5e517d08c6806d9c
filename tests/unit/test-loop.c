/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader's loop on a main context: what is set, set anew and ended, by itself and by others. */
#include "libpmss/reader/pmss-loop.h"

typedef struct
{
  GMainContext *context;
  PmssLoop *loop;
  PmssAlarm *alarms[2];
  guint fired[2];
  gint over;                    /* atomic */
} Fixture;

static void
setup (Fixture * f, gconstpointer data)
{
  f->context = g_main_context_new ();
  f->loop = pmss_loop_new (f->context);
}

static void
teardown (Fixture * f, gconstpointer data)
{
  pmss_loop_free (f->loop);
  g_main_context_unref (f->context);
}

static void
count (gpointer data)
{
  ++*(guint *) data;
}

/* Puts the other one off, which was as due as itself. */
static void
put_off (Fixture * f, guint other)
{
  f->fired[1 - other]++;
  pmss_alarm_set (f->alarms[other], PMSS_ALARM_NEVER);
}

static void
on_first (gpointer data)
{
  put_off (data, 1);
}

static void
on_second (gpointer data)
{
  put_off (data, 0);
}

/* Of two that are due in one turn, the first to come calls the other off. */
static void
test_set_anew (Fixture * f, gconstpointer data)
{
  gint64 due = pmss_loop_now (f->loop) - 1;

  f->alarms[0] = pmss_alarm_new (f->loop, on_first, f);
  f->alarms[1] = pmss_alarm_new (f->loop, on_second, f);
  pmss_alarm_set (f->alarms[0], due);
  pmss_alarm_set (f->alarms[1], due);
  while (g_main_context_iteration (f->context, FALSE));
  g_assert_cmpuint (f->fired[0] + f->fired[1], ==, 1);
  /* what is called off can be set again */
  pmss_alarm_set (f->alarms[0], due);
  while (g_main_context_iteration (f->context, FALSE));
  g_assert_cmpuint (f->fired[0] + f->fired[1], ==, 2);
  pmss_alarm_end (f->alarms[0]);
  pmss_alarm_end (f->alarms[1]);
}

static gpointer
turn (gpointer data)
{
  Fixture *f = data;

  g_main_context_acquire (f->context);
  while (!g_atomic_int_get (&f->over) || f->fired[0] == 0)
    g_main_context_iteration (f->context, TRUE);
  g_main_context_release (f->context);
  return NULL;
}

/* Alarms come and go on one thread while the loop turns on another, for others. */
static void
test_others (Fixture * f, gconstpointer data)
{
  PmssAlarm *other = pmss_alarm_new (f->loop, count, &f->fired[0]);
  GThread *thread = g_thread_new ("loop", turn, f);

  for (guint i = 0; i < 300; i++) {
    pmss_alarm_set (other, PMSS_ALARM_NOW);
    pmss_alarm_end (pmss_alarm_new (f->loop, count, NULL));
  }
  g_atomic_int_set (&f->over, TRUE);
  g_main_context_wakeup (f->context);
  g_thread_join (thread);
  g_assert_cmpuint (f->fired[0], >, 0);
  pmss_alarm_end (other);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/loop/set-anew", Fixture, NULL, setup, test_set_anew, teardown);
  g_test_add ("/loop/others", Fixture, NULL, setup, test_others, teardown);
  return g_test_run ();
}
