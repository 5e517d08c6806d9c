/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/client/pmss-client.h"
#include "libpmss/reader/pmss-engine-settings.h"
#include "libpmss/reader/pmss-hopeless.h"
#include "libpmss/reader/pmss-io.h"
#include "libpmss/reader/pmss-late.h"
#include "libpmss/reader/pmss-lease.h"
#include "libpmss/reader/pmss-loop.h"
#include "libpmss/reader/pmss-news.h"
#include "libpmss/reader/pmss-plan.h"
#include "libpmss/reader/pmss-rebuilder.h"
#include "libpmss/reader/pmss-refresh.h"
#include "libpmss/reader/pmss-reports.h"

G_BEGIN_DECLS

/**
 * PmssEngine:
 *
 * The engine behind a PmssReader, in the I/O thread of its client (pmss-io.h). Its parts decide,
 * and know neither the engine nor each other's owners. The engine tells them what happens and does
 * what they say. All time, and all that happens because of it, comes from a PmssLoop (pmss-loop.h).
 * Its part of the readers' memory comes from a PmssMemory.
 *
 *   part                  decides                                  the engine's side of it
 *   PmssCursors           how far ahead, when a unit is needed     pmss-engine-plan.c
 *   PmssPlan              what is asked for, of which nodes        pmss-engine-plan.c
 *   PmssLinks             the nodes' health                        pmss-engine-links.c
 *   PmssLate              which nodes are late                     pmss-engine-late.c
 *   pmss-hopeless.c       rows that cannot be read                 pmss-engine-hopeless.c
 *   PmssWaits             reads that wait for units                pmss-wait.c
 *   PmssLease, PmssRefresh, pmss-takeover.c, PmssReports:
 *                         the session with control, the layout     pmss-engine-control.c
 *   PmssNews              news of nodes for the reader's user
 *
 *   pmss-engine.c             opening, closing
 *   pmss-engine-streams.c     records that come in
 *   pmss-engine-tick.c        events of time
 *   pmss-engine-memory.c      the reader's part of the memory
 *   pmss-engine-stats.c       statistics for the reader's user
 *   pmss-engine-measure.c     what control is told of the reading
 *   pmss-rebuilder.c          the rebuilding thread, in jobs of pmss-row-job.c
 *
 * Fields are grouped by the threads that may touch them.
 */
typedef struct _PmssEngine PmssEngine;

typedef enum
{
  PMSS_ENGINE_NEW,
  PMSS_ENGINE_OPENING,
  PMSS_ENGINE_OPEN,
  PMSS_ENGINE_FAILED,
  PMSS_ENGINE_CLOSED,
} PmssEngineState;

struct _PmssEngine
{
  gint refs;                    /* atomic: the reader, and the I/O thread */

  /* Set once, before the I/O thread knows it. */
  PmssClient *client;
  PmssIo *io;                   /* the client's */
  char *medium;
  PmssEngineSettings settings;
  PmssLoop *loop;               /* the io's */
  PmssAlarm *kick;              /* look at everything again */
  PmssAlarm *tick;              /* at its time: who is silent? */

  /* Set when OPEN, then constant. */
  PmssErasure *erasure;
  PmssBlockPool *pool;
  gsize max_blocks;             /* that are ever held */
  gsize blocks_behind;          /* of these, besides the windows */
  PmssShare *share;             /* of the io's memory; the I/O thread's */

  /* The I/O thread's alone. */
  PmssTransport *transport;     /* the io's; NULL: no node can be asked yet */
  PmssRebuilder *rebuilder;     /* NULL: nothing had to be rebuilt yet */
  char *authorization;          /* written under the lock, for other threads */
  PmssLease *lease;             /* the session */
  PmssRefresh *refresh;         /* of the layout */
  PmssLate late;                /* whom not to wait for */
  gint64 tick_at;               /* that tick is set to; PMSS_ALARM_NEVER */
  gboolean stuck;               /* a read waits for a row that too few have, */
  gint64 stuck_until;           /* and nothing is to be tried for it before */
  PmssNews *news;               /* that the user is to be told, without the lock */
  PmssReports *reports;         /* of bad shards and lost nodes */
  gboolean closing;
  guint n_requests;             /* besides the streams, under way */

