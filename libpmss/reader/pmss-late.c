/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-engine.h"

/* Who is late?
 *
 * A node that is silent, or so slow that it comes to the same. Neither may be
 * mistaken for a slow network of the client's own, where all nodes wait alike:
 * then asking others in its place only makes it worse. So a node is late when
 * its record is overdue by what all nodes need for one, when there are no more
 * such nodes than redundancy makes up for, and when others have given theirs.
 * One that says nothing at all is late, too, as soon as others talk or a second
 * has passed. */

#define MIN_PATIENCE (250 * G_TIME_SPAN_MILLISECOND)
#define MAX_PATIENCE (2 * G_TIME_SPAN_SECOND)
#define MAX_SILENCE (1 * G_TIME_SPAN_SECOND)
/* times what an answer, or a record, takes otherwise */
#define OVERDUE 4

/* Of all nodes, in us; 0: nothing is known. */
typedef struct
{
  gint64 now;
  gint64 record_time;
  gint64 rtt;
} Usual;

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a, second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

static gint64
find_median (GArray * times)
{
  if (times->len == 0)
    return 0;
  g_array_sort (times, compare_times);
  return g_array_index (times, gint64, times->len / 2);
}

static Usual
find_usual (PmssEngine * engine, gint64 now)
{
  g_autoptr (GArray) records = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GArray) rtts = g_array_new (FALSE, FALSE, sizeof (gint64));
  Usual usual = {.now = now };
  guint i;

  for (i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    if (link->record_time > 0)
      g_array_append_val (records, link->record_time);
    if (link->rtt > 0)
      g_array_append_val (rtts, link->rtt);
  }
  usual.record_time = find_median (records);
  usual.rtt = find_median (rtts);
  return usual;
}

/* A node may be far away, and the client's network may be full; but that a node
 * takes longer than it did, and longer than others, buys it no time. */
static gint64
get_patience (PmssLink * link, const Usual * usual)
{
  gint64 rtt = MAX (link->least_rtt, MIN (link->rtt, usual->rtt));

  return CLAMP (OVERDUE * rtt, MIN_PATIENCE, MAX_PATIENCE);
}

static gboolean
is_overdue (PmssLink * link, const Usual * usual)
{
  return pmss_link_get_wait (link, usual->now) >=
      MAX (get_patience (link, usual), OVERDUE * usual->record_time);
}

static gboolean
is_silent (PmssLink * link, const Usual * usual)
{
  return pmss_link_get_silence (link, usual->now) >= get_patience (link, usual);
}

static gboolean
anybody_talks (PmssEngine * engine, const Usual * usual)
{
  guint i;

  for (i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    if (link->streams->len > 0 && !is_silent (link, usual))
      return TRUE;
  }
  return FALSE;
}

/* The share of the nodes that redundancy makes up for. */
static gboolean
are_exceptions (PmssEngine * engine, guint n_overdue)
{
  PmssRedundancy redundancy = engine->rows.redundancy;

  return n_overdue * (redundancy.k + redundancy.m) <=
      redundancy.m * engine->links->len;
}

/* Whether a node other than @link has given all that was asked of it, or at
 * least something meanwhile. */
static gboolean
are_others_well (PmssEngine * engine, PmssLink * link, const Usual * usual)
{
  gint64 since = usual->now - pmss_link_get_wait (link, usual->now);
  guint i;

  /* Of replicas only one is asked. */
  if (engine->rows.redundancy.k == 1)
    return TRUE;
  for (i = 0; i < engine->links->len; i++) {
    PmssLink *other = engine->links->pdata[i];

    if (other->state == PMSS_LINK_UP && other->last_record > 0
        && !is_overdue (other, usual)
        && (other->streams->len == 0 || other->last_record > since))
      return TRUE;
  }
  return FALSE;
}

void
pmss_late_check (PmssEngine * engine, gint64 now)
{
  const Usual usual = find_usual (engine, now);
  gboolean talk = anybody_talks (engine, &usual);
  guint i, n_overdue = 0;

  for (i = 0; i < engine->links->len; i++)
    n_overdue += is_overdue (engine->links->pdata[i], &usual);
  for (i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];
    gint64 silence = pmss_link_get_silence (link, now);
    gboolean slow = is_overdue (link, &usual)
        && are_exceptions (engine, n_overdue)
        && are_others_well (engine, link, &usual);
    gboolean silent = is_silent (link, &usual)
        && (talk || silence > MAX_SILENCE);

    if (link->state != PMSS_LINK_UP || (!slow && !silent))
      continue;
    g_debug ("node %u (%s) is late: a record is awaited for %" G_GINT64_FORMAT
        " ms, silence for %" G_GINT64_FORMAT " ms", link->node.id, link->peer,
        pmss_link_get_wait (link, now) / 1000, silence / 1000);
    pmss_link_note_late (link, now);
    pmss_engine_kick (engine);
  }
}
