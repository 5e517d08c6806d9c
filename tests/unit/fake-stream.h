/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-engine.h"

G_BEGIN_DECLS

/* Stands in for pmss-stream.c: the test decides what comes, and when. All of it in the test's own
 * thread. */

/* (transfer none): the shard file; NULL: its node says that there is none. */
typedef GBytes *(*FakeStreamsShardFunc) (guint32 extent, guint index, gpointer user_data);

/* The functions of pmss-stream.h have no other place than this. */
typedef struct
{
  GPtrArray *live;              /* of PmssStream: under way */
  FakeStreamsShardFunc shard;
  /* (nullable): looks at what the plan asks for, before it is asked */
  void (*asked) (const PmssStreamRange *range, gpointer user_data);
  gpointer user_data;
} FakeStreams;

extern FakeStreams fake_streams;

void     fake_streams_init        (FakeStreamsShardFunc shard, gpointer user_data);
/* Ends what is under way. */
void     fake_streams_clear       (void);

/* The next record comes, damaged or not, or the end if none is left. */
void     fake_stream_go_on        (PmssStream *stream, gboolean damaged);
/* Takes @error. */
void     fake_stream_end          (PmssStream *stream, GError *error);
gboolean fake_stream_brings       (PmssStream *stream, guint32 extent, guint index, guint32 row);
/* That it was started with. */
gint     fake_stream_get_priority (PmssStream *stream);
gboolean fake_stream_is_cancelled (PmssStream *stream);

G_END_DECLS