  GMutex lock;                  /* protects the rest */
  GCond changed;                /* a unit came, an error, a state */
  PmssEngineState state;
  GError *failure;              /* FAILED, CLOSED: why */
  PmssSession *session;         /* set when OPEN; its id may be replaced */
  PmssRows rows;
  PmssLinks links;              /* none before it is OPEN */
  PmssCursors cursors;
  PmssWaits waits;
  gint64 opening_due;           /* control is asked for a session then; waits count from there */
  PmssPlan plan;
  gsize share_blocks;           /* that may be held now */
  gboolean attached;            /* the I/O thread knows it: once opened, */
  gboolean left;                /* and not any more: once closed */
  GQueue closers;               /* of GTask: to be told then */
  gboolean reopen;              /* the I/O thread is to ask control for a session */
  gboolean doubted;             /* it is to ask whether the session goes on */
  gboolean paused;
  guint64 rebuilt_lost;         /* units of shards that no node has */
};

PmssEngine *pmss_engine_new (PmssClient *client, const char *medium,
    const PmssEngineSettings *settings, const PmssNewsFuncs *funcs,
    gpointer user_data, GDestroyNotify destroy);
/* Closes it and gives the reference back. */
void pmss_engine_free (PmssEngine *engine);

/* Begins to open, also again after it failed; waiters with no place
 * (pmss-wait.h) learn of the end. */
void pmss_engine_open (PmssEngine *engine);
/* It has a session and has not failed. */
gboolean pmss_engine_is_open (PmssEngine *engine);
/* The token of requests from now on; NULL: none yet. Free with g_free(). */
char *pmss_engine_dup_token (PmssEngine *engine);
/* Control is asked at once whether the session goes on. */
void pmss_engine_doubt_session (PmssEngine *engine);
/* (transfer full): a copy of control's answer at the opening; NULL and the reason. */
PmssSession *pmss_engine_dup_session (PmssEngine *engine, GError **error);
/* Lock held: makes the I/O thread look at everything soon. */
void pmss_engine_kick (PmssEngine *engine);
/* Cancels the requests under way until the next read. Waiting reads are answered first. */
void pmss_engine_pause (PmssEngine *engine);
/* Ends all waits with G_IO_ERROR_CLOSED, and cancels the requests under way. Waits for their end, a
 * few seconds at most. In the I/O thread and in the rebuilding thread it returns at once. */
void pmss_engine_close (PmssEngine *engine);
/* The same without waiting. @task: (transfer full): answered with TRUE when all
 * has come to its end. */
void pmss_engine_close_task (PmssEngine *engine, GTask *task);

/* pmss-engine-stats.c; any thread: its counters, as pmss_reader_get_stats() tells them. */
void pmss_engine_add_stats (PmssEngine *engine, GVariantDict *dict);

/* pmss-engine-measure.c; I/O thread: (transfer full): of a renewal that begins. */
JsonNode *pmss_engine_measure (PmssEngine *engine);

/* pmss-engine-links.c; I/O thread. */
/* Lock held: events of a node. */
void pmss_engine_link_good (PmssEngine *engine, PmssLink *link);
/* @began: when the failed request began. */
void pmss_engine_link_failed (PmssEngine *engine, PmssLink *link,
    gint64 began, const GError *error);
/* Lock held: it refused the token of @stream. */
void pmss_engine_link_refused (PmssEngine *engine, PmssLink *link,
    PmssStream *stream, const GError *error);
/* Lock held: asks a lost node whether it is back. */
void pmss_engine_probe_link (PmssEngine *engine, PmssLink *link);

/* pmss-engine-streams.c; I/O thread, lock held. */
/* Sends @stream, which one of the links has. */
void pmss_engine_send (PmssEngine *engine, PmssStream *stream, gint priority);
/* Takes @job; @is_awaited: somebody waits for its row. */
void pmss_engine_rebuild (PmssEngine *engine, PmssRowJob *job,
    gboolean is_awaited);
