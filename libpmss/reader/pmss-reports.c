/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-engine.h"

/* What the reader tells control of shards and nodes that did not give what they
 * should have, so that somebody looks. Best effort: nobody waits for it, and
 * what cannot be told is forgotten when the reader is closed. */

/* us: what comes together is told together, and no more often than this. */
#define GATHER (20 * G_TIME_SPAN_MILLISECOND)
#define PAUSE (1 * G_TIME_SPAN_SECOND)
/* Before it is tried again when control has no ear for it. */
#define LONG_PAUSE (10 * G_TIME_SPAN_SECOND)
/* A node that comes and goes. */
#define NODE_PAUSE (60 * G_TIME_SPAN_SECOND)
/* s: what is still so is told again, no more often than this: control may have
 * mended it, and it is lost anew. */
#define TELL_AGAIN 60
/* Places that were told of in that time: more are not told. */
#define MAX_TOLD 4096

struct _PmssReports
{
  GHashTable *told;             /* place_key() -> when, in s, monotonic */
  GArray *pending;              /* of PmssReport */
  PmssAlarm *timer;             /* (nullable): without a loop */
  gboolean is_set;              /* the timer */
  guint sending;                /* the first so many are under way */
  gint64 next;                  /* not before, monotonic */
};

static void send_reports (gpointer engine);
static void set_timer (PmssEngine * engine);

PmssReports *
pmss_reports_new (PmssLoop * loop, PmssEngine * engine)
{
  PmssReports *reports = g_new0 (PmssReports, 1);

  reports->told = g_hash_table_new (NULL, NULL);
  reports->pending = g_array_new (FALSE, FALSE, sizeof (PmssReport));
  if (loop != NULL)
    reports->timer = pmss_alarm_new (loop, send_reports, engine);
  return reports;
}

void
pmss_reports_free (PmssReports * reports)
{
  if (reports->timer != NULL)
    pmss_alarm_end (reports->timer);
  g_hash_table_unref (reports->told);
  g_array_unref (reports->pending);
  g_free (reports);
}

void
pmss_reports_stop (PmssReports * reports)
{
  pmss_alarm_stop (reports->timer);
}

static gboolean
may_pass (const GError * error)
{
  return g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY);
}

/* A control server that does not know what this is about has no use for it
 * later either. */
static void
reports_sent (GObject * client, GAsyncResult * result, gpointer user_data)
{
  PmssEngine *engine = user_data;
  PmssReports *reports = engine->reports;
  g_autoptr (GError) error = NULL;
  gboolean taken =
      pmss_client_report_finish (PMSS_CLIENT (client), result, &error);

  if (!taken)
    g_debug ("control does not take reports: %s", error->message);
  if (!taken && may_pass (error))
    reports->next = pmss_loop_now (engine->loop) + LONG_PAUSE;
  else
    g_array_remove_range (reports->pending, 0, reports->sending);
  reports->sending = 0;
  set_timer (engine);
  pmss_engine_release (engine);
}

static void
send_reports (gpointer user_data)
{
  PmssEngine *engine = user_data;
  PmssReports *reports = engine->reports;

  reports->is_set = FALSE;
  reports->sending = MIN (reports->pending->len, PMSS_MAX_REPORTS);
  reports->next = pmss_loop_now (engine->loop) + PAUSE;
  pmss_engine_hold (engine);
  pmss_client_report_async (engine->client,
      pmss_lease_get_session (engine->lease),
      (const PmssReport *) reports->pending->data, reports->sending,
      pmss_lease_get_cancellable (engine->lease), reports_sent, engine);
}

static void
set_timer (PmssEngine * engine)
{
  PmssReports *reports = engine->reports;
  gint64 now = pmss_loop_now (engine->loop);

  if (engine->closing || reports->is_set || reports->sending > 0
      || reports->pending->len == 0)
    return;
  reports->is_set = TRUE;
  pmss_alarm_set (reports->timer, MAX (reports->next, now + GATHER));
}

static gpointer
place_key (const PmssReport * report)
{
  gsize place = (gsize) report->extent << 5 | report->index;

  return GSIZE_TO_POINTER ((place << 3 | report->kind) + 1);
}

static void
add (PmssEngine * engine, const PmssReport * report)
{
  if (engine->reports->pending->len >= MAX_TOLD)
    return;
  g_array_append_val (engine->reports->pending, *report);
  set_timer (engine);
}

static gboolean
is_old (gpointer key, gpointer value, gpointer now)
{
  return GPOINTER_TO_SIZE (now) - GPOINTER_TO_SIZE (value) >= TELL_AGAIN;
}

gboolean
pmss_reports_note (PmssReports * reports, const PmssReport * report, gint64 now)
{
  gpointer seconds = GSIZE_TO_POINTER (now / G_TIME_SPAN_SECOND);
  gpointer key = place_key (report), then;

  if (g_hash_table_lookup_extended (reports->told, key, NULL, &then)
      && !is_old (key, then, seconds))
    return FALSE;
  if (g_hash_table_size (reports->told) >= MAX_TOLD)
    g_hash_table_foreach_remove (reports->told, is_old, seconds);
  if (g_hash_table_size (reports->told) >= MAX_TOLD)
    return FALSE;
  g_hash_table_insert (reports->told, key, seconds);
  return TRUE;
}

void
pmss_reports_add (PmssEngine * engine, PmssLink * link, guint32 extent,
    guint index, gint64 row, PmssReportKind kind)
{
  const PmssReport report = { extent, index, row, link->node.id, kind };

  if (pmss_reports_note (engine->reports, &report,
          pmss_loop_now (engine->loop)))
    add (engine, &report);
}

void
pmss_reports_forget (PmssEngine * engine, guint32 extent, guint index)
{
  PmssReport report = {.extent = extent,.index = index };

  for (report.kind = 0; report.kind < PMSS_N_REPORT_KINDS; report.kind++)
    g_hash_table_remove (engine->reports->told, place_key (&report));
}

/* A report names a place: the next one, from where somebody reads, that the
 * node has. */
static gboolean
find_place (PmssEngine * engine, PmssLink * link, PmssReport * report)
{
  guint32 i, n = pmss_layout_get_n_extents (engine->rows.layout);
  guint32 first = engine->active == NULL ? 0 :
      engine->active->row / engine->rows.rows_per_extent;
  guint width = engine->rows.redundancy.k + engine->rows.redundancy.m;

  for (i = 0; i < n; i++) {
    report->extent = (first + i) % n;
    for (report->index = 0; report->index < width; report->index++) {
      if (pmss_engine_get_shard_link (engine, report->extent, report->index)
          == link)
        return TRUE;
    }
  }
  return FALSE;
}

void
pmss_reports_add_node (PmssEngine * engine, PmssLink * link)
{
  PmssReport report = {.row = -1,.node = link->node.id,.kind =
        PMSS_REPORT_UNREACHABLE
  };
  gint64 now = pmss_loop_now (engine->loop);

  if ((link->told_at != 0 && now - link->told_at < NODE_PAUSE)
      || !find_place (engine, link, &report))
    return;
  link->told_at = now;
  add (engine, &report);
}
