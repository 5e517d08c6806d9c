/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Events that the control server has, page by page. */

#include "event-list.h"

#include <stdio.h>

#include <libpmss/pmss-error.h>

#include "cli-text.h"

/* What the control server gives at once. */
#define MAX_PAGE 1000u

static JsonNode *
get_page (PmssCli * cli, PmssClient * client, gboolean forth, gint64 from,
    guint64 limit, GError ** error)
{
  g_autoptr (GString) path = g_string_new (NULL);

  g_string_append_printf (path, "/events?limit=%" G_GUINT64_FORMAT,
      MIN (limit, MAX_PAGE));
  if (forth || from > 0)
    g_string_append_printf (path, "&%s=%" G_GINT64_FORMAT,
        forth ? "after" : "before", from);
  return pmss_client_request (client, "GET", path->str, NULL,
      cli->cancellable, error);
}

/* The pages of what goes back come the newest first. */
static JsonArray *
join (JsonArray * all, JsonArray * page, gboolean forth)
{
  JsonArray *joined = json_array_new ();
  JsonArray *parts[] = { forth ? all : page, forth ? page : all };

  for (guint p = 0; p < G_N_ELEMENTS (parts); p++)
    for (guint i = 0; parts[p] && i < json_array_get_length (parts[p]); i++)
      json_array_add_element (joined, json_array_dup_element (parts[p], i));
  json_array_unref (all);
  return joined;
}

/* Whether the next page is another one. */
static gboolean
goes_on (gboolean forth, gint64 from, guint64 next)
{
  return next == 0 || (forth ? (gint64) next > from
      : from == 0 || (gint64) next < from);
}

JsonArray *
pmss_event_list_load (PmssCli * cli, PmssClient * client, gint64 after,
    guint64 limit, guint64 * next, GError ** error)
{
  g_autoptr (JsonArray) all = json_array_new ();
  gboolean forth = after >= 0;
  gint64 from = forth ? after : 0;

  do {
    g_autoptr (JsonNode) page = get_page (cli, client, forth, from,
        limit - json_array_get_length (all), error);
    JsonObject *root = page != NULL ? pmss_cli_json_root (page, error) : NULL;

    if (root == NULL)
      return NULL;
    all = join (g_steal_pointer (&all), pmss_cli_json_array (root, "events"),
        forth);
    *next = pmss_cli_json_number (root, "next");
    if (!goes_on (forth, from, *next)) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
          "The control server's list of events does not go on at %"
          G_GINT64_FORMAT, from);
      return NULL;
    }
    from = (gint64) * next;
  } while (*next && json_array_get_length (all) < limit);
  return g_steal_pointer (&all);
}

void
pmss_event_list_print (JsonObject * event)
{
  g_autofree char *time = pmss_cli_time (pmss_cli_json_string (event, "time"));
  g_autofree char *user =
      pmss_cli_escape (pmss_cli_json_string (event, "user"));
  g_autofree char *action =
      pmss_cli_escape (pmss_cli_json_string (event, "action"));
  g_autofree char *result =
      pmss_cli_escape (pmss_cli_json_string (event, "result"));
  g_autofree char *from =
      pmss_cli_escape (pmss_cli_json_string (event, "from"));
  g_autofree char *object =
      pmss_cli_escape (pmss_cli_json_string (event, "object"));
  const char *detail = pmss_cli_json_string (event, "detail");
  g_autofree char *shown = detail != NULL ? pmss_cli_escape (detail) : NULL;

  printf ("%s  %-10s  %-15s  %-7s  %-14s  %s%s%s\n", time, user, from, result,
      action, object, shown != NULL ? "  " : "", shown != NULL ? shown : "");
}
