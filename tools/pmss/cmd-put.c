/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss put */

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-error.h>
#include <libpmss/pmss-types.h>

#include "cli-progress.h"
#include "cli-text.h"
#include "cli.h"
#include "job-follow.h"
#include "medium.h"
#include "patience.h"
#include "upload.h"

static const PmssCliUsage usage = {
  "FILE… [NAME]",
  "Uploads files, waits until they are striped, and compares checksums.",
  "Without NAME a medium is called as its file. A NAME that ends with / is a\n"
      "prefix; with several files it has to be one.\n"
      "An upload that was broken off goes on when the same command is given again.\n\n"
      "Examples:\n"
      "  pmss put sintel.webm films/sintel.webm\n"
      "  pmss put sintel.webm films/ --title Sintel --redundancy 4+2\n"
      "  pmss put master.mov masters/ --keep-original --no-wait\n"
      "  pmss put *.webm films/",
  1, -1
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

static JsonNode *
get_patiently (PmssCli * cli, PmssClient * client, const char *name,
    GError ** error)
{
  g_autofree char *path = pmss_medium_path (name, error);

  return path ? pmss_patience_get (client, path, cli->cancellable, error) :
      NULL;
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
  node = get_patiently (cli, client, name, error);
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
  gboolean known = FALSE;

  if (job) {
    ended = pmss_job_follow (cli, client, job, progress, &known, error);
    if (!ended && known)
      g_prefix_error (error, "'%s' is uploaded, but not striped: ", name);
    else if (!ended)
      g_prefix_error (error, "'%s' is uploaded and goes on being striped, "
          "'pmss job watch %" G_GUINT64_FORMAT "' shows it; but the control "
          "server cannot be asked: ", name, job);
    if (!ended)
      return NULL;
  }
  return get_patiently (cli, client, name, error);
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
report (PmssCli * cli, JsonNode * node, const char *name, guint64 size,
    gboolean twin)
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
  printf ("%s: %s%s stored as %s, SHA-256 as the file's.\n", shown,
      twin ? "there already: " : "", human, redundancy);
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

/* @error if it is nothing but Ctrl-C: says what goes on and what does not. */
static void
explain_interruption (const char *name, guint64 job, GError ** error)
{
  if (!error || !g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_error (error);
  if (job)
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_INTERRUPTED,
        "interrupted: '%s' is uploaded and goes on being striped; "
        "'pmss job watch %" G_GUINT64_FORMAT "' shows it, 'pmss job cancel %"
        G_GUINT64_FORMAT "' ends it", name, job, job);
  else
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_INTERRUPTED,
        "interrupted: the same command goes on where this one stopped");
}

/* Uploads, and waits until it is striped if that is wanted: *node is the
 * catalog's entry then. */
static gboolean
transfer (PmssCli * cli, PmssUpload * upload, PmssClient * client,
    const char *name, gboolean wait, guint64 * job, JsonNode ** node,
    GError ** error)
{
  g_autoptr (PmssCliProgress) progress = pmss_cli_progress_new (cli->json);

  if (!pmss_upload_run (upload, progress, job, error) ||
      !find_job (cli, client, name, job, error))
    return FALSE;
  if (!wait)
    return TRUE;
  *node = wait_for_ingest (cli, client, name, *job, progress, error);
  return *node != NULL;
}

/* The name may be taken by this very file, where the end of an earlier run was
 * lost: returns the catalog's entry if that is as long, and ready, or gets so.
 * @error: why the name could not be had. */
static JsonNode *
find_twin (PmssCli * cli, PmssClient * client, const char *name, guint64 size,
    const GError * error)
{
  g_autoptr (PmssCliProgress) progress = NULL;
  g_autoptr (JsonNode) node = NULL;
  JsonObject *medium;
  const char *state;

  if (!g_error_matches (error, PMSS_ERROR, PMSS_ERROR_EXISTS))
    return NULL;
  node = pmss_medium_get (client, name, cli->cancellable, NULL);
  medium = node ? pmss_cli_json_root (node, NULL) : NULL;
  if (!medium || pmss_cli_json_number (medium, "size") != size)
    return NULL;
  state = pmss_cli_json_string (medium, "state");
  if (g_strcmp0 (state, "ready") == 0)
    return g_steal_pointer (&node);
  if (g_strcmp0 (state, "ingesting") != 0)
    return NULL;
  progress = pmss_cli_progress_new (cli->json);
  return wait_for_ingest (cli, client, name, pmss_cli_json_number (medium,
          "job"), progress, NULL);
}

/* Without a login nothing is sent. */
static PmssClient *
connect_with_login (PmssCli * cli, GError ** error)
{
  g_autofree char *url = pmss_cli_find_url (cli, error);
  g_autofree char *token = url ? pmss_cli_find_token (url, error) : NULL;

  return token ? pmss_cli_connect (cli, error) : NULL;
}

/* Uploads, follows and compares. */
static gboolean
put (PmssCli * cli, const PmssUploadRequest * request, gboolean wait,
    GError ** error)
{
  g_autoptr (PmssClient) client = connect_with_login (cli, error);
  g_autoptr (PmssUpload) upload =
      client ? pmss_upload_new (cli, client, request, error) : NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) taken = NULL;
  g_autofree char *sum = NULL;
  JsonObject *medium;
  guint64 job = 0;

  if (!upload)
    return FALSE;
  if (!transfer (cli, upload, client, request->name, wait, &job, &node, &taken)
      && wait)
    node = find_twin (cli, client, request->name, pmss_upload_get_size (upload),
        taken);
  if (taken && !node) {
    g_propagate_error (error, g_steal_pointer (&taken));
    explain_interruption (request->name, job, error);
    return FALSE;
  }
  if (!wait) {
    report_job (cli, request->name, job);
    return TRUE;
  }
  sum = pmss_upload_sum (upload, error);
  medium = sum ? pmss_cli_json_root (node, error) : NULL;
  if (!medium)
    return FALSE;
  if (!compare (medium, request->file, sum, taken ? NULL : error)) {
    if (taken)
      g_propagate_error (error, g_steal_pointer (&taken));
    return FALSE;
  }
  report (cli, node, request->name, pmss_cli_json_number (medium, "size"),
      taken != NULL);
  return TRUE;
}

