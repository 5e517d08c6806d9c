/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/pmss-types.h"

G_BEGIN_DECLS

/**
 * PmssErasure:
 *
 * Systematic Reed-Solomon code k+m over GF(2^8) by ISA-L; docs/protocol.md section 2. A codec is
 * immutable but for its cache of inverted matrices, which has a lock: one codec may be used by many
 * threads.
 */
typedef struct _PmssErasure PmssErasure;

PmssErasure *pmss_erasure_new   (PmssRedundancy redundancy);
PmssErasure *pmss_erasure_ref   (PmssErasure *erasure);
void         pmss_erasure_unref (PmssErasure *erasure);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssErasure, pmss_erasure_unref)

/* Computes m parity units of @length bytes from k data units of @length bytes each. */
void     pmss_erasure_encode (PmssErasure *erasure, const guint8 *const *data,
    guint8 *const *parity, gsize length);

/* Rebuilds units of one row. @have: exactly k distinct indices 0..k+m-1 in ascending order, @units
 * their bytes in that order;
 * @want: n_want distinct indices not in @have, @out where to put them. All @length bytes; a short
 * data unit has to be padded with zeros by the caller. */
void     pmss_erasure_decode (PmssErasure *erasure, const guint8 *have, const guint8 *const *units,
    const guint8 *want, guint n_want, guint8 *const *out, gsize length);

/* CRC32C (iSCSI) of @length bytes, by ISA-L; 0 for none. */
guint32  pmss_crc32c (const void *data, gsize length);
/* The same in pieces: @crc is the result of the pieces before, 0 for the first one. */
guint32  pmss_crc32c_update (guint32 crc, const void *data, gsize length);

G_END_DECLS
