/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss job ls, watch, pause, resume, cancel, limit */

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-amount.h>
#include <libpmss/pmss-error.h>

#include "cli-list.h"
#include "cli-progress.h"
#include "job-follow.h"

/* What the control server gives at once. */
#define MAX_PAGE 1000u

static const PmssCliUsage ls_usage = {
  "", "Lists background work, the newest first.",
  "Why a job failed, rests or waits, and warnings, stand below the list. Of many\n"
      "jobs the newest are shown; --all or a larger --limit shows more.\n\n"
      "Examples:\n"
      "  pmss job ls\n"
      "  pmss job ls --state running\n"
      "  pmss job ls --json | jq '.jobs[] | select(.state == \"failed\") | .id'",
  0, 0
};

/* "-" where it is not known. */
static char *
job_rate (JsonObject * job)
{
  guint64 rate = pmss_cli_json_number (job, "rate");
  g_autofree char *size = rate != 0 ? pmss_cli_size (rate) : NULL;

  return size != NULL ? g_strconcat (size, "/s", NULL) : g_strdup ("-");
}

static char *
job_left (JsonObject * job)
{
  guint64 left = pmss_cli_json_number (job, "left_ns");

  return left != 0 ? pmss_cli_duration (left) : g_strdup ("-");
}

static void
add_row (PmssCliTable * table, JsonObject * job)
{
  guint64 done = pmss_cli_json_number (job, "done");
  guint64 total = pmss_cli_json_number (job, "total");
  const char *medium = pmss_cli_json_string (job, "medium");

  pmss_cli_table_add (table,
      g_strdup_printf ("%" G_GUINT64_FORMAT, pmss_cli_json_number (job,
              "id")), pmss_cli_escape (pmss_cli_json_string (job, "type")),
      pmss_cli_escape (pmss_cli_json_string (job, "state")),
      pmss_cli_escape (pmss_cli_json_string (job, "phase")),
      total ? g_strdup_printf ("%.0f %%", 100.0 * (double) done /
          (double) total) : g_strdup ("-"), job_rate (job), job_left (job),
      /* a job of the whole cluster has none */
      pmss_cli_escape (medium && *medium ? medium : NULL));
}

/* What is still to be told of a job: why it does not go on, or a warning. */
static const char *
remark (JsonObject * job, const char *state)
{
  const char *error = pmss_cli_json_string (job, "error");
  const char *waiting = pmss_cli_json_string (job, "waiting_for");

  if (waiting != NULL)
    return waiting;
  if (g_str_equal (state, "cancelled"))
    return NULL;
  return error && !g_str_equal (state, "done") ? error :
      pmss_cli_json_string (job, "warning");
}

/* Sentences: in a column they would tear the table apart. */
static void
print_remarks (JsonArray * jobs)
{
  guint i;

  for (i = 0; i < json_array_get_length (jobs); i++) {
    JsonObject *job = pmss_cli_json_element (jobs, i);
    g_autofree char *state =
        pmss_cli_escape (pmss_cli_json_string (job, "state"));
    const char *text = remark (job, state);
    g_autofree char *shown = pmss_cli_escape (text);

    if (text != NULL)
      printf ("\nJob %" G_GUINT64_FORMAT " %s: %s\n",
          pmss_cli_json_number (job, "id"), state, shown);
  }
}

/* One page: the jobs before @before, 0: the newest. */
static JsonNode *
get_page (PmssCli * cli, PmssClient * client, const char *state,
    guint64 limit, guint64 before, GError ** error)
{
  g_autoptr (GString) path = g_string_new (NULL);

  g_string_append_printf (path, "/jobs?limit=%" G_GUINT64_FORMAT,
      MIN (limit, MAX_PAGE));
  if (before)
    g_string_append_printf (path, "&before=%" G_GUINT64_FORMAT, before);
  if (state != NULL) {
    g_string_append (path, "&state=");
    g_string_append_uri_escaped (path, state, NULL, FALSE);
  }
  return pmss_client_request (client, "GET", path->str, NULL,
      cli->cancellable, error);
}

