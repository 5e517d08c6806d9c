/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libpmss/reader/pmss-reader.h>

#include "cli.h"

G_BEGIN_DECLS

/* Says on standard error that @name waits for a start; nothing with --json. @start_in: ns, -1: not
 * known. @granted: control keeps that start. Any thread. */
void        pmss_starting_tell (PmssCli *cli, const char *name, gint64 start_in, gboolean granted);
/* Opens @name for reading. Where the servers are full it waits for a start, @seconds at most, and
 * says when that is. */
PmssReader *pmss_starting_open (PmssCli *cli, const char *name, guint seconds, GError **error);

G_END_DECLS
