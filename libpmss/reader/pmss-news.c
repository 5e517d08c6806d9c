/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collects what the reader's user is told of the nodes, and tells it. On the I/O thread. */
#include "libpmss/reader/pmss-news.h"

typedef struct
{
  PmssLink *link;               /* NULL: degraded */
  GError *error;                /* NULL: back */
  guint missing, spare;
} Item;

struct _PmssNews
{
  const PmssNewsFuncs *funcs;
  gpointer user_data;
  GDestroyNotify destroy;
  GQueue items;                 /* of Item */
  guint missing;                /* as last added */
};

PmssNews *
pmss_news_new (const PmssNewsFuncs * funcs, gpointer user_data,
    GDestroyNotify destroy)
{
  PmssNews *news = g_new0 (PmssNews, 1);

  news->funcs = funcs;
  news->user_data = user_data;
  news->destroy = destroy;
  g_queue_init (&news->items);
  return news;
}

static void
item_free (gpointer data)
{
  Item *item = data;

  g_clear_error (&item->error);
  g_free (item);
}

void
pmss_news_free (PmssNews * news)
{
  news->destroy (news->user_data);
  g_queue_clear_full (&news->items, item_free);
  g_free (news);
}

static Item *
add (PmssNews * news)
{
  Item *item = g_new0 (Item, 1);

  g_queue_push_tail (&news->items, item);
  return item;
}

void
pmss_news_add_lost (PmssNews * news, PmssLink * link, const GError * error)
{
  Item *item = add (news);

  item->link = link;
  item->error = g_error_copy (error);
}

void
pmss_news_add_back (PmssNews * news, PmssLink * link)
{
  add (news)->link = link;
}

void
pmss_news_count_missing (PmssNews * news, GPtrArray * links, guint m)
{
  guint missing = 0;
  Item *item;

  for (guint i = 0; i < links->len; i++) {
    PmssLink *link = links->pdata[i];

    missing += link->reported;
  }
  if (missing == news->missing)
    return;
  news->missing = missing;
  item = add (news);
  item->missing = missing;
  item->spare = missing < m ? m - missing : 0;
}

gboolean
pmss_news_is_about (PmssNews * news, PmssLink * link)
{
  for (GList * item = news->items.head; item != NULL; item = item->next)
    if (((Item *) item->data)->link == link)
      return TRUE;
  return FALSE;
}

void
pmss_news_tell (PmssNews * news)
{
  const PmssNewsFuncs *funcs = news->funcs;
  Item *item;

  while ((item = g_queue_pop_head (&news->items)) != NULL) {
    PmssLink *link = item->link;

    if (link == NULL)
      funcs->degraded (item->missing, item->spare, news->user_data);
    else if (item->error != NULL)
      funcs->node_lost (link->node.id, link->peer, item->error,
          news->user_data);
    else
      funcs->node_back (link->node.id, link->peer, news->user_data);
    item_free (item);
  }
}

void
pmss_news_tell_waiting (PmssNews * news, gint64 start_in, gboolean granted,
    const GError * refusal)
{
  news->funcs->waiting (start_in, granted, refusal, news->user_data);
}