/* The newest @limit jobs. @next: what the ones behind them are before; 0: there are none. */
static JsonArray *
load_jobs (PmssCli * cli, PmssClient * client, const char *state,
    guint64 limit, guint64 * next, GError ** error)
{
  g_autoptr (JsonArray) all = json_array_new ();

  *next = 0;
  do {
    g_autoptr (JsonNode) page = get_page (cli, client, state,
        limit - json_array_get_length (all), *next, error);
    JsonObject *root = page != NULL ? pmss_cli_json_root (page, error) : NULL;
    JsonArray *jobs = pmss_cli_json_array (root, "jobs");
    guint64 before = *next;

    if (root == NULL)
      return NULL;
    for (guint i = 0; jobs && i < json_array_get_length (jobs); i++)
      json_array_add_element (all, json_array_dup_element (jobs, i));
    *next = pmss_cli_json_number (root, "next");
    if (*next && before && *next >= before) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
          "The control server's list of jobs does not go on behind %"
          G_GUINT64_FORMAT, before);
      return NULL;
    }
  } while (*next && json_array_get_length (all) < limit);
  return g_steal_pointer (&all);
}

static void
print_jobs (JsonArray * jobs, guint64 next)
{
  static const char *const columns[] = { ">ID", "TYPE", "STATE", "PHASE",
    ">DONE", ">RATE", ">LEFT", "MEDIUM", NULL
  };
  PmssCliTable *table = pmss_cli_table_new (columns);

  for (guint i = 0; i < json_array_get_length (jobs); i++)
    add_row (table, pmss_cli_json_element (jobs, i));
  pmss_cli_table_print (table, "No jobs.");
  print_remarks (jobs);
  if (next)
    printf ("\nThese are the newest %u; there are older ones, --all shows "
        "them.\n", json_array_get_length (jobs));
}

static gboolean
job_ls (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *state = NULL;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonArray) jobs = NULL;
  gboolean all = FALSE;
  int limit = 100;
  const GOptionEntry entries[] = {
    {"state", 0, 0, G_OPTION_ARG_STRING, &state,
        "queued, running, waiting, paused, done, failed or cancelled", "STATE"},
    {"limit", 0, 0, G_OPTION_ARG_INT, &limit, "At most N (100)", "N"},
    {"all", 'a', 0, G_OPTION_ARG_NONE, &all, "All of them", NULL},
    {NULL}
  };
  guint64 next;

  if (!pmss_cli_parse (cli, &ls_usage, entries, &argc, &argv, error))
    return FALSE;
  if (limit < 1) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "--limit %d is less than one job", limit);
    return FALSE;
  }
  client = pmss_cli_connect (cli, error);
  jobs = client != NULL ? load_jobs (cli, client, state, all ? G_MAXUINT :
      (guint64) limit, &next, error) : NULL;
  if (jobs == NULL)
    return FALSE;
  if (cli->json)
    pmss_cli_json_print_page ("jobs", jobs, next);
  else
    print_jobs (jobs, next);
  return TRUE;
}

static const PmssCliUsage watch_usage = {
  "ID", "Shows a job's progress until it ends.",
  "The exit status is 0 when it is done, and not 0 when it failed, was\n"
      "cancelled or is paused.\n\n" "Example:\n  pmss job watch 12",
  1, 1
};

static gboolean
job_watch (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (PmssCliProgress) progress = NULL;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonNode) job = NULL;
  guint64 id;

  if (!pmss_cli_parse (cli, &watch_usage, NULL, &argc, &argv, error) ||
      !pmss_cli_parse_id (argv[1], "job", &id, error))
    return FALSE;
  client = pmss_cli_connect (cli, error);
  if (client == NULL)
    return FALSE;
  progress = pmss_cli_progress_new (cli->json);
  job = pmss_job_follow (cli, client, id, progress, NULL, error);
  pmss_cli_progress_clear (progress);
  if (job == NULL)
    return FALSE;
  if (cli->json)
    pmss_cli_json_print (job);
  else
    printf ("Job %" G_GUINT64_FORMAT " is done.\n", id);
  return TRUE;
}

/* What a job can be told, by the names of the verbs. */
static const struct
{
  const char *verb;
  PmssCliUsage usage;
} orders[] = {
  {"pause", {"ID", "Pauses a job; it keeps what it has done.",
          "Example:\n  pmss job pause 12", 1, 1}},
  {"resume", {"ID", "Lets a paused or failed job go on.",
          "Example:\n  pmss job resume 12", 1, 1}},
  {"cancel", {"ID", "Cancels a job and undoes what it has done.",
          "Example:\n  pmss job cancel 12", 1, 1}},
};

