/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "job-follow.h"

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-error.h>

#include "cli-text.h"
#include "patience.h"

#define FIRST_INTERVAL_MS 50
#define MAX_INTERVAL_MS 500

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
        reason != NULL ? reason : "the server gives no reason", id, id);
  else if (g_strcmp0 (state, "cancelled") == 0)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "Job %" G_GUINT64_FORMAT " was cancelled", id);
  else if (g_strcmp0 (state, "paused") == 0)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "Job %" G_GUINT64_FORMAT " is paused%s%s; 'pmss job resume %"
        G_GUINT64_FORMAT "' lets it go on", id, reason != NULL ? ": " : "",
        reason != NULL ? reason : "", id);
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
    {"read-again", "reading all shards"},
    {"picture", "making pictures"},
    {"picture-again", "making pictures"},
    {"rebuild", "rebuilding shards"},
  };
  const char *phase = pmss_cli_json_string (job, "phase");
  guint i;

  if (g_strcmp0 (pmss_cli_json_string (job, "state"), "waiting") == 0)
    return "waiting";
  for (i = 0; phase && i < G_N_ELEMENTS (texts); i++)
    if (g_str_equal (phase, texts[i][0]))
      return texts[i][1];
  return phase != NULL ? phase : "waiting";
}

/* Says once what a job waits for, and again when that is something else. @told: (nullable): what was said last. */
static void
tell_waiting (PmssCli * cli, JsonObject * job, guint64 id,
    PmssCliProgress * progress, char **told)
{
  const char *what = pmss_cli_json_string (job, "waiting_for");
  g_autofree char *shown = pmss_cli_escape (what);

  if (what == NULL || cli->json || g_strcmp0 (what, *told) == 0)
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

  if (warning == NULL || cli->json)
    return;
  pmss_cli_progress_clear (progress);
  fprintf (stderr, "%s: warning: %s\n", g_get_prgname (), shown);
}

/* Asks, and shows how far it is. TRUE: it goes on; else it is @done, or @error says how it ended. */
static gboolean
look (PmssCli * cli, JsonNode * node, guint64 id, PmssCliProgress * progress,
    char **told, gboolean * done, GError ** error)
{
  JsonObject *job = pmss_cli_json_root (node, error);

  if (job == NULL || !check_state (job, id, error))
    return FALSE;
  *done = g_strcmp0 (pmss_cli_json_string (job, "state"), "done") == 0;
  if (*done) {
    tell_warning (cli, job, progress);
    return FALSE;
  }
  tell_waiting (cli, job, id, progress, told);
  pmss_cli_progress_update_share (progress, phase_text (job),
      pmss_cli_json_number (job, "done"), pmss_cli_json_number (job, "total"));
  return TRUE;
}

JsonNode *
pmss_job_follow (PmssCli * cli, PmssClient * client, guint64 id,
    PmssCliProgress * progress, gboolean * known, GError ** error)
{
  g_autofree char *path = g_strdup_printf ("/jobs/%" G_GUINT64_FORMAT, id);
  g_autofree char *told = NULL;
  int interval = FIRST_INTERVAL_MS;

  for (;;) {
    g_autoptr (JsonNode) node =
        pmss_patience_get (client, path, cli->cancellable, error);
    gboolean done = FALSE;

    if (known != NULL)
      *known = node != NULL;
    if (node == NULL)
      return NULL;
    if (!look (cli, node, id, progress, &told, &done, error))
      return done ? g_steal_pointer (&node) : NULL;
    if (!pmss_patience_wait (cli->cancellable, interval, error)) {
      if (known != NULL)
        *known = FALSE;
      return NULL;
    }
    interval = MIN (interval * 2, MAX_INTERVAL_MS);
  }
}
