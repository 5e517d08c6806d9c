/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One file of pmss put, from its first byte to the comparison; any thread. */
#include "putting.h"

#include <libpmss/pmss-error.h>

#include "cli-text.h"
#include "job-follow.h"
#include "medium.h"
#include "patience.h"

static JsonNode *
get_patiently (PmssCli * cli, PmssClient * client, const char *name,
    GError ** error)
{
  g_autofree char *path = pmss_medium_path (name, error);

  return path != NULL ? pmss_patience_get (client, path, cli->cancellable,
      error) : NULL;
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
  medium = node != NULL ? pmss_cli_json_root (node, error) : NULL;
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
    if (ended == NULL && known)
      g_prefix_error (error, "“%s” is uploaded, but not striped: ", name);
    else if (ended == NULL)
      g_prefix_error (error, "“%s” is uploaded and goes on being striped, "
          "'pmss job watch %" G_GUINT64_FORMAT "' shows it; but the control "
          "server cannot be asked: ", name, job);
    if (ended == NULL)
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
        "The medium is not ready, but “%s”",
        state != NULL ? state : "unknown");
    return FALSE;
  }
  if (stored != NULL && g_ascii_strcasecmp (stored, sum) == 0)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "The SHA-256 of %s is %s, but the catalog's is %s: the file changed "
      "while it was uploaded; 'pmss rm' and upload it again", file, sum,
      stored != NULL ? stored : "missing");
  return FALSE;
}

/* @error if it is nothing but Ctrl-C: says what goes on and what does not. */
static void
explain_interruption (const char *name, guint64 job, GError ** error)
{
  if (error == NULL
      || !g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_error (error);
  if (job)
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_INTERRUPTED,
        "interrupted: “%s” is uploaded and goes on being striped; "
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
    const char *name, PmssCliProgress * progress, gboolean wait,
    guint64 * job, JsonNode ** node, GError ** error)
{
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
    PmssCliProgress * progress, const GError * error)
{
  g_autoptr (JsonNode) node = NULL;
  JsonObject *medium;
  const char *state;

  if (!g_error_matches (error, PMSS_ERROR, PMSS_ERROR_EXISTS))
    return NULL;
  node = pmss_medium_get (cli, client, name, NULL);
  medium = node != NULL ? pmss_cli_json_root (node, NULL) : NULL;
  if (medium == NULL || pmss_cli_json_number (medium, "size") != size)
    return NULL;
  state = pmss_cli_json_string (medium, "state");
  if (g_strcmp0 (state, "ready") == 0)
    return g_steal_pointer (&node);
  if (g_strcmp0 (state, "ingesting") != 0)
    return NULL;
  return wait_for_ingest (cli, client, name, pmss_cli_json_number (medium,
          "job"), progress, NULL);
}

void
pmss_put_clear (PmssPut * put)
{
  g_clear_pointer (&put->medium, json_node_unref);
}

/* Of what was sent, or of the file where its twin was there. */
static gboolean
check_sum (PmssUpload * upload, const PmssUploadRequest * request,
    PmssPut * put, GError ** error)
{
  g_autofree char *sum = pmss_upload_sum (upload, error);
  JsonObject *medium =
      sum != NULL ? pmss_cli_json_root (put->medium, error) : NULL;

  if (medium == NULL || !compare (medium, request->file, sum, error))
    return FALSE;
  put->size = pmss_cli_json_number (medium, "size");
  return TRUE;
}

/* @taken: why the name could not be had, if that was so. */
static gboolean
finish (PmssUpload * upload, const PmssUploadRequest * request, PmssPut * put,
    GError * taken, GError ** error)
{
  g_autoptr (GError) differs = taken;

  put->twin = taken != NULL;
  if (check_sum (upload, request, put, taken != NULL ? NULL : error))
    return TRUE;
  if (taken != NULL)
    g_propagate_error (error, g_steal_pointer (&differs));
  return FALSE;
}

gboolean
pmss_put_run (PmssCli * cli, PmssClient * client,
    const PmssUploadRequest * request, gboolean wait,
    PmssCliProgress * progress, PmssPut * put, GError ** error)
{
  g_autoptr (PmssUpload) upload = pmss_upload_new (cli, client, request, error);
  g_autoptr (GError) taken = NULL;

  if (upload == NULL)
    return FALSE;
  put->size = pmss_upload_get_size (upload);
  if (!transfer (cli, upload, client, request->name, progress, wait,
          &put->job, &put->medium, &taken) && wait)
    put->medium = find_twin (cli, client, request->name, put->size, progress,
        taken);
  if (taken != NULL && !put->medium) {
    g_propagate_error (error, g_steal_pointer (&taken));
    explain_interruption (request->name, put->job, error);
    return FALSE;
  }
  return !wait || finish (upload, request, put, g_steal_pointer (&taken),
      error);
}
