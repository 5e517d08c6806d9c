/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss put */

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-error.h>
#include <libpmss/pmss-types.h>

#include "cli-digest.h"
#include "cli-progress.h"
#include "cli-text.h"
#include "cli.h"
#include "job-follow.h"
#include "medium.h"
#include "upload.h"

static const PmssCliUsage usage = {
  "FILE [NAME]",
  "Uploads a file, waits until it is striped, and compares checksums.",
  "Without NAME it is called as the file; a NAME that ends with / is a prefix.\n"
      "An upload that was broken off goes on when the same command is given again.\n\n"
      "Examples:\n"
      "  pmss put sintel.webm films/sintel.webm\n"
      "  pmss put sintel.webm films/ --title Sintel --redundancy 4+2\n"
      "  pmss put master.mov masters/ --keep-original --no-wait",
  1, 2
};

static char *
medium_name (const char *file, const char *name)
{
  g_autofree char *base = g_path_get_basename (file);

  if (!name || !*name)
    return g_steal_pointer (&base);
  if (g_str_has_suffix (name, "/"))
    return g_strconcat (name, base, NULL);
  return g_strdup (name);
}

/* The number of the ingest job: named with the last byte, else the catalog
 * knows it (it was lost with a broken connection). */
static gboolean
find_job (PmssCli * cli, PmssClient * client, const char *name, guint64 * job,
    GError ** error)
{
  g_autoptr (JsonNode) node = NULL;
  JsonObject *medium;

  if (*job)
    return TRUE;
  node = pmss_medium_get (client, name, cli->cancellable, error);
  medium = node ? pmss_cli_json_root (node, error) : NULL;
  *job = pmss_cli_json_number (medium, "job");
  return medium != NULL;
}

/* Waits for the ingest and returns the catalog's entry. */
static JsonNode *
wait_for_ingest (PmssCli * cli, PmssClient * client, const char *name,
    guint64 job, PmssCliProgress * progress, GError ** error)
{
  g_autoptr (JsonNode) ended = NULL;

  if (job) {
    ended = pmss_job_follow (cli, client, job, progress, error);
    if (!ended) {
      g_prefix_error (error, "'%s' is uploaded, but not striped: ", name);
      return NULL;
    }
  }
  return pmss_medium_get (client, name, cli->cancellable, error);
}

static gboolean
compare (JsonObject * medium, const char *file, const char *sum,
    GError ** error)
{
  const char *stored = pmss_cli_json_string (medium, "sha256");
  const char *state = pmss_cli_json_string (medium, "state");

  if (g_strcmp0 (state, "ready") != 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "The medium is not ready, but '%s'", state ? state : "unknown");
    return FALSE;
  }
  if (stored && g_ascii_strcasecmp (stored, sum) == 0)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "The SHA-256 of %s is %s, but the catalog's is %s: the file changed "
      "while it was uploaded; 'pmss rm' and upload it again", file, sum,
      stored ? stored : "missing");
  return FALSE;
}

static void
report (PmssCli * cli, JsonNode * node, const char *name, guint64 size)
{
  g_autofree char *shown = pmss_cli_escape (name);
  g_autofree char *human = pmss_cli_size (size);
  g_autofree char *redundancy = NULL;

  if (cli->json) {
    pmss_cli_json_print (node);
    return;
  }
  redundancy = pmss_cli_escape (pmss_cli_json_string (json_node_get_object
          (node), "redundancy"));
  printf ("%s: %s stored as %s, SHA-256 as the file's.\n", shown, human,
      redundancy);
}

static void
report_job (PmssCli * cli, const char *name, guint64 job)
{
  g_autofree char *shown = pmss_cli_escape (name);

  if (cli->json)
    printf ("{ \"job\" : %" G_GUINT64_FORMAT " }\n", job);
  else
    printf ("%s: uploaded; 'pmss job watch %" G_GUINT64_FORMAT
        "' shows how it is striped.\n", shown, job);
}

/* Uploads, follows and compares; the file is hashed meanwhile by @digest. */
static gboolean
put (PmssCli * cli, const PmssUploadRequest * request, gboolean wait,
    GError ** error)
{
  g_autoptr (PmssCliProgress) progress = pmss_cli_progress_new (cli->json);
  g_autoptr (PmssUpload) upload = pmss_upload_new (cli, request, error);
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *sum = NULL;
  PmssCliDigest *digest;
  JsonObject *medium;
  guint64 job = 0;
  gboolean ok;

  client = upload ? pmss_cli_connect (cli, error) : NULL;
  if (!client)
    return FALSE;
  digest = wait ? pmss_cli_digest_new_file (request->file, cli->cancellable) :
      NULL;
  ok = pmss_upload_run (upload, progress, &job, error) &&
      find_job (cli, client, request->name, &job, error);
  if (ok && wait)
    node = wait_for_ingest (cli, client, request->name, job, progress, error);
  if (digest)
    sum = pmss_cli_digest_finish (digest, ok && node ? error : NULL);
  pmss_cli_progress_clear (progress);
  if (pmss_upload_resumed_at (upload) > 0 && !cli->json) {
    g_autofree char *from = pmss_cli_size (pmss_upload_resumed_at (upload));

    printf ("Went on with an earlier upload, from %s on.\n", from);
  }
  if (!ok)
    return FALSE;
  if (!wait) {
    report_job (cli, request->name, job);
    return TRUE;
  }
  medium = node && sum ? pmss_cli_json_root (node, error) : NULL;
  if (!medium || !compare (medium, request->file, sum, error))
    return FALSE;
  report (cli, node, request->name, pmss_cli_json_number (medium, "size"));
  return TRUE;
}

gboolean
pmss_cmd_put (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *redundancy = NULL;
  g_autofree char *title = NULL;
  g_autofree char *name = NULL;
  gboolean keep = FALSE, no_wait = FALSE;
  const GOptionEntry entries[] = {
    {"redundancy", 'r', 0, G_OPTION_ARG_STRING, &redundancy,
        "Data and parity shards, as 4+2 (else the server's default)", "K+M"},
    {"title", 't', 0, G_OPTION_ARG_STRING, &title, "A title to show", "TEXT"},
    {"keep-original", 0, 0, G_OPTION_ARG_NONE, &keep,
        "Keep the file whole on the control server, too", NULL},
    {"no-wait", 0, 0, G_OPTION_ARG_NONE, &no_wait,
        "Return when it is uploaded; it is striped in the background", NULL},
    {NULL}
  };
  PmssRedundancy parsed;

  if (!pmss_cli_parse (cli, &usage, entries, &argc, &argv, error))
    return FALSE;
  if (redundancy && !pmss_redundancy_parse (redundancy, &parsed, error))
    return FALSE;
  name = medium_name (argv[1], argc > 2 ? argv[2] : NULL);
  return put (cli, &(PmssUploadRequest) {
      .file = argv[1],.name = name,.redundancy = redundancy,.title =
        title,.keep_original = keep}
      , !no_wait, error);
}
