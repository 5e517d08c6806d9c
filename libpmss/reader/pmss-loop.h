/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssLoop:
 *
 * The loop makes the reader's parts run, and has the only clock they know. An implementation begins
 * its structure with a PmssLoop. pmss-loop-context.c uses a GMainContext, a test or a simulation a
 * clock of its own.
 *
 * A PmssAlarm is a function with a time. The loop's thread calls it then, once each time that it is
 * set.
 *
 * Times are in us on the loop's clock.
 *
 * Threads: now(), set(), ref(), unref() from any; new() and stop() as the implementation says, for
 * pmss-loop-context.c from any. An alarm's function is called on the loop's thread alone.
 */
typedef struct _PmssLoop PmssLoop;
typedef struct _PmssAlarm PmssAlarm;

typedef void (*PmssAlarmFunc) (gpointer user_data);

typedef struct
{
  gint64 (*now) (PmssLoop *loop);
  PmssAlarm *(*alarm_new) (PmssLoop *loop, PmssAlarmFunc func,
      gpointer user_data);
  void (*alarm_set) (PmssAlarm *alarm, gint64 time);
  void (*alarm_ref) (PmssAlarm *alarm);
  void (*alarm_unref) (PmssAlarm *alarm);
  void (*alarm_stop) (PmssAlarm *alarm);
} PmssLoopFuncs;

struct _PmssLoop
{
  const PmssLoopFuncs *funcs;
};

/* The beginning of an implementation's alarm. */
struct _PmssAlarm
{
  const PmssLoopFuncs *funcs;
};

/* As long as it is not set. */
#define PMSS_ALARM_NEVER ((gint64) -1)
/* As soon as the loop turns. */
#define PMSS_ALARM_NOW ((gint64) 0)

static inline gint64
pmss_loop_now (PmssLoop *loop)
{
  return loop->funcs->now (loop);
}

static inline PmssAlarm *
pmss_alarm_new (PmssLoop *loop, PmssAlarmFunc func, gpointer user_data)
{
  return loop->funcs->alarm_new (loop, func, user_data);
}

/* @time: %PMSS_ALARM_NEVER: not any more. An earlier time is forgotten. */
static inline void
pmss_alarm_set (PmssAlarm *alarm, gint64 time)
{
  alarm->funcs->alarm_set (alarm, time);
}

/* For callers that may set it when it may have ended: that does nothing then. */
static inline PmssAlarm *
pmss_alarm_ref (PmssAlarm *alarm)
{
  alarm->funcs->alarm_ref (alarm);
  return alarm;
}

static inline void
pmss_alarm_unref (PmssAlarm *alarm)
{
  alarm->funcs->alarm_unref (alarm);
}

/* The function is not called any more, however it is set; provided that this is the loop's thread,
 * or that it was never set. */
static inline void
pmss_alarm_stop (PmssAlarm *alarm)
{
  alarm->funcs->alarm_stop (alarm);
}

/* Stops it and gives the reference back. */
static inline void
pmss_alarm_end (PmssAlarm *alarm)
{
  pmss_alarm_stop (alarm);
  pmss_alarm_unref (alarm);
}

/* pmss-loop-context.c: the alarms of @context, which the caller runs; NULL: the default one. */
PmssLoop *pmss_loop_new (GMainContext *context);
/* When all its alarms have ended. */
void pmss_loop_free (PmssLoop *loop);

G_END_DECLS
