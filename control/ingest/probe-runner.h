/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"

G_BEGIN_DECLS

/* Runs pmss-probe on the file at @path, in a process of its own that is killed when @cancellable is
 * cancelled or @seconds are over, reads at most 256 KiB of what it says, checks all of that, and
 * puts it into @medium; of title and content type only what @medium has not. Blocks.
 * @missing: (out) (nullable): the decoders that it would have needed to say more, for people; to be
 * freed. G_IO_ERROR_CANCELLED, or a PMSS_ERROR that says what went wrong with the probe: the medium
 * is then unchanged. */
gboolean pmss_probe_run (const char *path, PmssMedium *medium, guint seconds, char **missing,
    GCancellable *cancellable, GError **error);

/* What pmss-probe printed, into @medium. Hostile. */
gboolean pmss_probe_parse (const char *text, gsize length, PmssMedium *medium, char **missing,
    GError **error);

G_END_DECLS
