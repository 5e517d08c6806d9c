/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/* Prints each event of the log behind the event @after as it happens, with --json as one line of
 * JSON, until it is cancelled or the login ends. A control server that is away is waited for, and
 * what happened meanwhile is caught up. Blocks. */
gboolean pmss_event_follow (PmssCli *cli, PmssClient *client, gint64 after, GError **error);

G_END_DECLS
