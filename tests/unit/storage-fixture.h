/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "server/store.h"

/* A storage server's folder in a temporary one, and shards to put there. */
typedef struct
{
  char *folder;
  PmssStore *store;
} StorageFixture;

void    storage_fixture_init  (StorageFixture *fixture);
/* Nothing is left half-written. */
void    storage_fixture_clear (StorageFixture *fixture);

/* Shard @index, of three, of an extent with @payload bytes in version @version, in units of 4 KiB.
 * @name: filled in. */
GBytes *storage_fixture_make  (guint version, guint32 extent, guint index, gsize payload,
    char name[PMSS_SHARD_NAME_SIZE]);
void    storage_fixture_put   (StorageFixture *fixture, const char *name, GBytes *shard);
/* The same, made and put. */
void    storage_fixture_add   (StorageFixture *fixture, guint version, guint32 extent, guint index,
    gsize payload, char name[PMSS_SHARD_NAME_SIZE]);
/* Where a shard of that name is. */
char   *storage_fixture_path  (StorageFixture *fixture, const char *name);
