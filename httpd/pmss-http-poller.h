/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssHttpPoller:
 *
 * Tells many sockets apart for one main context. A GSource with a descriptor costs each turn of its
 * context a part of poll(), and each wait two writes to the context's own eventfd. Here an epoll
 * instance has all sockets, and the context one descriptor. An idle socket costs nothing.
 *
 * Sockets are watched for changes (EPOLLET). So a watch keeps what its socket was last known to be
 * ready for, and its owner says when a call would have blocked.
 *
 * Owns the epoll instance and its source. It and its watches belong to the context's thread.
 */
typedef struct _PmssHttpPoller PmssHttpPoller;

typedef struct
{
  PmssHttpPoller *poller;       /* NULL: ended */
  int fd;
  GIOCondition ready;           /* G_IO_IN, G_IO_OUT; after an error both */
  GIOCondition wanted;          /* 0: `func` is not called */
  void (*func) (gpointer data);
  gpointer data;
  GList node;                   /* in the poller's `due` */
  gboolean is_due;
} PmssHttpWatch;

/* Its source is attached to @context before all that wait for a watch's `ready`: they see a change
 * in the same turn. NULL and error (PMSS_ERROR_FAILED): there is no descriptor for it. */
PmssHttpPoller *pmss_http_poller_new  (GMainContext *context, GError **error);
/* All watches have ended. */
void            pmss_http_poller_free (PmssHttpPoller *poller);

/* Begins with @fd, a non-blocking socket. FALSE: no memory (errno says so). */
gboolean pmss_http_watch_begin   (PmssHttpWatch *watch, PmssHttpPoller *poller, int fd,
    void (*func) (gpointer data), gpointer data);
/* Before the descriptor is closed. Does nothing the second time. */
void     pmss_http_watch_end     (PmssHttpWatch *watch);
/* Has `func` called once, when the socket is ready for one of @wanted. In place of what was awaited
 * before; 0: nothing. */
void     pmss_http_watch_await   (PmssHttpWatch *watch, GIOCondition wanted);
/* A call would have blocked. @drained: the socket itself said so, in the very last call on it. A
 * library between may have other reasons: then the socket is asked. */
void     pmss_http_watch_blocked (PmssHttpWatch *watch, GIOCondition condition, gboolean drained);
/* Another thread uses the socket. What it is ready for is known again some time after resume. */
void     pmss_http_watch_pause   (PmssHttpWatch *watch);
void     pmss_http_watch_resume  (PmssHttpWatch *watch);

G_END_DECLS
