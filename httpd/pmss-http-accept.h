/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/socket.h>

G_BEGIN_DECLS

/**
 * PmssAcceptor:
 *
 * The accept loop: takes connections from a listening socket and hands them to an HTTP engine,
 * whichever that is. It goes on when descriptors or memory run out. Owns one thread and the
 * listening socket, from pmss_acceptor_start() to pmss_acceptor_stop().
 */
typedef struct _PmssAcceptor PmssAcceptor;

/* All are called on the acceptor's thread. */
typedef struct
{
  /* FALSE: newcomers wait in the kernel's queue for a moment. */
  gboolean (*has_room)  (gpointer user_data);
  /* Takes @fd, a non-blocking socket, closed on exec. */
  void     (*take)      (int fd, const struct sockaddr *address, socklen_t length,
      gpointer user_data);
  /* There was no descriptor or no memory for a newcomer: may close another connection. */
  void     (*exhausted) (gpointer user_data);
} PmssAcceptorFuncs;

/* Takes @fd, also when it fails. */
PmssAcceptor *pmss_acceptor_start (int fd, const PmssAcceptorFuncs *funcs, gpointer user_data,
    GError **error);
/* Closes the listening socket and joins the thread. */
void          pmss_acceptor_stop  (PmssAcceptor *acceptor);

G_END_DECLS
