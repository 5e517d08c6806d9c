/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections of the engine on libsoup, and the order of their work. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pmss-http-soup.h"

#define LATE_MS 50              /* after which an end is no later */

typedef struct
{
  PmssSoupCall *call;
  PmssSoupWork work;
} Item;

PmssSoupLink *
pmss_soup_link_ref (PmssSoupLink * link)
{
  g_atomic_ref_count_inc (&link->refs);
  return link;
}

void
pmss_soup_link_unref (gpointer data)
{
  PmssSoupLink *link = data;

  if (!g_atomic_ref_count_dec (&link->refs))
    return;
  g_clear_pointer (&link->head, pmss_http_head_free);
  g_mutex_clear (&link->lock);
  g_free (link);
}

void
pmss_soup_link_enter (PmssSoupLink * link, PmssPeerPhase phase)
{
  /* only this thread takes it away */
  if (link->peer)
    pmss_peer_enter (link->peer, phase);
}

/* --- work --- */

/* Whether somebody has to be found to work on it. */
static gboolean
queue_item (PmssSoupLink * link, Item * item)
{
  gboolean was_busy;

  g_mutex_lock (&link->lock);
  was_busy = link->busy;
  link->busy = TRUE;
  g_queue_push_tail (&link->work, item);
  g_mutex_unlock (&link->lock);
  return !was_busy;
}

void
pmss_soup_link_push (PmssSoupLink * link, PmssSoupCall * call,
    PmssSoupWork work)
{
  Item *item = g_new (Item, 1);

  g_atomic_ref_count_inc (&call->refs);
  item->call = call;
  item->work = work;
  if (queue_item (link, item))
    pmss_http_pool_push (link->httpd->engine->pool, pmss_soup_link_ref (link));
}

static Item *
pop (PmssSoupLink * link)
{
  Item *item;

  g_mutex_lock (&link->lock);
  item = g_queue_pop_head (&link->work);
  link->busy = item != NULL;
  g_mutex_unlock (&link->lock);
  return item;
}

/* Behind a piece of a body the other links have their turn. */
void
pmss_soup_link_do_work (gpointer data, gpointer user_data)
{
  PmssSoupLink *link = data;
  gboolean yields = FALSE;
  Item *item;

  while (!yields && (item = pop (link)) != NULL) {
    yields = item->work == pmss_soup_body_receive;
    item->work (item->call);
    pmss_soup_call_unref (item->call);
    g_free (item);
  }
  if (yields)
    pmss_http_pool_push (link->httpd->engine->pool, link);
  else
    pmss_soup_link_unref (link);
}

/* --- late ends --- */

void
pmss_soup_link_push_late_end (PmssSoupLink * link)
{
  PmssSoupCall *call = g_steal_pointer (&link->late);

  if (call == NULL)
    return;
  pmss_soup_link_push (link, call, pmss_soup_call_end);
  pmss_soup_call_unref (call);
}

static gboolean
on_late (gpointer data)
{
  PmssHttpEngine *engine = data;

  g_clear_pointer (&engine->late, g_source_unref);
  for (GList * l = engine->links.head; l; l = l->next)
    pmss_soup_link_push_late_end (l->data);
  return G_SOURCE_REMOVE;
}

void
pmss_soup_link_end_late (PmssSoupLink * link, PmssSoupCall * call)
{
  PmssHttpEngine *engine = link->httpd->engine;

  g_atomic_ref_count_inc (&call->refs);
  link->late = call;
  if (engine->late)
    return;
  engine->late = g_timeout_source_new (LATE_MS);
  g_source_set_callback (engine->late, on_late, engine, NULL);
  g_source_attach (engine->late, engine->context);
}

/* --- what the stream tells --- */

static void
on_head (PmssHttpStream * stream, PmssHttpHead * head, gpointer data)
{
  PmssSoupLink *link = data;

  atomic_fetch_add (&link->httpd->requests, 1);
  g_clear_pointer (&link->head, pmss_http_head_free);
  link->head = head;
  pmss_soup_link_enter (link, PMSS_PEER_WORK);
}

