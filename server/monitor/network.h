/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The machine's network interfaces. Threads: any. */

#define PMSS_INTERFACE_NAME_SIZE 16     /* as the kernel's IFNAMSIZ */
#define PMSS_MAX_COUNTED_INTERFACES 64

typedef struct
{
  char name[PMSS_INTERFACE_NAME_SIZE];  /* clean text */
  guint64 in, out;              /* bytes */
  guint64 in_errors, in_drops;  /* packets */
  guint64 out_errors, out_drops;
} PmssInterface;

typedef struct
{
  gboolean known;
  guint n;
  PmssInterface interfaces[PMSS_MAX_COUNTED_INTERFACES];
} PmssNetwork;

/* @text: of /proc/net/dev. All but loopback. Sets @network in any case; returns whether it is
 * known. */
gboolean             pmss_network_parse          (const char *text, PmssNetwork *network);
gboolean             pmss_network_read           (const char *root, PmssNetwork *network);
/* NULL: there is none of that name. */
const PmssInterface *pmss_network_find           (const PmssNetwork *network, const char *name);
/* @text: of /sys/class/net/NAME/speed. bit/s */
gboolean             pmss_network_parse_speed    (const char *text, guint64 *speed);
gboolean             pmss_network_get_speed      (const char *root, const char *interface,
    guint64 *speed);
/* The interface that has @address; NULL: none of this machine's. Free with g_free(). */
char                *pmss_network_find_interface (GInetAddress *address);

G_END_DECLS
