/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What `pmss local` says about a cluster. */

#include <stdio.h>

#include "cli-text.h"
#include "local-cluster.h"
#include "local-daemon.h"

static int
live_pid (const PmssLocalServer * server)
{
  return pmss_local_daemon_is_alive (&server->process) ?
      server->process.pid : 0;
}

static void
add_string (JsonBuilder * builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

static void
add_int (JsonBuilder * builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_node (JsonBuilder * builder, PmssLocalCluster * cluster,
    const PmssLocalServer * node)
{
  g_autofree char *dir = pmss_local_server_path (cluster, node, "");

  json_builder_begin_object (builder);
  add_int (builder, "id", node->id);
  add_int (builder, "index", node->index);
  add_string (builder, "address", "127.0.0.1");
  add_int (builder, "port", node->port);
  add_int (builder, "pid", live_pid (node));
  add_string (builder, "dir", dir);
  add_string (builder, "state", pmss_local_server_get_state (node));
  json_builder_end_object (builder);
}

static void
add_control (JsonBuilder * builder, PmssLocalCluster * cluster)
{
  g_autofree char *url = pmss_local_cluster_url (cluster);
  g_autofree char *dir = pmss_local_server_path (cluster, cluster->control, "");

  json_builder_set_member_name (builder, "control");
  json_builder_begin_object (builder);
  add_string (builder, "url", url);
  add_int (builder, "pid", live_pid (cluster->control));
  add_string (builder, "dir", dir);
  json_builder_end_object (builder);
}

JsonNode *
pmss_local_to_json (PmssLocalCluster * cluster)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *url = pmss_local_cluster_url (cluster);
  guint i;

  json_builder_begin_object (builder);
  add_control (builder, cluster);
  json_builder_set_member_name (builder, "nodes");
  json_builder_begin_array (builder);
  for (i = 0; i < cluster->nodes->len; i++)
    add_node (builder, cluster, g_ptr_array_index (cluster->nodes, i));
  json_builder_end_array (builder);
  add_string (builder, "user", cluster->user);
  add_string (builder, "password", cluster->password);
  add_string (builder, "token", cluster->token);
  json_builder_set_member_name (builder, "env");
  json_builder_begin_object (builder);
  add_string (builder, "PMSS_URL", url);
  add_string (builder, "PMSS_TOKEN", cluster->token);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

static void
add_row (PmssCliTable * table, const PmssLocalServer * server)
{
  int pid = live_pid (server);

  pmss_cli_table_add (table,
      server->index < 0 ? g_strdup ("-") :
      g_strdup_printf ("%d", server->index), g_strdup (server->label),
      server->id ? g_strdup_printf ("%u", server->id) : g_strdup ("-"),
      g_strdup_printf ("127.0.0.1:%u", server->port),
      pid ? g_strdup_printf ("%d", pid) : g_strdup ("-"),
      g_strdup (pmss_local_server_get_state (server)));
}

void
pmss_local_print (PmssLocalCluster * cluster)
{
  const char *const columns[] = { ">INDEX", "SERVER", ">ID", "ADDRESS",
    ">PID", "STATE", NULL
  };
  PmssCliTable *table = pmss_cli_table_new (columns);
  g_autofree char *url = pmss_local_cluster_url (cluster);
  g_autofree char *dir = pmss_cli_shell_word (cluster->dir);
  guint i;

  add_row (table, cluster->control);
  for (i = 0; i < cluster->nodes->len; i++)
    add_row (table, g_ptr_array_index (cluster->nodes, i));
  pmss_cli_table_print (table, "");
  printf ("\nFolder          %s\n", dir);
  if (!pmss_local_daemon_is_alive (&cluster->control->process)) {
    printf ("Start it with   pmss local up --dir %s\n", dir);
    return;
  }
  printf ("Control server  %s\nTo log in       user %s, password %s\n", url,
      cluster->user ? cluster->user : "-",
      cluster->password ? cluster->password : "-");
  printf ("To use it       eval \"$(pmss local env --dir %s)\"\n", dir);
  printf ("To stop it      pmss local down --dir %s\n", dir);
}

void
pmss_local_print_env (PmssLocalCluster * cluster)
{
  g_autofree char *url = pmss_local_cluster_url (cluster);
  g_autofree char *token =
      pmss_cli_shell_word (cluster->token ? cluster->token : "");

  printf ("export PMSS_URL=%s\nexport PMSS_TOKEN=%s\n", url, token);
}
