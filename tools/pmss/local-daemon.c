/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define _GNU_SOURCE
#include "local-daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <libpmss/pmss-error.h>

#include "cli.h"

#define POLL_US 5000
#define TCP_LISTEN 0x0a         /* state in /proc/net/tcp */
#define FIRST_PORT 10240
#define PORTS_TRIED 100

char *
pmss_local_daemon_find (const char *program, GError ** error)
{
  const char *folder = g_str_equal (program, "pmss-control") ?
      "control" : "server";
  const char *build = g_getenv ("PMSS_BUILD_DIR");
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *here = self != NULL ? g_path_get_dirname (self) : NULL;
  g_autofree char *above = here != NULL ? g_path_get_dirname (here) : NULL;
  char *candidates[] = {
    build ? g_build_filename (build, folder, program, NULL) : NULL,
    above != NULL ? g_build_filename (above, folder, program, NULL) : NULL,
    here != NULL ? g_build_filename (here, program, NULL) : NULL,
    g_find_program_in_path (program),
  };
  char *found = NULL;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (candidates); i++) {
    if (found == NULL && candidates[i] &&
        g_file_test (candidates[i], G_FILE_TEST_IS_EXECUTABLE))
      found = g_steal_pointer (&candidates[i]);
    g_free (candidates[i]);
  }
  if (found == NULL)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "The program %s is found neither beside pmss nor in PATH; "
        "PMSS_BUILD_DIR names the build folder of one that is not installed",
        program);
  return found;
}

/* Fields of /proc/PID/stat after the name, which may hold anything: the state
 * and the time of start. */
static gboolean
read_stat (int pid, char *state, guint64 * started)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) fields = NULL;
  const char *rest;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return FALSE;
  rest = strrchr (text, ')');
  if (rest == NULL)
    return FALSE;
  fields = g_strsplit (rest + 2, " ", 0);
  if (g_strv_length (fields) < 20)
    return FALSE;
  *state = fields[0][0];
  *started = g_ascii_strtoull (fields[19], NULL, 10);
  return TRUE;
}

gboolean
pmss_local_daemon_is_alive (const PmssLocalProcess * process)
{
  char state;
  guint64 started;

  if (process->pid <= 0)
    return FALSE;
  /* Only a child of ours can be waited for; another's end is no concern. */
  waitpid (process->pid, NULL, WNOHANG);
  return read_stat (process->pid, &state, &started) &&
      started == process->started && state != 'Z' && state != 'X';
}

void
pmss_local_daemon_signal (const PmssLocalProcess * process, int number)
{
  int fd;

  if (process->pid <= 0)
    return;
  /* The descriptor holds on to the process: once it has been seen alive, the
   * signal can reach nobody else. */
  fd = (int) syscall (SYS_pidfd_open, process->pid, 0);
  if (fd >= 0) {
    if (pmss_local_daemon_is_alive (process))
      syscall (SYS_pidfd_send_signal, fd, number, NULL, 0);
    close (fd);
  } else if (errno == ENOSYS && pmss_local_daemon_is_alive (process)) {
    kill (process->pid, number);
  }
}

gboolean
pmss_local_daemon_wait (const PmssLocalProcess * process, gint64 timeout_us)
{
  gint64 deadline = g_get_monotonic_time () + timeout_us;

  while (pmss_local_daemon_is_alive (process)) {
    if (g_get_monotonic_time () > deadline)
      return FALSE;
    g_usleep (POLL_US);
  }
  return TRUE;
}

static void
become_daemon (gpointer unused)
{
  setsid ();
  pmss_cli_restore_signals (NULL);
}

gboolean
pmss_local_daemon_start (char **argv, char **environment,
    const char *log, PmssLocalProcess * process, GError ** error)
{
  int null_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int log_fd = open (log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  char state;
  GPid pid = 0;
  gboolean ok;

  if (null_fd < 0 || log_fd < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
        "Cannot open %s: %s", log_fd < 0 ? log : "/dev/null",
        g_strerror (errno));
    ok = FALSE;
  } else {
    ok = g_spawn_async_with_pipes_and_fds (NULL,
        (const char *const *) argv, (const char *const *) environment,
        G_SPAWN_DO_NOT_REAP_CHILD,
        become_daemon, NULL, null_fd, log_fd, log_fd, NULL, NULL, 0, &pid,
        NULL, NULL, NULL, error);
  }
  if (null_fd >= 0)
    close (null_fd);
  if (log_fd >= 0)
    close (log_fd);
  process->pid = pid;
  /* It cannot be gone before it is waited for. */
  return ok && read_stat (pid, &state, &process->started);
}

/* The inodes of a process's sockets, as text. */
static GHashTable *
socket_inodes (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fd", pid);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  GHashTable *inodes =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder))) {
    g_autofree char *link = g_build_filename (path, name, NULL);
    g_autofree char *target = g_file_read_link (link, NULL);

    if (target != NULL && g_str_has_prefix (target, "socket:[")) {
      target[strlen (target) - 1] = '\0';
      g_hash_table_add (inodes, g_strdup (target + strlen ("socket:[")));
    }
  }
  return inodes;
}

/* One table of the kernel's: "sl local_address rem_address st … inode". */
static guint16
find_listener (const char *path, GHashTable * inodes)
{
  FILE *table = fopen (path, "re");
  char line[512];
  guint16 found = 0;

  while (table != NULL && !found && fgets (line, sizeof line, table)) {
    unsigned port, state;
    char inode[32];

    if (sscanf (line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s "
            "%*s %*s %31s", &port, &state, inode) == 3 &&
        state == TCP_LISTEN && g_hash_table_contains (inodes, inode))
      found = (guint16) port;
  }
  if (table != NULL)
    fclose (table);
  return found;
}

guint16
pmss_local_daemon_get_port (const PmssLocalProcess * process)
{
  static const char *const tables[] = { "tcp", "tcp6" };
  g_autoptr (GHashTable) inodes = socket_inodes (process->pid);
  guint16 port = 0;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (tables) && !port; i++) {
    g_autofree char *path =
        g_strdup_printf ("/proc/%d/net/%s", process->pid, tables[i]);

    port = find_listener (path, inodes);
  }
  return port;
}

/* Of those that the system gives to connections and to who asks for any. */
static unsigned
find_first_ephemeral (void)
{
  g_autofree char *text = NULL;
  unsigned first;

  if (g_file_get_contents ("/proc/sys/net/ipv4/ip_local_port_range", &text,
          NULL, NULL) && sscanf (text, "%u", &first) == 1)
    return MIN (first, G_MAXUINT16);
  return 0;
}

static gboolean
is_port_free (guint16 port)
{
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string ("127.0.0.1", port);
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4,
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);

  return socket && g_socket_bind (socket, address, TRUE, NULL);
}

guint16
pmss_local_daemon_choose_port (void)
{
  unsigned end = find_first_ephemeral (), i;

  for (i = 0; end > FIRST_PORT && i < PORTS_TRIED; i++) {
    guint16 port = (guint16) g_random_int_range (FIRST_PORT, (gint32) end);

    if (is_port_free (port))
      return port;
  }
  return 0;
}
