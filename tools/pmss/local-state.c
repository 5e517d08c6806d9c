/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "local-state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <libpmss/pmss-error.h>

#define STATE_FILE "cluster.conf"
#define LOCK_FILE "cluster.lock"
#define FORMAT 1
#define LOCK_WAIT (60 * G_USEC_PER_SEC)

static PmssLocalServer *
server_new (int index)
{
  PmssLocalServer *server = g_new0 (PmssLocalServer, 1);

  server->index = index;
  server->label = index < 0 ? g_strdup ("control") :
      g_strdup_printf ("node-%d", index);
  return server;
}

static void
server_free (gpointer data)
{
  PmssLocalServer *server = data;

  g_free (server->label);
  g_free (server);
}

void
pmss_local_cluster_free (PmssLocalCluster * cluster)
{
  if (cluster->lock_fd >= 0)
    close (cluster->lock_fd);
  g_clear_pointer (&cluster->control, server_free);
  g_clear_pointer (&cluster->nodes, g_ptr_array_unref);
  g_strfreev (cluster->control_settings);
  g_strfreev (cluster->node_settings);
  g_free (cluster->user);
  g_free (cluster->password);
  g_free (cluster->token);
  g_free (cluster->dir);
  g_free (cluster);
}

char *
pmss_local_server_path (PmssLocalCluster * cluster,
    const PmssLocalServer * server, const char *suffix)
{
  g_autofree char *name = g_strconcat (server->label, suffix, NULL);

  return g_build_filename (cluster->dir, name, NULL);
}

char *
pmss_local_cluster_url (PmssLocalCluster * cluster)
{
  return g_strdup_printf ("http://127.0.0.1:%u", cluster->control->port);
}

PmssLocalServer *
pmss_local_cluster_add_node (PmssLocalCluster * cluster)
{
  PmssLocalServer *node = server_new ((int) cluster->nodes->len);

  g_ptr_array_add (cluster->nodes, node);
  return node;
}

PmssLocalServer *
pmss_local_cluster_get_node (PmssLocalCluster * cluster, const char *index,
    GError ** error)
{
  guint64 i;

  if (g_ascii_string_to_unsigned (index, 10, 0, G_MAXINT, &i, NULL) &&
      i < cluster->nodes->len)
    return g_ptr_array_index (cluster->nodes, i);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "The cluster in %s has no storage server with the index “%s” "
      "(they are counted from 0 to %d)", cluster->dir, index,
      (int) cluster->nodes->len - 1);
  return NULL;
}

/* A process of before the last boot is none. */
static char *
boot_id (void)
{
  char *id = NULL;

  if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &id, NULL, NULL))
    return g_strdup ("");
  return g_strstrip (id);
}

static void
load_server (GKeyFile * file, PmssLocalServer * server, gboolean same_boot)
{
  const char *group = server->label;

  server->id = (guint) g_key_file_get_integer (file, group, "id", NULL);
  server->port = (guint16) g_key_file_get_integer (file, group, "port", NULL);
  server->wanted = g_key_file_get_boolean (file, group, "wanted", NULL);
  if (!same_boot)
    return;
  server->process.pid = g_key_file_get_integer (file, group, "pid", NULL);
  server->process.started =
      g_key_file_get_uint64 (file, group, "started", NULL);
}

