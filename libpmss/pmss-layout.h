/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "pmss-shard.h"

G_BEGIN_DECLS

/* How many nodes a layout can name. */
#define PMSS_MAX_LAYOUT_NODES 10000

/* A storage server as a reader or writer sees it. Strings are owned by whoever holds the struct. */
typedef struct {
  guint id;
  char *address;                /* host name or literal, no brackets */
  guint16 port;
  gboolean tls;
  char *zone;                   /* "" if none */
} PmssNode;

/**
 * PmssLayout:
 *
 * Where every shard of one version lies; docs/protocol.md section 6. Reference counted; immutable once shared.
 */
typedef struct _PmssLayout PmssLayout;

#define PMSS_TYPE_LAYOUT (pmss_layout_get_type ())
GType       pmss_layout_get_type (void);

/* An empty layout to be filled with nodes and extents by the two functions below. NULL and error on numbers out of limits. */
PmssLayout *pmss_layout_new        (const PmssVersionId *version, guint64 size, PmssRedundancy redundancy, guint32 unit, guint32 extent_size, GError **error);
PmssLayout *pmss_layout_ref        (PmssLayout *layout);
void        pmss_layout_unref      (PmssLayout *layout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssLayout, pmss_layout_unref)
/* Returns the node's index. @node is copied. No two nodes may have the same id. */
guint       pmss_layout_add_node   (PmssLayout *layout, const PmssNode *node);
/* Sets the nodes of extent @extent: n indices of different nodes, -1 for a lost shard. Until then all its shards are lost. */
void        pmss_layout_set_extent (PmssLayout *layout, guint32 extent, const gint *nodes);

/* @json: hostile; everything is checked. Members that are not known are passed over. */
PmssLayout *pmss_layout_from_json  (JsonNode *json, GError **error);
JsonNode   *pmss_layout_to_json    (PmssLayout *layout);

const PmssVersionId *pmss_layout_get_version (PmssLayout *layout);
guint64        pmss_layout_get_size        (PmssLayout *layout);
PmssRedundancy pmss_layout_get_redundancy  (PmssLayout *layout);
guint32        pmss_layout_get_unit        (PmssLayout *layout);
guint32        pmss_layout_get_extent_size (PmssLayout *layout);
guint32        pmss_layout_get_n_extents   (PmssLayout *layout);
guint          pmss_layout_get_n_nodes     (PmssLayout *layout);
const PmssNode *pmss_layout_get_node       (PmssLayout *layout, guint index);
/* Index of the node of shard @shard, -1 if lost. */
gint           pmss_layout_get_shard_node  (PmssLayout *layout, guint32 extent, guint shard);
void           pmss_layout_get_geometry    (PmssLayout *layout, guint32 extent, PmssExtentGeometry *geometry);

/* Units of the whole file, 0..n-1, as a reader counts them. */
guint64        pmss_layout_get_n_units     (PmssLayout *layout);
typedef struct {
  guint32 extent;
  guint32 row;
  guint index;                  /* shard, 0..k-1 */
  guint32 length;
  guint64 offset;               /* of its first byte in the file */
} PmssUnitPlace;
void           pmss_layout_locate_unit     (PmssLayout *layout, guint64 unit, PmssUnitPlace *place);
/* The unit that holds the file's byte @offset (< size). */
guint64        pmss_layout_unit_at         (PmssLayout *layout, guint64 offset);

/* The extent size that a new version gets: @wanted rounded up to a multiple of k * unit, within limits. */
guint32        pmss_layout_round_extent    (guint32 wanted, PmssRedundancy redundancy, guint32 unit);

G_END_DECLS
