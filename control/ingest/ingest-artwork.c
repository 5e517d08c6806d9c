/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Posters and the like, made beside the striping. Begun and ended on the job's thread; the work
 * waits for pmss-probe on a thread of its own. */
#include "control/artwork/artwork-job.h"
#include "control/artwork/artwork.h"
#include "control/ingest/ingest-private.h"
#include "control/ingest/probe-runner.h"

#define ARTWORK_SECONDS 60
/* A smaller file is striped sooner than pictures are made: they are left to the job. */
#define LEAST_BYTES (PMSS_SMALL_JOB / 2)

struct _PmssIngestArtwork
{
  char *path, *name;
  GCancellable *cancellable;
  GThread *thread;
  int ended;                    /* atomic */
  PmssArtwork *artwork;         /* the thread's until it is joined; nullable */
};

static gpointer
run (gpointer data)
{
  PmssIngestArtwork *self = data;
  g_autoptr (GError) error = NULL;

  self->artwork = pmss_probe_artwork (self->path, self->name, ARTWORK_SECONDS,
      self->cancellable, &error);
  if (self->artwork == NULL
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_message ("%s: no pictures are shown of it: %s", self->name,
        error->message);
  g_atomic_int_set (&self->ended, TRUE);
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

void
pmss_ingest_begin_artwork (Ingest * ingest)
{
  PmssIngestArtwork *self;
  g_autoptr (GError) error = NULL;

  if (!pmss_artwork_is_of_use (ingest->medium)
      || ingest->upload->size < LEAST_BYTES)
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

/* What there is. FALSE: it is still being made. */
static gboolean
keep (Ingest * ingest, PmssIngestArtwork * self)
{
  g_autoptr (GError) error = NULL;

  if (!g_atomic_int_get (&self->ended))
    return FALSE;
  g_thread_join (g_steal_pointer (&self->thread));
  if (self->artwork != NULL && !pmss_artwork_is_empty (self->artwork)
      && !pmss_artwork_store (ingest->context->database, ingest->medium->id,
          self->artwork, &error))
    g_warning ("%s: its pictures could not be kept: %s", self->name,
        error->message);
  return TRUE;
}

void
pmss_ingest_end_artwork (Ingest * ingest)
{
  /* an earlier run may have kept it */
  ingest->artwork_later = pmss_artwork_is_of_use (ingest->medium)
      && ingest->medium->artwork == NULL
      && (ingest->artwork == NULL || !keep (ingest, ingest->artwork));
  pmss_ingest_drop_artwork (ingest);
}

void
pmss_ingest_drop_artwork (Ingest * ingest)
{
  if (ingest->artwork == NULL)
    return;
  g_cancellable_cancel (ingest->artwork->cancellable);
  free_artwork (g_steal_pointer (&ingest->artwork));
}