static gboolean
load (PmssLocalCluster * cluster, const char *path, GError ** error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *boot = NULL;
  g_autofree char *now = boot_id ();
  gboolean same_boot;
  int nodes, i;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error)) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  if (g_key_file_get_integer (file, "cluster", "format", NULL) != FORMAT) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "%s was written by another version of pmss", path);
    return FALSE;
  }
  boot = g_key_file_get_string (file, "cluster", "boot", NULL);
  same_boot = g_strcmp0 (boot, now) == 0;
  cluster->user = g_key_file_get_string (file, "cluster", "user", NULL);
  cluster->password = g_key_file_get_string (file, "cluster", "password", NULL);
  cluster->token = g_key_file_get_string (file, "cluster", "token", NULL);
  cluster->control_settings = g_key_file_get_string_list (file, "cluster",
      "control-settings", NULL, NULL);
  cluster->node_settings = g_key_file_get_string_list (file, "cluster",
      "node-settings", NULL, NULL);
  load_server (file, cluster->control, same_boot);
  nodes = g_key_file_get_integer (file, "cluster", "nodes", NULL);
  for (i = 0; i < nodes; i++)
    load_server (file, pmss_local_cluster_add_node (cluster), same_boot);
  return TRUE;
}

static void
save_server (GKeyFile * file, const PmssLocalServer * server)
{
  const char *group = server->label;

  g_key_file_set_integer (file, group, "id", (int) server->id);
  g_key_file_set_integer (file, group, "port", server->port);
  g_key_file_set_boolean (file, group, "wanted", server->wanted);
  g_key_file_set_integer (file, group, "pid", server->process.pid);
  g_key_file_set_uint64 (file, group, "started", server->process.started);
}

static void
save_string (GKeyFile * file, const char *key, const char *value)
{
  if (value != NULL)
    g_key_file_set_string (file, "cluster", key, value);
}

static void
save_list (GKeyFile * file, const char *key, char **list)
{
  if (list != NULL)
    g_key_file_set_string_list (file, "cluster", key,
        (const char *const *) list, g_strv_length (list));
}

gboolean
pmss_local_cluster_save (PmssLocalCluster * cluster, GError ** error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = g_build_filename (cluster->dir, STATE_FILE, NULL);
  g_autofree char *boot = boot_id ();
  g_autofree char *data = NULL;
  gsize length;
  guint i;

  g_key_file_set_integer (file, "cluster", "format", FORMAT);
  g_key_file_set_integer (file, "cluster", "nodes", (int) cluster->nodes->len);
  save_string (file, "boot", boot);
  save_string (file, "user", cluster->user);
  save_string (file, "password", cluster->password);
  save_string (file, "token", cluster->token);
  save_list (file, "control-settings", cluster->control_settings);
  save_list (file, "node-settings", cluster->node_settings);
  save_server (file, cluster->control);
  for (i = 0; i < cluster->nodes->len; i++)
    save_server (file, g_ptr_array_index (cluster->nodes, i));
  data = g_key_file_to_data (file, &length, NULL);
  return g_file_set_contents_full (path, data, (gssize) length,
      G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

static gboolean
make_folder (const char *dir, GError ** error)
{
  if (g_mkdir_with_parents (dir, 0700) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
      "Cannot make the folder %s: %s", dir, g_strerror (errno));
  return FALSE;
}

static void
set_absent (PmssLocalCluster * cluster, GError ** error)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "There is no local cluster in %s; 'pmss local up --dir %s' makes one",
      cluster->dir, cluster->dir);
}

/* The lock is of the file that has the name now: one that was waited for may
 * have been deleted with its cluster meanwhile. */
