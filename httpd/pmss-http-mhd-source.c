/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers whose bytes come as their peers take them: on the connection's worker, and on the thread
 * that wakes them. */
#include "pmss-http-mhd.h"

/* Of each answer under way. */
#define BLOCK (64 * 1024)

/*
 *            no bytes
 *   READ ───────────────▶ ASIDE       a wake meanwhile: read again at once
 *     ▲                     │
 *     └──────── wake ───────┘
 */
struct _PmssHttpSource
{
  gatomicrefcount references;
  PmssHttpd *httpd;             /* not to be looked at after the end */
  struct MHD_Connection *connection;
  PmssHttpSourceRead read;
  gpointer user_data;
  GList node;                   /* in the engine's `waiting_sources`, under its lock */

  GMutex lock;                  /* protects these three; taken before the engine's */
  gboolean cut;                 /* it is read no more: the server stops */
  gboolean aside;
  gboolean woken;               /* while it was read */
};

PmssHttpSource *
pmss_http_source_ref (PmssHttpSource * source)
{
  g_atomic_ref_count_inc (&source->references);
  return source;
}

void
pmss_http_source_unref (PmssHttpSource * source)
{
  if (!g_atomic_ref_count_dec (&source->references))
    return;
  g_mutex_clear (&source->lock);
  g_free (source);
}

static void
drop_source (gpointer source)
{
  pmss_http_source_unref (source);
}

PmssHttpSource *
pmss_http_request_respond_source (PmssHttpRequest * request, guint status,
    const char *content_type, guint64 length, PmssHttpSourceRead read,
    gpointer user_data)
{
  PmssHttpAnswer *answer = pmss_http_answer_begin (request, status,
      content_type);
  PmssHttpSource *source = g_new0 (PmssHttpSource, 1);

  g_atomic_ref_count_init (&source->references);
  g_mutex_init (&source->lock);
  source->httpd = request->httpd;
  source->connection = request->connection;
  source->node.data = source;
  source->read = read;
  source->user_data = user_data;
  if (answer != NULL) {
    answer->length = length;
    answer->source = pmss_http_source_ref (source);
    answer->drop_source = drop_source;
  }
  return source;
}

/* A connection that is set aside is there: libmicrohttpd does not close it. */
static void
wake (PmssHttpSource * source, gboolean cut)
{
  g_autoptr (PmssHttpSource) held = NULL;

  g_mutex_lock (&source->lock);
  source->cut |= cut;
  if (source->aside) {
    PmssHttpEngine *engine = source->httpd->engine;

    source->aside = FALSE;
    /* within the lock: who stops the workers has had it, and finds none that is half awake */
    g_mutex_lock (&engine->sources_lock);
    g_queue_unlink (&engine->waiting_sources, &source->node);
    pmss_http_resume (source->httpd, source->connection);
    g_mutex_unlock (&engine->sources_lock);
    held = source;
  } else {
    source->woken = TRUE;
  }
  g_mutex_unlock (&source->lock);
}

void
pmss_http_source_wake (PmssHttpSource * source)
{
  wake (source, FALSE);
}

/* With its lock held. FALSE: it is to be cut. */
static gboolean
set_aside (PmssHttpSource * source)
{
  PmssHttpEngine *engine = source->httpd->engine;
  gboolean cut;

  g_mutex_lock (&engine->sources_lock);
  cut = engine->cut_sources;
  if (!cut)
    g_queue_push_tail_link (&engine->waiting_sources,
        &pmss_http_source_ref (source)->node);
  g_mutex_unlock (&engine->sources_lock);
  if (cut)
    return FALSE;
  source->aside = TRUE;
  MHD_suspend_connection (source->connection);
  return TRUE;
}

/* What it was read for has no bytes: 0: it waits, > 0: it is to be read again, < 0: it is over. */
static gssize
wait_for_bytes (PmssHttpSource * source)
{
  gssize result = 1;

  g_mutex_lock (&source->lock);
  if (!source->woken)
    result = set_aside (source) ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
  source->woken = FALSE;
  g_mutex_unlock (&source->lock);
  return result;
}

/* The bytes that it waited for may still come: nobody asks for them twice. */
static gboolean
is_cut (PmssHttpSource * source)
{
  gboolean cut;

  g_mutex_lock (&source->lock);
  cut = source->cut;
  g_mutex_unlock (&source->lock);
  return cut;
}

static ssize_t
on_read (void *data, uint64_t position, char *buffer, size_t max)
{
  PmssHttpSource *source = data;
  gssize result;

  do {
    gssize length = is_cut (source) ? -1
        : source->read (source, buffer, max, source->user_data);

    if (length != 0)
      return length > 0 ? length : MHD_CONTENT_READER_END_WITH_ERROR;
    result = wait_for_bytes (source);
  } while (result > 0);
  return result;
}

struct MHD_Response *
pmss_http_source_make_response (PmssHttpAnswer * answer)
{
  struct MHD_Response *response =
      MHD_create_response_from_callback (answer->length, BLOCK, on_read,
      answer->source, drop_source);

  if (response != NULL)
    answer->source = NULL;
  return response;
}

void
pmss_http_cut_sources (PmssHttpd * httpd)
{
  PmssHttpEngine *engine = httpd->engine;
  GList *waiting;

  g_mutex_lock (&engine->sources_lock);
  engine->cut_sources = TRUE;
  waiting = g_list_copy_deep (engine->waiting_sources.head,
      (GCopyFunc) (void (*)(void)) pmss_http_source_ref, NULL);
  g_mutex_unlock (&engine->sources_lock);
  for (GList * l = waiting; l != NULL; l = l->next)
    wake (l->data, TRUE);
  g_list_free_full (waiting, drop_source);
}