void pmss_engine_cancel_streams (PmssEngine *engine, PmssLink *link,
    GQuark domain, int code, const char *reason);

/* pmss-engine-late.c; I/O thread, lock held: finds nodes that are not to be
 * waited for. */
void pmss_engine_check_late (PmssEngine *engine, gint64 now);

/* pmss-engine-tick.c; I/O thread. */
void pmss_engine_on_tick (gpointer engine);
/* Lock held: sets the tick's time to that of the next thing that is due, if
 * there is any. */
void pmss_engine_set_tick (PmssEngine *engine);
/* Lock held: whether nothing is to be asked for: it is not open, or paused and no read waits. */
gboolean pmss_engine_is_resting (PmssEngine *engine);

/* pmss-engine.c, for the others; I/O thread. */
/* Lock held: every wait ends with @error. */
void pmss_engine_fail (PmssEngine *engine, const GError *error);
/* The session is open: takes @session, whose layout is good. */
void pmss_engine_opened (PmssEngine *engine, PmssSession *session);
/* Lock held: the token of requests from now on. */
void pmss_engine_set_token (PmssEngine *engine, const char *token);
/* A request besides the streams begins or has ended: the engine stays until all
 * have. */
void pmss_engine_hold (PmssEngine *engine);
void pmss_engine_release (PmssEngine *engine);

/* pmss-engine-plan.c; lock held. */
/* I/O thread: does what the plan decides. */
void pmss_engine_plan (PmssEngine *engine);
/* Any thread: a consumer reads @index of @row; @hit: it is there. TRUE: the I/O thread has to be
 * kicked. */
gboolean pmss_engine_note_read (PmssEngine *engine, guint64 row, guint index,
    gboolean hit);

/* pmss-engine-memory.c; I/O thread, lock held. */
/* Its geometry is known. */
void pmss_engine_join_memory (PmssEngine *engine);
/* It holds no blocks any more. */
void pmss_engine_leave_memory (PmssEngine *engine);
/* Tells the memory that it wants, and takes its part from now on. */
void pmss_engine_take_share (PmssEngine *engine);
/* After that, and after its consequences. */
void pmss_engine_note_held (PmssEngine *engine);
/* Instead of both, while it rests. */
void pmss_engine_rest_memory (PmssEngine *engine);
/* Blocks to hold, */
gsize pmss_engine_get_enough (PmssEngine *engine);
/* and those of them that are not for windows. */
gsize pmss_engine_get_behind (PmssEngine *engine);

/* pmss-engine-hopeless.c; I/O thread, lock held: gives up awaited rows that cannot be read, or
 * notes that there are such rows (PmssEngine.stuck). */
void pmss_engine_check_hopeless (PmssEngine *engine, gint64 now);
/* Lock held: whether so many shards of @row are not given that it may be the
 * reason why it does not come. */
gboolean pmss_engine_is_row_doubtful (PmssEngine *engine, PmssRow *row);
/* Lock held: says why @row cannot be had. */
GError *pmss_engine_new_row_error (PmssEngine *engine, PmssRow *row);

/* pmss-engine-control.c: makes the objects that speak with control, and tells the engine of
 * them. */
void pmss_engine_init_control (PmssEngine *engine);
void pmss_engine_clear_control (PmssEngine *engine);
/* I/O thread, lock held: takes @layout over if it is another one of the same geometry.
 * @may_be_older: ours is of no use. */
void pmss_engine_take_layout (PmssEngine *engine, PmssLayout *layout,
    gboolean may_be_older);
/* I/O thread, lock held: reports to control, once in a while, that @link does not give shard
 * @index of @extent as it should. @row: in the extent; -1: none in particular. */
void pmss_engine_report (PmssEngine *engine, PmssLink *link, guint32 extent,
    guint index, gint64 row, PmssReportKind kind);
/* The same of a node that does not answer. */
void pmss_engine_report_node (PmssEngine *engine, PmssLink *link);

G_END_DECLS
