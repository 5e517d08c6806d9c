/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* GLib ends the process where it gets no descriptor for a main context. So connections leave a
 * reserve for the server's own work. Threads: any. */

/* Fewer connections than this are no service. */
#define PMSS_DESCRIPTORS_MIN_CONNECTIONS 4

/* How many of @wanted connections a process may have that can open @limit files. Each takes @each
 * of them, and @reserve are for other work. 0 and PMSS_ERROR_FAILED: too few. Pure. */
guint    pmss_descriptors_share (guint64 limit, guint each, guint reserve, guint wanted,
    GError **error);
/* How many descriptors this process may open. 0 and PMSS_ERROR_FAILED: nobody says. */
guint64  pmss_descriptors_get_limit (GError **error);
/* Lowers @connections to the number that the process' limit allows, and says so in the log. FALSE
 * and PMSS_ERROR_FAILED: too few. */
gboolean pmss_descriptors_limit_connections (guint each, guint reserve, guint *connections,
    GError **error);

G_END_DECLS
