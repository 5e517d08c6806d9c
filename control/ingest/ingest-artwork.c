/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Posters and the like, made beside the striping. Begun and ended on the job's thread; the work
 * waits for pmss-probe on a thread of its own. */
#include <string.h>

#include "control/artwork/artwork.h"
#include "control/ingest/ingest-private.h"
#include "control/ingest/probe-runner.h"

#define ARTWORK_SECONDS 60

struct _PmssIngestArtwork
{
  char *path, *name;
  GCancellable *cancellable;
  GThread *thread;
  PmssArtwork *artwork;         /* the thread's until it is joined; nullable */
};

static gpointer
run (gpointer data)
{
  PmssIngestArtwork *self = data;
  g_autoptr (GError) error = NULL;

  self->artwork = pmss_probe_artwork (self->path, self->name, ARTWORK_SECONDS,
      self->cancellable, &error);
  if (self->artwork == NULL)
    g_message ("%s: no pictures are shown of it: %s", self->name,
        error->message);
  return NULL;
}

static void
free_artwork (PmssIngestArtwork * self)
{
  if (self->thread != NULL)
    g_thread_join (self->thread);
  g_clear_pointer (&self->artwork, pmss_artwork_free);
  g_object_unref (self->cancellable);
  g_free (self->path);
  g_free (self->name);
  g_free (self);
}

/* As far as the probe has found out. */
static gboolean
shows_something (const PmssMedium * medium)
{
  return medium->streams != NULL && (strstr (medium->streams, "\"video\"")
      || strstr (medium->streams, "\"image\"")
      || strstr (medium->streams, "\"audio\""));
}

void
pmss_ingest_begin_artwork (Ingest * ingest)
{
  PmssIngestArtwork *self;
  g_autoptr (GError) error = NULL;

  if (!shows_something (ingest->medium))
    return;
  self = g_new0 (PmssIngestArtwork, 1);
  self->path = g_strdup (ingest->path);
  self->name = g_strdup (ingest->medium->name);
  self->cancellable = g_cancellable_new ();
  self->thread = g_thread_try_new ("artwork", run, self, &error);
  if (self->thread == NULL) {
    g_warning ("%s: %s", self->name, error->message);
    free_artwork (self);
    return;
  }
  ingest->artwork = self;
}

void
pmss_ingest_finish_artwork (Ingest * ingest)
{
  PmssIngestArtwork *self = g_steal_pointer (&ingest->artwork);
  g_autoptr (GError) error = NULL;
  gulong handler;

  if (self == NULL)
    return;
  /* a job that is stopped does not wait */
  handler = g_cancellable_connect (pmss_job_run_get_cancellable (ingest->run),
      G_CALLBACK (g_cancellable_cancel), g_object_ref (self->cancellable),
      g_object_unref);
  g_thread_join (g_steal_pointer (&self->thread));
  g_cancellable_disconnect (pmss_job_run_get_cancellable (ingest->run),
      handler);
  if (self->artwork != NULL && !pmss_artwork_is_empty (self->artwork)
      && !pmss_artwork_store (ingest->context->database, ingest->medium->id,
          self->artwork, &error))
    g_warning ("%s: its pictures could not be kept: %s", self->name,
        error->message);
  free_artwork (self);
}

void
pmss_ingest_drop_artwork (Ingest * ingest)
{
  if (ingest->artwork == NULL)
    return;
  g_cancellable_cancel (ingest->artwork->cancellable);
  free_artwork (g_steal_pointer (&ingest->artwork));
}
