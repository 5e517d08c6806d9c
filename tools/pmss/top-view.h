/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* `pmss top` as text: the storage servers, what is wrong with them, and the streams. The objects
 * are the API's answers, and may hold anything. @columns: as many as a line may have; 0: any
 * number. Free with g_free(). */
char *pmss_top_view_make (JsonObject *overview, JsonArray *nodes, JsonArray *sessions,
    guint columns);

G_END_DECLS
