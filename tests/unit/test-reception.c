/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "control/monitor/reception.h"
#include "control/nodes/node-stats.h"

#define N 6
#define S G_TIME_SPAN_SECOND
#define MS 1000000u
#define UNIT (256 * 1024)

typedef struct
{
  PmssReception *reception;
  GArray *layout;               /* of guint: 1 to 6 */
  GArray *told;                 /* of PmssNodeMeasure */
  gint64 now;
} Case;

static PmssNodeMeasure *
told_of (Case * c, guint i)
{
  return &g_array_index (c->told, PmssNodeMeasure, i);
}

/* 100 units in 20 s of each node, 10 ms each. */
static void
tell_well (Case * c)
{
  g_array_set_size (c->told, N);
  for (guint i = 0; i < N; i++)
    *told_of (c, i) = (PmssNodeMeasure) {
    .node = i + 1,.bytes = 100 * UNIT,.units = 100,.time = 10 * MS};
}

static void
case_init (Case * c)
{
  c->reception = pmss_reception_new (0);
  c->layout = g_array_new (FALSE, FALSE, sizeof (guint));
  c->told = g_array_new (FALSE, TRUE, sizeof (PmssNodeMeasure));
  for (guint i = 1; i <= N; i++)
    g_array_append_val (c->layout, i);
  c->now = 1000 * S;
  tell_well (c);
}

static void
case_clear (Case * c)
{
  pmss_reception_free (c->reception);
  g_array_unref (c->layout);
  g_array_unref (c->told);
}

static void
note (Case * c, const char *viewer)
{
  pmss_reception_note (c->reception, viewer, c->told, c->layout, c->now);
}

static void
note_complaint (Case * c, const char *viewer, guint node)
{
  told_of (c, node - 1)->late = 10;
  note (c, viewer);
  told_of (c, node - 1)->late = 0;
}

/* All zeros: it has no viewers. */
static PmssReceptionView
look (Case * c, guint node)
{
  g_autoptr (GArray) views = pmss_reception_look (c->reception, c->now);
  PmssReceptionView none = { 0 };
  guint before = 0;

  for (guint i = 0; i < views->len; i++) {
    const PmssReceptionView *view = &g_array_index (views, PmssReceptionView,
        i);

    g_assert_cmpuint (view->node, >, before);
    before = view->node;
    if (view->node == node)
      return *view;
  }
  return none;
}

static void
expect (Case * c, guint node, guint complaints, guint viewers, gboolean slow)
{
  PmssReceptionView view = look (c, node);

  g_assert_cmpuint (view.complaints, ==, complaints);
  g_assert_cmpuint (view.viewers, ==, viewers);
  g_assert_cmpint (view.slow, ==, slow);
}

static void
test_three (void)
{
  Case c;

  case_init (&c);
  note_complaint (&c, "a", 3);
  note_complaint (&c, "b", 3);
  expect (&c, 3, 2, 2, FALSE);
  note_complaint (&c, "c", 3);
  expect (&c, 3, 3, 3, TRUE);
  expect (&c, 2, 0, 3, FALSE);
  /* most: three of six are not */
  note (&c, "d");
  note (&c, "e");
  expect (&c, 3, 3, 5, TRUE);
  note (&c, "f");
  expect (&c, 3, 3, 6, FALSE);
  case_clear (&c);
}

static void
test_minute (void)
{
  Case c;

  case_init (&c);
  note_complaint (&c, "a", 3);
  c.now += 40 * S;
  note_complaint (&c, "b", 3);
  note (&c, "a");
  c.now += 30 * S;
  note_complaint (&c, "c", 3);
  /* a's complaint is older than a minute, though it reads still */
  expect (&c, 3, 2, 3, FALSE);
  note_complaint (&c, "a", 3);
  expect (&c, 3, 3, 3, TRUE);
  c.now += 60 * S;
  expect (&c, 3, 0, 0, FALSE);
  g_assert_cmpuint (pmss_reception_count (c.reception), ==, 0);
  case_clear (&c);
}

/* Readers that renew seldom count as such meanwhile, or those who complain would be most. */
static void
test_reach (void)
{
  Case c;

  case_init (&c);
  pmss_reception_free (c.reception);
  c.reception = pmss_reception_new (200 * S);
  note (&c, "d");
  note (&c, "e");
  note (&c, "f");
  c.now += 100 * S;
  note_complaint (&c, "a", 3);
  note_complaint (&c, "b", 3);
  note_complaint (&c, "c", 3);
  expect (&c, 3, 3, 6, FALSE);
  c.now += 100 * S;
  expect (&c, 3, 0, 3, FALSE);
  case_clear (&c);
}

/* One who lies, as often as it likes, in as many sessions as it likes, is one. */
static void
test_liar (void)
{
  Case c;

  case_init (&c);
  for (guint i = 0; i < 1000; i++) {
    note_complaint (&c, "liar", 3);
    c.now += S / 100;
  }
  expect (&c, 3, 1, 1, FALSE);
  note (&c, "a");
  note_complaint (&c, "b", 3);
  expect (&c, 3, 2, 3, FALSE);
  case_clear (&c);
}

