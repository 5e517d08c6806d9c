/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssListBudget:
 *
 * Bounds how much of one node's list is read at a time. That is far more than it should have, and
 * far less than a node might send. One thread reads all lists. Pure.
 */
typedef struct
{
  guint64 names;
  gint64 until;                 /* monotonic, us */
} PmssListBudget;

/* Shards that a node may have besides those of the catalog. */
#define PMSS_LIST_MORE 1000000

/* @shards: that the catalog has on the node. @more: that it may have besides. */
void     pmss_list_budget_init     (PmssListBudget *budget, guint64 shards, guint64 more,
    gint64 now);
/* @names: that were read. */
gboolean pmss_list_budget_is_spent (const PmssListBudget *budget, guint64 names, gint64 now);

G_END_DECLS
