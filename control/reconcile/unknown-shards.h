/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssUnknown:
 *
 * The unknown shards of one node, and since when control has seen each of them there. A list of the
 * node may take several comparisons. The names of the list at hand are kept apart until it has come
 * to its end. In memory; a bounded number of names is remembered, and all are counted. Pure; one
 * thread.
 *
 *   begin ──▶ add, move ──▶ add, move ──▶ end
 *               └──── left: goes on ────┘
 */
typedef struct _PmssUnknown PmssUnknown;

#define PMSS_UNKNOWN_MAX 100000

/* @max: names that are remembered. */
PmssUnknown *pmss_unknown_new  (guint max);
void         pmss_unknown_free (PmssUnknown *unknown);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssUnknown, pmss_unknown_free)

/* Of the last whole list; those that are not remembered count, too. */
guint64      pmss_unknown_get_count (PmssUnknown *unknown);
/* When the first of them is to go: monotonic, G_MAXINT64 if there are none, and while a list is not
 * whole. */
gint64       pmss_unknown_get_due   (PmssUnknown *unknown);

/* The name that the list at hand goes on after; NULL: it begins. @instance: (nullable) of the
 * node's start: the list of another start begins anew. */
const char  *pmss_unknown_begin (PmssUnknown *unknown, const char *instance);
/* The list at hand has @name, which is unknown, at @now. */
void         pmss_unknown_add   (PmssUnknown *unknown, const char *name, gint64 now);
/* It was compared up to @after, which had @shards and of them @missing that were not there. */
void         pmss_unknown_move  (PmssUnknown *unknown, const char *after, guint64 shards,
    guint64 missing);
/* Of the list at hand, so far. */
guint64      pmss_unknown_get_shards  (PmssUnknown *unknown);
guint64      pmss_unknown_get_missing (PmssUnknown *unknown);

/* The list at hand is whole. Returns the names that are unknown for @grace (us) at @now. */
GPtrArray   *pmss_unknown_end    (PmssUnknown *unknown, gint64 now, gint64 grace);
/* How many of the last whole list are not remembered. */
guint64      pmss_unknown_get_forgotten (PmssUnknown *unknown);
/* @name is known now. */
void         pmss_unknown_remove (PmssUnknown *unknown, const char *name);

G_END_DECLS
