/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The column extent.nodes. On any thread. */
#include "control/catalog/extent-nodes.h"

#include <string.h>

guint
pmss_extent_nodes_decode (const guint8 * blob, gsize length,
    guint nodes[PMSS_MAX_SHARDS])
{
  guint n = (guint) (length / 4);

  if (length == 0 || length % 4 != 0 || length > PMSS_EXTENT_NODES_SIZE)
    return 0;
  for (guint i = 0; i < n; i++) {
    guint32 id;

    memcpy (&id, blob + i * 4, 4);
    nodes[i] = GUINT32_FROM_LE (id);
  }
  return n;
}

void
pmss_extent_nodes_encode (const guint * nodes, guint n,
    guint8 out[PMSS_EXTENT_NODES_SIZE])
{
  for (guint i = 0; i < n; i++) {
    guint32 id = GUINT32_TO_LE (nodes[i]);

    memcpy (out + i * 4, &id, 4);
  }
}

guint
pmss_extent_nodes_read (PmssRows * rows, guint column,
    guint nodes[PMSS_MAX_SHARDS])
{
  gsize length;
  const guint8 *blob = pmss_rows_blob (rows, column, &length);

  return pmss_extent_nodes_decode (blob, length, nodes);
}
