/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Faults in the reader, planted by the linker: meson.build has the list of what is led through
 * here. */
#include "sim-flaws.h"

#include "libpmss/reader/pmss-engine.h"
#include "libpmss/reader/pmss-takeover.h"
#include "sim-clock.h"

/* The linker leads calls of @name to __wrap_@name; the function itself is __real_@name. */
#define WRAPPED(name) \
  extern __typeof__ (name) __real_##name, __wrap_##name

/* Of the calls that get lost, every so many. */
#define SELDOM 4

static SimFlaw planted;
static guint n_calls;

static const char *const names[] = {
  "none", "checksum", "wrong-record", "wakeup", "timer", "restless",
  "cancel", "token", "late", "hedging", "evict", "memory", "backoff", "session",
  "layout"
};

G_STATIC_ASSERT (G_N_ELEMENTS (names) == SIM_N_FLAWS);

void
sim_flaws_plant (SimFlaw flaw)
{
  planted = flaw;
  n_calls = 0;
}

const char *
sim_flaw_to_string (SimFlaw flaw)
{
  return names[flaw];
}

SimFlaw
sim_flaw_from_string (const char *name)
{
  for (guint i = 0; i < SIM_N_FLAWS; i++)
    if (g_str_equal (names[i], name))
      return i;
  return SIM_N_FLAWS;
}

static gboolean
is_lost (SimFlaw flaw)
{
  return planted == flaw && ++n_calls % SELDOM == 0;
}

/* --- Records --- */

/* What the record at hand says of itself. */
static struct
{
  gboolean is_set;
  guint32 crc;
} believed;

WRAPPED (pmss_record_header_parse_expected);

gboolean
__wrap_pmss_record_header_parse_expected (const guint8 * in,
    const PmssExtentGeometry * geometry, guint32 row, guint index,
    PmssRecordHeader * record, GError ** error)
{
  gboolean good;

  if (planted == SIM_FLAW_WRONG_RECORD)
    return pmss_record_header_parse (in, record, error);
  good = __real_pmss_record_header_parse_expected (in, geometry, row, index,
      record, error);
  believed.is_set = good && planted == SIM_FLAW_CHECKSUM;
  believed.crc = believed.is_set ? record->crc[index] : 0;
  return good;
}

WRAPPED (pmss_crc32c);

guint32
__wrap_pmss_crc32c (const void *data, gsize length)
{
  if (!believed.is_set)
    return __real_pmss_crc32c (data, length);
  believed.is_set = FALSE;
  return believed.crc;
}

WRAPPED (pmss_rows_evict);

void
__wrap_pmss_rows_evict (PmssRows * rows, guint64 first, guint64 last,
    gsize max_blocks)
{
  if (planted != SIM_FLAW_EVICT)
    __real_pmss_rows_evict (rows, first, last, max_blocks);
}

WRAPPED (pmss_share_get);

guint64
__wrap_pmss_share_get (const PmssShare * share)
{
  return planted == SIM_FLAW_MEMORY ? G_MAXINT64
      : __real_pmss_share_get (share);
}

/* --- Turns --- */

WRAPPED (pmss_engine_kick);

void
__wrap_pmss_engine_kick (PmssEngine * engine)
{
  if (!is_lost (SIM_FLAW_WAKEUP))
    __real_pmss_engine_kick (engine);
}

WRAPPED (g_source_set_ready_time);

void
__wrap_g_source_set_ready_time (GSource * source, gint64 time)
{
  if (time <= 0 || !is_lost (SIM_FLAW_TIMER))
    __real_g_source_set_ready_time (source, time);
}

WRAPPED (pmss_waits_get_deadline);

gint64
__wrap_pmss_waits_get_deadline (const PmssWaits * waits)
{
  gint64 deadline = __real_pmss_waits_get_deadline (waits);

  return planted == SIM_FLAW_RESTLESS ? MIN (deadline,
      sim_clock_now () + PMSS_TICK) : deadline;
}

WRAPPED (pmss_engine_check_late);

void
__wrap_pmss_engine_check_late (PmssEngine * engine, gint64 now)
{
  if (planted != SIM_FLAW_LATE)
    __real_pmss_engine_check_late (engine, now);
}

WRAPPED (pmss_budget_get_units);

guint
__wrap_pmss_budget_get_units (const PmssBudget * budget)
{
  return planted == SIM_FLAW_HEDGING ? G_MAXINT
      : __real_pmss_budget_get_units (budget);
}

/* --- Nodes --- */

WRAPPED (pmss_stream_cancel);

void
__wrap_pmss_stream_cancel (PmssStream * stream, GQuark domain, int code,
    const char *reason)
{
  if (planted != SIM_FLAW_CANCEL)
    __real_pmss_stream_cancel (stream, domain, code, reason);
}

WRAPPED (pmss_pass_choose);

const char *
__wrap_pmss_pass_choose (const PmssPass * pass, const char *newest,
    guint newest_number, guint * number)
{
  const char *text = __real_pmss_pass_choose (pass, newest, newest_number,
      number);

  return planted == SIM_FLAW_TOKEN ? "Bearer T0" : text;
}

WRAPPED (pmss_link_note_failure);

void
__wrap_pmss_link_note_failure (PmssLink * link, gint64 now,
    const GError * error, double factor, double max, gboolean urgent)
{
  if (planted == SIM_FLAW_BACKOFF)
    link->pauses = 0;
  __real_pmss_link_note_failure (link, now, error, factor, max, urgent);
}

/* --- Control --- */

WRAPPED (pmss_lease_end);

void
__wrap_pmss_lease_end (PmssLease * lease)
{
  if (planted == SIM_FLAW_SESSION)
    g_cancellable_cancel (pmss_lease_get_cancellable (lease));
  else
    __real_pmss_lease_end (lease);
}

WRAPPED (pmss_takeover_run);

void
__wrap_pmss_takeover_run (const PmssTakeover * parts, PmssLayout * layout,
    gint64 now)
{
  if (planted != SIM_FLAW_LAYOUT)
    __real_pmss_takeover_run (parts, layout, now);
}
