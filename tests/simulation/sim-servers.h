/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim-peer.h"

G_BEGIN_DECLS

/**
 * SimServers:
 *
 * The nodes and control of one scenario: what they have, what they answer, what becomes of them.
 */
typedef struct _SimServers SimServers;

/* Told of each request for records before it is answered. */
typedef void (*SimAskedFunc) (guint node, guint32 extent, guint shard, guint32 first_row,
    guint n_rows, gpointer user_data);

/* Told of each request of any kind when it is sent. */
typedef void (*SimSentFunc) (guint node, gpointer user_data);

SimServers *sim_servers_new   (const SimScenario *scenario, SimAskedFunc asked, SimSentFunc sent,
    gpointer user_data);
void        sim_servers_free  (SimServers *servers);
/* For sim_soup_set_finder(). */
SimPeer    *sim_servers_find  (const char *host, gpointer servers);
/* Sessions that control believes to be open. */
guint       sim_servers_count_sessions (SimServers *servers);
/* Control's URL */
#define SIM_CONTROL_URL "http://control:8470"

G_END_DECLS
