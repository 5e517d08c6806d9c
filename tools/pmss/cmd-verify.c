/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss verify */

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-error.h>

#include "cli-progress.h"
#include "cli-text.h"
#include "cli.h"
#include "job-follow.h"
#include "medium.h"

#define MAX_LISTED 50           /* bad shards and ranges of a medium, for people */

static const PmssCliUsage usage = {
  "NAME… | --all",
  "Has every shard of media read and checked.",
  "Each shard is read from its storage server and held against its checksums,\n"
      "the other shards and the parity; the whole against the SHA-256 of the\n"
      "upload. A job of the control server does it, which goes on when this\n"
      "command is interrupted ('pmss job ls'). What is found bad is written down\n"
      "for repair. The exit status is 65 unless all media are whole.\n\n"
      "Examples:\n"
      "  pmss verify films/sintel.webm\n"
      "  pmss verify --all --rate-limit 200000000\n"
      "  pmss verify --all --json | jq '.verified[] | select(.state != \"whole\")'",
  0, -1
};

typedef struct
{
  PmssClient *client;
  gint64 rate_limit;
  JsonArray *results;
  guint whole, others;
} Verifying;

/* One medium, after its job. */
typedef struct
{
  const char *name;
  const char *warning;          /* of the job; nullable */
  JsonObject *health;           /* nullable */
  const char *state;            /* "whole" only if nothing was found */
  JsonArray *bad_shards;
} Outcome;

/* --- asking --- */

static guint64
start_job (PmssCli * cli, Verifying * self, const char *name, GError ** error)
{
  g_autofree char *what = g_strdup_printf ("verify?rate_limit=%"
      G_GINT64_FORMAT, self->rate_limit);

  return pmss_medium_start_job (cli, self->client, name, what, error);
}

static JsonArray *
get_bad_shards (PmssCli * cli, Verifying * self, const char *name,
    GError ** error)
{
  g_autoptr (JsonArray) all = json_array_new ();
  g_autofree char *encoded = g_uri_escape_string (name, NULL, FALSE);
  g_autofree char *after = NULL;

  do {
    g_autofree char *path = g_strdup_printf ("/bad-shards?medium=%s%s%s",
        encoded, after != NULL ? "&after=" : "", after != NULL ? after : "");
    g_autoptr (JsonNode) page = pmss_client_request (self->client, "GET", path,
        NULL, cli->cancellable, error);
    JsonObject *root = page != NULL ? pmss_cli_json_root (page, error) : NULL;
    JsonArray *shards =
        root != NULL ? pmss_cli_json_array (root, "bad_shards") : NULL;
    const char *next =
        root != NULL ? pmss_cli_json_string (root, "next") : NULL;

    if (root == NULL)
      return NULL;
    for (guint i = 0; shards && i < json_array_get_length (shards); i++)
      json_array_add_element (all, json_array_dup_element (shards, i));
    /* A page without any is the last one. */
    if (shards == NULL || json_array_get_length (shards) == 0)
      next = NULL;
    g_free (after);
    after = g_strdup (next);
  } while (after != NULL);
  return g_steal_pointer (&all);
}

/* --- telling --- */

static void
print_rows (JsonArray * rows)
{
  guint n = rows != NULL ? json_array_get_length (rows) : 0;

  for (guint i = 0; i < MIN (n, 10); i++)
    printf ("%s%" G_GINT64_FORMAT, i == 0 ? n == 1 ? ", row " : ", rows " :
        ", ", json_array_get_int_element (rows, i));
  if (n > 10)
    printf (" and %u more", n - 10);
}

static void
print_bad_shards (JsonArray * shards)
{
  guint n = json_array_get_length (shards);

  for (guint i = 0; i < MIN (n, MAX_LISTED); i++) {
    JsonObject *shard = pmss_cli_json_element (shards, i);
    g_autofree char *kind = pmss_cli_escape (pmss_cli_json_string (shard,
            "kind"));

    printf ("  extent %" G_GUINT64_FORMAT ", shard %" G_GUINT64_FORMAT
        " on node %" G_GUINT64_FORMAT ": %s",
        pmss_cli_json_number (shard, "extent"),
        pmss_cli_json_number (shard, "shard"),
        pmss_cli_json_number (shard, "node"), kind);
    print_rows (pmss_cli_json_array (shard, "rows"));
    putchar ('\n');
  }
  if (n > MAX_LISTED)
    printf ("  and %u more shards\n", n - MAX_LISTED);
}

