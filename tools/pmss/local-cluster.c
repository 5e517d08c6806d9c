/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "local-cluster.h"

#include <signal.h>
#include <string.h>

#include <libpmss/pmss-error.h>
#include <sodium.h>

#include "cli-text.h"
#include "local-daemon.h"
#include "local-redundancy.h"

/* Generous, for machines that are busy and builds with sanitizers. */
#define START_TIMEOUT (60 * G_USEC_PER_SEC)
#define STOP_TIMEOUT (15 * G_USEC_PER_SEC)
#define KILL_TIMEOUT (5 * G_USEC_PER_SEC)
#define POLL_US 20000

#define FIRST_USER "admin"
#define PASSWORD_FILE "admin-password"
#define PASSWORD_BYTES 12

const char *
pmss_local_server_get_state (const PmssLocalServer * server)
{
  if (pmss_local_daemon_is_alive (&server->process))
    return "up";
  return server->wanted ? "down" : "stopped";
}

/* Key files. */

static void
apply_settings (GKeyFile * file, const char *group, char **settings)
{
  for (; settings && *settings; settings++) {
    g_auto (GStrv) pair = g_strsplit (*settings, "=", 2);

    if (pair[0] && pair[1])
      g_key_file_set_string (file, group, pair[0], pair[1]);
  }
}

