/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * PmssSockets:
 *
 * The sockets under the connections of a SoupSession. libsoup shows a socket only when it makes a
 * connection. So it is remembered by the connection's id, because later answers come over the same
 * connection. Each gets TCP_USER_TIMEOUT: it breaks when its peer takes nothing for so long.
 *
 * Owned by the session. Lives on the session's thread, and as long as any of
 * its messages.
 */
typedef struct _PmssSockets PmssSockets;

/* Returns: (transfer none): those of @session, from its first call on. */
PmssSockets *pmss_sockets_get (SoupSession *session);

/* Returns: (transfer full) (nullable): the socket from which the answer to @message, whose head has
 * come, is read. NULL with TLS, whose records are buffered above the socket. */
GSocket *pmss_sockets_find (PmssSockets *sockets, SoupMessage *message);

/**
 * PmssLifeline:
 *
 * The socket that one message has at the time, so that it can be cut.
 *
 * libsoup closes the connection of a message that fails or is cancelled in a
 * blocking call. GLib's TLS then sends a last record first, and waits without
 * end where the peer takes nothing any more. On a socket that was cut it fails
 * at once.
 *
 * Made and freed on the session's thread; cut from any.
 */
typedef struct _PmssLifeline PmssLifeline;

PmssLifeline *pmss_lifeline_new   (PmssSockets *sockets, SoupMessage *message);
PmssLifeline *pmss_lifeline_ref   (PmssLifeline *lifeline);
void          pmss_lifeline_unref (PmssLifeline *lifeline);
/* Follows the message no more. */
void          pmss_lifeline_end   (PmssLifeline *lifeline);
/* Breaks the connection under the message, if it has one; before it is cancelled. */
void          pmss_lifeline_cut   (PmssLifeline *lifeline);

G_END_DECLS
