/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/api/router.h"
#include "control/sessions/tickets.h"

G_BEGIN_DECLS

/* Opens session @id for the viewer of @ticket, and answers. */
void pmss_api_open_by_ticket (PmssApiCall *call, const PmssTicket *ticket, const char *id);

G_END_DECLS
