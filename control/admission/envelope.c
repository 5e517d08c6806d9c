/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How fast the bytes of a medium have to come. Any thread. */
#include "control/admission/envelope.h"

#include "control/admission/taut-string.h"
#include "libpmss/pmss-error.h"

/* So that products of bytes and slots fit 63 bits. */
#define MAX_BYTES (G_GUINT64_CONSTANT (1) << 45)
/* An estimate is so much above the average. */
#define ESTIMATE_NUMERATOR 5
#define ESTIMATE_DENOMINATOR 4
#define FORMAT 1

struct _PmssEnvelope
{
  PmssEnvelopeKind kind;
  guint64 buffer;               /* bytes */
  guint64 bytes;
  guint32 slots;
  GArray *runs;                 /* of PmssEnvelopeRun */
};

const char *
pmss_envelope_kind_to_string (PmssEnvelopeKind kind)
{
  static const char *const names[] = { "bulk", "estimated", "measured" };

  return names[kind];
}

static PmssEnvelope *
envelope_new (PmssEnvelopeKind kind, guint64 buffer)
{
  PmssEnvelope *self = g_new0 (PmssEnvelope, 1);

  self->kind = kind;
  self->buffer = buffer;
  self->runs = g_array_new (FALSE, FALSE, sizeof (PmssEnvelopeRun));
  return self;
}

PmssEnvelope *
pmss_envelope_copy (const PmssEnvelope * self)
{
  PmssEnvelope *copy = g_new (PmssEnvelope, 1);

  *copy = *self;
  copy->runs = g_array_copy (self->runs);
  return copy;
}

void
pmss_envelope_free (PmssEnvelope * self)
{
  g_array_unref (self->runs);
  g_free (self);
}

static void
add_run (PmssEnvelope * self, guint32 slots, guint64 bytes)
{
  const PmssEnvelopeRun run = {.slots = slots,.bytes = bytes };

  g_array_append_val (self->runs, run);
  self->slots += slots;
  self->bytes += bytes;
}

guint64
pmss_envelope_buffer_for (guint64 size, guint64 slots)
{
  guint64 seconds = MAX (slots, 1) * PMSS_SLOT;

  return MIN (size / seconds * PMSS_ENVELOPE_BUFFER_SECONDS,
      PMSS_ENVELOPE_MAX_BUFFER);
}

/* Of a client's buffer, what the envelope takes for itself. */
static guint64
smoothing_part (guint64 buffer)
{
  return MIN (buffer, MAX_BYTES) / 5 * 3;
}

/* What has to be there at the end of each slot, and what may be. The bytes of a
 * slot are to be there before it is shown, so the first one brings two. */
static gboolean
set_bounds (const guint64 * demand, guint n, guint64 buffer, gint64 * least,
    gint64 * most)
{
  guint64 shown = 0;

  least[0] = most[0] = 0;
  for (guint i = 0; i < n; i++) {
    guint64 next = i + 1 < n ? demand[i + 1] : 0;

    if (demand[i] > MAX_BYTES || next > MAX_BYTES)
      return FALSE;
    shown += demand[i];
    if (shown + next > MAX_BYTES)
      return FALSE;
    least[i + 1] = (gint64) (shown + next);
    most[i + 1] = (gint64) (shown + MAX (smoothing_part (buffer), next));
  }
  for (guint i = 0; i <= n; i++)
    most[i] = MIN (most[i], (gint64) shown);
  return shown > 0;
}

PmssEnvelope *
pmss_envelope_smooth (const guint64 * demand, guint n, guint64 buffer)
{
  g_autofree gint64 *least = NULL;
  g_autofree gint64 *most = NULL;
  g_autoptr (GArray) knots = NULL;
  PmssEnvelope *self;

  if (n == 0 || n > PMSS_ENVELOPE_MAX_SLOTS)
    return NULL;
  least = g_new (gint64, n + 1);
  most = g_new (gint64, n + 1);
  if (!set_bounds (demand, n, buffer, least, most))
    return NULL;
  knots = pmss_taut_string (least, most, n);
  if (knots->len > PMSS_ENVELOPE_MAX_RUNS)
    return NULL;
  self = envelope_new (PMSS_ENVELOPE_MEASURED, buffer);
  for (guint i = 0, last = 0; i < knots->len; i++) {
    const PmssKnot *knot = &g_array_index (knots, PmssKnot, i);

    add_run (self, knot->x - last, (guint64) knot->y - self->bytes);
    last = knot->x;
  }
  return self;
}

