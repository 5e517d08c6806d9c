/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The start and the stop of a server. On the main thread. */
#include "daemon/pmss-daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"

static GLogLevelFlags shown_level;

/* Lower values are more severe. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField * fields, gsize n_fields,
    gpointer user_data)
{
  if ((level & G_LOG_LEVEL_MASK) > shown_level)
    return G_LOG_WRITER_HANDLED;
  if (g_log_writer_is_journald (STDERR_FILENO)
      && g_log_writer_journald (level, fields, n_fields, NULL)
      == G_LOG_WRITER_HANDLED)
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_standard_streams (level, fields, n_fields, NULL);
}

gboolean
pmss_daemon_parse_log_level (const char *text, GLogLevelFlags * level,
    GError ** error)
{
  static const struct
  {
    const char *name;
    GLogLevelFlags level;
  } levels[] = {
    {"critical", G_LOG_LEVEL_CRITICAL}, {"warning", G_LOG_LEVEL_WARNING},
    {"message", G_LOG_LEVEL_MESSAGE}, {"info", G_LOG_LEVEL_INFO},
    {"debug", G_LOG_LEVEL_DEBUG},
  };

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++) {
    if (g_str_equal (text, levels[i].name)) {
      *level = levels[i].level;
      return TRUE;
    }
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "“%s” is none of critical, warning, message, info, debug", text);
  return FALSE;
}

static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit (RLIMIT_NOFILE, &limit) != 0)
    g_warning ("Cannot raise the limit of descriptors: %s", g_strerror (errno));
}

void
pmss_daemon_prepare (GLogLevelFlags log_level)
{
  shown_level = log_level;
  /* stdout is for what scripts read, the log goes to stderr */
  g_log_writer_default_set_use_stderr (TRUE);
  g_log_set_debug_enabled (log_level >= G_LOG_LEVEL_DEBUG);
  g_log_set_writer_func (write_log, NULL, NULL);
  signal (SIGPIPE, SIG_IGN);
  raise_descriptor_limit ();
  if (sodium_init () < 0) {
    g_printerr ("%s: libsodium cannot be used on this system\n",
        g_get_prgname ());
    exit (EX_OSERR);
  }
}

/* Not exit(): other threads may run. Nothing is to be saved: what was answered is durable. */
GThread *
pmss_daemon_thread_new (const char *name, GThreadFunc func, gpointer data)
{
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_try_new (name, func, data, &error);

  if (thread != NULL)
    return thread;
  g_printerr
      ("%s: there is no thread for “%s”: %s. Raise the limit of tasks "
      "(TasksMax of the unit, ulimit -u), then start the server again\n",
      g_get_prgname (), name, error->message);
  _exit (EX_OSERR);
}

int
pmss_daemon_lock_folder (const char *folder, GError ** error)
{
  g_autofree char *path = g_build_filename (folder, "lock", NULL);
  int fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  /* a disk that is read-only can be locked as well */
  if (fd < 0 && errno == EROFS)
    fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
  if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  if (fd >= 0 && errno == EWOULDBLOCK)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "%s is in use by another server", folder);
  else
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
        "Cannot lock %s: %s", path, g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return -1;
}
