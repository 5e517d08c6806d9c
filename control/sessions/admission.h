/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"

G_BEGIN_DECLS

/**
 * pmss_admission_decide:
 * @database: the transaction that is going to make the session
 * @medium: the requested medium; its peak bitrates are known if it could be probed
 * @version: the version that would be read
 * @rate: (out): bit/s that the session may take; 0: no limit
 *
 * Decides whether one more stream may start. It runs inside the transaction that writes the
 * session, one at a time, so its counts are exact. Two requests cannot both take the last of a
 * capacity.
 *
 * For now every user who may see a medium is admitted, at the medium's own peak rate.
 *
 * Returns: FALSE and PMSS_ERROR_BUSY when the stream is refused for now
 */
gboolean pmss_admission_decide (PmssDatabase *database, const PmssMedium *medium,
    const PmssVersionId *version, guint64 *rate, GError **error);

G_END_DECLS
