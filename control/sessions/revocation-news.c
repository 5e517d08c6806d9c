/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What heartbeats are told of revocations. On their connections' threads. */
#include "control/sessions/revocation-news.h"

#include "control/database/database.h"
#include "control/sessions/revocations.h"

#define WAIT (G_TIME_SPAN_SECOND / 10)

typedef struct
{
  gint64 after, last;
  gint64 newest;
  PmssJsonWriter *found;        /* the array of them */
} News;

static void
free_news (gpointer data)
{
  News *news = data;

  pmss_json_writer_free (news->found);
  g_free (news);
}

static gboolean
find_news (PmssDatabase * database, gpointer data, GError ** error)
{
  News *news = data;

  news->newest = pmss_database_get_tally (database, "revocation", "");
  return pmss_revocations_write (database, news->after, news->found,
      &news->last, error);
}

/* @revoked: an array. */
static void
add_revoked (PmssJsonWriter * json, const char *revoked, gssize length,
    gint64 known)
{
  pmss_json_writer_set_member_name (json, "revoked");
  pmss_json_writer_add_json (json, revoked, length);
  pmss_json_writer_set_member_name (json, "revocations");
  pmss_json_writer_add_int_value (json, known);
}

/* @complete: there is nothing that the storage server does not know; else nobody could say in time. */
static void
add_none (PmssJsonWriter * json, gint64 known, gboolean complete)
{
  pmss_json_writer_set_member_name (json, "complete");
  pmss_json_writer_add_boolean_value (json, complete);
  add_revoked (json, "[]", -1, known);
}

void
pmss_revocation_news_add (PmssDatabase * database, gint64 after,
    PmssJsonWriter * json)
{
  News *news;

  if (after >= pmss_database_get_tally (database, "revocation", "")) {
    add_none (json, after, TRUE);
    return;
  }
  news = g_new0 (News, 1);
  news->after = after;
  news->found = pmss_json_writer_new ();
  if (!pmss_database_transact_within (database, WAIT, find_news, news,
          free_news, NULL)) {
    add_none (json, after, FALSE);
    return;
  }
  /* those in between are over */
  if (news->last == after) {
    add_none (json, MAX (after, news->newest), TRUE);
  } else {
    g_autoptr (GBytes) text = pmss_json_writer_finish (news->found);
    gsize length;
    const char *revoked = g_bytes_get_data (text, &length);

    add_revoked (json, revoked, (gssize) length, news->last);
  }
  free_news (news);
}
