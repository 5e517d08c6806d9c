/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Amounts as people write them into settings: bytes, bit/s. */

/* "1000"; "10k" or "10K", "10M", "10G", "10T": decimal; "64KiB", "64MiB", "64GiB", "64TiB": binary.
 * A space may stand before the suffix. PMSS_ERROR_INVALID, and @amount is left alone, when @text is
 * something else or more than G_MAXINT64. Any thread. */
gboolean pmss_amount_parse (const char *text, guint64 *amount, GError **error);

G_END_DECLS
