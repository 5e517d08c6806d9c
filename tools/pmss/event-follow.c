/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Events as they happen. The stream tells of them, the log fills what it may have missed. */

#include "event-follow.h"

#include <stdio.h>
#include <string.h>

#include "cli-text.h"
#include "event-list.h"
#include "event-stream.h"
#include "patience.h"

/* The control server says something each 30 s. */
#define QUIET 90
#define AGAIN_MS 1000
/* Of a page of what was missed. */
#define CATCH_UP 1000

typedef struct
{
  PmssCli *cli;
  PmssClient *client;
  PmssEventStream *stream;
  gint64 last;                  /* id of the last event that was printed */
} Follow;

static void
print_event (Follow * self, JsonNode * node)
{
  JsonObject *event = json_node_get_object (node);
  guint64 id = pmss_cli_json_number (event, "id");
  g_autofree char *text = NULL;

  /* what is told live alone has no id; what was caught up comes again */
  if ((gint64) id <= self->last)
    return;
  self->last = (gint64) id;
  if (self->cli->json) {
    text = json_to_string (node, FALSE);
    printf ("%s\n", text);
  } else {
    pmss_event_list_print (event);
  }
  fflush (stdout);
}

static gboolean
catch_up (Follow * self, GError ** error)
{
  guint64 next = 1;

  while (next != 0) {
    g_autoptr (JsonArray) events = pmss_event_list_load (self->cli,
        self->client, self->last, CATCH_UP, &next, error);

    if (events == NULL)
      return FALSE;
    for (guint i = 0; i < json_array_get_length (events); i++)
      if (JSON_NODE_HOLDS_OBJECT (json_array_get_element (events, i)))
        print_event (self, json_array_get_element (events, i));
  }
  return TRUE;
}

static gboolean
on_event (const char *name, const char *data, gpointer user_data,
    GError ** error)
{
  Follow *self = user_data;
  g_autoptr (JsonNode) node = NULL;

  if (strcmp (name, "start") == 0 || strcmp (name, "reset") == 0)
    return catch_up (self, error);
  node = json_from_string (data, NULL);
  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    print_event (self, node);
  return TRUE;
}

static gboolean
on_piece (const char *data, gsize length, gpointer user_data, GError ** error)
{
  Follow *self = user_data;

  return pmss_event_stream_feed (self->stream, data, length, error);
}

gboolean
pmss_event_follow (PmssCli * cli, PmssClient * client, gint64 after,
    GError ** error)
{
  Follow self = { cli, client, NULL, after };
  g_autoptr (PmssEventStream) stream = pmss_event_stream_new (on_event, &self);

  self.stream = stream;
  for (;;) {
    g_autoptr (GError) local = NULL;

    if (!pmss_client_follow (client, "/stream",
            pmss_event_stream_get_last_id (stream), QUIET, on_piece, &self,
            cli->cancellable, &local)
        && !pmss_patience_is_passing (local)) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    pmss_event_stream_break (stream);
    if (!pmss_patience_wait (cli->cancellable, AGAIN_MS, error))
      return FALSE;
  }
}
