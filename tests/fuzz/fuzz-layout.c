/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fuzz.h"
#include "libpmss/pmss-json.h"
#include "libpmss/format/pmss-layout.h"

static void
use (PmssLayout * layout)
{
  guint64 n_units = pmss_layout_get_n_units (layout);
  PmssUnitPlace place;

  if (n_units > 0) {
    pmss_layout_locate_unit (layout, n_units - 1, &place);
    g_assert_cmpuint (place.offset + place.length, ==,
        pmss_layout_get_size (layout));
  }
  for (guint32 i = 0; i < pmss_layout_get_n_extents (layout); i++) {
    PmssExtentGeometry geometry;

    pmss_layout_get_geometry (layout, i, &geometry);
    g_assert_true (pmss_extent_geometry_check (&geometry, NULL));
  }
}

/* What is accepted can be used, and survives being written and read. */
int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  g_autoptr (JsonNode) json = pmss_json_parse ((const char *) data, size, NULL);
  g_autoptr (PmssLayout) layout = NULL;
  g_autoptr (PmssLayout) again = NULL;
  g_autoptr (JsonNode) written = NULL;

  if (json == NULL)
    return 0;
  layout = pmss_layout_from_json (json, NULL);
  if (layout == NULL)
    return 0;
  use (layout);
  written = pmss_layout_to_json (layout);
  again = pmss_layout_from_json (written, NULL);
  g_assert_nonnull (again);
  return 0;
}