PmssEnvelope *
pmss_envelope_estimate (guint64 size, guint64 duration)
{
  const guint64 slot = PMSS_SLOT * G_GUINT64_CONSTANT (1000000000);
  guint64 slots = duration / slot + (duration % slot > 0);
  PmssEnvelope *self;

  if (duration == 0 || size == 0 || size > MAX_BYTES)
    return envelope_new (PMSS_ENVELOPE_BULK, 0);
  slots = MIN (slots, PMSS_ENVELOPE_MAX_SLOTS);
  self = envelope_new (PMSS_ENVELOPE_ESTIMATED,
      pmss_envelope_buffer_for (size, slots));
  slots = slots * ESTIMATE_DENOMINATOR / ESTIMATE_NUMERATOR;
  add_run (self, (guint32) MAX (slots, 1), size);
  return self;
}

PmssEnvelopeKind
pmss_envelope_get_kind (const PmssEnvelope * self)
{
  return self->kind;
}

const GArray *
pmss_envelope_get_runs (const PmssEnvelope * self)
{
  return self->runs;
}

guint32
pmss_envelope_get_slots (const PmssEnvelope * self)
{
  return self->slots;
}

guint64
pmss_envelope_get_bytes (const PmssEnvelope * self)
{
  return self->bytes;
}

guint64
pmss_envelope_get_buffer (const PmssEnvelope * self)
{
  return self->buffer;
}

guint64
pmss_envelope_get_ahead (const PmssEnvelope * self)
{
  return self->buffer - smoothing_part (self->buffer);
}

static guint64
run_rate (const PmssEnvelopeRun * run)
{
  guint64 seconds = (guint64) run->slots * PMSS_SLOT;

  return (run->bytes * 8 + seconds - 1) / seconds;
}

guint64
pmss_envelope_get_peak (const PmssEnvelope * self)
{
  guint64 peak = 0;

  for (guint i = 0; i < self->runs->len; i++)
    peak = MAX (peak, run_rate (&g_array_index (self->runs, PmssEnvelopeRun,
                i)));
  return peak;
}

guint64
pmss_envelope_get_before (const PmssEnvelope * self, guint32 slot)
{
  guint64 before = 0;

  for (guint i = 0; i < self->runs->len && slot > 0; i++) {
    const PmssEnvelopeRun *run =
        &g_array_index (self->runs, PmssEnvelopeRun, i);
    guint32 part = MIN (slot, run->slots);

    before += run->bytes * part / run->slots;
    slot -= part;
  }
  return before;
}

/* Packed */

static void
add_number (GByteArray * packed, guint64 number)
{
  do {
    guint8 byte = (number & 0x7f) | (number > 0x7f ? 0x80 : 0);

    g_byte_array_append (packed, &byte, 1);
    number >>= 7;
  } while (number > 0);
}

GBytes *
pmss_envelope_pack (const PmssEnvelope * self)
{
  GByteArray *packed = g_byte_array_new ();

  add_number (packed, FORMAT);
  add_number (packed, self->kind);
  add_number (packed, self->buffer);
  for (guint i = 0; i < self->runs->len; i++) {
    const PmssEnvelopeRun *run =
        &g_array_index (self->runs, PmssEnvelopeRun, i);

    add_number (packed, run->slots);
    add_number (packed, run->bytes);
  }
  return g_byte_array_free_to_bytes (packed);
}

typedef struct
{
  const guint8 *bytes;
  gsize left;
} Packed;

/* FALSE: there is none that is at most @max. */
static gboolean
take_number (Packed * packed, guint64 max, guint64 * number)
{
  *number = 0;
  for (guint shift = 0; packed->left > 0 && shift < 63; shift += 7) {
    guint8 byte = *packed->bytes++;

    packed->left--;
    *number |= (guint64) (byte & 0x7f) << shift;
    if (byte < 0x80)
      return *number <= max;
  }
  return FALSE;
}

static gboolean
take_runs (Packed * packed, PmssEnvelope * self)
{
  guint64 slots, bytes;

  while (packed->left > 0) {
    if (self->runs->len == PMSS_ENVELOPE_MAX_RUNS
        || !take_number (packed, PMSS_ENVELOPE_MAX_SLOTS - self->slots, &slots)
        || slots == 0 || !take_number (packed, MAX_BYTES - self->bytes, &bytes))
      return FALSE;
    add_run (self, (guint32) slots, bytes);
  }
  return (self->kind == PMSS_ENVELOPE_BULK) == (self->runs->len == 0);
}

PmssEnvelope *
pmss_envelope_unpack (GBytes * bytes, GError ** error)
{
  g_autoptr (PmssEnvelope) self = envelope_new (PMSS_ENVELOPE_BULK, 0);
  Packed packed;
  guint64 format, kind;

  packed.bytes = g_bytes_get_data (bytes, &packed.left);
  if (take_number (&packed, FORMAT, &format) && format == FORMAT
      && take_number (&packed, PMSS_ENVELOPE_MEASURED, &kind)
      && take_number (&packed, PMSS_ENVELOPE_MAX_BUFFER, &self->buffer)) {
    self->kind = (PmssEnvelopeKind) kind;
    if (take_runs (&packed, self))
      return g_steal_pointer (&self);
  }
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "The demand of a medium in the database is no demand");
  return NULL;
}
