/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/* Pages of the log of events. Blocks. */

/* The @limit first events behind @after, or the newest @limit ones where that is -1, the oldest
 * first. @next: (out): where more follow there, the last id of them, before which there are more
 * where @after is -1; else 0. */
JsonArray *pmss_event_list_load  (PmssCli *cli, PmssClient *client, gint64 after, guint64 limit,
    guint64 *next, GError **error);
/* One event as a line for people. */
void       pmss_event_list_print (JsonObject *event);

G_END_DECLS
