/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "libpmss/reader/pmss-transport.h"

G_BEGIN_DECLS

/**
 * The reader's real transport: range requests over a SoupSession, read from the sockets under it. A
 * part of a record is of no use. So a socket does not wake us for less than the awaited bytes
 * (SO_RCVLOWAT). A slow link would wake us for every few packets.
 *
 * @loop: that of the thread-default context.
 */
PmssTransport *pmss_transport_soup_new (PmssLoop *loop, SoupSession *session);
/* When all its requests have been freed. */
void pmss_transport_soup_free (PmssTransport *transport);

G_END_DECLS