static void
print_ranges (JsonArray * ranges)
{
  guint n = ranges != NULL ? json_array_get_length (ranges) : 0;

  for (guint i = 0; i < MIN (n, MAX_LISTED); i++) {
    JsonObject *range = pmss_cli_json_element (ranges, i);
    guint64 offset = pmss_cli_json_number (range, "offset");

    printf ("  bytes %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
        " are lost\n", offset,
        offset + MAX (pmss_cli_json_number (range, "length"), 1) - 1);
  }
  if (n > MAX_LISTED)
    printf ("  and %u more ranges\n", n - MAX_LISTED);
}

static void
print_nodes_down (JsonArray * nodes)
{
  guint n = nodes != NULL ? json_array_get_length (nodes) : 0;

  for (guint i = 0; i < n; i++)
    printf ("%s %" G_GINT64_FORMAT, i == 0 ? "  down: node" : ",",
        json_array_get_int_element (nodes, i));
  if (n > 0)
    putchar ('\n');
}

static void
print_state (const Outcome * outcome)
{
  static const struct
  {
    const char *state, *text, *member;
  } states[] = {
    {"degraded", "all of it can be read, but some redundancy is gone",
        "degraded_extents"},
    {"unavailable", "not all of it can be read until nodes come back",
        "unavailable_extents"},
    {"damaged", "bytes are lost", "damaged_extents"},
  };
  g_autofree char *name = pmss_cli_escape (outcome->name);
  g_autofree char *state = pmss_cli_escape (outcome->state);
  guint64 extents = pmss_cli_json_number (outcome->health, "extents");

  printf ("%s: %s", name, state);
  if (g_str_equal (outcome->state, "whole"))
    printf (": every shard of %" G_GUINT64_FORMAT " extent%s is good", extents,
        extents == 1 ? "" : "s");
  if (g_str_equal (outcome->state, "doubtful"))
    printf (": something was found that its state does not show (any more)");
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    if (g_str_equal (outcome->state, states[i].state))
      printf (": %s (%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
          " extents)", states[i].text, pmss_cli_json_number (outcome->health,
              states[i].member), extents);
  putchar ('\n');
}

static void
print_outcome (const Outcome * outcome)
{
  print_state (outcome);
  print_ranges (pmss_cli_json_array (outcome->health, "damaged"));
  print_bad_shards (outcome->bad_shards);
  print_nodes_down (pmss_cli_json_array (outcome->health, "nodes_down"));
  fflush (stdout);
}

static void
add_result (Verifying * self, guint64 job, const Outcome * outcome)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "name", outcome->name);
  json_object_set_int_member (object, "job", (gint64) job);
  json_object_set_string_member (object, "state", outcome->state);
  if (outcome->warning)
    json_object_set_string_member (object, "warning", outcome->warning);
  else
    json_object_set_null_member (object, "warning");
  json_object_set_object_member (object, "health",
      json_object_ref (outcome->health));
  json_object_set_array_member (object, "bad_shards",
      json_array_ref (outcome->bad_shards));
  json_array_add_object_element (self->results, object);
}

/* {"name", "state": null, "error"} */
static void
add_failure (Verifying * self, const char *name, const GError * error)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "name", name);
  json_object_set_null_member (object, "state");
  json_object_set_string_member (object, "error", error->message);
  json_array_add_object_element (self->results, object);
}

/* --- one medium --- */

static void
conclude (PmssCli * cli, Verifying * self, guint64 job, Outcome * outcome)
{
  outcome->state = pmss_cli_json_string (outcome->health, "state");
  /* It may have been mended since; what was found is told all the same. */
  if (!outcome->state || (g_str_equal (outcome->state, "whole")
          && outcome->warning))
    outcome->state = "doubtful";
  if (g_str_equal (outcome->state, "whole"))
    self->whole++;
  else
    self->others++;
  add_result (self, job, outcome);
  if (!cli->json)
    print_outcome (outcome);
}