static gboolean
job_order (PmssCli * cli, int argc, char **argv, GError ** error)
{
  const char *verb = argv[0];
  g_autoptr (JsonNode) answer = NULL;
  g_autofree char *path = NULL;
  g_autofree char *state = NULL;
  JsonObject *root;
  guint64 id;
  guint i = 0;

  while (!g_str_equal (orders[i].verb, verb))
    i++;
  if (!pmss_cli_parse (cli, &orders[i].usage, NULL, &argc, &argv, error) ||
      !pmss_cli_parse_id (argv[1], "job", &id, error))
    return FALSE;
  path = g_strdup_printf ("/jobs/%" G_GUINT64_FORMAT "/%s", id, verb);
  answer = pmss_cli_request (cli, "POST", path, NULL, error);
  root = answer != NULL ? pmss_cli_json_root (answer, error) : NULL;
  if (root == NULL)
    return FALSE;
  if (cli->json) {
    pmss_cli_json_print (answer);
    return TRUE;
  }
  state = pmss_cli_escape (pmss_cli_json_string (root, "state"));
  printf ("Job %" G_GUINT64_FORMAT " is %s.\n", id, state);
  return TRUE;
}

static const PmssCliUsage limit_usage = {
  "ID RATE", "Limits the rate of a job, also while it runs.",
  "RATE is in bit/s, as 20M or 1G; 0: no limit.\n\n"
      "Examples:\n  pmss job limit 12 50M\n  pmss job limit 12 0",
  2, 2
};

static JsonNode *
make_limit (const char *text, GError ** error)
{
  g_autoptr (JsonObject) object = json_object_new ();
  JsonNode *body;
  guint64 rate;

  if (!pmss_amount_parse (text, &rate, NULL)) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "“%s” is not a rate: give bit/s, as 20M, or 0 for no limit", text);
    return NULL;
  }
  json_object_set_int_member (object, "rate_limit", (gint64) rate);
  body = json_node_alloc ();
  json_node_init_object (body, object);
  return body;
}

static gboolean
job_limit (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (JsonNode) body = NULL, answer = NULL;
  g_autofree char *path = NULL, *shown = NULL;
  JsonObject *root;
  guint64 id;

  if (!pmss_cli_parse (cli, &limit_usage, NULL, &argc, &argv, error)
      || !pmss_cli_parse_id (argv[1], "job", &id, error)
      || !(body = make_limit (argv[2], error)))
    return FALSE;
  path = g_strdup_printf ("/jobs/%" G_GUINT64_FORMAT "/limit", id);
  answer = pmss_cli_request (cli, "POST", path, body, error);
  root = answer != NULL ? pmss_cli_json_root (answer, error) : NULL;
  if (root == NULL)
    return FALSE;
  if (cli->json) {
    pmss_cli_json_print (answer);
    return TRUE;
  }
  if (pmss_cli_json_number (root, "rate_limit") == 0) {
    printf ("Job %" G_GUINT64_FORMAT " has no limit.\n", id);
    return TRUE;
  }
  shown = pmss_cli_rate (pmss_cli_json_number (root, "rate_limit"));
  printf ("Job %" G_GUINT64_FORMAT " is limited to %s.\n", id, shown);
  return TRUE;
}

static const PmssCliCommand verbs[] = {
  {"ls", job_ls, "[--state STATE] [--all]", "list jobs"},
  {"watch", job_watch, "ID", "show the progress until it ends"},
  {"pause", job_order, "ID", "let it rest"},
  {"resume", job_order, "ID", "let it go on"},
  {"cancel", job_order, "ID", "end it and undo it"},
  {"limit", job_limit, "ID RATE", "limit its rate"},
  {NULL}
};

gboolean
pmss_cmd_job (PmssCli * cli, int argc, char **argv, GError ** error)
{
  return pmss_cli_dispatch (cli, verbs,
      "Background work: taking files in, verifying them, "
      "deleting and rebuilding shards.", argc, argv, error);
}
