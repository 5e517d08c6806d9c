/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decides whether one more stream may start. On the database thread. */
#include "control/sessions/admission.h"

gboolean
pmss_admission_decide (PmssDatabase * database, const PmssMedium * medium,
    const PmssVersionId * version, guint64 * rate, GError ** error)
{
  *rate = (guint64) MAX (0, medium->peak_bitrate_1s);
  return TRUE;
}