static void
on_refused (PmssHttpStream * stream, guint status, const char *detail,
    gboolean to_head, gpointer data)
{
  PmssSoupLink *link = data;

  atomic_fetch_add (&link->httpd->requests, 1);
  pmss_soup_refuse (link, status, detail, to_head);
}

static void
on_body (PmssHttpStream * stream, gpointer data)
{
  PmssSoupLink *link = data;

  if (link->call)
    pmss_soup_body_on_ready (link->call);
}

static void
on_said (PmssHttpStream * stream, gsize length, gboolean whole, gpointer data)
{
  PmssSoupLink *link = data;

  if (link->call)
    pmss_soup_feed_on_said (link->call, length, whole);
}

static void
on_closed (PmssHttpStream * stream, gpointer data)
{
  PmssSoupLink *link = data;
  PmssHttpEngine *engine = link->httpd->engine;
  PmssPeer *peer;

  link->stream = NULL;
  /* libsoup forgets to tell the end of a message whose connection is closed
   * by soup_server_disconnect(), and a feed has none */
  if (link->call)
    pmss_soup_call_finish (link->call);
  pmss_soup_link_push_late_end (link);
  g_mutex_lock (&link->lock);
  peer = g_steal_pointer (&link->peer);
  g_mutex_unlock (&link->lock);
  pmss_watchdog_remove (link->httpd->watchdog, peer);
  g_queue_unlink (&engine->links, &link->node);
  g_mutex_lock (&engine->lock);
  if (--engine->n_links == 0)
    g_cond_broadcast (&engine->gone);
  g_mutex_unlock (&engine->lock);
  pmss_soup_link_unref (link);
}

static const PmssHttpStreamFuncs funcs = {
  .head = on_head,
  .refused = on_refused,
  .body = on_body,
  .said = on_said,
  .closed = on_closed,
};

/* --- newcomers --- */

static PmssSoupLink *
new_link (PmssHttpd * httpd, int fd)
{
  PmssSoupLink *link = g_new0 (PmssSoupLink, 1);

  g_atomic_ref_count_init (&link->refs);
  g_mutex_init (&link->lock);
  link->node.data = link;
  link->httpd = httpd;
  link->fd = fd;
  return link;
}

/* FALSE: closed. */
static gboolean
open_stream (PmssSoupLink * link)
{
  PmssHttpd *httpd = link->httpd;
  g_autoptr (GError) error = NULL;

  link->stream = pmss_http_stream_new (httpd->engine->poller, link->fd,
      httpd->engine->tls, &funcs, link, &error);
  if (link->stream) {
    link->peer = pmss_watchdog_start (httpd->watchdog, link->fd);
    return TRUE;
  }
  /* before another connection can have its number */
  pmss_watchdog_drop (httpd->watchdog, link->fd);
  close (link->fd);
  g_warning ("cannot take a connection: %s", error->message);
  return FALSE;
}

void
pmss_soup_link_begin (PmssHttpd * httpd, int fd, GSocketAddress * remote)
{
  PmssHttpEngine *engine = httpd->engine;
  PmssSoupLink *link = new_link (httpd, fd);
  g_autoptr (GIOStream) stream = NULL;
  const int on = 1;

  /* libsoup writes head and body of an answer one after the other */
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!open_stream (link)) {
    pmss_soup_link_unref (link);
    return;
  }
  stream = G_IO_STREAM (link->stream);
  g_strlcpy (link->address, pmss_peer_get_address (link->peer),
      sizeof link->address);
  g_queue_push_tail_link (&engine->links, &link->node);
  g_mutex_lock (&engine->lock);
  engine->n_links++;
  g_mutex_unlock (&engine->lock);
  atomic_fetch_add (&httpd->accepted, 1);
  if (engine->closing)
    shutdown (fd, SHUT_RDWR);
  /* how a message's connection is found */
  g_object_set_data_full (G_OBJECT (remote), "pmss-link",
      pmss_soup_link_ref (link), pmss_soup_link_unref);
  soup_server_accept_iostream (engine->server, stream, engine->local, remote,
      NULL);
}