static gboolean
is_current (int fd, const char *path)
{
  struct stat held, named;

  return fstat (fd, &held) == 0 && stat (path, &named) == 0 &&
      held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

/* One try: 0 or an errno; EWOULDBLOCK: another one has it. */
static int
try_lock (PmssLocalCluster * cluster, const char *path)
{
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int code = 0;

  if (fd < 0)
    return errno;
  if (flock (fd, LOCK_EX | LOCK_NB) != 0)
    code = errno;
  else if (!is_current (fd, path))
    code = EWOULDBLOCK;
  if (code == 0)
    cluster->lock_fd = fd;
  else
    close (fd);
  return code;
}

/* With a deadline: another `pmss local` may be starting servers. @create: the
 * folder is made again if that one deletes it. */
static gboolean
lock (PmssLocalCluster * cluster, gboolean create, GCancellable * cancellable,
    GError ** error)
{
  g_autofree char *path = g_build_filename (cluster->dir, LOCK_FILE, NULL);
  gint64 deadline = g_get_monotonic_time () + LOCK_WAIT;

  for (;;) {
    int code;

    if (create && !make_folder (cluster->dir, error))
      return FALSE;
    code = try_lock (cluster, path);
    if (code == 0)
      return TRUE;
    if (code == ENOENT && !create) {
      set_absent (cluster, error);
      return FALSE;
    }
    if (code != EWOULDBLOCK && code != EINTR && code != ENOENT) {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
          "Cannot lock %s: %s", path, g_strerror (code));
      return FALSE;
    }
    if (g_get_monotonic_time () > deadline) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_BUSY,
          "Another 'pmss local' is at work in %s", cluster->dir);
      return FALSE;
    }
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
    g_usleep (20000);
  }
}

PmssLocalCluster *
pmss_local_cluster_open (const char *dir, gboolean create, gboolean write,
    GCancellable * cancellable, GError ** error)
{
  g_autoptr (PmssLocalCluster) cluster = g_new0 (PmssLocalCluster, 1);
  g_autofree char *path = NULL;

  cluster->lock_fd = -1;
  cluster->control = server_new (-1);
  cluster->nodes = g_ptr_array_new_with_free_func (server_free);
  cluster->dir = dir != NULL ? g_canonicalize_filename (dir, NULL) :
      g_build_filename (g_get_user_data_dir (), "pmss-local", NULL);
  path = g_build_filename (cluster->dir, STATE_FILE, NULL);
  if (!create && !g_file_test (path, G_FILE_TEST_EXISTS)) {
    set_absent (cluster, error);
    return NULL;
  }
  if (write && !lock (cluster, create, cancellable, error))
    return NULL;
  cluster->fresh = !g_file_test (path, G_FILE_TEST_EXISTS);
  if (cluster->fresh && !create) {
    set_absent (cluster, error);
    return NULL;
  }
  if (!cluster->fresh && !load (cluster, path, error))
    return NULL;
  return g_steal_pointer (&cluster);
}

/* Not through symbolic links: they are deleted, not followed. */
static gboolean
delete_tree (const char *path, GError ** error)
{
  struct stat status;
  g_autoptr (GDir) folder = NULL;
  const char *name;

  if (lstat (path, &status) != 0)
    return TRUE;
  if (S_ISDIR (status.st_mode)) {
    folder = g_dir_open (path, 0, error);
    if (folder == NULL)
      return FALSE;
    while ((name = g_dir_read_name (folder))) {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (!delete_tree (child, error))
        return FALSE;
    }
  }
  if (g_remove (path) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
      "Cannot delete %s: %s", path, g_strerror (errno));
  return FALSE;
}

static gboolean
purge_server (PmssLocalCluster * cluster, const PmssLocalServer * server,
    GError ** error)
{
  static const char *const suffixes[] = { "", ".conf", ".log" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (suffixes); i++) {
    g_autofree char *path =
        pmss_local_server_path (cluster, server, suffixes[i]);

    if (!delete_tree (path, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
pmss_local_cluster_purge (PmssLocalCluster * cluster, GError ** error)
{
  g_autofree char *state = g_build_filename (cluster->dir, STATE_FILE, NULL);
  g_autofree char *lock_file = g_build_filename (cluster->dir, LOCK_FILE, NULL);
  guint i;

  if (!purge_server (cluster, cluster->control, error))
    return FALSE;
  for (i = 0; i < cluster->nodes->len; i++)
    if (!purge_server (cluster, g_ptr_array_index (cluster->nodes, i), error))
      return FALSE;
  if (!delete_tree (state, error) || !delete_tree (lock_file, error))
    return FALSE;
  /* Fails where something of somebody else lies in it: that stays. */
  g_rmdir (cluster->dir);
  return TRUE;
}
