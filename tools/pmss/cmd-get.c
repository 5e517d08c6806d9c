/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss get */

#include <stdio.h>

#include "cli-text.h"
#include "cli.h"
#include "reading.h"
#include "target.h"

static const PmssCliUsage usage = {
  "NAME [FILE]",
  "Fetches a medium from all its storage servers at once and checks its SHA-256.",
  "FILE - is standard output; in a folder, without FILE the current one, the\n"
      "file has the last part of the name. It appears only when it is complete and\n"
      "checked; until then it is FILE.pmss-…, and the same command goes on there when\n"
      "it was ended early.\n\n"
      "Examples:\n"
      "  pmss get films/sintel.webm\n"
      "  pmss get films/sintel.webm sintel.webm\n"
      "  pmss get films/sintel.webm - | mpv -\n"
      "  pmss get --range 0-1048575 films/sintel.webm -   the first mebibyte\n"
      "  pmss get --stats films/sintel.webm /dev/null   what each server gave",
  1, 2
};

static void
report (PmssCli * cli, const PmssReading * reading, const char *target,
    gboolean stats)
{
  g_autofree char *size = NULL;
  g_autofree char *path = NULL;
  g_autofree char *kept = NULL;

  /* Standard output is the medium's. */
  if (target == NULL)
    return;
  if (cli->json) {
    g_autoptr (JsonNode) node = pmss_reading_to_json (reading);

    pmss_cli_json_print (node);
    return;
  }
  size = pmss_cli_size (reading->end - reading->start);
  path = pmss_cli_escape (target);
  kept = pmss_cli_size (reading->resumed);
  printf ("%s: %s%s%s%s, ", path, size, reading->resumed ? ", " : "",
      reading->resumed ? kept : "",
      reading->resumed ? " of them from earlier" : "");
  if (!reading->whole)
    printf ("bytes %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
        " of %" G_GUINT64_FORMAT "\n", reading->start, reading->end - 1,
        reading->size);
  else
    printf ("%s\n", reading->expected ? "SHA-256 as in the catalog" :
        "the catalog has no SHA-256 of it");
  if (stats)
    pmss_reading_print_stats (reading->stats, reading->seconds);
}

gboolean
pmss_cmd_get (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *text = NULL;
  gboolean stats = FALSE, force = FALSE;
  const GOptionEntry entries[] = {
    {"stats", 0, 0, G_OPTION_ARG_NONE, &stats,
        "Say what each storage server gave", NULL},
    {"force", 'f', 0, G_OPTION_ARG_NONE, &force, "Replace FILE", NULL},
    {"range", 0, 0, G_OPTION_ARG_STRING, &text,
        "Only the bytes from A to B, or A-, or the last -N", "A-B"},
    {NULL}
  };
  g_autoptr (PmssTarget) target = NULL;
  g_autoptr (PmssReading) reading = NULL;
  PmssByteRange range;

  if (!pmss_cli_parse (cli, &usage, entries, &argc, &argv, error) ||
      (text && !pmss_byte_range_parse (text, &range, error)))
    return FALSE;
  target = pmss_target_new (argc > 2 ? argv[2] : ".", argv[1], force, error);
  reading =
      target != NULL ? pmss_reading_run (cli, argv[1],
      text != NULL ? &range : NULL, target, error) : NULL;
  if (reading == NULL || !pmss_target_commit (target, error))
    return FALSE;
  report (cli, reading, pmss_target_get_path (target), stats);
  return TRUE;
}
