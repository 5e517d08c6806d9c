/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/pmss-json-writer.h"
#include "pmss-layout.h"

G_BEGIN_DECLS

/* The most extents of one answer. */
#define PMSS_MAX_PART_EXTENTS 4096
/* The most extents of a layout: 64 TiB in extents of 16 MiB. */
#define PMSS_MAX_LAYOUT_EXTENTS (4u * 1024 * 1024)

/**
 * PmssLayoutPart:
 *
 * A part of a layout, as control sends it (docs/protocol.md, "Parts of a layout"). A page has
 * extents that follow each other. Changes have the extents that have moved, and all the nodes. Its
 * owner's thread.
 */
typedef struct
{
  PmssVersionId version;
  guint64 size;                 /* bytes of the version */
  PmssRedundancy redundancy;
  guint32 unit, extent_size;    /* bytes */
  guint64 generation;           /* of the layout that it is of; 0: not known */
  gboolean changes;
  guint32 first;                /* a page's first extent */
  GArray *numbers;              /* guint32: the extents of changes, each once */
  GArray *nodes;                /* PmssNode; owned */
  /* gint16: k+m indices in nodes for each extent; -1: that shard is lost */
  GArray *places;
} PmssLayoutPart;

/* Without nodes and extents; all else is 0. */
PmssLayoutPart *pmss_layout_part_new  (void);
void            pmss_layout_part_free (PmssLayoutPart *part);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssLayoutPart, pmss_layout_part_free)

/* Copies @node; its index. */
guint           pmss_layout_part_add_node    (PmssLayoutPart *part, const PmssNode *node);
guint           pmss_layout_part_get_n_extents (const PmssLayoutPart *part);
/* The extents that a layout of its size has. */
guint64         pmss_layout_part_count_extents_of_layout (const PmssLayoutPart *part);

/* Checks all of @json, which came from the network and may be hostile. PMSS_ERROR_INVALID */
PmssLayoutPart *pmss_layout_part_from_json   (JsonNode *json, GError **error);
void            pmss_layout_part_write       (const PmssLayoutPart *part, PmssJsonWriter *json);

/* The layout that @part's changes make of @layout. PMSS_ERROR_INVALID: it is none of that version
 * and geometry, or of an older generation. */
PmssLayout     *pmss_layout_apply_changes    (PmssLayout *layout, const PmssLayoutPart *part,
    GError **error);
/* Whether both are of one version, size, redundancy, unit and extent size. Else PMSS_ERROR_INVALID,
 * which names the difference. */
gboolean        pmss_layout_check_same_geometry (PmssLayout *layout, PmssLayout *other,
    GError **error);

/**
 * PmssLayoutBuilder:
 *
 * Puts the pages of a layout together. Takes memory in proportion to them. Its owner's thread.
 */
typedef struct _PmssLayoutBuilder PmssLayoutBuilder;

PmssLayoutBuilder *pmss_layout_builder_new    (void);
void               pmss_layout_builder_free   (PmssLayoutBuilder *builder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssLayoutBuilder, pmss_layout_builder_free)
/* A page that follows the last one. PMSS_ERROR_INVALID: it does not, or is of another version or
 * geometry. */
gboolean           pmss_layout_builder_add    (PmssLayoutBuilder *builder,
    const PmssLayoutPart *page, GError **error);
/* The extent that the next page begins with; FALSE: nothing is missing. */
gboolean           pmss_layout_builder_get_next (PmssLayoutBuilder *builder, guint32 *first);
/* When nothing is missing. Its generation is that of the oldest page, so the next changes bring all
 * later ones. */
PmssLayout        *pmss_layout_builder_finish (PmssLayoutBuilder *builder, GError **error);

G_END_DECLS
