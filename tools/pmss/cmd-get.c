/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss get */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <libpmss/pmss-error.h>

#include "cli-text.h"
#include "cli.h"
#include "reading.h"

static const PmssCliUsage usage = {
  "NAME [FILE]",
  "Fetches a medium from all its storage servers at once and checks its SHA-256.",
  "FILE - is standard output; in a folder, without FILE the current one, the\n"
      "file has the last part of the name. It appears only when it is complete and\n"
      "checked; until then it is called otherwise.\n\n"
      "Examples:\n"
      "  pmss get films/sintel.webm\n"
      "  pmss get films/sintel.webm sintel.webm\n"
      "  pmss get films/sintel.webm - | mpv -\n"
      "  pmss get --stats films/sintel.webm /dev/null   what each server gave",
  1, 2
};

/* Where the bytes go. */
typedef struct
{
  char *path;                   /* NULL: standard output */
  char *temporary;              /* NULL: written in place (a device, a pipe) */
  int fd;
} Target;

static void
target_clear (Target * target)
{
  if (target->temporary && target->fd >= 0)
    g_unlink (target->temporary);
  if (target->fd > STDERR_FILENO)
    close (target->fd);
  g_free (target->path);
  g_free (target->temporary);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Target, target_clear)
     static gboolean fail (GError ** error, const char *what, const char *path)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s %s: %s",
      what, path, g_strerror (code));
  return FALSE;
}

/* Beside @path and called like it, as far as a file's name may be long. */
static char *
temporary_name (const char *path)
{
  static const char suffix[] = ".pmss-XXXXXX";
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *name = NULL;
  gsize length = MIN (strlen (base), NAME_MAX - strlen (suffix));

  /* not in the middle of a character: some file systems take none but UTF-8 */
  while (length > 0 && ((guchar) base[length] & 0xc0) == 0x80)
    length--;
  base[length] = '\0';
  name = g_strconcat (base, suffix, NULL);
  return g_build_filename (folder, name, NULL);
}

static gboolean
target_open (Target * target, const char *file, const char *name,
    gboolean overwrite, GError ** error)
{
  struct stat status;

  target->fd = -1;
  if (g_str_equal (file, "-")) {
    target->fd = STDOUT_FILENO;
    return TRUE;
  }
  if (g_file_test (file, G_FILE_TEST_IS_DIR)) {
    g_autofree char *base = g_path_get_basename (name);

    target->path = g_str_equal (file, ".") ? g_steal_pointer (&base) :
        g_build_filename (file, base, NULL);
  } else {
    target->path = g_strdup (file);
  }
  if (stat (target->path, &status) == 0 && !S_ISREG (status.st_mode)) {
    target->fd = open (target->path, O_WRONLY | O_CLOEXEC);
    return target->fd >= 0 || fail (error, "Cannot write", target->path);
  }
  if (!overwrite && g_file_test (target->path, G_FILE_TEST_EXISTS)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_EXISTS,
        "%s exists; --force replaces it", target->path);
    return FALSE;
  }
  target->temporary = temporary_name (target->path);
  target->fd = g_mkstemp_full (target->temporary, O_WRONLY | O_CLOEXEC, 0666);
  return target->fd >= 0 || fail (error, "Cannot create", target->path);
}

static gboolean
target_write (gpointer data, GBytes * bytes, GError ** error)
{
  Target *target = data;
  gsize left;
  const char *p = g_bytes_get_data (bytes, &left);

  while (left > 0) {
    gssize n = write (target->fd, p, left);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail (error, "Cannot write",
          target->path ? target->path : "standard output");
    p += n;
    left -= (gsize) n;
  }
  return TRUE;
}

/* Gives a complete file its name. */
static gboolean
target_commit (Target * target, GError ** error)
{
  if (!target->temporary)
    return TRUE;
  if (fsync (target->fd) != 0)
    return fail (error, "Cannot write", target->temporary);
  if (g_rename (target->temporary, target->path) != 0)
    return fail (error, "Cannot create", target->path);
  g_clear_pointer (&target->temporary, g_free);
  return TRUE;
}

static void
report (PmssCli * cli, const PmssReading * reading, const Target * target,
    gboolean stats)
{
  g_autofree char *size = NULL;
  g_autofree char *path = NULL;

  /* Standard output is the medium's. */
  if (!target->path)
    return;
  if (cli->json) {
    g_autoptr (JsonNode) node = pmss_reading_to_json (reading);

    pmss_cli_json_print (node);
    return;
  }
  size = pmss_cli_size (reading->size);
  path = pmss_cli_escape (target->path);
  printf ("%s: %s, %s\n", path, size, reading->expected ?
      "SHA-256 as in the catalog" : "the catalog has no SHA-256 of it");
  if (stats)
    pmss_reading_print_stats (reading->stats, reading->seconds);
}

gboolean
pmss_cmd_get (PmssCli * cli, int argc, char **argv, GError ** error)
{
  gboolean stats = FALSE, force = FALSE;
  const GOptionEntry entries[] = {
    {"stats", 0, 0, G_OPTION_ARG_NONE, &stats,
        "Say what each storage server gave", NULL},
    {"force", 'f', 0, G_OPTION_ARG_NONE, &force, "Replace FILE", NULL},
    {NULL}
  };
  g_auto (Target) target = { NULL, NULL, -1 };
  g_autoptr (PmssReading) reading = NULL;

  if (!pmss_cli_parse (cli, &usage, entries, &argc, &argv, error) ||
      !target_open (&target, argc > 2 ? argv[2] : ".", argv[1], force, error))
    return FALSE;
  reading = pmss_reading_run (cli, argv[1], target_write, &target, error);
  if (!reading || !target_commit (&target, error))
    return FALSE;
  report (cli, reading, &target, stats);
  return TRUE;
}
