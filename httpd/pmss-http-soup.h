/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>
#include <netinet/in.h>

#include "pmss-http-stream.h"
#include "pmss-httpd-private.h"

G_BEGIN_DECLS

/* The engine on libsoup. One I/O thread runs a SoupServer, all streams and all messages; a bounded
 * pool of threads runs the handlers. Both meet in a link's queue of work (I/O thread to pool) and
 * in pmss_soup_hop() (pool to I/O thread). A message that waits for a handler is paused: libsoup
 * does nothing with it. */

struct _PmssHttpEngine
{
  PmssHttpTls *tls;             /* nullable */
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;              /* the I/O thread */
  GThreadPool *pool;            /* of links with work */

  /* the I/O thread's own */
  SoupServer *server;
  GSocketAddress *local;
  GQueue links;
  GSource *late;                /* pushes the late ends of all links; nullable */
  gboolean closing;             /* newcomers are shut down */

  GMutex lock;                  /* protects n_links */
  GCond gone;                   /* it is 0 */
  guint n_links;
};

typedef struct _PmssSoupCall PmssSoupCall;
typedef void (*PmssSoupWork) (PmssSoupCall *call);

/* A connection. */
typedef struct
{
  gatomicrefcount refs;
  GList node;                   /* in the engine's `links` */
  PmssHttpd *httpd;
  int fd;
  char address[INET6_ADDRSTRLEN];

  /* the I/O thread's own */
  PmssHttpStream *stream;       /* NULL: closed */
  PmssHttpHead *head;           /* of the request whose message has not begun */
  PmssSoupCall *call;           /* whose message is not finished */
  PmssSoupCall *late;           /* is finished, and its end was not pushed */

  GMutex lock;                  /* protects the rest, and the calls' pieces */
  PmssPeer *peer;               /* NULL: closed */
  GQueue work;                  /* is done in its order, by one thread at a time */
  gboolean busy;
} PmssSoupLink;

/* A request: from its message's head until the handler's `end`. */
struct _PmssSoupCall
{
  PmssHttpRequest request;      /* first */
  gatomicrefcount refs;
  PmssSoupLink *link;
  PmssHttpHead *head;

  /* the I/O thread's own */
  SoupServerMessage *msg;       /* NULL: finished */
  gboolean whole;               /* all of the body is here */
  gboolean discarding;          /* the rest of the body is thrown away; the answer is known */
  gboolean answered;            /* the answer has gone out */
  gboolean feeding;             /* the feed goes on */
  gboolean together;            /* the body came with the head: it is collected in `pieces` */

  /* under the link's lock */
  GByteArray *pieces;           /* of the body, for the handler; nullable */
  gboolean piece_queued;        /* work for them is in the queue */
  gboolean full;                /* reading is paused for them */
  PmssHttpFeed *feed;           /* that the handler answered with, once; nullable */
  gboolean over;                /* its message is finished: a feed would come too late */

  gboolean refused;             /* the pool's: the handler wants no more of the body */
};

/* pmss-http-soup-link.c */
PmssSoupLink *pmss_soup_link_ref   (PmssSoupLink *link);
void          pmss_soup_link_unref (gpointer link);
/* Begins with a newcomer. Takes @fd. On the I/O thread, as the next. */
void          pmss_soup_link_begin (PmssHttpd *httpd, int fd, GSocketAddress *remote);
void          pmss_soup_link_enter (PmssSoupLink *link, PmssPeerPhase phase);
/* Has @work done for @call, behind all of its link's that is in the queue. */
void          pmss_soup_link_push  (PmssSoupLink *link, PmssSoupCall *call, PmssSoupWork work);
void          pmss_soup_link_push_locked (PmssSoupLink *link, PmssSoupCall *call,
    PmssSoupWork work);
/* Keeps the end of @call until the next request of @link, its close, or LATE_MS from now. */
void          pmss_soup_link_end_late (PmssSoupLink *link, PmssSoupCall *call);
void          pmss_soup_link_push_late_end (PmssSoupLink *link);
/* For the pool; @item: a link, with a reference. */
void          pmss_soup_link_do_work (gpointer item, gpointer data);

/* pmss-http-soup-call.c */
void          pmss_soup_call_unref   (PmssSoupCall *call);
/* For SoupServer::request-started; @data: the #PmssHttpd. */
void          pmss_soup_on_started   (SoupServer *server, SoupServerMessage *msg, gpointer data);
/* The handler's body, with what there is; for the pool, as the next. */
void          pmss_soup_call_take_pieces (PmssSoupCall *call);
/* The handler's end. */
void          pmss_soup_call_end     (PmssSoupCall *call);
/* Its message is over, however that came, or its feed. Does nothing the second time. */
void          pmss_soup_call_finish  (PmssSoupCall *call);
/* @func is called with @call on the I/O thread. */
void          pmss_soup_hop          (PmssSoupCall *call, PmssSoupWork func);

/* pmss-http-soup-answer.c, on the I/O thread */
/* Gives the answer to libsoup. */
void          pmss_soup_answer       (PmssSoupCall *call);
/* Writes the answer past libsoup, and ends the connection. */
void          pmss_soup_answer_last  (PmssSoupCall *call);
/* The same for a head that was refused. */
void          pmss_soup_refuse       (PmssSoupLink *link, guint status, const char *detail,
    gboolean to_head);

/* pmss-http-soup-feed.c, on the I/O thread */
/* Writes the head of the answer past libsoup, which forgets the connection. */
void          pmss_soup_feed_start   (PmssSoupCall *call);
/* Of what the stream was given; a call without a feed ignores it. */
void          pmss_soup_feed_on_said (PmssSoupCall *call, gsize length, gboolean whole);
/* Ends its connection at once, if it has started. */
void          pmss_soup_feed_cut     (PmssSoupCall *call);
/* The call's message is over; also where there is no feed. */
void          pmss_soup_feed_end     (PmssSoupCall *call);

G_END_DECLS
