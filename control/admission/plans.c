/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans of versions, out of the catalog's rows. Any thread. */
#include "control/admission/plans.h"

#include <string.h>

#include "control/catalog/catalog-demand.h"
#include "control/database/database.h"
#include "libpmss/pmss-error.h"

#define PIECE 4096              /* extents that are read at a time */
/* Beside the headers of records: heads of HTTP and of TLS, and units that are asked for twice. What
 * TCP/IP adds is in PMSS_CAPACITY_PAYLOAD. */
#define OVERHEAD 1.01

typedef struct
{
  GList link;                   /* in `used` */
  PmssVersionId version;
  gint64 generation;
  PmssStreamPlan *plan;         /* NULL: bulk */
  gsize size;
} Entry;

struct _PmssPlans
{
  PmssDatabase *database;
  PmssCatalog *catalog;
  gboolean peak;
  gsize most;

  GMutex lock;                  /* protects what follows; not held over the database */
  GHashTable *entries;          /* PmssVersionId -> Entry */
  GQueue used;                  /* of Entry; the last one was asked for last */
  gsize size;
};

static guint
hash_version (gconstpointer version)
{
  guint hash;

  memcpy (&hash, ((const PmssVersionId *) version)->bytes, sizeof (hash));
  return hash;
}

static gboolean
equal_versions (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (PmssVersionId)) == 0;
}

static void
free_entry (gpointer data)
{
  Entry *entry = data;

  g_clear_pointer (&entry->plan, pmss_stream_plan_unref);
  g_free (entry);
}

PmssPlans *
pmss_plans_new (PmssDatabase * database, PmssCatalog * catalog, gboolean peak,
    gsize most)
{
  PmssPlans *self = g_new0 (PmssPlans, 1);

  self->database = database;
  self->catalog = catalog;
  self->peak = peak;
  self->most = most;
  g_mutex_init (&self->lock);
  self->entries = g_hash_table_new_full (hash_version, equal_versions, NULL,
      free_entry);
  g_queue_init (&self->used);
  return self;
}

void
pmss_plans_free (PmssPlans * self)
{
  g_hash_table_unref (self->entries);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
drop_locked (PmssPlans * self, Entry * entry)
{
  self->size -= entry->size;
  g_queue_unlink (&self->used, &entry->link);
  g_hash_table_remove (self->entries, &entry->version);
}

static void
keep (PmssPlans * self, const PmssVersionId * version, gint64 generation,
    PmssStreamPlan * plan)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  Entry *old = g_hash_table_lookup (self->entries, version);
  Entry *entry = g_new0 (Entry, 1);

  if (old != NULL)
    drop_locked (self, old);
  entry->link.data = entry;
  entry->version = *version;
  entry->generation = generation;
  entry->plan = plan != NULL ? pmss_stream_plan_ref (plan) : NULL;
  entry->size = sizeof (Entry)
      + (plan != NULL ? pmss_stream_plan_get_size (plan) : 0);
  self->size += entry->size;
  g_hash_table_insert (self->entries, &entry->version, entry);
  g_queue_push_tail_link (&self->used, &entry->link);
  /* the newest one is about to be used, whatever its size */
  while (self->size > self->most && self->used.length > 1)
    drop_locked (self, g_queue_peek_head (&self->used));
}

gboolean
pmss_plans_find (PmssPlans * self, const PmssVersionId * version,
    gint64 generation, PmssStreamPlan ** plan)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  Entry *entry = g_hash_table_lookup (self->entries, version);

  if (entry == NULL)
    return FALSE;
  if (entry->generation != generation) {
    drop_locked (self, entry);
    return FALSE;
  }
  g_queue_unlink (&self->used, &entry->link);
  g_queue_push_tail_link (&self->used, &entry->link);
  *plan = entry->plan != NULL ? pmss_stream_plan_ref (entry->plan) : NULL;
  return TRUE;
}

gsize
pmss_plans_get_size (PmssPlans * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return self->size;
}

typedef struct
{
  const PmssVersionId *version;
  gint64 generation;
} GenerationCall;

