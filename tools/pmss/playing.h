/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/* Runs a GStreamer pipeline over the element pmsssrc to its end. It decodes everything and throws
 * it away, or, with @save, writes the bytes as they are into that file. Then it prints the result,
 * with @stats also the figures of each storage server, from the element's property of that name.
 * @wait: seconds that a start is waited for. */
gboolean pmss_playing_run (PmssCli *cli, const char *uri, const char *save, gboolean stats,
    guint wait, GError **error);

G_END_DECLS