/* What is the same for all files. */
typedef struct
{
  PmssUploadRequest request;
  const char *name;             /* as given; nullable */
  gboolean wait;
} Putting;

static gboolean
put_file (PmssCli * cli, const char *file, gpointer user_data, GError ** error)
{
  const Putting *putting = user_data;
  PmssUploadRequest request = putting->request;
  g_autofree char *name = medium_name (file, putting->name);

  request.file = file;
  request.name = name;
  return put (cli, &request, putting->wait, error);
}

/* The last argument is the name, if there are several. */
static gboolean
find_name (int *n_files, char **files, const char **name, GError ** error)
{
  if (*n_files == 1)
    return TRUE;
  *name = files[--*n_files];
  if (*n_files == 1 || g_str_has_suffix (*name, "/"))
    return TRUE;
  g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
      "Several files need a prefix that ends with / as the last argument, "
      "and '%s' is none", *name);
  return FALSE;
}

gboolean
pmss_cmd_put (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *redundancy = NULL;
  g_autofree char *title = NULL;
  gboolean no_wait = FALSE;
  Putting putting = { {0,}, };
  const GOptionEntry entries[] = {
    {"redundancy", 'r', 0, G_OPTION_ARG_STRING, &redundancy,
        "Data and parity shards (the server's default)", "K+M"},
    {"title", 't', 0, G_OPTION_ARG_STRING, &title, "A title to show", "TEXT"},
    {"keep-original", 0, 0, G_OPTION_ARG_NONE, &putting.request.keep_original,
        "Keep the file whole on the control server, too", NULL},
    {"no-wait", 0, 0, G_OPTION_ARG_NONE, &no_wait,
        "Do not wait until it is striped", NULL},
    {NULL}
  };
  PmssRedundancy parsed;
  int n_files;

  if (!pmss_cli_parse (cli, &usage, entries, &argc, &argv, error))
    return FALSE;
  n_files = argc - 1;
  if ((redundancy && !pmss_redundancy_parse (redundancy, &parsed, error)) ||
      !find_name (&n_files, argv + 1, &putting.name, error))
    return FALSE;
  putting.request.redundancy = redundancy;
  putting.request.title = title;
  putting.wait = putting.request.hash = !no_wait;
  return pmss_cli_for_each (cli, argv + 1, n_files, put_file, &putting, error);
}
