/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "pmss-shard.h"

G_BEGIN_DECLS

/* How many nodes a layout can name. */
#define PMSS_MAX_LAYOUT_NODES 10000

/**
 * PmssNode:
 * @id: the node's id, from 1
 * @address: host name or literal, no brackets
 * @port: its TCP port
 * @tls: whether it speaks TLS
 * @zone: its failure domain, `""` if none
 *
 * A storage server as a reader or writer sees it. The holder of the struct owns its strings.
 */
typedef struct
{
  guint id;
  char *address;
  guint16 port;
  gboolean tls;
  char *zone;
} PmssNode;

/**
 * PmssUnitPlace:
 * @extent: number of the extent
 * @row: row in the extent
 * @index: the shard that holds it, 0..k-1
 * @length: bytes
 * @offset: of its first byte in the file
 *
 * Where one data unit of a version lies.
 */
typedef struct
{
  guint32 extent;
  guint32 row;
  guint index;
  guint32 length;
  guint64 offset;
} PmssUnitPlace;

/**
 * PmssLayout:
 *
 * The places of all shards of one version; docs/protocol.md section 6. Reference counted. The
 * creator fills it before other threads see it. From then on it does not change, and any thread may
 * use it.
 */
typedef struct _PmssLayout PmssLayout;

#define PMSS_TYPE_LAYOUT (pmss_layout_get_type ())
GType       pmss_layout_get_type (void);

/**
 * pmss_layout_new: (skip)
 * @version: the version that it is of
 * @size: bytes of the version
 * @redundancy: k and m
 * @unit: bytes of the stripe unit
 * @extent_size: bytes of an extent, a multiple of k units
 *
 * Makes a layout without nodes, whose shards are all lost, to be filled by pmss_layout_add_node()
 * and pmss_layout_set_extent(). Takes memory for all of @size's extents.
 *
 * Returns: (transfer full): the layout, or %NULL and #PMSS_ERROR_INVALID where a number is out of
 * limits
 */
PmssLayout *pmss_layout_new        (const PmssVersionId *version, guint64 size,
    PmssRedundancy redundancy, guint32 unit, guint32 extent_size, GError **error);
PmssLayout *pmss_layout_ref        (PmssLayout *layout);
void        pmss_layout_unref      (PmssLayout *layout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssLayout, pmss_layout_unref)

/**
 * pmss_layout_add_node: (skip)
 * @node: is copied; its id is no other node's of this layout
 *
 * Returns: the node's index
 */
guint       pmss_layout_add_node   (PmssLayout *layout, const PmssNode *node);

/**
 * pmss_layout_set_extent: (skip)
 * @extent: number of the extent
 * @nodes: k+m indices of different nodes, -1 for a lost shard
 */
void        pmss_layout_set_extent (PmssLayout *layout, guint32 extent, const gint *nodes);

/**
 * pmss_layout_from_json:
 * @json: (nullable): a document from the network. It may be hostile: everything is checked before
 * any of it is used, and memory is taken in
 *   proportion to the document only. Members that are not known are passed over.
 *
 * Returns: (transfer full): the layout, or %NULL and #PMSS_ERROR_INVALID
 */
PmssLayout *pmss_layout_from_json  (JsonNode *json, GError **error);

/**
 * pmss_layout_to_json:
 *
 * Returns: (transfer full): the layout as docs/protocol.md section 6 writes it
 */
JsonNode   *pmss_layout_to_json    (PmssLayout *layout);

/* Before others see it. */
void           pmss_layout_set_generation  (PmssLayout *layout, guint64 generation);

const PmssVersionId *pmss_layout_get_version (PmssLayout *layout);
/* Grows with each change of a place or of an address; 0: not known. */
guint64        pmss_layout_get_generation  (PmssLayout *layout);
/* bytes */
guint64        pmss_layout_get_size        (PmssLayout *layout);
/**
 * pmss_layout_get_redundancy: (skip)
 *
 * Returns: k and m
 */
PmssRedundancy pmss_layout_get_redundancy  (PmssLayout *layout);
/* bytes */
guint32        pmss_layout_get_unit        (PmssLayout *layout);
/* bytes */
guint32        pmss_layout_get_extent_size (PmssLayout *layout);
guint32        pmss_layout_get_n_extents   (PmssLayout *layout);
guint          pmss_layout_get_n_nodes     (PmssLayout *layout);

/**
 * pmss_layout_get_node:
 * @index: less than pmss_layout_get_n_nodes()
 *
 * Returns: (transfer none): the node; it lives as long as the layout
 */
const PmssNode *pmss_layout_get_node       (PmssLayout *layout, guint index);

/**
 * pmss_layout_get_shard_node:
 * @extent: number of the extent
 * @shard: index of the shard, 0..k+m-1
 *
 * Returns: the index of the node that holds the shard, -1 if it is lost
 */
gint           pmss_layout_get_shard_node  (PmssLayout *layout, guint32 extent, guint shard);

/**
 * pmss_layout_get_geometry: (skip)
 * @extent: number of the extent
 * @geometry: (out caller-allocates): filled with the numbers that the form of its shards follows
 * from
 */
void           pmss_layout_get_geometry    (PmssLayout *layout, guint32 extent,
    PmssExtentGeometry *geometry);

/**
 * pmss_layout_get_n_units:
 *
 * Data units of the whole file, as a reader counts them from 0. They lie in the file one after the
 * other.
 */
guint64        pmss_layout_get_n_units     (PmssLayout *layout);

/**
 * pmss_layout_locate_unit:
 * @unit: less than pmss_layout_get_n_units()
 * @place: (out caller-allocates): where it lies
 */
void           pmss_layout_locate_unit     (PmssLayout *layout, guint64 unit, PmssUnitPlace *place);

/**
 * pmss_layout_unit_at:
 * @offset: in the file, less than its size
 *
 * Returns: the unit that holds the byte at @offset
 */
guint64        pmss_layout_unit_at         (PmssLayout *layout, guint64 offset);

/**
 * pmss_layout_round_extent: (skip)
 * @wanted: bytes
 * @redundancy: k and m
 * @unit: bytes of the stripe unit
 *
 * Returns: the extent size that a new version gets: @wanted rounded up to a multiple of k units,
 * within limits
 */
guint32        pmss_layout_round_extent    (guint32 wanted, PmssRedundancy redundancy,
    guint32 unit);

G_END_DECLS
