/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss local up, status, stop-node, start-node, add-node, env, down */

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-error.h>

#include "cli-text.h"
#include "cli.h"
#include "local-cluster.h"

#define DEFAULT_NODES 6
#define MAX_NODES 200

static void
report (PmssCli * cli, PmssLocalCluster * cluster)
{
  if (cli->json) {
    g_autoptr (JsonNode) node = pmss_local_to_json (cluster);

    pmss_cli_json_print (node);
  } else {
    pmss_local_print (cluster);
  }
}

/* Parses what every verb takes and opens the cluster. */
static PmssLocalCluster *
open_cluster (PmssCli * cli, const PmssCliUsage * usage,
    const GOptionEntry * entries, gboolean write, int *argc, char ***argv,
    GError ** error)
{
  g_autofree char *dir = NULL;
  GOptionEntry all[4] = {
    {"dir", 'd', 0, G_OPTION_ARG_FILENAME, &dir,
        "The cluster's folder (~/.local/share/pmss-local)", "DIR"},
  };
  guint n;

  for (n = 1; entries && entries[n - 1].long_name; n++)
    all[n] = entries[n - 1];
  if (!pmss_cli_parse (cli, usage, all, argc, argv, error))
    return NULL;
  return pmss_local_cluster_open (dir, FALSE, write, cli->cancellable, error);
}

static const PmssCliUsage up_usage = {
  "", "Starts a control server and storage servers on this machine.",
  "They listen on loopback only, at free ports that they keep, and go on running\n"
      "when this command ends. In a folder that has a cluster already, whatever does\n"
      "not run is started. It returns when everything is ready. With fewer than six\n"
      "storage servers the default redundancy is what these have room for: 1+0, 1+1,\n"
      "2+1, 2+2 or 3+2; --control-set default-redundancy=K+M sets another.\n\n"
      "Examples:\n"
      "  pmss local up\n"
      "  pmss local up --nodes 6 --dir /tmp/cluster --json\n"
      "  pmss local up --dir /tmp/c --node-set network-limit=100M",
  0, 0
};

static gboolean
check_settings (char **settings, GError ** error)
{
  for (; settings && *settings; settings++) {
    if (strchr (*settings, '=') && **settings != '=')
      continue;
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "“%s” is no setting; it looks like KEY=VALUE", *settings);
    return FALSE;
  }
  return TRUE;
}

static gboolean
local_up (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *dir = NULL;
  g_auto (GStrv) control_settings = NULL;
  g_auto (GStrv) node_settings = NULL;
  int nodes = -1;
  const GOptionEntry entries[] = {
    {"nodes", 'n', 0, G_OPTION_ARG_INT, &nodes,
        "How many storage servers (6)", "N"},
    {"dir", 'd', 0, G_OPTION_ARG_FILENAME, &dir,
        "The cluster's folder (~/.local/share/pmss-local)", "DIR"},
    {"control-set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &control_settings,
        "A setting for the control server's key file", "KEY=VALUE"},
    {"node-set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &node_settings,
        "A setting for the storage servers' key files", "KEY=VALUE"},
    {NULL}
  };
  g_autoptr (PmssLocalCluster) cluster = NULL;
  guint wanted;

  if (!pmss_cli_parse (cli, &up_usage, entries, &argc, &argv, error) ||
      !check_settings (control_settings, error) ||
      !check_settings (node_settings, error))
    return FALSE;
  if (nodes != -1 && (nodes < 1 || nodes > MAX_NODES)) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "--nodes takes a number from 1 to %d, not %d", MAX_NODES, nodes);
    return FALSE;
  }
  cluster = pmss_local_cluster_open (dir, TRUE, TRUE, cli->cancellable, error);
  if (cluster == NULL)
    return FALSE;
  wanted = nodes > 0 ? (guint) nodes :
      cluster->fresh ? DEFAULT_NODES : cluster->nodes->len;
  if (wanted < cluster->nodes->len) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "The cluster in %s has %u storage servers already, more than --nodes "
        "%u", cluster->dir, cluster->nodes->len, wanted);
    return FALSE;
  }
  if (control_settings) {
    g_strfreev (cluster->control_settings);
    cluster->control_settings = g_steal_pointer (&control_settings);
  }
  if (node_settings) {
    g_strfreev (cluster->node_settings);
    cluster->node_settings = g_steal_pointer (&node_settings);
  }
  if (!pmss_local_up (cluster, wanted, cli->cancellable, error))
    return FALSE;
  report (cli, cluster);
  return TRUE;
}

static const PmssCliUsage status_usage = {
  "", "Shows a local cluster: what runs where, and how to log in.",
  "STATE is up, stopped (on purpose) or down (it ended by itself).\n\n"
      "Examples:\n"
      "  pmss local status\n"
      "  pmss local status --dir /tmp/cluster --json | jq '.nodes[].state'",
  0, 0
};

static gboolean
local_status (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (PmssLocalCluster) cluster = open_cluster (cli, &status_usage,
      NULL, FALSE, &argc, &argv, error);

  if (cluster == NULL)
    return FALSE;
  report (cli, cluster);
  return TRUE;
}

static const PmssCliUsage env_usage = {
  "", "Prints PMSS_URL and PMSS_TOKEN of a local cluster for a shell.",
  "Example:\n" "  eval \"$(pmss local env --dir /tmp/cluster)\"\n" "  pmss ls",
  0, 0
};

