/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader's loop and clock in earnest: a GMainContext, GLib's monotonic time. */
#include "libpmss/reader/pmss-loop.h"

typedef struct
{
  PmssLoop loop;
  GMainContext *context;
} ContextLoop;

typedef struct
{
  GSource source;
  PmssAlarm alarm;
  GMainContext *context;        /* the loop's, which lives as long as its alarms */
  gboolean ready;               /* set in the loop's thread, and reset */
  PmssAlarmFunc func;
  gpointer user_data;
} ContextAlarm;

static ContextAlarm *
from_alarm (PmssAlarm * alarm)
{
  return (ContextAlarm *) ((guint8 *) alarm - G_STRUCT_OFFSET (ContextAlarm,
          alarm));
}

static gint64
context_now (PmssLoop * loop)
{
  return g_get_monotonic_time ();
}

static gboolean
alarm_prepare (GSource * source, gint * timeout)
{
  *timeout = -1;
  return ((ContextAlarm *) source)->ready;
}

static gboolean
alarm_check (GSource * source)
{
  return ((ContextAlarm *) source)->ready;
}

static gboolean
alarm_dispatch (GSource * source, GSourceFunc callback, gpointer user_data)
{
  ContextAlarm *self = (ContextAlarm *) source;

  g_source_set_ready_time (source, PMSS_ALARM_NEVER);
  self->ready = FALSE;
  self->func (self->user_data);
  return G_SOURCE_CONTINUE;
}

static void
alarm_finalize (GSource * source)
{
  g_main_context_unref (((ContextAlarm *) source)->context);
}

static PmssAlarm *
context_alarm_new (PmssLoop * loop, PmssAlarmFunc func, gpointer user_data)
{
  static GSourceFuncs funcs = {
    .prepare = alarm_prepare,.check = alarm_check,.dispatch =
        alarm_dispatch,.finalize = alarm_finalize
  };
  ContextLoop *own = (ContextLoop *) loop;
  GSource *source = g_source_new (&funcs, sizeof (ContextAlarm));
  ContextAlarm *self = (ContextAlarm *) source;

  self->alarm.funcs = loop->funcs;
  self->context = g_main_context_ref (own->context);
  self->func = func;
  self->user_data = user_data;
  g_source_attach (source, own->context);
  return &self->alarm;
}

/* The loop's own thread need not be woken, which g_source_set_ready_time() would do with two
 * system calls. */
static void
context_alarm_set (PmssAlarm * alarm, gint64 time)
{
  ContextAlarm *self = from_alarm (alarm);
  gboolean own = g_main_context_is_owner (self->context);

  if (own)
    self->ready = time == PMSS_ALARM_NOW;
  if (!own || time != PMSS_ALARM_NOW)
    g_source_set_ready_time (&self->source, time);
}

static void
context_alarm_ref (PmssAlarm * alarm)
{
  g_source_ref (&from_alarm (alarm)->source);
}

static void
context_alarm_unref (PmssAlarm * alarm)
{
  g_source_unref (&from_alarm (alarm)->source);
}

static void
context_alarm_end (PmssAlarm * alarm)
{
  g_source_destroy (&from_alarm (alarm)->source);
  context_alarm_unref (alarm);
}

PmssLoop *
pmss_loop_new (GMainContext * context)
{
  static const PmssLoopFuncs funcs = {
    context_now, context_alarm_new, context_alarm_set, context_alarm_ref,
    context_alarm_unref, context_alarm_end
  };
  ContextLoop *self = g_new0 (ContextLoop, 1);

  self->loop.funcs = &funcs;
  self->context = g_main_context_ref (context != NULL ? context
      : g_main_context_default ());
  return &self->loop;
}

void
pmss_loop_free (PmssLoop * loop)
{
  ContextLoop *self = (ContextLoop *) loop;

  g_main_context_unref (self->context);
  g_free (self);
}
