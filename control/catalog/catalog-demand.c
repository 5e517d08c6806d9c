/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How fast the bytes of media have to come, as rows. Any thread; blocks. */
#include "control/catalog/catalog-demand.h"

#include "control/catalog/catalog-private.h"
#include "control/database/database.h"

gboolean
pmss_catalog_write_demand (PmssDatabase * database, const PmssMedium * medium,
    GError ** error)
{
  g_autoptr (GBytes) packed = NULL;

  if (medium->envelope == NULL)
    return TRUE;
  packed = pmss_envelope_pack (medium->envelope);
  return pmss_database_exec (database, error,
      "INSERT INTO demand (medium, envelope) VALUES (?1, ?2)"
      " ON CONFLICT (medium) DO UPDATE SET envelope = excluded.envelope",
      PMSS_INT (medium->id), PMSS_BLOB (g_bytes_get_data (packed, NULL),
          g_bytes_get_size (packed)));
}

typedef struct
{
  gint64 medium;
  GBytes *packed;               /* NULL: nothing was measured */
} DemandCall;

static gboolean
read_demand (PmssDatabase * database, gpointer data, GError ** error)
{
  DemandCall *call = data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT envelope FROM demand WHERE medium = ?1", PMSS_INT (call->medium));
  GError *local = NULL;

  if (pmss_rows_next (rows, &local)) {
    gsize length;
    const void *blob = pmss_rows_blob (rows, 0, &length);

    call->packed = g_bytes_new (blob, length);
  }
  return pmss_rows_end (local, error);
}

PmssEnvelope *
pmss_catalog_get_demand (PmssCatalog * self, const PmssMedium * medium,
    GError ** error)
{
  DemandCall call = {.medium = medium->id };
  PmssEnvelope *envelope;

  if (!pmss_database_read (self->database, read_demand, &call, error))
    return NULL;
  if (call.packed == NULL)
    return pmss_envelope_estimate ((guint64) MAX (medium->size, 0),
        (guint64) MAX (medium->duration_ns, 0));
  envelope = pmss_envelope_unpack (call.packed, error);
  g_bytes_unref (call.packed);
  return envelope;
}
