/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A consumer of the reader's bytes. */
#include "sim-viewer.h"

#include "sim-clock.h"
#include "sim-trace.h"

#define SECOND G_TIME_SPAN_SECOND
/* us until it tries again what has failed */
#define AGAIN (500 * G_TIME_SPAN_MILLISECOND)
/* One that copies goes through the medium so many times; more bytes than this one does not read. */
#define ROUNDS 2
#define MAX_BYTES (24 * 1024 * 1024)
#define TRACKS 2

struct _SimViewer
{
  const SimScenario *scenario;
  SimReader *reader;
  SimAuditor *auditor;
  SimRandom random;
  SimEvent *event;              /* (nullable): the next step */
  gboolean stopped;
  SimViewerKind kind;
  guint64 offsets[TRACKS];
  guint track;                  /* that is read */
  guint left;                   /* reads until it jumps */
  guint64 bytes;                /* that it has got */
  gboolean busy;
  gint64 began;                 /* the read under way */
  gsize max;
  GCancellable *cancellable;
  gint64 cancelled;             /* 0: not */
  gint64 rests_since;           /* 0: it does not */
  guint64 wakeups;              /* when it began to rest */
};

static void step (gpointer data);

SimViewer *
sim_viewer_new (const SimScenario * scenario, guint number,
    SimReader * reader, SimAuditor * auditor)
{
  SimViewer *self = g_new0 (SimViewer, 1);

  self->scenario = scenario;
  self->kind = sim_scenario_get_viewer (scenario, number);
  self->reader = reader;
  self->auditor = auditor;
  sim_random_init (&self->random, scenario->seed * 7 + number + 1);
  self->offsets[1] = scenario->medium->size / 2;
  if (number > 0 || sim_random_percent (&self->random, 30))
    self->offsets[0] = (guint64) sim_random_range (&self->random, 0,
        (gint64) scenario->medium->size - 1);
  return self;
}

static void
unset (SimViewer * self)
{
  if (self->event != NULL)
    sim_clock_cancel (g_steal_pointer (&self->event));
}

void
sim_viewer_free (SimViewer * self)
{
  unset (self);
  g_clear_object (&self->cancellable);
  g_free (self);
}

gboolean
sim_viewer_is_busy (SimViewer * self)
{
  return self->busy;
}

gint64
sim_viewer_get_began (SimViewer * self)
{
  return self->busy ? self->began : G_MAXINT64;
}

guint64
sim_viewer_get_bytes (SimViewer * self)
{
  return self->bytes;
}

gboolean
sim_viewer_is_done (SimViewer * self)
{
  guint64 enough = MIN (ROUNDS * self->scenario->medium->size, MAX_BYTES);

  return self->stopped || self->bytes >= enough;
}

static void
set (SimViewer * self, gint64 us)
{
  if (!self->stopped && !sim_viewer_is_done (self))
    self->event = sim_clock_after (us, step, self);
}

void
sim_viewer_start (SimViewer * self)
{
  set (self, 0);
}

void
sim_viewer_stop (SimViewer * self)
{
  self->stopped = TRUE;
  unset (self);
}

/* us until the next read, after one of @bytes. */
static gint64
get_pace (SimViewer * self, gsize bytes)
{
  switch (self->kind) {
    case SIM_VIEWER_PLAY:
      return (gint64) (bytes * 8 * SECOND / self->scenario->bitrate);
    case SIM_VIEWER_TRACKS:
      return (gint64) (bytes * 8 * SECOND / self->scenario->bitrate / TRACKS);
    case SIM_VIEWER_SEEK:
      return sim_random_percent (&self->random, 50) ? 0
          : sim_random_spread (&self->random, 1, SECOND);
    default:
      return 0;
  }
}

static void
move_on (SimViewer * self, gsize bytes)
{
  guint64 size = self->scenario->medium->size;

  self->bytes += bytes;
  self->offsets[self->track] = (self->offsets[self->track] + bytes) % size;
  if (self->kind == SIM_VIEWER_TRACKS)
    self->track = (self->track + 1) % TRACKS;
  if (self->kind != SIM_VIEWER_SEEK)
    return;
  if (self->left > 0) {
    self->left--;
    return;
  }
  self->left = (guint) sim_random_spread (&self->random, 1, 60);
  self->offsets[0] = (guint64) sim_random_range (&self->random, 0,
      (gint64) size - 1);
}

/* A while without a read, at the end of which the wake-ups are counted. */
static gboolean
rest (SimViewer * self)
{
  if (self->scenario->n_viewers > 1
      || !sim_random_percent (&self->random, self->scenario->pause_percent))
    return FALSE;
  sim_trace ("pauses", 0, 0, 0, 0);
  sim_reader_pause (self->reader);
  self->rests_since = sim_clock_since_begin ();
  self->wakeups = sim_clock_get_wakeups ();
  set (self, sim_random_spread (&self->random, SECOND / 10, 40 * SECOND));
  return TRUE;
}

static void
end_rest (SimViewer * self)
{
  if (self->rests_since == 0)
    return;
  sim_auditor_rested (self->auditor, self->rests_since,
      sim_clock_get_wakeups () - self->wakeups);
  self->rests_since = 0;
}

static void
on_read (GObject * source, GAsyncResult * result, gpointer user_data)
{
  SimViewer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = sim_reader_read_finish (result, &error);
  gsize size = bytes != NULL ? g_bytes_get_size (bytes) : 0;

  unset (self);
  self->busy = FALSE;
  sim_trace (bytes != NULL ? "has read: offset bytes us" : "has not read: "
      "offset bytes us", (gint64) self->offsets[self->track], (gint64) size,
      sim_clock_since_begin () - self->began, 0);
  if (error != NULL)
    sim_trace_say ("  %s", error->message);
  if (self->stopped && error != NULL)
    return;
  if (self->cancelled != 0)
    sim_auditor_cancelled (self->auditor, self->cancelled, bytes, error);
  else
    sim_auditor_read (self->auditor, self->offsets[self->track], self->max,
        self->began, bytes, error);
  move_on (self, size);
  if (error == NULL && rest (self))
    return;
  set (self, error != NULL ? AGAIN : get_pace (self, size));
}

static void
cancel (gpointer data)
{
  SimViewer *self = data;

  self->event = NULL;
  self->cancelled = sim_clock_since_begin ();
  sim_trace ("cancels its read", 0, 0, 0, 0);
  g_cancellable_cancel (self->cancellable);
}

static void
step (gpointer data)
{
  SimViewer *self = data;
  guint unit = self->scenario->medium->unit;

  self->event = NULL;
  end_rest (self);
  g_clear_object (&self->cancellable);
  self->cancelled = 0;
  self->busy = TRUE;
  self->began = sim_clock_since_begin ();
  self->max = sim_random_percent (&self->random, 80) ? unit
      : (gsize) sim_random_range (&self->random, 1, unit);
  if (sim_random_percent (&self->random, self->scenario->cancel_percent)) {
    self->cancellable = g_cancellable_new ();
    self->event = sim_clock_after (sim_random_spread (&self->random, 1,
            100 * G_TIME_SPAN_MILLISECOND), cancel, self);
  }
  sim_reader_read (self->reader, self->offsets[self->track], self->max,
      self->cancellable, on_read, self);
}
