/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fake-stream.h"

G_BEGIN_DECLS

/**
 * ShardReader:
 *
 * Reads a medium whose shard files are in memory, with all that a PmssReader
 * does with what has come: its plan, its rows, its rebuilding, its giving up.
 * Everything in the caller's thread; one at a time, because of fake-stream.h.
 */
typedef struct _ShardReader ShardReader;

/* Once, after g_test_init(): the reader logs each shard that is gone, and here these are many and
 * meant. */
void         shard_reader_be_quiet (void);
/* @shard: the shard files, for those that the layout does not call lost. */
ShardReader *shard_reader_new  (PmssLayout *layout, FakeStreamsShardFunc shard, gpointer user_data);
void         shard_reader_free (ShardReader *reader);
/* What reads. */
PmssEngine  *shard_reader_get_engine (ShardReader *reader);
/* The bytes from @offset to the end of their unit; NULL and an error. */
GBytes      *shard_reader_read (ShardReader *reader, guint64 offset, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShardReader, shard_reader_free)

G_END_DECLS
