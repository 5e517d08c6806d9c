/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim-peer.h"

G_BEGIN_DECLS

/* Stands in for libsoup's sending: what this program sends goes to simulated peers. Everything
 * above it is the real one: messages, exchanges, the client of control, streams. */

/* The peer at @host; NULL: there is none of that name. */
typedef SimPeer *(*SimFindPeer) (const char *host, gpointer user_data);

/* Requests go to what @find finds, until NULL is set. */
void  sim_soup_set_finder (SimFindPeer find, gpointer user_data);
/* Requests that are not over. */
guint sim_soup_count_calls (void);
/* (transfer none) (nullable): what is sent with it. */
GBytes *sim_soup_get_request_body (SoupMessage *message);

G_END_DECLS
