/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decides whom not to wait for. Pure. */
#include "libpmss/reader/pmss-late.h"

#include <stdlib.h>

#define OVERDUE 4
/* A node may be far away, and the client's network may be full; but that a node
 * takes longer than it did, and longer than others, buys it no time. */
#define MIN_PATIENCE (50 * G_TIME_SPAN_MILLISECOND)
#define MAX_PATIENCE (2 * G_TIME_SPAN_SECOND)
/* As long as nothing is known of any node. */
#define FIRST_PATIENCE (250 * G_TIME_SPAN_MILLISECOND)
#define MAX_SILENCE (1 * G_TIME_SPAN_SECOND)
/* What is needed now, and may not be asked for twice, is taken from a late node
 * after so long. */
#define GIVE_UP (250 * G_TIME_SPAN_MILLISECOND)

/* All that is judged by. */
typedef struct
{
  gint64 now;
  PmssRedundancy redundancy;
  const PmssLateView *views;
  guint n;
  guint n_overdue;              /* of these */
  gint64 record_time;           /* us, the median; 0: nothing is known */
  gint64 rtt;                   /* us, the median; 0: nothing is known */
} Scene;

static gint
compare_times (const void *a, const void *b)
{
  gint64 first = *(const gint64 *) a, second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

/* @times: reordered */
static gint64
find_median (gint64 * times, guint n)
{
  if (n == 0)
    return 0;
  qsort (times, n, sizeof (gint64), compare_times);
  return times[n / 2];
}

static void
find_usual (Scene * scene)
{
  g_autofree gint64 *records = g_new (gint64, scene->n + 1);
  g_autofree gint64 *rtts = g_new (gint64, scene->n + 1);
  guint n_records = 0, n_rtts = 0;

  for (guint i = 0; i < scene->n; i++) {
    const PmssLateView *view = &scene->views[i];

    if (view->record_time > 0)
      records[n_records++] = view->record_time;
    if (view->rtt > 0)
      rtts[n_rtts++] = view->rtt;
  }
  scene->record_time = find_median (records, n_records);
  scene->rtt = find_median (rtts, n_rtts);
}

/* us that almost all answers take, from nodes that are @rtt away. */
static gint64
get_patience (const Scene * scene, gint64 rtt)
{
  if (scene->rtt == 0)
    return FIRST_PATIENCE;
  return MAX (CLAMP (OVERDUE * rtt, MIN_PATIENCE, MAX_PATIENCE),
      OVERDUE * scene->record_time);
}

static gint64
get_node_patience (const Scene * scene, const PmssLateView * view)
{
  return get_patience (scene, MAX (view->least_rtt, MIN (view->rtt,
              scene->rtt)));
}

static gboolean
is_overdue (const Scene * scene, const PmssLateView * view)
{
  return view->wait >= get_node_patience (scene, view);
}

/* The share of the nodes that redundancy makes up for. */
static gboolean
are_exceptions (const Scene * scene)
{
  return scene->n_overdue * (scene->redundancy.k + scene->redundancy.m) <=
      scene->redundancy.m * scene->n;
}

/* Whether a node other than @view's has given all that was asked of it, or at
 * least something meanwhile. */
static gboolean
are_others_well (const Scene * scene, const PmssLateView * view)
{
  gint64 since = scene->now - view->wait;

  /* Of replicas only one is asked. */
  if (scene->redundancy.k == 1)
    return TRUE;
  for (guint i = 0; i < scene->n; i++) {
    const PmssLateView *other = &scene->views[i];

    if (other != view && other->is_up && other->last_record > 0
        && !is_overdue (scene, other)
        && (!other->is_busy || other->last_record > since))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_silent (const Scene * scene, const PmssLateView * view)
{
  return view->silence > MAX (MAX_SILENCE, get_node_patience (scene, view));
}

static PmssLateVerdict
judge_up (PmssLate * late, const Scene * scene, const PmssLateView * view)
{
  gint64 patience = get_node_patience (scene, view);
  gint64 left = view->needed - scene->now;

  if (view->wait < patience || left > late->hedge_time) {
    /* When both will be so, if nothing comes. */
    if (left < G_MAXINT64 / 2)
      late->look_at = MIN (late->look_at, scene->now +
          MAX (patience - view->wait, left - late->hedge_time));
    return PMSS_LATE_WAIT;
  }
  return is_silent (scene, view) || (are_exceptions (scene)
      && are_others_well (scene, view)) ? PMSS_LATE_IS_LATE : PMSS_LATE_WAIT;
}

static PmssLateVerdict
judge (PmssLate * late, const Scene * scene, const PmssLateView * view)
{
  if (!view->is_busy)
    return PMSS_LATE_WAIT;
  if (view->is_up)
    return judge_up (late, scene, view);
  return scene->now - view->denied_since >= GIVE_UP ? PMSS_LATE_GIVE_UP
      : PMSS_LATE_WAIT;
}

void
pmss_late_judge (PmssLate * late, gint64 now, PmssRedundancy redundancy,
    const PmssLateView * views, guint n, PmssLateVerdict * verdicts)
{
  Scene scene = {.now = now,.redundancy = redundancy,.views = views,.n = n };

  find_usual (&scene);
  for (guint i = 0; i < n; i++)
    scene.n_overdue += is_overdue (&scene, &views[i]);
  late->hedge_time = get_patience (&scene, scene.rtt);
  late->look_at = G_MAXINT64;
  for (guint i = 0; i < n; i++)
    verdicts[i] = judge (late, &scene, &views[i]);
}
