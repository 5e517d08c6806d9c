/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Work that waits for servers most of the time, several pieces at once: threads, since the calls block. */
#include "transfers.h"

#define TICK (G_USEC_PER_SEC / 10)

typedef struct
{
  guint i;
  GError *error;
} Ended;

typedef struct
{
  guint n;
  const PmssTransferFuncs *funcs;
  gpointer user_data;
  GCancellable *cancellable;
  GAsyncQueue *ended;           /* of Ended; one without a piece when a thread ends */
  gint next;                    /* atomic: the piece to begin next */
  gint stopped;                 /* atomic */
} Transfers;

/* FALSE: there is none. */
static gboolean
begin_next (Transfers * self, guint * i)
{
  if (g_atomic_int_get (&self->stopped) ||
      g_cancellable_is_cancelled (self->cancellable))
    return FALSE;
  *i = (guint) g_atomic_int_add (&self->next, 1);
  return *i < self->n;
}

static void
tell (Transfers * self, guint i, GError * error)
{
  Ended *ended = g_new0 (Ended, 1);

  ended->i = i;
  ended->error = error;
  g_async_queue_push (self->ended, ended);
}

static gpointer
work (gpointer user_data)
{
  Transfers *self = user_data;
  guint i;

  while (begin_next (self, &i)) {
    GError *error = NULL;

    self->funcs->run (i, self->user_data, &error);
    tell (self, i, error);
  }
  tell (self, self->n, NULL);
  return NULL;
}

/* FALSE: it was a thread that ended. */
static gboolean
take (Transfers * self, Ended * ended)
{
  gboolean is_piece = ended->i < self->n;

  if (is_piece && !self->funcs->done (ended->i, ended->error, self->user_data))
    g_atomic_int_set (&self->stopped, TRUE);
  g_free (ended);
  return is_piece;
}

guint
pmss_transfers_run (guint n, guint parallel, const PmssTransferFuncs * funcs,
    gpointer user_data, GCancellable * cancellable)
{
  guint running = MIN (n, MAX (parallel, 1)), begun = 0;
  g_autofree GThread **threads = g_new0 (GThread *, running);
  Transfers self = { n, funcs, user_data, cancellable };
  guint n_threads = running;

  self.ended = g_async_queue_new ();
  for (guint i = 0; i < n_threads; i++)
    threads[i] = g_thread_new ("transfer", work, &self);
  while (running > 0) {
    Ended *ended = g_async_queue_timeout_pop (self.ended, TICK);

    if (ended != NULL && take (&self, ended))
      begun++;
    else if (ended != NULL)
      running--;
    funcs->tick (user_data);
  }
  for (guint i = 0; i < n_threads; i++)
    g_thread_join (threads[i]);
  g_async_queue_unref (self.ended);
  return begun;
}