/* Nodes that it cannot know, and one that it names again and again. */
static void
test_foreign (void)
{
  Case c;

  case_init (&c);
  told_of (&c, 4)->node = 7;
  told_of (&c, 5)->node = 0;
  for (guint i = 1; i < 4; i++)
    told_of (&c, i)->node = 1;
  told_of (&c, 1)->late = 100;
  note (&c, "a");
  expect (&c, 1, 0, 1, FALSE);
  expect (&c, 7, 0, 0, FALSE);
  g_assert_cmpuint (pmss_reception_count (c.reception), ==, 1);
  /* those count neither for it nor against it */
  tell_well (&c);
  for (guint i = 2; i < 6; i++)
    told_of (&c, i)->node = 100 + i;
  told_of (&c, 1)->late = 100;
  note (&c, "b");
  expect (&c, 2, 1, 1, FALSE);
  case_clear (&c);
}

static void
test_figures (void)
{
  Case c;
  PmssReceptionView view;

  case_init (&c);
  for (guint i = 0; i < 30; i++) {
    told_of (&c, 0)->late = 20;
    told_of (&c, 0)->rebuilt = 40;
    note (&c, "a");
    note (&c, "b");
    c.now += 20 * S;
  }
  view = look (&c, 1);
  g_assert_cmpuint (view.viewers, ==, 2);
  /* 200 units in 20 s */
  g_assert_cmpfloat_with_epsilon (view.rate, 10 * UNIT * 8, 3 * UNIT * 8);
  g_assert_cmpfloat_with_epsilon (view.late, 2, 0.6);
  g_assert_cmpfloat_with_epsilon (view.rebuilt, 4, 1.2);
  g_assert_cmpfloat_with_epsilon (view.time, 0.01, 1e-6);
  told_of (&c, 1)->units = 0;
  note (&c, "d");
  c.now += 61 * S;
  note (&c, "e");
  view = look (&c, 2);
  g_assert_cmpuint (view.viewers, ==, 1);
  g_assert_true (isnan (view.time));
  case_clear (&c);
}

/* Whatever one tells, a chart shows no more of it than a line carries. */
static void
test_absurd (void)
{
  Case c;
  PmssReceptionView view;

  case_init (&c);
  told_of (&c, 0)->bytes = told_of (&c, 0)->units = G_MAXUINT64;
  told_of (&c, 0)->late = told_of (&c, 0)->rebuilt = G_MAXUINT64;
  told_of (&c, 0)->time = G_MAXUINT64;
  for (guint i = 0; i < 6000; i++) {
    note (&c, "liar");
    c.now += S / 10;
  }
  view = look (&c, 1);
  g_assert_cmpfloat (view.rate, <=, 1.25 * PMSS_RECEPTION_MAX_RATE);
  g_assert_cmpfloat (view.late + view.rebuilt, <=, 6000);
  tell_well (&c);
  note (&c, "a");
  note (&c, "b");
  view = look (&c, 1);
  g_assert_cmpfloat_with_epsilon (view.time, 0.01, 1e-6);
  case_clear (&c);
}

/* As many viewers as one likes: memory is bounded, and those who came first still count. */
static void
test_flood (void)
{
  Case c;

  case_init (&c);
  note_complaint (&c, "a", 1);
  for (guint i = 0; i < PMSS_RECEPTION_MAX_VIEWERS + 10; i++) {
    g_autofree char *name = g_strdup_printf ("flood%u", i);

    note (&c, name);
  }
  g_assert_cmpuint (look (&c, 1).viewers, ==, PMSS_RECEPTION_MAX_VIEWERS);
  g_assert_cmpuint (look (&c, 1).complaints, ==, 1);
  g_assert_cmpuint (pmss_reception_count (c.reception), <=, PMSS_RECEPTION_MAX);
  for (guint i = 0; i < 100; i++) {
    for (guint j = 0; j < N; j++) {
      guint id = 100 + N * i + j;

      g_array_append_val (c.layout, id);
    }
  }
  g_array_set_size (c.told, PMSS_MAX_MEASURED_NODES);
  for (guint i = 0; i < PMSS_MAX_MEASURED_NODES; i++)
    *told_of (&c, i) = (PmssNodeMeasure) {
    .node = 100 + i,.units = 1};
  for (guint i = 0; i < 1000; i++) {
    g_autofree char *name = g_strdup_printf ("flood%u", i);

    note (&c, name);
  }
  g_assert_cmpuint (pmss_reception_count (c.reception), ==, PMSS_RECEPTION_MAX);
  c.now += 60 * S;
  g_assert_cmpuint (look (&c, 1).viewers, ==, 0);
  g_assert_cmpuint (pmss_reception_count (c.reception), ==, 0);
  case_clear (&c);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reception/three", test_three);
  g_test_add_func ("/reception/minute", test_minute);
  g_test_add_func ("/reception/reach", test_reach);
  g_test_add_func ("/reception/liar", test_liar);
  g_test_add_func ("/reception/foreign", test_foreign);
  g_test_add_func ("/reception/figures", test_figures);
  g_test_add_func ("/reception/absurd", test_absurd);
  g_test_add_func ("/reception/flood", test_flood);
  return g_test_run ();
}
