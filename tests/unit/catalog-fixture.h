/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control-fixture.h"
#include "control/catalog/catalog.h"

G_BEGIN_DECLS

#define CATALOG_FIXTURE_EXTENT (64 * 1024)

/* A catalog with ten nodes, for GTest; clearing checks the rules that hold whatever was done. */
typedef struct
{
  ControlFixture base;
  PmssCatalog *catalog;
  guint node;                   /* the first of ten */
} CatalogFixture;

void        catalog_fixture_init  (CatalogFixture *fixture, gconstpointer data);
void        catalog_fixture_clear (CatalogFixture *fixture, gconstpointer data);

/* One that is being ingested, with 2+1; its id. */
gint64      catalog_fixture_add_medium  (CatalogFixture *fixture, const char *name);
/* One that is being written: 2+1, units of 4 KiB. */
PmssVersion catalog_fixture_add_version (CatalogFixture *fixture, gint64 medium, guint64 size);
/* On the @first node and the two after it. */
void        catalog_fixture_place       (CatalogFixture *fixture, const PmssVersion *version,
    guint32 extent, guint first);
/* Extents 0 to @n - 1, each from the node of its number on. */
void        catalog_fixture_place_verified (CatalogFixture *fixture, const PmssVersion *version,
    guint n);
/* All parts of its layout, put together. */
PmssLayout *catalog_fixture_load_layout (CatalogFixture *fixture, const PmssVersionId *id,
    GError **error);
/* What is counted for the @node-th node. */
gint64      catalog_fixture_shards_of   (CatalogFixture *fixture, guint node);

G_END_DECLS
