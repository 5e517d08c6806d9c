/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "libpmss/reader/pmss-transport.h"

G_BEGIN_DECLS

/**
 * The reader's transport in earnest: range requests over a SoupSession, read from the sockets under
 * it. Part of a record is of no use to anybody, so a socket is told not to wake us for less than
 * what is waited for (SO_RCVLOWAT): a slow link would, for every few packets.
 *
 * @loop: that of the thread-default context.
 */
PmssTransport *pmss_transport_soup_new (PmssLoop *loop, SoupSession *session);
/* When all its requests have been freed. */
void pmss_transport_soup_free (PmssTransport *transport);

G_END_DECLS
