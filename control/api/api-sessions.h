/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/api/router.h"
#include "control/sessions/tickets.h"

G_BEGIN_DECLS

/* The member `id` of @body: the 32 hex digits that a client has made. */
gboolean pmss_api_get_session_id (JsonObject *body, const char **id, GError **error);
/* Opens session @id for the viewer of @ticket, and answers. */
void pmss_api_open_by_ticket (PmssApiCall *call, const PmssTicket *ticket, const char *id);

G_END_DECLS
