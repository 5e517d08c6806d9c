/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "job-follow.h"

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-error.h>

#include "cli-text.h"

#define FIRST_INTERVAL_MS 50
#define MAX_INTERVAL_MS 500
#define AWAY_LIMIT (60 * G_USEC_PER_SEC)

static gboolean
wait_ms (GCancellable * cancellable, int ms, GError ** error)
{
  GPollFD fd;

  if (g_cancellable_make_pollfd (cancellable, &fd)) {
    g_poll (&fd, 1, ms);
    g_cancellable_release_fd (cancellable);
  }
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* NULL without error: the server is away, but not for too long yet. */
static JsonNode *
ask (PmssClient * client, const char *path, GCancellable * cancellable,
    gint64 * away_since, GError ** error)
{
  g_autoptr (GError) local = NULL;
  JsonNode *node = pmss_client_request (client, "GET", path, NULL,
      cancellable, &local);
  gint64 now = g_get_monotonic_time ();

  if (node) {
    *away_since = 0;
    return node;
  }
  if (*away_since == 0)
    *away_since = now;
  if ((g_error_matches (local, PMSS_ERROR, PMSS_ERROR_UNREACHABLE) ||
          g_error_matches (local, PMSS_ERROR, PMSS_ERROR_TIMED_OUT)) &&
      now - *away_since < AWAY_LIMIT)
    return NULL;
  g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}

/* TRUE: the job goes on. */
static gboolean
check_state (JsonObject * job, guint64 id, GError ** error)
{
  const char *state = pmss_cli_json_string (job, "state");
  const char *reason = pmss_cli_json_string (job, "error");

  if (g_strcmp0 (state, "failed") == 0)
    g_set_error (error, PMSS_ERROR,
        reason && strstr (reason, "space") ? PMSS_ERROR_NO_SPACE :
        PMSS_ERROR_FAILED, "Job %" G_GUINT64_FORMAT " failed: %s; "
        "'pmss job resume %" G_GUINT64_FORMAT
        "' tries again, 'pmss job cancel %" G_GUINT64_FORMAT "' gives up", id,
        reason ? reason : "the server gives no reason", id, id);
  else if (g_strcmp0 (state, "cancelled") == 0)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "Job %" G_GUINT64_FORMAT " was cancelled", id);
  else if (g_strcmp0 (state, "paused") == 0)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "Job %" G_GUINT64_FORMAT " is paused%s%s; 'pmss job resume %"
        G_GUINT64_FORMAT "' lets it go on", id, reason ? ": " : "",
        reason ? reason : "", id);
  else
    return TRUE;
  return FALSE;
}

/* What a job is at, for people. */
static const char *
phase_text (JsonObject * job)
{
  static const char *const texts[][2] = {
    {"probe", "looking at it"},
    {"hash", "hashing"},
    {"stripe", "striping"},
    {"verify", "reading back"},
    {"read", "reading all shards"},
    {"commit", "finishing"},
    {"rebuild", "rebuilding shards"},
  };
  const char *phase = pmss_cli_json_string (job, "phase");
  guint i;

  if (g_strcmp0 (pmss_cli_json_string (job, "state"), "waiting") == 0)
    return "waiting";
  for (i = 0; phase && i < G_N_ELEMENTS (texts); i++)
    if (g_str_equal (phase, texts[i][0]))
      return texts[i][1];
  return phase ? phase : "waiting";
}

/* Says once what a job waits for, and again when that is something else. @told: (nullable): what was said last. */
static void
tell_waiting (PmssCli * cli, JsonObject * job, guint64 id,
    PmssCliProgress * progress, char **told)
{
  const char *what = pmss_cli_json_string (job, "waiting_for");
  g_autofree char *shown = pmss_cli_escape (what);

  if (!what || cli->json || g_strcmp0 (what, *told) == 0)
    return;
  pmss_cli_progress_clear (progress);
  fprintf (stderr, "%s: job %" G_GUINT64_FORMAT " waits, and goes on by "
      "itself: %s\n", g_get_prgname (), id, shown);
  g_free (*told);
  *told = g_strdup (what);
}

/* It is done, but not all of it went well. */
static void
tell_warning (PmssCli * cli, JsonObject * job, PmssCliProgress * progress)
{
  const char *warning = pmss_cli_json_string (job, "warning");
  g_autofree char *shown = pmss_cli_escape (warning);

  if (!warning || cli->json)
    return;
  pmss_cli_progress_clear (progress);
  fprintf (stderr, "%s: warning: %s\n", g_get_prgname (), shown);
}

JsonNode *
pmss_job_follow (PmssCli * cli, PmssClient * client, guint64 id,
    PmssCliProgress * progress, GError ** error)
{
  g_autofree char *path = g_strdup_printf ("/jobs/%" G_GUINT64_FORMAT, id);
  g_autofree char *told = NULL;
  gint64 away_since = 0;
  int interval = FIRST_INTERVAL_MS;

  for (;;) {
    g_autoptr (GError) local = NULL;
    g_autoptr (JsonNode) node =
        ask (client, path, cli->cancellable, &away_since, &local);
    JsonObject *job = NULL;

    if (local) {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
    if (node) {
      job = pmss_cli_json_root (node, error);
      if (!job || !check_state (job, id, error))
        return NULL;
      if (g_strcmp0 (pmss_cli_json_string (job, "state"), "done") == 0) {
        tell_warning (cli, job, progress);
        return g_steal_pointer (&node);
      }
      tell_waiting (cli, job, id, progress, &told);
      pmss_cli_progress_update_share (progress, phase_text (job),
          pmss_cli_json_number (job, "done"),
          pmss_cli_json_number (job, "total"));
    }
    if (!wait_ms (cli->cancellable, interval, error))
      return NULL;
    interval = MIN (interval * 2, MAX_INTERVAL_MS);
  }
}
