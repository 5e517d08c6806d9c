/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plays a file that has taken pmss-probe over. Preloaded, it replaces json_to_string(), which the probe
 * calls after it has looked at its file, and answers with the results of its attacks: {"NAME": ERRNO},
 * 0 for a success. Each attack runs in the main thread and in one more. PMSS_ATTACK_FOLDER holds a file
 * "secret". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <json-glib/json-glib.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t parent;

__attribute__((constructor))
     static void note_parent (void)
{
  parent = getppid ();
}

static char *
in_folder (const char *name)
{
  return g_build_filename (g_getenv ("PMSS_ATTACK_FOLDER"), name, NULL);
}

static int
try_open (const char *path, int flags)
{
  int fd = open (path, flags | O_CLOEXEC, 0600);

  if (fd < 0)
    return errno;
  close (fd);
  return 0;
}

static int
read_secret (void)
{
  g_autofree char *path = in_folder ("secret");

  return try_open (path, O_RDONLY);
}

static int
write_secret (void)
{
  g_autofree char *path = in_folder ("secret");

  return try_open (path, O_WRONLY);
}

static int
make_file (void)
{
  g_autofree char *path = in_folder ("made");

  return try_open (path, O_WRONLY | O_CREAT);
}

static int
remove_secret (void)
{
  g_autofree char *path = in_folder ("secret");

  return unlink (path) == 0 ? 0 : errno;
}

static int
cut_secret (void)
{
  g_autofree char *path = in_folder ("secret");

  return truncate (path, 0) == 0 ? 0 : errno;
}

static int
change_mode (void)
{
  g_autofree char *path = in_folder ("secret");

  return chmod (path, 0777) == 0 ? 0 : errno;
}

static int
list_folder (void)
{
  return try_open (g_getenv ("PMSS_ATTACK_FOLDER"), O_RDONLY | O_DIRECTORY);
}

static int
read_passwords (void)
{
  return try_open ("/etc/passwd", O_RDONLY);
}

static int
read_parent (void)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/environ", parent);

  return try_open (path, O_RDONLY);
}

/* RLIMIT_AS does not count files in memory: with one for each descriptor they would take all that there is. */
static int
fill_memory (void)
{
  int fd = memfd_create ("filled", MFD_CLOEXEC);
  int status;

  if (fd < 0)
    return errno;
  signal (SIGXFSZ, SIG_IGN);
  status = ftruncate (fd, 16 << 20) == 0
      || pwrite (fd, "x", 1, 16 << 20) == 1 ? 0 : errno;
  close (fd);
  return status;
}

static int
make_socket (void)
{
  return socket (AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

static int
make_local_socket (void)
{
  return socket (AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

static int
make_process (void)
{
  pid_t pid = fork ();

  if (pid == 0)
    _exit (0);
  if (pid < 0)
    return errno;
  waitpid (pid, NULL, 0);
  return 0;
}

static int
run_program (void)
{
  char name[] = "true";
  char *const arguments[] = { name, NULL };

  execv ("/bin/true", arguments);
  return errno;
}

static int
signal_parent (void)
{
  return kill (parent, 0) == 0 ? 0 : errno;
}

static int
trace_parent (void)
{
  return ptrace (PTRACE_SEIZE, parent, 0, 0) == 0 ? 0 : errno;
}

/* Any descriptor but the three. */
static int
find_descriptor (void)
{
  for (int fd = 3; fd < 20; fd++) {
    struct stat st;

    if (fstat (fd, &st) == 0 && S_ISREG (st.st_mode))
      return 0;
  }
  return EBADF;
}

static const struct
{
  const char *name;
  int (*run) (void);
} attacks[] = {
  {"read_secret", read_secret}, {"write_secret", write_secret},
  {"make_file", make_file}, {"remove_secret", remove_secret},
  {"cut_secret", cut_secret}, {"change_mode", change_mode},
  {"list_folder", list_folder}, {"read_passwords", read_passwords},
  {"read_parent", read_parent}, {"make_socket", make_socket},
  {"make_local_socket", make_local_socket}, {"make_process", make_process},
  {"run_program", run_program}, {"signal_parent", signal_parent},
  {"trace_parent", trace_parent}, {"find_descriptor", find_descriptor},
  {"fill_memory", fill_memory},
};

static gpointer
run_attacks (gpointer prefix)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (attacks); i++)
    g_string_append_printf (text, "%s\"%s%s\": %d", i > 0 ? ", " : "",
        (const char *) prefix, attacks[i].name, attacks[i].run ());
  return g_string_free (text, FALSE);
}

char *
json_to_string (JsonNode * node, gboolean pretty)
{
  char prefix[] = "thread_";
  GThread *thread = g_thread_try_new ("attack", run_attacks, prefix, NULL);
  g_autofree char *more = thread != NULL ? g_thread_join (thread) : NULL;
  g_autofree char *own = run_attacks (prefix + strlen (prefix));

  return g_strdup_printf ("{%s, %s}", own,
      more != NULL ? more : "\"no_thread\": 0");
}
