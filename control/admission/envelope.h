/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssEnvelope:
 *
 * How fast the bytes of a medium have to come, from its beginning to its end: runs of a constant
 * rate on a grid of two seconds. docs/admission.md explains it. A value that does not change. It
 * knows no clock. Threads: any, for reading.
 */
typedef struct _PmssEnvelope PmssEnvelope;

#define PMSS_SLOT 2             /* seconds */
/* Two days. A medium that claims to be longer has an estimate. */
#define PMSS_ENVELOPE_MAX_SLOTS 86400
#define PMSS_ENVELOPE_MAX_RUNS 4096
/* Bytes that a client is taken to hold ahead: ten seconds of its average rate, and this at most. */
#define PMSS_ENVELOPE_MAX_BUFFER (32 * 1024 * 1024)
#define PMSS_ENVELOPE_BUFFER_SECONDS 10

typedef enum
{
  PMSS_ENVELOPE_BULK,           /* it does not play for a time, as an archive: no rate is owed */
  PMSS_ENVELOPE_ESTIMATED,      /* its average rate and a quarter more */
  PMSS_ENVELOPE_MEASURED,       /* from the times in the file */
} PmssEnvelopeKind;
const char *pmss_envelope_kind_to_string (PmssEnvelopeKind kind);

typedef struct
{
  guint32 slots;                /* >= 1 */
  guint64 bytes;                /* of all its slots together */
} PmssEnvelopeRun;

/* The smoothest delivery of a medium of which slot i shows @demand[i] bytes, to a client that holds
 * up to three fifths of @buffer ahead for it. The rest is for work that is done ahead
 * (calendar.h). Of all that are in time it has the lowest peak, and the least
 * variance: the taut string of Salehi, Zhang, Kurose and Towsley, "Supporting stored video" (1996).
 * Takes time in proportion to @n. NULL: it cannot be told by numbers of a medium: @n is 0 or above
 * PMSS_ENVELOPE_MAX_SLOTS, more than 2^45 bytes, or more than PMSS_ENVELOPE_MAX_RUNS runs. */
PmssEnvelope *pmss_envelope_smooth   (const guint64 *demand, guint n, guint64 buffer);
/* Of @size bytes that play for @duration ns; without a duration it is bulk. */
PmssEnvelope *pmss_envelope_estimate (guint64 size, guint64 duration);
/* The buffer that is taken for granted. */
guint64       pmss_envelope_buffer_for (guint64 size, guint64 slots);
PmssEnvelope *pmss_envelope_copy     (const PmssEnvelope *self);
void          pmss_envelope_free     (PmssEnvelope *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssEnvelope, pmss_envelope_free)

PmssEnvelopeKind pmss_envelope_get_kind (const PmssEnvelope *self);
/* Of PmssEnvelopeRun; none where it is bulk. */
const GArray *pmss_envelope_get_runs (const PmssEnvelope *self);
guint32       pmss_envelope_get_slots (const PmssEnvelope *self);
guint64       pmss_envelope_get_bytes (const PmssEnvelope *self);
guint64       pmss_envelope_get_buffer (const PmssEnvelope *self);
/* Of it, what a client may be sent beyond the envelope. */
guint64       pmss_envelope_get_ahead  (const PmssEnvelope *self);
/* bit/s of the fastest run, rounded up; 0: bulk */
guint64       pmss_envelope_get_peak (const PmssEnvelope *self);
/* Bytes that have come when slot @slot begins. */
guint64       pmss_envelope_get_before (const PmssEnvelope *self, guint32 slot);

/* As it lies in the database; varints (LEB128). */
GBytes       *pmss_envelope_pack     (const PmssEnvelope *self);
/* PMSS_ERROR_CORRUPT: it is not one. */
PmssEnvelope *pmss_envelope_unpack   (GBytes *packed, GError **error);

G_END_DECLS
