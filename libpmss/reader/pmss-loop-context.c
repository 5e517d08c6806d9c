/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader's loop and clock in earnest: a GMainContext, GLib's monotonic time. */
#include "libpmss/reader/pmss-loop.h"

typedef struct
{
  PmssLoop loop;
  GMainContext *context;
} ContextLoop;

/* Holds the context: whoever sets an alarm that was stopped may do so after the loop has gone. */
typedef struct
{
  PmssAlarm alarm;
  gint refs;                    /* atomic */
  GMainContext *context;
  GSource *source;
  PmssAlarmFunc func;
  gpointer user_data;
  gboolean ready;               /* set in the loop's thread, and reset */
} ContextAlarm;

typedef struct
{
  GSource source;
  ContextAlarm *alarm;          /* freed with it */
} AlarmSource;

static gint64
context_now (PmssLoop * loop)
{
  return g_get_monotonic_time ();
}

static gboolean
is_ready (GSource * source)
{
  return ((AlarmSource *) source)->alarm->ready;
}

static gboolean
prepare (GSource * source, gint * timeout)
{
  *timeout = -1;
  return is_ready (source);
}

/* The function may end the alarm. */
static gboolean
dispatch (GSource * source, GSourceFunc callback, gpointer user_data)
{
  ContextAlarm *self = ((AlarmSource *) source)->alarm;
  gint64 time = g_source_get_ready_time (source);

  /* it was found due, and another one of this turn has set it anew */
  if (!self->ready && (time < 0 || time > g_source_get_time (source)))
    return G_SOURCE_CONTINUE;
  g_source_set_ready_time (source, PMSS_ALARM_NEVER);
  self->ready = FALSE;
  self->func (self->user_data);
  return G_SOURCE_CONTINUE;
}

static void
finalize (GSource * source)
{
  g_free (((AlarmSource *) source)->alarm);
}

static PmssAlarm *
context_alarm_new (PmssLoop * loop, PmssAlarmFunc func, gpointer user_data)
{
  static GSourceFuncs funcs = {
    .prepare = prepare,.check = is_ready,.dispatch = dispatch,.finalize =
        finalize
  };
  ContextAlarm *self = g_new0 (ContextAlarm, 1);

  self->alarm.funcs = loop->funcs;
  self->refs = 1;
  self->context = g_main_context_ref (((ContextLoop *) loop)->context);
  self->func = func;
  self->user_data = user_data;
  self->source = g_source_new (&funcs, sizeof (AlarmSource));
  ((AlarmSource *) self->source)->alarm = self;
  g_source_attach (self->source, self->context);
  return &self->alarm;
}

/* The loop's own thread need not be woken, which g_source_set_ready_time() would do with two
 * system calls. */
static void
context_alarm_set (PmssAlarm * alarm, gint64 time)
{
  ContextAlarm *self = (ContextAlarm *) alarm;
  gboolean own = g_main_context_is_owner (self->context);

  if (own)
    self->ready = time == PMSS_ALARM_NOW;
  if (!own || time != PMSS_ALARM_NOW)
    g_source_set_ready_time (self->source, time);
}

static void
context_alarm_ref (PmssAlarm * alarm)
{
  g_atomic_int_inc (&((ContextAlarm *) alarm)->refs);
}

static void
context_alarm_unref (PmssAlarm * alarm)
{
  ContextAlarm *self = (ContextAlarm *) alarm;
  GMainContext *context = self->context;

  if (!g_atomic_int_dec_and_test (&self->refs))
    return;
  /* the alarm goes with it: the loop may just be looking at it */
  g_source_unref (self->source);
  g_main_context_unref (context);
}

static void
context_alarm_stop (PmssAlarm * alarm)
{
  g_source_destroy (((ContextAlarm *) alarm)->source);
}

PmssLoop *
pmss_loop_new (GMainContext * context)
{
  static const PmssLoopFuncs funcs = {
    context_now, context_alarm_new, context_alarm_set, context_alarm_ref,
    context_alarm_unref, context_alarm_stop
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
