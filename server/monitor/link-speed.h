/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssLinkSpeed:
 *
 * How many bits a second the network interface carries that has the address of a host, this one. A
 * name is resolved without waiting. An interface may come up, or change its speed, while the server
 * runs: so it is looked at again each minute. Threads: the main thread alone.
 */
typedef struct _PmssLinkSpeed PmssLinkSpeed;

PmssLinkSpeed *pmss_link_speed_new  (const char *host);
void           pmss_link_speed_free (PmssLinkSpeed *link);
/* Bit/s; 0: not known, as of loopback, of most radio links and of an address that is on no
 * interface of this machine. */
guint64        pmss_link_speed_get  (PmssLinkSpeed *link);

G_END_DECLS
