/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim-medium.h"
#include "sim-random.h"

G_BEGIN_DECLS

/* What one seed makes happen. All of it is known before anything happens, so that the auditor
 * can tell which trouble a reader was in. */

#define SIM_MAX_NODES 24
#define SIM_MAX_READERS 6

typedef enum
{
  SIM_FAULT_KILL,               /* the process is gone: connections are reset, new ones refused */
  SIM_FAULT_SILENCE,            /* nothing comes and goes any more */
  SIM_FAULT_SLOW,               /* `value` times */
  SIM_FAULT_LIE,                /* `lie`, in `value` percent of the answers */
  SIM_FAULT_REFUSE,             /* 401, whatever the token */
  SIM_FAULT_STATUS,             /* `value` for every shard */
  SIM_FAULT_LOSE,               /* a shard is gone from `from` on */
  /* a shard is on `target` from `from` on; gone from its place at `to` */
  SIM_FAULT_MOVE,
  SIM_FAULT_CONTROL_KILL,
  SIM_FAULT_CONTROL_SILENCE,
  SIM_FAULT_CONTROL_FORGET,     /* at `from`: no session is known any more */
  SIM_N_FAULT_KINDS,
} SimFaultKind;

typedef enum
{
  SIM_LIE_FLIP_UNIT,            /* a bit of a unit */
  SIM_LIE_FLIP_HEADER,          /* a bit of a record's header */
  SIM_LIE_OTHER_ROW,            /* a good record of another row */
  SIM_LIE_OTHER_SHARD,          /* a good record of another shard */
  SIM_LIE_CONTRADICT,           /* a good record with wrong checksums of the other units */
  SIM_LIE_SHORT,                /* the body ends early */
  SIM_LIE_RESET,                /* so does the connection */
  SIM_LIE_STALL,                /* the body goes no further, and the connection stays */
  SIM_LIE_RANGE,                /* another range than was asked for */
  SIM_LIE_WHOLE,                /* 200 */
  SIM_N_LIES,
} SimLie;

typedef struct
{
  SimFaultKind kind;
  guint node;                   /* index */
  gint64 from, to;              /* us since the beginning; to = G_MAXINT64: for ever */
  guint value;
  SimLie lie;
  guint32 extent;
  guint shard;
  guint target;                 /* index of a node */
} SimFault;

typedef struct
{
  gint64 rtt;                   /* us */
  gint64 jitter;                /* us, at most */
  guint64 rate;                 /* bytes/s */
} SimLine;

typedef enum
{
  SIM_VIEWER_COPY,              /* reads as fast as it can */
  SIM_VIEWER_PLAY,              /* at the medium's rate */
  SIM_VIEWER_SEEK,              /* jumps, and reads a little */
  SIM_VIEWER_TRACKS,            /* reads two places in turns */
  SIM_N_VIEWERS,
} SimViewerKind;

typedef struct
{
  guint64 seed;
  const SimMedium *medium;
  guint n_nodes;
  SimLine lines[SIM_MAX_NODES + 1];     /* the last one is control's */
  gint places[64][PMSS_MAX_SHARDS];     /* of each extent's shards: index of a node */
  GArray *faults;               /* of SimFault */
  guint lease;                  /* s */
  guint64 bitrate;              /* bit/s; at which it is played */
  gboolean tells_bitrate;       /* control knows it */
  gint64 duration;              /* us that are watched, at most */
  SimViewerKind viewer;
  guint n_readers;              /* of one client; one viewer each where they are several */
  guint n_viewers;
  guint64 memory;               /* bytes, of all readers; 0: more than they ever hold */
  gint64 opening_pause;         /* us between one reader's opening and the next one's */
  guint pause_percent;          /* of the reads, after which it pauses */
  guint cancel_percent;         /* of the reads */
  guint cache_rows, ahead_rows;
  guint read_ahead_time;        /* s */
  guint max_extra;              /* percent */
  guint timeout;                /* s */
  gint retries;
  double backoff_factor;        /* s */
} SimScenario;

SimScenario *sim_scenario_new  (guint64 seed);
void         sim_scenario_free (SimScenario *scenario);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SimScenario, sim_scenario_free)
/* What kind viewer @number is. */
SimViewerKind sim_scenario_get_viewer (const SimScenario *scenario, guint number);
/* Blocks that a reader always may hold. */
guint        sim_scenario_get_least (const SimScenario *scenario);
/* Into the log. */
void         sim_scenario_say  (const SimScenario *scenario);
const char  *sim_fault_kind_to_string (SimFaultKind kind);

G_END_DECLS
