/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The time that a request may take. On the thread of its loop. */
#include "libpmss/reader/pmss-patience.h"

#include "libpmss/pmss-error.h"

struct _PmssPatience
{
  GCancellable *own;
  GCancellable *outer;          /* nullable */
  gulong handler;               /* at outer */
  PmssAlarm *deadline;
  guint ms;
  gboolean over;
};

static void
time_is_over (gpointer user_data)
{
  PmssPatience *self = user_data;

  self->over = TRUE;
  g_cancellable_cancel (self->own);
}

static void
outer_cancelled (GCancellable * outer, gpointer own)
{
  g_cancellable_cancel (own);
}

PmssPatience *
pmss_patience_new (PmssLoop * loop, GCancellable * outer, guint ms)
{
  PmssPatience *self = g_new0 (PmssPatience, 1);

  self->own = g_cancellable_new ();
  self->ms = ms;
  self->deadline = pmss_alarm_new (loop, time_is_over, self);
  pmss_alarm_set (self->deadline, pmss_loop_now (loop) +
      ms * G_TIME_SPAN_MILLISECOND);
  if (outer != NULL) {
    self->outer = g_object_ref (outer);
    self->handler = g_cancellable_connect (outer, G_CALLBACK (outer_cancelled),
        self->own, NULL);
  }
  return self;
}

GCancellable *
pmss_patience_get_cancellable (PmssPatience * self)
{
  return self->own;
}

void
pmss_patience_end (PmssPatience * self, GError ** error)
{
  if (self->over && error != NULL
      && g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_clear_error (error);
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT,
        "no answer within %.1f s", self->ms / 1000.0);
  }
  if (self->outer != NULL)
    g_cancellable_disconnect (self->outer, self->handler);
  g_clear_object (&self->outer);
  g_object_unref (self->own);
  pmss_alarm_end (self->deadline);
  g_free (self);
}