static gboolean
local_env (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (PmssLocalCluster) cluster = open_cluster (cli, &env_usage, NULL,
      FALSE, &argc, &argv, error);
  g_autoptr (JsonNode) node = NULL;

  if (cluster == NULL)
    return FALSE;
  if (!cluster->token) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "The cluster in %s was never up; 'pmss local up' starts it",
        cluster->dir);
    return FALSE;
  }
  if (!cli->json) {
    pmss_local_print_env (cluster);
    return TRUE;
  }
  node = pmss_local_to_json (cluster);
  pmss_cli_json_print (json_object_get_member (json_node_get_object (node),
          "env"));
  return TRUE;
}

static const PmssCliUsage stop_usage = {
  "INDEX", "Stops one storage server.",
  "INDEX counts from 0, as in 'pmss local status'; it is not the server's id.\n\n"
      "Examples:\n"
      "  pmss local stop-node 0\n"
      "  pmss local stop-node 0 --kill     as if it crashed",
  1, 1
};

static gboolean
local_stop_node (PmssCli * cli, int argc, char **argv, GError ** error)
{
  gboolean kill = FALSE;
  const GOptionEntry entries[] = {
    {"kill", 0, 0, G_OPTION_ARG_NONE, &kill, "Kill it (SIGKILL)", NULL},
    {NULL}
  };
  g_autoptr (PmssLocalCluster) cluster = open_cluster (cli, &stop_usage,
      entries, TRUE, &argc, &argv, error);
  PmssLocalServer *node;

  if (cluster == NULL)
    return FALSE;
  node = pmss_local_cluster_get_node (cluster, argv[1], error);
  if (node == NULL || !pmss_local_stop_node (cluster, node, kill, error))
    return FALSE;
  if (cli->json)
    report (cli, cluster);
  else
    printf ("%s is stopped.\n", node->label);
  return TRUE;
}

static const PmssCliUsage start_usage = {
  "INDEX", "Starts a storage server again, at the port that it had.",
  "INDEX counts from 0, as in 'pmss local status'.\n\n"
      "Example:\n  pmss local start-node 0",
  1, 1
};

static gboolean
local_start_node (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (PmssLocalCluster) cluster = open_cluster (cli, &start_usage,
      NULL, TRUE, &argc, &argv, error);
  PmssLocalServer *node;

  if (cluster == NULL)
    return FALSE;
  node = pmss_local_cluster_get_node (cluster, argv[1], error);
  if (node == NULL
      || !pmss_local_start_node (cluster, node, cli->cancellable, error))
    return FALSE;
  if (cli->json)
    report (cli, cluster);
  else
    printf ("%s is up.\n", node->label);
  return TRUE;
}

static const PmssCliUsage add_usage = {
  "", "Adds a storage server and starts it.",
  "Example:\n  pmss local add-node", 0, 0
};

static gboolean
local_add_node (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (PmssLocalCluster) cluster = open_cluster (cli, &add_usage, NULL,
      TRUE, &argc, &argv, error);
  PmssLocalServer *node;

  if (cluster == NULL)
    return FALSE;
  node = pmss_local_add_node (cluster, cli->cancellable, error);
  if (node == NULL)
    return FALSE;
  if (cli->json)
    report (cli, cluster);
  else
    printf ("%s is up as storage server %u at 127.0.0.1:%u.\n", node->label,
        node->id, node->port);
  return TRUE;
}

static const PmssCliUsage down_usage = {
  "", "Stops all of a local cluster. Its folder stays, for another 'up'.",
  "Examples:\n"
      "  pmss local down\n"
      "  pmss local down --purge     and delete all that it stored",
  0, 0
};

static gboolean
local_down (PmssCli * cli, int argc, char **argv, GError ** error)
{
  gboolean purge = FALSE;
  const GOptionEntry entries[] = {
    {"purge", 0, 0, G_OPTION_ARG_NONE, &purge,
        "Delete what it stored, too", NULL},
    {NULL}
  };
  g_autoptr (PmssLocalCluster) cluster = NULL;
  g_autoptr (GError) local = NULL;

  cluster = open_cluster (cli, &down_usage, entries, TRUE, &argc, &argv,
      &local);
  /* Nothing there is nothing to stop. */
  if (cluster == NULL
      && !g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (cluster != NULL && (!pmss_local_down (cluster, error) ||
          (purge && !pmss_local_cluster_purge (cluster, error))))
    return FALSE;
  if (cli->json)
    printf ("{}\n");
  else if (cluster == NULL)
    printf ("%s\n", local->message);
  else
    printf (purge ? "Stopped and deleted.\n" : "Stopped.\n");
  return TRUE;
}

static const PmssCliCommand verbs[] = {
  {"up", local_up, "[--nodes N]", "start a cluster on this machine"},
  {"status", local_status, "", "what runs where, and how to log in"},
  {"env", local_env, "", "settings for a shell's eval"},
  {"stop-node", local_stop_node, "INDEX", "stop a storage server"},
  {"start-node", local_start_node, "INDEX", "start it again"},
  {"add-node", local_add_node, "", "add a storage server"},
  {"down", local_down, "[--purge]", "stop everything"},
  {NULL}
};

gboolean
pmss_cmd_local (PmssCli * cli, int argc, char **argv, GError ** error)
{
  return pmss_cli_dispatch (cli, verbs, "A whole cluster on this machine, to "
      "try and to test. Every verb takes --dir DIR.", argc, argv, error);
}