static gboolean
verify_medium (PmssCli * cli, Verifying * self, const char *name,
    GError ** error)
{
  g_autoptr (PmssCliProgress) progress = NULL;
  guint64 id = start_job (cli, self, name, error);
  g_autoptr (JsonNode) job = NULL;
  g_autoptr (JsonNode) medium = NULL;
  g_autoptr (JsonArray) bad_shards = NULL;
  Outcome outcome = {.name = name };
  JsonObject *root;

  if (id == 0)
    return FALSE;
  progress = pmss_cli_progress_new (cli->json);
  job = pmss_job_follow (cli, self->client, id, progress, NULL, error);
  pmss_cli_progress_clear (progress);
  if (job == NULL)
    return FALSE;
  outcome.warning = pmss_cli_json_string (json_node_get_object (job),
      "warning");
  bad_shards = get_bad_shards (cli, self, name, error);
  medium =
      bad_shards != NULL ? pmss_medium_get (cli, self->client, name,
      error) : NULL;
  root = medium != NULL ? pmss_cli_json_root (medium, error) : NULL;
  if (root == NULL)
    return FALSE;
  outcome.bad_shards = bad_shards;
  outcome.health = pmss_cli_json_object (root, "health");
  if (!outcome.health) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "“%s” is not ready any more", name);
    return FALSE;
  }
  conclude (cli, self, id, &outcome);
  return TRUE;
}

static gboolean
verify (PmssCli * cli, const char *name, gpointer user_data, GError ** error)
{
  g_autoptr (GError) local = NULL;

  if (verify_medium (cli, user_data, name, &local))
    return TRUE;
  add_failure (user_data, name, local);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* --- the whole --- */

/* What was found goes before what could not be asked: the exit status tells it. */
static gboolean
end (PmssCli * cli, Verifying * self, GError * problem, GError ** error)
{
  if (self->others == 0) {
    if (problem != NULL)
      g_propagate_error (error, problem);
    return problem == NULL;
  }
  if (problem != NULL)
    pmss_cli_print_error (problem);
  g_clear_error (&problem);
  g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_NOT_WHOLE,
      "%u of %u media verified are not whole", self->others,
      self->whole + self->others);
  return FALSE;
}

gboolean
pmss_cmd_verify (PmssCli * cli, int argc, char **argv, GError ** error)
{
  gboolean all = FALSE;
  g_autoptr (JsonArray) results = json_array_new ();
  Verifying self = {.results = results };
  const GOptionEntry entries[] = {
    {"all", 'a', 0, G_OPTION_ARG_NONE, &all, "All media that are ready", NULL},
    {"rate-limit", 0, 0, G_OPTION_ARG_INT64, &self.rate_limit,
        "Read BITS a second at most (0: no limit)", "BITS"},
    {NULL}
  };
  g_auto (GStrv) names = NULL;
  g_autoptr (PmssClient) client = NULL;
  GError *problem = NULL;

  if (!pmss_cli_parse (cli, &usage, entries, &argc, &argv, error))
    return FALSE;
  if (all == (argc > 1) || self.rate_limit < 0) {
    g_set_error_literal (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        self.rate_limit < 0 ? "--rate-limit has to be 0 or more" :
        "Give the names of media, or --all");
    return FALSE;
  }
  client = self.client = pmss_cli_connect (cli, error);
  names = client == NULL ? NULL : all ? pmss_medium_list_ready (cli, client,
      NULL, error) : g_strdupv (argv + 1);
  if (!names)
    return FALSE;
  pmss_cli_for_each (cli, names, g_strv_length (names), verify, &self,
      &problem);
  if (cli->json)
    pmss_cli_json_print_list ("verified", results);
  else if (names[0] == NULL)
    printf ("No media.\n");
  return end (cli, &self, problem, error);
}