static gboolean
read_generation (PmssDatabase * database, gpointer data, GError ** error)
{
  GenerationCall *call = data;

  return pmss_catalog_read_generation (database, call->version,
      &call->generation, error);
}

static gboolean
add_places (const GArray * extents, guint n_nodes, GArray * places,
    GError ** error)
{
  for (guint i = 0; i < extents->len; i++) {
    const PmssExtent *extent = &g_array_index (extents, PmssExtent, i);

    if (extent->n_nodes != n_nodes || extent->number != places->len / n_nodes) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
          "The layout is not whole at extent %u", extent->number);
      return FALSE;
    }
    for (guint j = 0; j < n_nodes; j++) {
      guint32 node = extent->nodes[j];

      g_array_append_val (places, node);
    }
  }
  return TRUE;
}

static GArray *
read_places (PmssPlans * self, const PmssVersion * version, GError ** error)
{
  guint n = (guint) version->redundancy.k + version->redundancy.m;
  guint64 all = version->size / version->extent
      + (version->size % version->extent > 0);
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (guint32));

  while (places->len / n < all) {
    g_autoptr (GArray) extents = pmss_catalog_list_extents (self->catalog,
        &version->id, places->len / n, PIECE, error);

    if (extents == NULL || !add_places (extents, n, places, error))
      return NULL;
    if (extents->len == 0) {
      g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
          "The layout is not whole");
      return NULL;
    }
  }
  return g_steal_pointer (&places);
}

/* The highest rate in each slot. These are more bytes than the file has: @extent (inout) grows with
 * them, so that they come of the same nodes. */
static PmssEnvelope *
level (const PmssEnvelope * envelope, guint64 * extent)
{
  guint32 slots = pmss_envelope_get_slots (envelope);
  double bytes = (double) pmss_envelope_get_bytes (envelope);
  guint64 most = pmss_envelope_get_peak (envelope) / 8 * PMSS_SLOT;
  g_autofree guint64 *demand = g_new (guint64, slots);

  for (guint32 i = 0; i < slots; i++)
    demand[i] = most;
  *extent = (guint64) ((double) *extent * ((double) most * slots / bytes));
  return pmss_envelope_smooth (demand, slots,
      pmss_envelope_get_buffer (envelope));
}

static PmssStreamPlan *
make_plan (PmssPlans * self, const PmssEnvelope * measured,
    const PmssVersion * version, GError ** error)
{
  guint n = (guint) version->redundancy.k + version->redundancy.m;
  double overhead = OVERHEAD
      * (1 + (double) PMSS_RECORD_HEADER_SIZE / version->unit);
  guint64 extent = version->extent;
  g_autoptr (PmssEnvelope) levelled = self->peak
      ? level (measured, &extent) : NULL;
  g_autoptr (GArray) places = read_places (self, version, error);

  if (places == NULL)
    return NULL;
  if (levelled == NULL)
    extent = version->extent;
  return pmss_stream_plan_new (levelled != NULL ? levelled : measured, extent,
      version->redundancy.k, version->redundancy.m,
      (const guint32 *) (gpointer) places->data, places->len / n, overhead);
}

gboolean
pmss_plans_load (PmssPlans * self, const PmssMedium * medium,
    const PmssVersionId * id, PmssStreamPlan ** plan, GError ** error)
{
  GenerationCall call = {.version = id };
  g_autoptr (PmssEnvelope) envelope = NULL;
  PmssVersion version;

  *plan = NULL;
  if (!pmss_database_read (self->database, read_generation, &call, error)
      || !pmss_catalog_get_version (self->catalog, id, &version, error))
    return FALSE;
  envelope = pmss_catalog_get_demand (self->catalog, medium, error);
  if (envelope == NULL)
    return FALSE;
  if (pmss_envelope_get_kind (envelope) != PMSS_ENVELOPE_BULK) {
    *plan = make_plan (self, envelope, &version, error);
    if (*plan == NULL)
      return FALSE;
  }
  keep (self, id, call.generation, *plan);
  return TRUE;
}
