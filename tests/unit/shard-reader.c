/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shard-reader.h"

#include "fake-rebuilder.h"
#include "libpmss/reader/pmss-wait.h"

/* Records until nobody wants anything more. */
#define ENOUGH 10000

struct _ShardReader
{
  PmssEngine *engine;
};

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField * fields, gsize n_fields,
    gpointer user_data)
{
  if (level & G_LOG_LEVEL_MESSAGE)
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, user_data);
}

void
shard_reader_be_quiet (void)
{
  g_log_set_writer_func (write_log, NULL, NULL);
}

ShardReader *
shard_reader_new (PmssLayout * layout, FakeStreamsShardFunc shard,
    gpointer user_data)
{
  static const PmssNewsFuncs funcs = { NULL };
  ShardReader *reader = g_new0 (ShardReader, 1);
  guint64 row = (guint64) pmss_layout_get_redundancy (layout).k *
      pmss_layout_get_unit (layout);
  PmssEngineSettings settings = {.max_connections = 2,.cache_size = 8 * row,
    .read_ahead = 4 * row,.retries = 3,.timeout = 15 * G_TIME_SPAN_SECOND
  };
  g_autoptr (PmssClient) client = pmss_client_new ("http://127.0.0.1:1", NULL);
  PmssSession *session = g_new0 (PmssSession, 1);

  fake_streams_init (shard, user_data);
  session->id = g_strdup ("s");
  session->token = g_strdup ("t");
  session->lease = 60;
  session->layout = pmss_layout_ref (layout);
  reader->engine = pmss_engine_new (client, "m", &settings, &funcs, NULL,
      g_free);
  reader->engine->state = PMSS_ENGINE_OPENING;
  pmss_engine_opened (reader->engine, session);
  return reader;
}

void
shard_reader_free (ShardReader * reader)
{
  fake_streams_clear ();
  pmss_engine_free (reader->engine);
  g_free (reader);
}

PmssEngine *
shard_reader_get_engine (ShardReader * reader)
{
  return reader->engine;
}

/* What the engine's threads do, when they are kicked and on the tick, @later us. */
static void
look (PmssEngine * engine, gint64 later)
{
  gint64 now = g_get_monotonic_time () + later;
  GList *ended;

  while (fake_rebuilder_go_on ());
  g_mutex_lock (&engine->lock);
  pmss_engine_plan (engine);
  pmss_engine_check_hopeless (engine, now);
  ended = pmss_wait_check (engine, now);
  g_mutex_unlock (&engine->lock);
  pmss_wait_answer (ended);
}

static void
keep_result (GObject * source, GAsyncResult * result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

GBytes *
shard_reader_read (ShardReader * reader, guint64 offset, GError ** error)
{
  PmssEngine *engine = reader->engine;
  g_autoptr (GAsyncResult) result = NULL;

  pmss_wait_read_task (engine, offset, PMSS_MAX_UNIT,
      g_task_new (NULL, NULL, keep_result, &result));
  look (engine, 0);
  for (guint i = 0; fake_streams.live->len > 0; i++) {
    g_assert_cmpuint (i, <, ENOUGH);
    fake_stream_go_on (fake_streams.live->pdata[0], FALSE);
    look (engine, 0);
  }
  /* nothing comes any more, however long it is waited for */
  if (engine->waits.queue.length > 0)
    look (engine, engine->settings.timeout);
  while (result == NULL && g_main_context_iteration (NULL, FALSE));
  /* with nothing under way, nobody waits */
  g_assert_nonnull (result);
  return g_task_propagate_pointer (G_TASK (result), error);
}
