/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage-servers.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

static void
read_address (StorageServer * server)
{
  g_autoptr (GDataInputStream) out = g_data_input_stream_new
      (g_subprocess_get_stdout_pipe (server->process));
  g_autofree char *line = g_data_input_stream_read_line (out, NULL, NULL,
      NULL);

  if (line == NULL || !g_str_has_prefix (line, "listening on 127.0.0.1:"))
    g_error ("the storage server says: %s", line != NULL ? line : "nothing");
  server->node.port = g_ascii_strtoull (strrchr (line, ':') + 1, NULL, 10);
}

/* Servers do not outlive a test that its watchdog ended. */
static void
die_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

void
storage_server_start (StorageServer * server, const char *folder, guint index,
    const char *min_free)
{
  g_autofree char *program = g_build_filename (g_getenv ("PMSS_BUILD_DIR"),
      "server", "pmss-storage", NULL);
  g_autofree char *key = g_build_filename (folder, "key", NULL);
  g_autofree char *id = g_strdup_printf ("%u", index + 1);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new
      (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GError) error = NULL;

  if (server->data == NULL)
    server->data = g_build_filename (folder, id, NULL);
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  server->process = g_subprocess_launcher_spawn (launcher, &error, program,
      "--listen", "127.0.0.1:0", "--data", server->data,
      "--public-key", key, "--cluster", STORAGE_SERVERS_CLUSTER, "--node-id",
      id, "--min-free", min_free, "--log-level", "warning", NULL);
  g_assert_no_error (error);
  server->node.id = index + 1;
  server->node.address = (char *) "127.0.0.1";
  server->node.zone = (char *) "";
  read_address (server);
}

void
storage_server_signal (StorageServer * server, int number)
{
  const char *pid = g_subprocess_get_identifier (server->process);

  /* NULL once it has ended */
  if (pid != NULL)
    kill (g_ascii_strtoll (pid, NULL, 10), number);
}

/* Killed: their orderly stop has tests of its own. */
void
storage_server_stop (StorageServer * server)
{
  g_subprocess_force_exit (server->process);
  g_subprocess_wait (server->process, NULL, NULL);
  g_clear_object (&server->process);
}

void
storage_servers_remove_tree (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);

    storage_servers_remove_tree (child);
  }
  g_remove (path);
}

void
storage_servers_write_key (const char *folder, const guint8 * public_key)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *path = g_build_filename (folder, "key", NULL);

  for (guint i = 0; i < PMSS_TOKEN_PUBLIC_KEY_SIZE; i++)
    g_string_append_printf (text, "%02x", public_key[i]);
  g_assert_true (g_file_set_contents (path, text->str, -1, NULL));
}
