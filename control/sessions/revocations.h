/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "control/context.h"

G_BEGIN_DECLS

/* Sessions that were ended while a token of theirs is still valid. The rows are written by a trigger when a session is deleted; here they are read. Threads: any. */

/* Whether @session was ended, and did not just expire. Inside a transaction. */
gboolean pmss_revocations_has  (PmssDatabase *database, const char *session, gboolean *has, GError **error);

/* For a storage server that knows of all up to number @after: adds "revocations" (the number that it knows of then) and
 * "revoked" ([{session, until}…], a bounded number of them; the rest comes with the next heartbeat) to the object that @json is in. */
gboolean pmss_revocations_add  (PmssDatabase *database, gint64 after, JsonBuilder *json, GError **error);

G_END_DECLS
