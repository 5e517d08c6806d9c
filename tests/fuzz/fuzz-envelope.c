/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How fast the bytes of a medium have to come: as it lies in the database, and
 * made of numbers of a probe. */

#include <glib.h>

#include "control/admission/envelope.h"
#include "fuzz.h"

#define MAX_SLOTS 2000

static void
check (const PmssEnvelope * envelope)
{
  guint32 slots = pmss_envelope_get_slots (envelope);
  guint64 bytes = pmss_envelope_get_bytes (envelope);
  g_autoptr (GBytes) packed = pmss_envelope_pack (envelope);
  g_autoptr (PmssEnvelope) again = pmss_envelope_unpack (packed, NULL);

  g_assert_nonnull (again);
  g_assert_cmpuint (pmss_envelope_get_slots (again), ==, slots);
  g_assert_cmpuint (pmss_envelope_get_bytes (again), ==, bytes);
  g_assert_cmpuint (pmss_envelope_get_before (envelope, slots), ==, bytes);
  g_assert_cmpuint (pmss_envelope_get_before (envelope, slots / 2), <=, bytes);
  g_assert_cmpuint (pmss_envelope_get_peak (envelope), <=,
      (bytes * 8 + PMSS_SLOT) / PMSS_SLOT);
}

/* Two bytes a slot. */
static void
smooth (const uint8_t * data, size_t size)
{
  guint64 demand[MAX_SLOTS];
  guint n = (guint) MIN (size / 2, MAX_SLOTS);
  g_autoptr (PmssEnvelope) envelope = NULL;

  for (guint i = 0; i < n; i++)
    demand[i] = (guint64) data[2 * i] << (data[2 * i + 1] % 40);
  envelope = pmss_envelope_smooth (demand, n, size > 0 ? data[0] * 1000u : 0);
  if (envelope != NULL)
    check (envelope);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssEnvelope) envelope = pmss_envelope_unpack (bytes, &error);

  g_assert_true ((envelope == NULL) == (error != NULL));
  if (envelope != NULL)
    check (envelope);
  smooth (data, size);
  return 0;
}
