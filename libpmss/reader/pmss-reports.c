/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collects what control is told of shards and nodes, and tells it. On the I/O thread. */
#include "libpmss/reader/pmss-reports.h"

#include "libpmss/pmss-error.h"

/* us: what comes together is told together, and no more often than this. */
#define GATHER (20 * G_TIME_SPAN_MILLISECOND)
#define PAUSE (1 * G_TIME_SPAN_SECOND)
/* Before it is tried again when control has no ear for it. */
#define LONG_PAUSE (10 * G_TIME_SPAN_SECOND)
/* s: what is still so is told again, no more often than this: control may have
 * mended it, and it is lost anew. */
#define TELL_AGAIN 60
/* Places that were told of in that time: more are not told. */
#define MAX_TOLD 4096

struct _PmssReports
{
  PmssLoop *loop;               /* nullable, as is */
  PmssLease *lease;
  GHashTable *told;             /* place_key() -> when, in s, monotonic */
  GArray *pending;              /* of PmssReport */
  PmssAlarm *timer;             /* (nullable): without a loop */
  gboolean is_set;              /* the timer */
  guint sending;                /* the first so many are under way */
  gint64 next;                  /* not before, on the loop's clock */
  gboolean stopped;
};

static void send_reports (gpointer reports);
static void set_timer (PmssReports * reports);

PmssReports *
pmss_reports_new (PmssLoop * loop, PmssLease * lease)
{
  PmssReports *reports = g_new0 (PmssReports, 1);

  reports->loop = loop;
  reports->lease = lease;
  reports->told = g_hash_table_new (NULL, NULL);
  reports->pending = g_array_new (FALSE, FALSE, sizeof (PmssReport));
  if (loop != NULL)
    reports->timer = pmss_alarm_new (loop, send_reports, reports);
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
  reports->stopped = TRUE;
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
  PmssReports *reports = user_data;
  g_autoptr (GError) error = NULL;
  gboolean taken =
      pmss_client_report_finish (PMSS_CLIENT (client), result, &error);

  if (!taken)
    g_debug ("control does not take reports: %s", error->message);
  if (!taken && may_pass (error))
    reports->next = pmss_loop_now (reports->loop) + LONG_PAUSE;
  else
    g_array_remove_range (reports->pending, 0, reports->sending);
  reports->sending = 0;
  set_timer (reports);
  pmss_lease_release (reports->lease);
}

static void
send_reports (gpointer user_data)
{
  PmssReports *reports = user_data;

  reports->is_set = FALSE;
  reports->sending = MIN (reports->pending->len, PMSS_MAX_REPORTS);
  reports->next = pmss_loop_now (reports->loop) + PAUSE;
  pmss_lease_hold (reports->lease);
  pmss_client_report_async (pmss_lease_get_client (reports->lease),
      pmss_lease_get_session (reports->lease),
      (const PmssReport *) reports->pending->data, reports->sending,
      pmss_lease_get_cancellable (reports->lease), reports_sent, reports);
}

static void
set_timer (PmssReports * reports)
{
  gint64 now = pmss_loop_now (reports->loop);

  if (reports->stopped || reports->is_set || reports->sending > 0
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

void
pmss_reports_add_always (PmssReports * reports, const PmssReport * report)
{
  if (reports->pending->len >= MAX_TOLD)
    return;
  g_array_append_val (reports->pending, *report);
  set_timer (reports);
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
pmss_reports_add (PmssReports * reports, const PmssReport * report)
{
  if (pmss_reports_note (reports, report, pmss_loop_now (reports->loop)))
    pmss_reports_add_always (reports, report);
}

void
pmss_reports_forget (PmssReports * reports, guint32 extent, guint index)
{
  PmssReport report = {.extent = extent,.index = index };

  for (report.kind = 0; report.kind < PMSS_N_REPORT_KINDS; report.kind++)
    g_hash_table_remove (reports->told, place_key (&report));
}
