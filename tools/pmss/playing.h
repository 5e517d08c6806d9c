/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/* Runs a GStreamer pipeline over the element pmsssrc to its end: everything decoded and thrown
 * away, or, with @save, the bytes as they are into that file. Then says how it went; with @stats
 * also what each storage server gave, from the element's property of that name. */
gboolean pmss_playing_run (PmssCli *cli, const char *uri, const char *save, gboolean stats,
    GError **error);

G_END_DECLS
