/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The health of a medium, as JSON. On handlers' threads. */
#include "control/api/api-media.h"

#include "control/shard-health/medium-health.h"
#include "libpmss/pmss-error.h"

static void
add_ranges (PmssJsonWriter * json, const PmssDamage * damage)
{
  pmss_json_writer_set_member_name (json, "damaged");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < damage->ranges->len; i++) {
    const PmssByteRange *range = &g_array_index (damage->ranges,
        PmssByteRange, i);

    pmss_json_writer_begin_object (json);
    pmss_api_add_int (json, "offset", (gint64) range->offset);
    pmss_api_add_int (json, "length", (gint64) range->length);
    pmss_json_writer_end_object (json);
  }
  pmss_json_writer_end_array (json);
}

static void
add_health (PmssJsonWriter * json, const PmssMediumHealth * health)
{
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "state", pmss_health_to_string (health->state));
  pmss_api_add_int (json, "extents", (gint64) health->extents);
  pmss_api_add_int (json, "degraded_extents",
      (gint64) health->by_state[PMSS_HEALTH_DEGRADED]);
  pmss_api_add_int (json, "unavailable_extents",
      (gint64) health->by_state[PMSS_HEALTH_UNAVAILABLE]);
  pmss_api_add_int (json, "damaged_extents",
      (gint64) health->by_state[PMSS_HEALTH_DAMAGED]);
  pmss_api_add_int (json, "damaged_bytes", (gint64) health->damage.bytes);
  add_ranges (json, &health->damage);
  pmss_api_add_int (json, "bad_shards", (gint64) health->bad_shards);
  pmss_api_add_int (json, "suspected_shards",
      (gint64) health->suspected_shards);
  pmss_json_writer_set_member_name (json, "nodes_down");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < health->nodes_down->len; i++)
    pmss_json_writer_add_int_value (json, g_array_index (health->nodes_down,
            guint, i));
  pmss_json_writer_end_array (json);
  pmss_json_writer_end_object (json);
}

gboolean
pmss_api_add_health (PmssControlContext * context, PmssJsonWriter * json,
    const PmssMedium * medium, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssMediumHealth) health = NULL;

  pmss_json_writer_set_member_name (json, "health");
  if (medium->state == PMSS_MEDIUM_READY && medium->has_version)
    health = pmss_medium_health_new (context, &medium->version, &local);
  /* it may have been deleted since */
  if (local != NULL && !g_error_matches (local, PMSS_ERROR,
          PMSS_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (health != NULL)
    add_health (json, health);
  else
    pmss_json_writer_add_null_value (json);
  return TRUE;
}
