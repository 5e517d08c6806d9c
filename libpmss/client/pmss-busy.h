/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A time that people wait, in words: "8 s", "4 min 10 s", "2 h 5 min". Rounded up. @ns: >= 0 */
char  *pmss_busy_format_time (gint64 ns);
/* ns until it is worth while to try again, as the details of @error say; -1: they do not */
gint64 pmss_busy_get_wait    (const GError *error);
/* Adds to the text of @error, a PMSS_ERROR, what binds and when to try again, as far as its details
 * say so and the text does not. */
void   pmss_busy_explain     (GError *error);

G_END_DECLS
