/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/pmss-json-writer.h"

G_BEGIN_DECLS

/* A number that is not negative, in 16 bits: 0 is 0, PMSS_PACKED_GAP is unknown (NaN), any other c
 * is 2^((c − 1) / 768 − 25). So each number from 2^-25 to 2^60 is within 0.05 % of what it was.
 * Smaller ones are 0, larger ones the largest. Pure. */
#define PMSS_PACKED_GAP G_MAXUINT16

guint16 pmss_packed_number_pack   (double value);
double  pmss_packed_number_unpack (guint16 packed);
/* With as many digits as such a number has; null: NaN. */
void    pmss_packed_number_write  (double value, PmssJsonWriter *json);

G_END_DECLS