/* @join_token: nullable: a storage server that has joined knows who it is. */
static gboolean
write_config (PmssLocalCluster * cluster, PmssLocalServer * server,
    const char *join_token, GError ** error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = pmss_local_server_path (cluster, server, ".conf");
  g_autofree char *data = pmss_local_server_path (cluster, server, "");
  g_autofree char *listen = NULL;
  g_autofree char *text = NULL;
  gboolean is_control = server->index < 0;
  const char *group = is_control ? "control" : "storage";
  gsize length;

  if (server->port == 0)
    server->port = pmss_local_daemon_choose_port ();
  listen = g_strdup_printf ("127.0.0.1:%u", server->port);
  g_key_file_set_string (file, group, "listen", listen);
  g_key_file_set_string (file, group, "data", data);
  if (is_control) {
    g_key_file_set_string (file, group, "default-redundancy",
        pmss_local_redundancy (cluster->nodes->len));
  } else {
    g_autofree char *url = pmss_local_cluster_url (cluster);

    g_key_file_set_string (file, group, "control", url);
    if (join_token != NULL)
      g_key_file_set_string (file, group, "join-token", join_token);
  }
  apply_settings (file, group, is_control ? cluster->control_settings :
      cluster->node_settings);
  text = g_key_file_to_data (file, &length, NULL);
  return g_file_set_contents_full (path, text, (gssize) length,
      G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

/* Starting. */

/* What a server that did not come up last wrote. */
static void
set_start_error (PmssLocalCluster * cluster, PmssLocalServer * server,
    const char *what, GError ** error)
{
  g_autofree char *log = pmss_local_server_path (cluster, server, ".log");
  g_autofree char *text = NULL;
  const char *last = "";

  if (g_file_get_contents (log, &text, NULL, NULL)) {
    const char *line;

    g_strchomp (text);
    line = strrchr (text, '\n');
    last = line != NULL ? line + 1 : text;
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "%s %s; it last wrote into %s: %s", server->label, what, log,
      *last ? last : "nothing");
}

/* In a build, the program that probes media lies in a folder beside the
 * control server, which looks for it where it would be installed. */
static char **
server_environment (const char *program)
{
  g_autofree char *folder = g_path_get_dirname (program);
  g_autofree char *probe =
      g_build_filename (folder, "probe", "pmss-probe", NULL);
  char **environment = g_get_environ ();

  if (g_file_test (probe, G_FILE_TEST_IS_EXECUTABLE))
    environment = g_environ_setenv (environment, "PMSS_PROBE", probe, FALSE);
  return environment;
}

static gboolean
spawn (PmssLocalCluster * cluster, PmssLocalServer * server, GError ** error)
{
  gboolean is_control = server->index < 0;
  g_autofree char *program = pmss_local_daemon_find (is_control ?
      "pmss-control" : "pmss-storage", error);
  g_autofree char *config = pmss_local_server_path (cluster, server, ".conf");
  g_autofree char *log = pmss_local_server_path (cluster, server, ".log");
  char *argv[] = { program, (char *) "--config", config, NULL };
  g_auto (GStrv) environment = NULL;

  if (program == NULL)
    return FALSE;
  environment = server_environment (program);
  server->wanted = TRUE;
  return pmss_local_daemon_start (argv, environment, log,
      &server->process, error) && pmss_local_cluster_save (cluster, error);
}

/* One look at whether @server is ready: TRUE with its port kept. */
typedef gboolean (*ReadyFunc) (PmssLocalCluster * cluster,
    PmssLocalServer * server, gpointer data, GError ** error);

/* Waits until @ready says so. It says FALSE without error to be asked again. */
static gboolean
wait_ready (PmssLocalCluster * cluster, PmssLocalServer * server,
    ReadyFunc ready, gpointer data, GCancellable * cancellable, GError ** error)
{
  gint64 deadline = g_get_monotonic_time () + START_TIMEOUT;

  for (;;) {
    g_autoptr (GError) local = NULL;

    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
    if (ready (cluster, server, data, &local))
      return TRUE;
    if (local != NULL) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    if (!pmss_local_daemon_is_alive (&server->process)) {
      set_start_error (cluster, server, "ended instead of starting", error);
      return FALSE;
    }
    if (g_get_monotonic_time () > deadline) {
      set_start_error (cluster, server, "did not become ready in a minute",
          error);
      return FALSE;
    }
    g_usleep (POLL_US);
  }
}

static gboolean
is_listening (PmssLocalCluster * cluster, PmssLocalServer * server,
    gpointer data, GError ** error)
{
  guint16 port = pmss_local_daemon_get_port (&server->process);

  if (port == 0)
    return FALSE;
  server->port = port;
  return TRUE;
}

/* The one-time password that control wrote at its first start; NULL: it was changed. */
static char *
read_one_time (PmssLocalCluster * cluster)
{
  g_autofree char *folder =
      pmss_local_server_path (cluster, cluster->control, "");
  g_autofree char *path = g_build_filename (folder, PASSWORD_FILE, NULL);
  char *password = NULL;

  return g_file_get_contents (path, &password, NULL, NULL) ?
      g_strchomp (password) : NULL;
}

static gboolean
change_password (PmssLocalCluster * cluster, PmssClient * client,
    const char *old, GCancellable * cancellable, GError ** error)
{
  g_autofree char *path = g_strdup_printf ("/users/%s/password",
      cluster->user);
  g_autoptr (JsonNode) body = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) answer = NULL;

  json_object_set_string_member (object, "password", cluster->password);
  json_object_set_string_member (object, "old_password", old);
  json_node_init_object (body, object);
  answer = pmss_client_request (client, "PUT", path, body, cancellable, error);
  return answer != NULL;
}

static char *
make_password (void)
{
  guint8 bytes[PASSWORD_BYTES];
  char text[2 * PASSWORD_BYTES + 1];

  randombytes_buf (bytes, sizeof (bytes));
  return g_strdup (sodium_bin2hex (text, sizeof (text), bytes, sizeof (bytes)));
}

/* Before it is used: a run that is killed after the change knows the password still. */
static gboolean
choose_password (PmssLocalCluster * cluster, const char *one_time,
    GError ** error)
{
  if (cluster->password && g_strcmp0 (cluster->password, one_time) != 0)
    return TRUE;
  g_free (cluster->user);
  g_free (cluster->password);
  cluster->user = g_strdup (FIRST_USER);
  cluster->password = make_password ();
  return pmss_local_cluster_save (cluster, error);
}

/* Logs in as the administrator. The password that control wrote at its first start is changed to one of our own. */
static gboolean
log_in (PmssLocalCluster * cluster, PmssClient * client,
    GCancellable * cancellable, GError ** error)
{
  g_autofree char *one_time = read_one_time (cluster);

  if (!choose_password (cluster, one_time, error))
    return FALSE;
  g_clear_pointer (&cluster->token, g_free);
  if (!pmss_client_login (client, cluster->user,
          one_time != NULL ? one_time : cluster->password, &cluster->token,
          NULL, cancellable, error)
      || (one_time
          && !change_password (cluster, client, one_time, cancellable, error)))
    return FALSE;
  return pmss_local_cluster_save (cluster, error);
}

/* A client with a token that the control server takes. */
static PmssClient *
connect_control (PmssLocalCluster * cluster, GCancellable * cancellable,
    GError ** error)
{
  g_autofree char *url = pmss_local_cluster_url (cluster);
  g_autoptr (PmssClient) client = pmss_client_new (url, error);
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) local = NULL;

  if (client == NULL)
    return NULL;
  if (cluster->token) {
    pmss_client_set_credentials (client, cluster->token, NULL, NULL);
    answer = pmss_client_request (client, "GET", "/cluster", NULL,
        cancellable, &local);
    if (local == NULL)
      return g_steal_pointer (&client);
    if (!g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED)) {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  }
  if (!log_in (cluster, client, cancellable, error))
    return NULL;
  pmss_client_set_credentials (client, cluster->token, NULL, NULL);
  return g_steal_pointer (&client);
}

