/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss events */

#include <stdio.h>

#include "cli-text.h"
#include "event-follow.h"
#include "event-list.h"

static const PmssCliUsage usage = {
  "", "Shows what happened, to what, when, by whom and why.",
  "The newest 100 events, the oldest of them first; --limit shows more.\n"
      "Administrators see all, others what they did themselves. With --follow and\n"
      "--json each event is a line.\n\n"
      "Examples:\n"
      "  pmss events\n"
      "  pmss events --follow\n"
      "  pmss events --after 1200\n"
      "  pmss events --limit 1000 --json | jq '.events[] | select(.result == \"refused\")'",
  0, 0
};

typedef struct
{
  gint64 after;                 /* -1: the newest ones */
  gint64 limit;
  gboolean follow;
} Options;

static gboolean
parse (PmssCli * cli, int *argc, char ***argv, Options * options,
    GError ** error)
{
  const GOptionEntry entries[] = {
    {"limit", 0, 0, G_OPTION_ARG_INT64, &options->limit, "At most N (100)",
        "N"},
    {"after", 0, 0, G_OPTION_ARG_INT64, &options->after,
        "The first ones behind the event ID", "ID"},
    {"follow", 'f', 0, G_OPTION_ARG_NONE, &options->follow,
        "Go on with each event as it happens", NULL},
    {NULL}
  };

  options->after = -1;
  options->limit = 100;
  if (!pmss_cli_parse (cli, &usage, entries, argc, argv, error))
    return FALSE;
  if (options->limit >= 1 && options->after >= -1)
    return TRUE;
  g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
      options->limit < 1 ? "--limit %" G_GINT64_FORMAT " is less than one event"
      : "--after %" G_GINT64_FORMAT " is no event",
      options->limit < 1 ? options->limit : options->after);
  return FALSE;
}

static void
print_events (PmssCli * cli, const Options * options, JsonArray * events,
    guint64 next)
{
  if (cli->json && !options->follow) {
    pmss_cli_json_print_page ("events", events, next);
    return;
  }
  for (guint i = 0; i < json_array_get_length (events); i++) {
    JsonNode *event = json_array_get_element (events, i);

    if (cli->json) {
      g_autofree char *text = json_to_string (event, FALSE);

      printf ("%s\n", text);
    } else {
      pmss_event_list_print (pmss_cli_json_element (events, i));
    }
  }
  fflush (stdout);
}

static gint64
last_id (JsonArray * events, const Options * options)
{
  guint n = json_array_get_length (events);

  return n == 0 ? MAX (options->after, 0) : (gint64)
      pmss_cli_json_number (pmss_cli_json_element (events, n - 1), "id");
}

gboolean
pmss_cmd_events (PmssCli * cli, int argc, char **argv, GError ** error)
{
  Options options = { 0 };
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonArray) events = NULL;
  guint64 next;

  if (!parse (cli, &argc, &argv, &options, error))
    return FALSE;
  client = pmss_cli_connect (cli, error);
  events = client != NULL ? pmss_event_list_load (cli, client, options.after,
      (guint64) options.limit, &next, error) : NULL;
  if (events == NULL)
    return FALSE;
  print_events (cli, &options, events, next);
  return !options.follow || pmss_event_follow (cli, client, last_id (events,
          &options), error);
}
