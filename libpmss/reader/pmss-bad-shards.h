/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssBadShards:
 *
 * The shards that a node does not give, though it answers. A shard is left alone for a pause and
 * then asked for again: a disk is mounted late, a repair writes the shard anew. The pause begins
 * with 1 s and doubles up to 60 s. Where a read waits and too few others are left, it begins with
 * 0.1 s and ends with 0.3 s, as for nodes. A shard that was not asked for in an hour is forgotten.
 *
 *              note                          release, when the pause is over
 *   good ─────────────▶ bad (not asked) ─────────────────────▶ due (asked)
 *     ▲                  ▲        note: the pause doubles       │ │
 *     │                  └──────────────────────────────────────┘ │
 *     └──────────────────────────── forget: a record came ────────┘
 *
 * Pure: its caller gives the time, and it does no I/O. The engine owns it, under the reader's lock.
 * All of it is called in the I/O thread, but pmss_bad_shards_hurry().
 */
typedef struct _PmssBadShards PmssBadShards;

PmssBadShards *pmss_bad_shards_new (void);
void pmss_bad_shards_free (PmssBadShards *self);

/* The node did not give shard @index of @extent. */
void pmss_bad_shards_note (PmssBadShards *self, guint32 extent, guint index,
    gint64 now);
/* The node gave a record of it, which was asked for at @began. TRUE: it was
 * known as bad, and is so no more. */
gboolean pmss_bad_shards_forget (PmssBadShards *self, guint32 extent,
    guint index, gint64 began);
/* Those whose pause is over become due. @urgent: the short pauses count. */
void pmss_bad_shards_release (PmssBadShards *self, gint64 now,
    gboolean urgent);
/* Those of @extent that are bad become due at the next release. */
void pmss_bad_shards_hurry (PmssBadShards *self, guint32 extent);

/* Whether it is not to be asked for. Changes by the calls above alone. */
gboolean pmss_bad_shards_is_bad (PmssBadShards *self, guint32 extent,
    guint index);
/* How often, in a row, the node did not give it; 0: it is not known as bad. */
guint pmss_bad_shards_get_tries (PmssBadShards *self, guint32 extent,
    guint index);
/* When the short pause of a bad one is over; G_MAXINT64: it is not bad. */
gint64 pmss_bad_shards_get_retry (PmssBadShards *self, guint32 extent,
    guint index);

G_END_DECLS