static gboolean
start_control (PmssLocalCluster * cluster, GCancellable * cancellable,
    GError ** error)
{
  PmssLocalServer *control = cluster->control;

  if (pmss_local_daemon_is_alive (&control->process))
    return TRUE;
  return write_config (cluster, control, NULL, error) &&
      spawn (cluster, control, error) &&
      wait_ready (cluster, control, is_listening, NULL, cancellable, error) &&
      write_config (cluster, control, NULL, error) &&
      pmss_local_cluster_save (cluster, error);
}

static char *
get_join_token (PmssClient * client, GCancellable * cancellable,
    GError ** error)
{
  g_autoptr (JsonNode) body = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) answer = NULL;
  JsonObject *root;
  const char *token;

  json_node_init_object (body, object);
  answer = pmss_client_request (client, "POST", "/nodes/join-tokens", body,
      cancellable, error);
  root = answer != NULL ? pmss_cli_json_root (answer, error) : NULL;
  if (root == NULL)
    return NULL;
  token = pmss_cli_json_string (root, "join_token");
  if (token == NULL)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "The control server answered without a join token");
  return g_strdup (token);
}

/* Starts a storage server's process; it is not waited for here, so that
 * several that have joined before come up at once. */
static gboolean
launch_node (PmssLocalCluster * cluster, PmssLocalServer * node,
    PmssClient * client, GCancellable * cancellable, GError ** error)
{
  g_autofree char *token = NULL;

  if (pmss_local_daemon_is_alive (&node->process))
    return TRUE;
  if (node->id == 0) {
    token = get_join_token (client, cancellable, error);
    if (token == NULL)
      return FALSE;
  }
  return write_config (cluster, node, token, error) &&
      spawn (cluster, node, error);
}

