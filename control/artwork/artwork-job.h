/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/* The job "artwork": makes a medium's pictures anew, of its original. */

/* Returns the job's id, 0 on error: PMSS_ERROR_NOT_FOUND, PMSS_ERROR_CONFLICT when the medium is
 * not ready, or no original is kept. */
gint64 pmss_artwork_start (PmssControlContext *context, const char *name, const char *user,
    GError **error);

G_END_DECLS
