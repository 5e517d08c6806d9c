/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>
#include <netinet/in.h>

#include "pmss-http-pool.h"
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
  PmssHttpPool *pool;           /* of links with work */

  /* the I/O thread's own */
  PmssHttpPoller *poller;
  SoupServer *server;
  GSocketAddress *local;
  GQueue links;
  GSource *late;                /* pushes the late ends of all links; nullable */
  gboolean closing;             /* newcomers are shut down */

  GSource *landing;             /* carries out the hops */
  GMutex hops_lock;             /* protects hops */
  GQueue hops;

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

  GMutex lock;                  /* protects the rest, and the calls' feeds */
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
  gboolean lent;                /* the stream is, to the thread that receives the body */
  gboolean discarding;          /* the rest of the body is thrown away; the answer is known */
  gboolean answered;            /* the answer has gone out */
  gboolean feeding;             /* the feed goes on */
  GByteArray *together;         /* a body that came with its head; nullable */

  /* under the link's lock */
  PmssHttpFeed *feed;           /* that the handler answered with, once; nullable */
  gboolean over;                /* its message is finished: a feed would come too late */
};

/* pmss-http-soup-link.c */
PmssSoupLink *pmss_soup_link_ref   (PmssSoupLink *link);
void          pmss_soup_link_unref (gpointer link);
/* Begins with a newcomer. Takes @fd. On the I/O thread, as the next. */
void          pmss_soup_link_begin (PmssHttpd *httpd, int fd, GSocketAddress *remote);
void          pmss_soup_link_enter (PmssSoupLink *link, PmssPeerPhase phase);
/* Has @work done for @call, behind all of its link's that is in the queue. */
void          pmss_soup_link_push  (PmssSoupLink *link, PmssSoupCall *call, PmssSoupWork work);
/* Keeps the end of @call until the next request of @link, its close, or LATE_MS from now. */
void          pmss_soup_link_end_late (PmssSoupLink *link, PmssSoupCall *call);
void          pmss_soup_link_push_late_end (PmssSoupLink *link);
/* For the pool; @item: a link, with a reference. */
void          pmss_soup_link_do_work (gpointer item, gpointer data);

/* pmss-http-soup-call.c */
void          pmss_soup_call_unref   (PmssSoupCall *call);
/* For SoupServer::request-started; @data: the #PmssHttpd. */
void          pmss_soup_on_started   (SoupServer *server, SoupServerMessage *msg, gpointer data);
/* All of the request is here: has the handler answer. On the pool, as the next two. */
void          pmss_soup_call_ask_for_answer (PmssSoupCall *call);
/* The same, and brings the answer to the I/O thread. */
void          pmss_soup_call_complete (PmssSoupCall *call);
/* The handler's end. */
void          pmss_soup_call_end     (PmssSoupCall *call);
/* Answers, and libsoup goes on. On the I/O thread, as the next. */
void          pmss_soup_call_answer  (PmssSoupCall *call);
/* The same past libsoup, as the last of the connection. */
void          pmss_soup_call_answer_last (PmssSoupCall *call);
/* Its message is over, however that came, or its feed. Does nothing the second time. */
void          pmss_soup_call_finish  (PmssSoupCall *call);

/* pmss-http-soup-hop.c */
void          pmss_soup_hops_begin   (PmssHttpEngine *engine);
/* The I/O thread has gone. */
void          pmss_soup_hops_end     (PmssHttpEngine *engine);
/* @func is called with @call on the I/O thread, unless that is over by then. */
void          pmss_soup_hop          (PmssSoupCall *call, PmssSoupWork func);
/* The same, after the stream was taken back. The thread that it was lent to is done with it. */
void          pmss_soup_hop_back     (PmssSoupCall *call, PmssSoupWork func);

/* pmss-http-soup-body.c, on the I/O thread */
/* The handler wants the body. */
void          pmss_soup_body_take    (PmssSoupCall *call);
/* It is read and thrown away before the answer. */
void          pmss_soup_body_discard (PmssSoupCall *call);
/* There is some of it. */
void          pmss_soup_body_on_ready (PmssSoupCall *call);
/* For the pool: what there is of it goes to the handler. */
void          pmss_soup_body_receive (PmssSoupCall *call);

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