/* The control server's view: it knows the node at this port, and hears it. */
static gboolean
is_joined (PmssLocalCluster * cluster, PmssLocalServer * node, gpointer data,
    GError ** error)
{
  PmssClient *client = data;
  g_autoptr (JsonNode) answer = pmss_client_request (client, "GET", "/nodes",
      NULL, NULL, error);
  JsonObject *root = answer != NULL ? pmss_cli_json_root (answer, error) : NULL;
  JsonArray *nodes = pmss_cli_json_array (root, "nodes");
  guint i;

  for (i = 0; nodes && i < json_array_get_length (nodes); i++) {
    JsonObject *entry = pmss_cli_json_element (nodes, i);

    if (pmss_cli_json_number (entry, "port") == node->port &&
        g_strcmp0 (pmss_cli_json_string (entry, "state"), "up") == 0) {
      node->id = (guint) pmss_cli_json_number (entry, "id");
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
wait_node (PmssLocalCluster * cluster, PmssLocalServer * node,
    PmssClient * client, GCancellable * cancellable, GError ** error)
{
  return wait_ready (cluster, node, is_listening, NULL, cancellable, error) &&
      wait_ready (cluster, node, is_joined, client, cancellable, error) &&
      write_config (cluster, node, NULL, error) &&
      pmss_local_cluster_save (cluster, error);
}

gboolean
pmss_local_start_node (PmssLocalCluster * cluster, PmssLocalServer * node,
    GCancellable * cancellable, GError ** error)
{
  g_autoptr (PmssClient) client = NULL;

  if (!pmss_local_daemon_is_alive (&cluster->control->process)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "The control server of %s does not run; 'pmss local up --dir %s' "
        "starts all of the cluster", cluster->dir, cluster->dir);
    return FALSE;
  }
  client = connect_control (cluster, cancellable, error);
  return client &&
      launch_node (cluster, node, client, cancellable, error) &&
      wait_node (cluster, node, client, cancellable, error);
}

/* Stopping. */

/* Signals all of @servers, then waits for all; those that do not go in time
 * are killed. */
static gboolean
stop_servers (PmssLocalCluster * cluster, GPtrArray * servers, int number,
    GError ** error)
{
  gint64 deadline = g_get_monotonic_time () + STOP_TIMEOUT;
  guint i;

  for (i = 0; i < servers->len; i++) {
    PmssLocalServer *server = g_ptr_array_index (servers, i);

    server->wanted = FALSE;
    pmss_local_daemon_signal (&server->process, number);
  }
  for (i = 0; i < servers->len; i++) {
    PmssLocalServer *server = g_ptr_array_index (servers, i);
    gint64 left = deadline - g_get_monotonic_time ();

    if (!pmss_local_daemon_wait (&server->process, MAX (left, 0))) {
      pmss_local_daemon_signal (&server->process, SIGKILL);
      if (!pmss_local_daemon_wait (&server->process, KILL_TIMEOUT)) {
        g_set_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT,
            "%s (process %d) does not end, not even when killed",
            server->label, server->process.pid);
        return FALSE;
      }
    }
    server->process.pid = 0;
  }
  return pmss_local_cluster_save (cluster, error);
}

gboolean
pmss_local_stop_node (PmssLocalCluster * cluster, PmssLocalServer * node,
    gboolean kill, GError ** error)
{
  g_autoptr (GPtrArray) one = g_ptr_array_new ();

  g_ptr_array_add (one, node);
  return stop_servers (cluster, one, kill ? SIGKILL : SIGTERM, error);
}

gboolean
pmss_local_down (PmssLocalCluster * cluster, GError ** error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  guint i;

  for (i = 0; i < cluster->nodes->len; i++)
    g_ptr_array_add (all, g_ptr_array_index (cluster->nodes, i));
  g_ptr_array_add (all, cluster->control);
  return stop_servers (cluster, all, SIGTERM, error);
}

/* All of it. */

static gboolean
start_all (PmssLocalCluster * cluster, GCancellable * cancellable,
    GError ** error)
{
  g_autoptr (PmssClient) client = NULL;
  guint i;

  if (!start_control (cluster, cancellable, error))
    return FALSE;
  client = connect_control (cluster, cancellable, error);
  if (client == NULL)
    return FALSE;
  for (i = 0; i < cluster->nodes->len; i++) {
    PmssLocalServer *node = g_ptr_array_index (cluster->nodes, i);
    gboolean is_new = node->id == 0;

    /* Those that join do so one after another: their ids are in the order of
     * their indices then. */
    if (!launch_node (cluster, node, client, cancellable, error) ||
        (is_new && !wait_node (cluster, node, client, cancellable, error)))
      return FALSE;
  }
  for (i = 0; i < cluster->nodes->len; i++)
    if (!wait_node (cluster, g_ptr_array_index (cluster->nodes, i), client,
            cancellable, error))
      return FALSE;
  return TRUE;
}

/* The servers that do not run now. */
static GPtrArray *
servers_not_running (PmssLocalCluster * cluster)
{
  GPtrArray *idle = g_ptr_array_new ();
  guint i;

  for (i = 0; i < cluster->nodes->len; i++) {
    PmssLocalServer *node = g_ptr_array_index (cluster->nodes, i);

    if (!pmss_local_daemon_is_alive (&node->process))
      g_ptr_array_add (idle, node);
  }
  if (!pmss_local_daemon_is_alive (&cluster->control->process))
    g_ptr_array_add (idle, cluster->control);
  return idle;
}

/* Undoes a start that failed. The first error is the one that counts. */
static void
undo_start (PmssLocalCluster * cluster, GPtrArray * started)
{
  g_autoptr (GError) ignored = NULL;

  if (!stop_servers (cluster, started, cluster->fresh ? SIGKILL : SIGTERM,
          &ignored) || (cluster->fresh &&
          !pmss_local_cluster_purge (cluster, &ignored)))
    g_printerr ("pmss local: what had been started is not all undone: %s\n",
        ignored->message);
}

gboolean
pmss_local_up (PmssLocalCluster * cluster, guint nodes,
    GCancellable * cancellable, GError ** error)
{
  g_autoptr (GPtrArray) idle = NULL;

  while (cluster->nodes->len < nodes)
    pmss_local_cluster_add_node (cluster);
  idle = servers_not_running (cluster);
  if (pmss_local_cluster_save (cluster, error) &&
      start_all (cluster, cancellable, error)) {
    cluster->fresh = FALSE;
    return TRUE;
  }
  undo_start (cluster, idle);
  return FALSE;
}

PmssLocalServer *
pmss_local_add_node (PmssLocalCluster * cluster, GCancellable * cancellable,
    GError ** error)
{
  PmssLocalServer *node = pmss_local_cluster_add_node (cluster);
  g_autoptr (GError) ignored = NULL;

  if (pmss_local_start_node (cluster, node, cancellable, error))
    return node;
  /* It is the last one: taking it out again moves no other's index. */
  if (pmss_local_stop_node (cluster, node, FALSE, &ignored)) {
    g_ptr_array_remove (cluster->nodes, node);
    pmss_local_cluster_save (cluster, NULL);
  }
  return NULL;
}
