/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * PmssSockets:
 *
 * The sockets under the connections of a SoupSession, which libsoup shows only
 * when it makes one: remembered by the connection's id, because later answers
 * come over the same connection. Without those of TLS, whose records are
 * buffered above the socket.
 *
 * Lives on the session's thread, and as long as any of its messages.
 */
typedef struct _PmssSockets PmssSockets;

PmssSockets *pmss_sockets_new (SoupSession *session);
void pmss_sockets_free (PmssSockets *sockets);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssSockets, pmss_sockets_free)

/* Returns: (transfer full) (nullable): what the answer to @message, whose head
 * has come, is read from. */
GSocket *pmss_sockets_find (PmssSockets *sockets, SoupMessage *message);

G_END_DECLS
