/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What write() and verify() of a striping share. On its worker thread; compute() on any. */
#include "control/striping/striping-private.h"

#include "libpmss/format/pmss-striper.h"
#include "libpmss/pmss-error.h"

/* Rows that are asked for at once. */
#define PAGE 100

PmssStriping *
pmss_striping_new (PmssControlContext * context, const PmssVersion * version,
    const char *name, PmssByteSource * source, const PmssStripingFuncs * funcs,
    gpointer user_data, GCancellable * cancellable)
{
  PmssStriping *self = g_new0 (PmssStriping, 1);

  self->context = context;
  self->version = *version;
  self->name = g_strdup (name);
  self->source = source;
  self->funcs = *funcs;
  self->user_data = user_data;
  self->cancellable = g_object_ref (cancellable);
  self->placer = pmss_placer_new (context, version, cancellable);
  self->erasure = pmss_erasure_new (version->redundancy);
  self->calls = pmss_node_calls_new (context);
  return self;
}

void
pmss_striping_free (PmssStriping * self)
{
  pmss_node_calls_free (self->calls);
  pmss_placer_free (self->placer);
  pmss_erasure_unref (self->erasure);
  g_object_unref (self->cancellable);
  g_free (self->name);
  g_free (self);
}

gboolean
pmss_striping_is_hopeful (PmssStriping * self)
{
  return pmss_placer_is_hopeful (self->placer);
}

/* The extents of the catalog */

guint64
pmss_striping_get_payload (PmssStriping * self, guint32 number)
{
  PmssExtentGeometry geometry;

  return pmss_version_get_geometry (&self->version, number, &geometry)
      ? geometry.payload : 0;
}

gboolean
pmss_striping_find_unverified (PmssStriping * self, guint32 * next,
    guint32 end, PmssExtent * extent, GError ** error)
{
  while (*next < end) {
    g_autoptr (GArray) extents = pmss_catalog_list_extents
        (self->context->catalog, &self->version.id, *next, PAGE, error);

    if (extents == NULL || extents->len == 0)
      return FALSE;
    for (guint i = 0; i < extents->len && *next < end; i++) {
      *extent = g_array_index (extents, PmssExtent, i);
      *next = extent->number + 1;
      if (extent->state != PMSS_EXTENT_VERIFIED)
        return TRUE;
    }
  }
  return FALSE;
}

gboolean
pmss_striping_count_verified (PmssStriping * self, guint64 * verified,
    GError ** error)
{
  guint32 next = 0;

  for (*verified = 0;;) {
    g_autoptr (GArray) extents = pmss_catalog_list_extents
        (self->context->catalog, &self->version.id, next, PAGE, error);

    if (extents == NULL || extents->len == 0)
      return extents != NULL;
    for (guint i = 0; i < extents->len; i++) {
      const PmssExtent *extent = &g_array_index (extents, PmssExtent, i);

      next = extent->number + 1;
      if (extent->state == PMSS_EXTENT_VERIFIED)
        *verified += pmss_striping_get_payload (self, extent->number);
    }
  }
}

/* What a node should have */

gboolean
pmss_striping_compute (PmssByteSource * source, PmssErasure * erasure,
    const PmssExtentGeometry * geometry, guint64 offset,
    GBytes * shards[PMSS_MAX_SHARDS], GError ** error)
{
  g_autofree guint8 *payload = g_malloc (geometry->payload);

  if (!pmss_byte_source_read (source, offset, payload, geometry->payload,
          error))
    return FALSE;
  pmss_striper_run (erasure, geometry, payload, shards);
  return TRUE;
}

/* The nodes are not asked about the bytes that they were sent: all is computed anew from the source. */
gboolean
pmss_striping_compute_extent (PmssStriping * self, guint32 number,
    GBytes * shards[PMSS_MAX_SHARDS], GError ** error)
{
  PmssExtentGeometry geometry;

  if (pmss_version_get_geometry (&self->version, number, &geometry))
    return pmss_striping_compute (self->source, self->erasure, &geometry,
        (guint64) number * self->version.extent, shards, error);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "The catalog has an extent %u, behind the end", number);
  return FALSE;
}
