/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/artwork/artwork.h"
#include "control/catalog/catalog.h"

G_BEGIN_DECLS

/* Runs pmss-probe on the file at @path, in a process of its own. It kills the process when
 * @cancellable is cancelled or @seconds are over. It reads at most 1 MiB of the answer, checks
 * all of it, and puts it into @medium. It sets title and content type only where @medium has none.
 * Blocks.
 * @missing: (out) (nullable): the missing decoders, as text for people; to be freed. Errors:
 * G_IO_ERROR_CANCELLED, or a PMSS_ERROR of the probe; the medium is then unchanged. */
gboolean pmss_probe_run (const char *path, PmssMedium *medium, guint seconds, char **missing,
    GCancellable *cancellable, GError **error);

/* Puts the output of pmss-probe, which is hostile, into @medium. */
gboolean pmss_probe_parse (const char *text, gsize length, PmssMedium *medium, char **missing,
    GError **error);

/* Runs pmss-probe --artwork on the file at @path, whose name is @name, with the same limits. It
 * reads at most 1 MiB of the answer. NULL: an error, as of pmss_probe_run(). */
PmssArtwork *pmss_probe_artwork (const char *path, const char *name, guint seconds,
    GCancellable *cancellable, GError **error);

G_END_DECLS
