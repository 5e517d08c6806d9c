/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What heartbeats are told of revocations. On their connections' threads. */
#include "control/sessions/revocation-news.h"

#include "control/database/database.h"
#include "control/sessions/revocations.h"

#define WAIT (G_TIME_SPAN_SECOND / 10)

typedef struct
{
  gint64 after;
  gint64 newest;
  JsonNode *found;
} News;

static void
free_news (gpointer data)
{
  News *news = data;

  g_clear_pointer (&news->found, json_node_unref);
  g_free (news);
}

static gboolean
find_news (PmssDatabase * database, gpointer data, GError ** error)
{
  News *news = data;
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_object (json);
  if (!pmss_revocations_add (database, news->after, json, error))
    return FALSE;
  json_builder_end_object (json);
  news->found = json_builder_get_root (json);
  news->newest = pmss_database_get_tally (database, "revocation", "");
  return TRUE;
}

/* @complete: there is nothing that the storage server does not know; else nobody could say in time. */
static void
add_none (JsonBuilder * json, gint64 known, gboolean complete)
{
  json_builder_set_member_name (json, "complete");
  json_builder_add_boolean_value (json, complete);
  json_builder_set_member_name (json, "revoked");
  json_builder_begin_array (json);
  json_builder_end_array (json);
  json_builder_set_member_name (json, "revocations");
  json_builder_add_int_value (json, known);
}

static void
add_found (JsonBuilder * json, JsonObject * found)
{
  static const char *const members[] = { "revoked", "revocations" };

  for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
    json_builder_set_member_name (json, members[i]);
    json_builder_add_value (json, json_node_copy (json_object_get_member
            (found, members[i])));
  }
}

void
pmss_revocation_news_add (PmssDatabase * database, gint64 after,
    JsonBuilder * json)
{
  News *news;
  JsonObject *found;

  if (after >= pmss_database_get_tally (database, "revocation", "")) {
    add_none (json, after, TRUE);
    return;
  }
  news = g_new0 (News, 1);
  news->after = after;
  if (!pmss_database_transact_within (database, WAIT, find_news, news,
          free_news, NULL)) {
    add_none (json, after, FALSE);
    return;
  }
  found = json_node_get_object (news->found);
  /* those in between are over */
  if (json_array_get_length (json_object_get_array_member (found,
              "revoked")) == 0)
    add_none (json, MAX (after, news->newest), TRUE);
  else
    add_found (json, found);
  free_news (news);
}
