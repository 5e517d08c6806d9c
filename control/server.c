/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The control server: makes its objects and puts them together. On the main
 * thread. */
#include "control/server.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/accounts/accounts.h"
#include "control/accounts/admin-password.h"
#include "control/accounts/logins.h"
#include "control/admission/admission.h"
#include "control/api/router.h"
#include "control/catalog/catalog-health.h"
#include "control/config.h"
#include "control/data-folder.h"
#include "control/database/database.h"
#include "control/events/events.h"
#include "control/events/summary.h"
#include "control/identity.h"
#include "control/ingest/ingest.h"
#include "control/jobs/jobs.h"
#include "control/reconcile/reconcile.h"
#include "control/keys.h"
#include "control/monitor/fault-watch.h"
#include "control/monitor/load.h"
#include "control/monitor/monitor.h"
#include "control/monitor/node-metrics.h"
#include "control/nodes/node-probe.h"
#include "control/nodes/nodes.h"
#include "control/originals/originals.h"
#include "control/repair/repair.h"
#include "control/sessions/sessions.h"
#include "control/uploads/uploads.h"
#include "daemon/pmss-daemon.h"
#include "daemon/pmss-descriptors.h"
#include "daemon/pmss-haste.h"
#include "httpd/pmss-httpd.h"
#include "libpmss/client/pmss-ca-file.h"
#include "libpmss/pmss-error.h"

#define NODES_TICK_MS 500
#define MONITOR_TICK_S 1
#define SESSIONS_TICK_S 1
#define ADMISSION_TICK_MS 1000
#define SUMMARY_TICK_S 1
#define FAULTS_TICK_S 1
#define DISK_TICK_S 1
#define ACCOUNTS_TICK_S 600
#define JOBS_TICK_S 60
#define STOP_GRACE_S 5
/* over what a reader has between two renewals with the longest usual lease */
#define IDLE_TIMEOUT_S 75
/* Descriptors: a connection's are its socket and an upload's file. Others are
 * for the database, for handlers, and for jobs: a few at once, each with
 * connections to the nodes of an extent or two. */
#define EACH_CONNECTION 2
#define OWN_DESCRIPTORS 256

static gboolean
on_nodes_tick (gpointer data)
{
  pmss_nodes_tick (data, g_get_monotonic_time ());
  return G_SOURCE_CONTINUE;
}

