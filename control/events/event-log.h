/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/database/database.h"
#include "control/events/event.h"

G_BEGIN_DECLS

/* The rows of events. The first function runs on the database thread. */

/* Adds @events (of PmssEvent) and gives them their ids. Of more than @max rows the oldest go. Minor
 * events have half of them, the others the rest. */
gboolean   pmss_event_log_add  (PmssDatabase *database, GPtrArray *events, guint max,
    GError **error);

typedef struct
{
  const char *user;             /* nullable: of all; else only this user's own */
  gint64 after;                 /* those behind it, the oldest first; -1: see @before */
  gint64 before;                /* the newest ones of a smaller id; G_MAXINT64: of all */
  guint limit;
} PmssEventQuery;
/* Of PmssEvent, always in the order of their ids. @more: (out) whether there are more in the
 * direction that was asked for. */
GPtrArray *pmss_event_log_list (PmssDatabase *database, const PmssEventQuery *query,
    gboolean *more, GError **error);

G_END_DECLS