static gboolean
on_sessions_tick (gpointer data)
{
  pmss_sessions_tick (data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_monitor_tick (gpointer data)
{
  PmssControlContext *context = data;

  pmss_monitor_tick (context->monitor, g_get_monotonic_time (),
      g_get_real_time ());
  pmss_monitor_tell_load (context->monitor, context->events);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_admission_tick (gpointer data)
{
  pmss_admission_tick (data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_accounts_tick (gpointer data)
{
  pmss_accounts_tick (data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_jobs_tick (gpointer data)
{
  pmss_jobs_prune (data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_summary_tick (gpointer data)
{
  pmss_summary_look (data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_faults_tick (gpointer data)
{
  pmss_fault_watch_tick (data, g_get_monotonic_time ());
  return G_SOURCE_CONTINUE;
}

static gboolean
on_disk_tick (gpointer data)
{
  pmss_disk_reserve_look (data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_signal (gpointer data)
{
  g_message ("Stopping");
  g_main_loop_quit (data);
  return G_SOURCE_CONTINUE;
}

/* A terminal that is closed does not end it. */
static gboolean
on_hangup (gpointer data)
{
  g_message ("Settings are read at the start only");
  return G_SOURCE_CONTINUE;
}

static gboolean
make_folder (const char *path, GError ** error)
{
  if (g_mkdir_with_parents (path, 0700) == 0)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
      "Cannot make %s: %s", path, g_strerror (errno));
  return FALSE;
}

/* Shown once, and only to a person: what goes to a journal or a file is read by others, and kept. */
static void
tell_password (const char *data, const char *password)
{
  if (isatty (STDOUT_FILENO))
    g_print ("one-time password of user " PMSS_FIRST_ADMIN ": %s\n", password);
  else
    g_message ("The one-time password of user " PMSS_FIRST_ADMIN " is in "
        "“%s/" PMSS_ADMIN_PASSWORD_FILE "”: change it with pmss login",
        data);
}

/* @first: without it, a catalog that has no users is not this cluster's. */
static gboolean
open_accounts (PmssControlContext * context, gboolean first, GError ** error)
{
  const PmssControlConfig *config = context->config;
  g_autofree char *password = NULL;

  context->accounts = pmss_accounts_new (context->database,
      config->token_lifetime);
  if (!first)
    return pmss_admin_password_check (context->accounts, config->data, error);
  if (!pmss_admin_password_create (context->accounts, config->data,
          &password, error))
    return FALSE;
  if (password != NULL)
    tell_password (config->data, password);
  return TRUE;
}

static gboolean
open_tls_database (PmssControlContext * context, GError ** error)
{
  const char *path = context->config->node_ca;

  if (path == NULL)
    return TRUE;
  context->tls_database = pmss_ca_file_open (path, error);
  return context->tls_database != NULL;
}

/* What was going on when the server went down goes on. */
static gboolean
open_work (PmssControlContext * context, GError ** error)
{
  context->originals = pmss_originals_new (context->config->data,
      context->database, error);
  if (context->originals == NULL)
    return FALSE;
  context->uploads = pmss_uploads_new (context->config, context->database,
      context->catalog, context->originals, error);
  if (context->uploads == NULL)
    return FALSE;
  pmss_uploads_set_reserve (context->uploads, context->reserve);
  pmss_uploads_set_keep_unknown (context->uploads, context->keep_unknown);
  if (!pmss_catalog_abandon_rebuilds (context->catalog, error))
    return FALSE;
  context->jobs = pmss_jobs_new (context, error);
  if (context->jobs == NULL || !pmss_ingest_recover (context, error))
    return FALSE;
  context->repair = pmss_repair_start (context);
  context->reconciler = pmss_reconciler_start (context);
  pmss_jobs_start (context->jobs);
  return TRUE;
}

/* Whether the catalog belongs to the keys and is the newest. */
static gboolean
check_identity (PmssControlContext * context, GError ** error)
{
  const char *data = context->config->data;
  const char *cluster = pmss_keys_get_cluster (context->keys);
  g_auto (PmssIdentity) identity = { 0 };
  guint64 starts;

  if (!pmss_identity_read (context->database, &identity, error)
      || !pmss_identity_check_cluster (&identity, cluster, error)
      || !pmss_identity_read_starts (data, &starts, error)
      || !pmss_identity_check_age (&identity, starts, error)
      || !pmss_identity_count_start (context->database, cluster, data, error))
    return FALSE;
  context->keep_unknown = identity.restored != 0;
  if (context->keep_unknown)
    g_warning ("The catalog was restored: shards that it does not know stay on "
        "the storage servers, and files in set-aside, until pmss-control "
        "--end-restore");
  return TRUE;
}

static void
on_disk_full (gpointer data)
{
  pmss_disk_reserve_give (data);
}

static gboolean
is_full (const GError * error)
{
  return g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE)
      || g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
}

/* The first writes of a start: once more where the disk has become full, in the room that was given up then. */
static gboolean
count_start (PmssControlContext * context, GError ** error)
{
  g_autoptr (GError) local = NULL;

  if (check_identity (context, &local))
    return TRUE;
  if (!is_full (local)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  pmss_disk_reserve_give (context->reserve);
  return check_identity (context, error);
}

/* The disk may have been filled while no server ran: SQLite needs room to open the catalog already. */
static gboolean
open_database (PmssControlContext * context, const char *file, GError ** error)
{
  const PmssControlConfig *config = context->config;

  context->reserve = pmss_disk_reserve_new (config->data,
      config->catalog_reserve);
  pmss_disk_reserve_look (context->reserve);
  context->database = pmss_database_open (file, error);
  if (context->database == NULL)
    return FALSE;
  pmss_database_set_full_func (context->database, on_disk_full,
      context->reserve);
  return TRUE;
}

static gboolean
open_catalog (PmssControlContext * context, GError ** error)
{
  const PmssControlConfig *config = context->config;
  g_autofree char *keys = g_build_filename (config->data, "keys", NULL);
  g_autofree char *file = g_build_filename (config->data, "catalog.db", NULL);
  gboolean first;

  if (!pmss_data_folder_begin (config->data, &first, error)
      || (context->keys = pmss_keys_open (keys, first, error)) == NULL
      || !open_database (context, file, error)
      || !count_start (context, error))
    return FALSE;
  context->catalog = pmss_catalog_new (context->database);
  return open_accounts (context, first, error)
      && pmss_data_folder_end (config->data, error);
}

/* In the order of the context's fields. */
static gboolean
open_context (PmssControlContext * context, GError ** error)
{
  const PmssControlConfig *config = context->config;

  if (!open_tls_database (context, error) || !open_catalog (context, error))
    return FALSE;
  context->events = pmss_events_new (context->accounts, context->database,
      config->max_events);
  context->nodes = pmss_nodes_new (context->database, error);
  if (context->nodes == NULL)
    return FALSE;
  pmss_nodes_set_events (context->nodes, context->events);
  context->probe = pmss_node_probe_start (context);
  context->admission = pmss_admission_new (context);
  context->sessions = pmss_sessions_new (context->database,
      context->catalog, context->keys, config->lease, config->stream_lifetime);
  pmss_sessions_set_events (context->sessions, context->events);
  context->monitor = pmss_monitor_new (context, TRUE);
  context->faults = pmss_fault_watch_new (context, config->lease);
  context->node_metrics = pmss_node_metrics_new (context);
  pmss_sessions_set_admission (context->sessions, context->admission);
  if (!pmss_admission_restore (context->admission, error))
    return FALSE;
  return open_work (context, error);
}

static void
close_context (PmssControlContext * context)
{
  g_clear_pointer (&context->reconciler, pmss_reconciler_stop);
  if (context->repair != NULL)
    pmss_repair_stop (context->repair);
  g_clear_pointer (&context->jobs, pmss_jobs_free);
  g_clear_pointer (&context->repair, pmss_repair_free);
  g_clear_pointer (&context->uploads, pmss_uploads_free);
  g_clear_pointer (&context->originals, pmss_originals_free);
  g_clear_pointer (&context->node_metrics, pmss_node_metrics_free);
  g_clear_pointer (&context->faults, pmss_fault_watch_free);
  g_clear_pointer (&context->monitor, pmss_monitor_free);
  g_clear_pointer (&context->sessions, pmss_sessions_free);
  g_clear_pointer (&context->admission, pmss_admission_free);
  g_clear_pointer (&context->probe, pmss_node_probe_stop);
  g_clear_pointer (&context->nodes, pmss_nodes_free);
  g_clear_pointer (&context->events, pmss_events_free);
  if (context->accounts != NULL)
    pmss_logins_write_uses (context->accounts);
  g_clear_pointer (&context->accounts, pmss_accounts_free);
  g_clear_pointer (&context->catalog, pmss_catalog_free);
  g_clear_pointer (&context->database, pmss_database_close);
  g_clear_pointer (&context->reserve, pmss_disk_reserve_free);
  g_clear_pointer (&context->keys, pmss_keys_free);
  g_clear_object (&context->tls_database);
}

static PmssHttpd *
listen_at (PmssControlContext * context, GError ** error)
{
  const PmssControlConfig *config = context->config;
  const PmssHttpdConfig httpd = {
    .listen = config->listen,
    .tls_certificate = config->tls_certificate,
    .tls_key = config->tls_key,
    .max_connections = config->max_connections,
    .max_connections_per_address = config->max_connections_per_address,
    .nodes = TRUE,.idle_timeout = IDLE_TIMEOUT_S
  };

  if (!pmss_httpd_self_test (error))
    return NULL;
  return pmss_httpd_start (&httpd, &pmss_router, context, error);
}

/* The address as it was configured with the port that it became: what scripts wait for. */
static void
tell_address (const PmssControlConfig * config, PmssHttpd * httpd)
{
  const char *colon = strrchr (config->listen, ':');
  int length = colon != NULL ? (int) (colon - config->listen)
      : (int) strlen (config->listen);

  g_print ("listening on %.*s:%u\n", length, config->listen,
      pmss_httpd_get_port (httpd));
  fflush (stdout);
}

static void
run_until_signal (PmssControlContext * context)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  PmssSummary *summary = pmss_summary_new (context);
  guint sources[] = {
    g_unix_signal_add (SIGTERM, on_signal, loop),
    g_unix_signal_add (SIGINT, on_signal, loop),
    g_unix_signal_add (SIGHUP, on_hangup, NULL),
    g_timeout_add (pmss_haste (NODES_TICK_MS), on_nodes_tick, context->nodes),
    g_timeout_add_seconds (SESSIONS_TICK_S, on_sessions_tick,
        context->sessions),
    g_timeout_add_seconds (MONITOR_TICK_S, on_monitor_tick, context),
    g_timeout_add (pmss_haste (ADMISSION_TICK_MS), on_admission_tick,
        context->admission),
    g_timeout_add_seconds (SUMMARY_TICK_S, on_summary_tick, summary),
    g_timeout_add_seconds (FAULTS_TICK_S, on_faults_tick, context->faults),
    g_timeout_add_seconds (DISK_TICK_S, on_disk_tick, context->reserve),
    g_timeout_add_seconds (ACCOUNTS_TICK_S, on_accounts_tick,
        context->accounts),
    g_timeout_add_seconds (JOBS_TICK_S, on_jobs_tick, context->jobs),
  };

  /* who reads this may stop the server at once */
  tell_address (context->config, context->httpd);
  g_main_loop_run (loop);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  pmss_summary_free (summary);
}

static gboolean
serve (PmssControlContext * context, GError ** error)
{
  PmssHttpd *httpd;

  if (!open_context (context, error)
      || (httpd = listen_at (context, error)) == NULL)
    return FALSE;
  g_atomic_pointer_set (&context->httpd, httpd);
  run_until_signal (context);
  pmss_httpd_stop (httpd, STOP_GRACE_S);
  return TRUE;
}

gboolean
pmss_control_serve (PmssControlConfig * config, GError ** error)
{
  PmssControlContext context = {.config = config };
  gboolean ok;
  int lock;

  if (!pmss_descriptors_limit_connections (EACH_CONNECTION, OWN_DESCRIPTORS,
          &config->max_connections, error))
    return FALSE;
  if (!make_folder (config->data, error)
      || (lock = pmss_daemon_lock_folder (config->data, error)) < 0)
    return FALSE;
  ok = serve (&context, error);
  close_context (&context);
  close (lock);
  return ok;
}
