/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/client/pmss-client.h"
#include "libpmss/reader/pmss-bad-shards.h"
#include "libpmss/reader/pmss-budget.h"
#include "libpmss/reader/pmss-hopeless.h"
#include "libpmss/reader/pmss-io.h"
#include "libpmss/reader/pmss-late.h"
#include "libpmss/reader/pmss-lease.h"
#include "libpmss/reader/pmss-link.h"
#include "libpmss/reader/pmss-loop.h"
#include "libpmss/reader/pmss-news.h"
#include "libpmss/reader/pmss-pace.h"
#include "libpmss/reader/pmss-places.h"
#include "libpmss/reader/pmss-rebuilder.h"
#include "libpmss/reader/pmss-refresh.h"
#include "libpmss/reader/pmss-reports.h"
#include "libpmss/reader/pmss-rows.h"

G_BEGIN_DECLS

/**
 * PmssEngine:
 *
 * The engine behind a PmssReader, in the I/O thread of its client (pmss-io.h). It has the links to
 * the nodes, the rows of units, and the plan of the next requests. All time, and all that happens
 * because of it, comes from a PmssLoop (pmss-loop.h). Its part of the readers' memory comes from a
 * PmssMemory (pmss-engine-memory.c).
 *
 *   pmss-engine.c             opening, closing
 *   pmss-engine-links.c       the nodes' health
 *   pmss-news.c               news of nodes for the reader's user
 *   pmss-engine-streams.c     records that come in
 *   pmss-engine-tick.c        events of time
 *   pmss-engine-stats.c       statistics for the reader's user
 *   pmss-plan.c, -plan-row.c  which units to ask for, and of which nodes
 *   pmss-plan-jump.c          which requests to end after a jump
 *   pmss-cursor.c             how far ahead
 *   pmss-pace.c               the consumer's pace
 *   pmss-tail.c               the medium's last units, shared out anew
 *   pmss-deadline.c           when a unit is needed
 *   pmss-late.c               which nodes are late; pmss-engine-late.c makes its view
 *   pmss-budget.c             how many units may be asked for twice
 *   pmss-bad-shards.c         shards that are left alone for a while
 *   pmss-hopeless.c           rows that cannot be read; pmss-engine-hopeless.c makes its view
 *   pmss-rebuilder.c          the rebuilding thread, in jobs of pmss-row-job.c
 *   pmss-lease.c              the session with control; pmss-engine-control.c has its effects
 *   pmss-refresh.c            when the layout is asked for anew
 *   pmss-takeover.c           a new layout takes effect
 *   pmss-places.c             where shards are asked for
 *   pmss-reports.c            reports to control
 *   pmss-wait.c               readers that wait for units
 *
 * Fields are grouped by the threads that may touch them.
 */
typedef struct _PmssEngine PmssEngine;

typedef struct
{
  char *ticket;                 /* (nullable) the reader's; the lease has a copy */
  guint64 cache_size;           /* bytes */
  guint64 read_ahead;           /* bytes */
  guint64 max_memory;           /* bytes, of all readers of the io; 0: as it is */
  gint64 read_ahead_time;       /* us of the consumer's pace; 0: no limit */
  guint max_connections;        /* to one node */
  guint max_extra;              /* percent of units that are asked for twice */
  gint64 timeout;               /* us, 0: none */
  int retries;                  /* -1: for ever */
  double backoff_factor;        /* s */
  double backoff_max;           /* s */
} PmssEngineSettings;

typedef enum
{
  PMSS_ENGINE_NEW,
  PMSS_ENGINE_OPENING,
  PMSS_ENGINE_OPEN,
  PMSS_ENGINE_FAILED,
  PMSS_ENGINE_CLOSED,
} PmssEngineState;

typedef enum
{
  PMSS_SOURCE_GOOD,             /* can be asked */
  PMSS_SOURCE_LATE,             /* can be asked, but may not answer */
  PMSS_SOURCE_NONE,
} PmssSource;

/* A place from which a consumer reads. There are several, because a demuxer that reads two tracks
 * alternately makes two sequences, not a seek a read. */
#define PMSS_N_CURSORS 4
typedef struct
{
  gboolean in_use;
  guint64 row;                  /* last read */
  guint index;                  /* unit in it */
  gint64 entered;               /* when `row` was first read, monotonic, */
  guint entered_index;          /* and at which unit */
  guint64 window;               /* rows from `row` on that are asked for */
  gboolean landing;             /* `row` is where a jump went: it comes first */
  guint64 enough;               /* rows that it shrinks to, as it is read */
  guint64 grow_at;              /* row at which the window is doubled, */
  gint64 grow_after;            /* but not before this, monotonic, */
  guint64 grow_anyway_at;       /* or this row */
  PmssPace pace;
  gboolean missed;              /* a read had to wait, since it was measured */
  gboolean at_ease;             /* no read waits, and the window is enough */
  gboolean in_turn;             /* it is read by turns with others */
  guint64 turn;                 /* row at which it was turned to */
  guint64 used;                 /* clock */
} PmssCursor;

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
  GPtrArray *links;             /* of PmssLink, by number; more may come, under the lock */
  PmssErasure *erasure;
  PmssBlockPool *pool;
  guint64 max_window;           /* rows */
  guint64 first_window;         /* rows */
  gint64 opened_in;             /* us between control's being asked and its answer */
  gsize max_blocks;             /* that are ever held */
  gsize blocks_behind;          /* of these, besides the windows */
  PmssShare *share;             /* of the io's memory; the I/O thread's */

  /* The I/O thread's alone. */
  PmssTransport *transport;     /* the io's; NULL: no node can be asked yet */
  PmssRebuilder *rebuilder;     /* NULL: nothing had to be rebuilt yet */
  char *authorization;          /* written under the lock, for other threads */
  guint token_number;           /* counts the tokens */
  PmssLease *lease;             /* the session */
  PmssRefresh *refresh;         /* of the layout */
  PmssLate late;                /* whom not to wait for */
  gint64 tick_at;               /* that tick is set to; PMSS_ALARM_NEVER */
  gboolean stuck;               /* a read waits for a row that too few have, */
  gint64 stuck_until;           /* and nothing is to be tried for it before */
  PmssNews *news;               /* that the user is to be told, without the lock */
  PmssReports *reports;         /* of bad shards and lost nodes */
  gboolean closing;
  guint n_streams;
  guint n_requests;             /* besides the streams, under way */

  GMutex lock;                  /* protects the rest */
  GCond changed;                /* a unit came, an error, a state */
  PmssEngineState state;
  GError *failure;              /* FAILED, CLOSED: why */
  PmssSession *session;         /* set when OPEN; its id may be replaced */
  PmssRows rows;
  PmssBadShards *bad_shards;
  PmssPlaces places;
  PmssCursor cursors[PMSS_N_CURSORS];
  PmssCursor *active;           /* nullable */
  PmssBudget budget;            /* of units that are asked for twice */
  gsize share_blocks;           /* that may be held now, */
  guint64 share_window;         /* and rows of a window */
  gboolean attached;            /* the I/O thread knows it: once opened, */
  gboolean left;                /* and not any more: once closed */
  GQueue closers;               /* of GTask: to be told then */
  gboolean reopen;              /* the I/O thread is to ask control for a session */
  gboolean doubted;             /* it is to ask whether the session goes on */
  gboolean paused;
  gboolean jumped;              /* the plan shall cancel unwanted requests */
  guint64 replan_at;            /* row of the active cursor */
  gboolean tail_asked;          /* the file's last unit was asked for */
  GQueue waiting;               /* of PmssWait */
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

/* pmss-engine-links.c; I/O thread. */
/* The link that has shard @index of @extent; NULL: the shard is lost. */
PmssLink *pmss_engine_get_shard_link (PmssEngine *engine, guint32 extent,
    guint index);
/* The shard of @extent that @link has; -1: none. */
gint pmss_engine_get_link_shard (PmssEngine *engine, PmssLink *link,
    guint32 extent);
/* Whether unit @index of @row can be asked for. */
PmssSource pmss_engine_get_source (PmssEngine *engine, PmssRow *row,
    guint index);
/* Lock held: events of a node. */
void pmss_engine_link_good (PmssEngine *engine, PmssLink *link);
/* @began: when the failed request began, monotonic. Requests that were under way at an earlier
 * failure of the link fail with it: that is one failure. */
void pmss_engine_link_failed (PmssEngine *engine, PmssLink *link,
    gint64 began, const GError *error);
/* Lock held: it refused the token of @stream. That may be the token's age, or
 * the node, or a clock; the token that it took before is tried first. */
void pmss_engine_link_refused (PmssEngine *engine, PmssLink *link,
    PmssStream *stream, const GError *error);
/* Lock held: there is a new token. */
void pmss_engine_retry_refused (PmssEngine *engine);
/* Lock held: asks a lost node whether it is back. */
void pmss_engine_probe_link (PmssEngine *engine, PmssLink *link);

/* pmss-engine-streams.c; I/O thread, lock held. */
void pmss_engine_start_stream (PmssEngine *engine, PmssLink *link,
    const PmssStreamRange *range);
/* Has the missing units of @row rebuilt if enough others are there. To be called whenever a unit
 * has come, and whenever the plan finds that one is missing. */
void pmss_engine_try_rebuild (PmssEngine *engine, PmssRow *row);
/* Its units are not wanted any more, and may be asked again at once. */
void pmss_engine_drop_stream (PmssEngine *engine, PmssStream *stream);
void pmss_engine_cancel_streams (PmssEngine *engine, PmssLink *link,
    GQuark domain, int code, const char *reason);

/* pmss-engine-late.c; I/O thread, lock held: finds nodes that are not to be
 * waited for. */
void pmss_engine_check_late (PmssEngine *engine, gint64 now);

/* pmss-deadline.c; lock held: when unit @index of @row is needed, monotonic; G_MAXINT64: no read
 * needs it. */
gint64 pmss_deadline_get (PmssEngine *engine, guint64 row, guint index);
/* us that a row lasts when the medium is played at its peak; 0: not known. */
gint64 pmss_deadline_get_played (PmssEngine *engine);

/* pmss-engine-tick.c; I/O thread. */
/* us until everything is looked at again at the latest, as long as something is
 * under way. */
#define PMSS_TICK (50 * G_TIME_SPAN_MILLISECOND)
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

/* pmss-plan.c; I/O thread, lock held: decides which units are wanted, and starts as many requests
 * as there is room for. */
void pmss_plan_run (PmssEngine *engine);

/* pmss-cursor.c; lock held. */
/* Any thread: a consumer reads @index of @row; @hit: it is there. TRUE: the I/O thread has to be
 * kicked. */
gboolean pmss_cursor_note_read (PmssEngine *engine, guint64 row, guint index,
    gboolean hit);
/* Whether @row is within its window, or just behind it. */
gboolean pmss_cursor_covers (PmssEngine *engine, PmssCursor *cursor, guint64 row);
/* Rows from its own on that there is memory for, of those that it would have. */
guint64 pmss_cursor_get_window (PmssEngine *engine, PmssCursor *cursor);
guint64 pmss_cursor_get_window_end (PmssEngine *engine, PmssCursor *cursor);
/* Rows before it are asked for now. */
guint64 pmss_cursor_get_asked_end (PmssEngine *engine, PmssCursor *cursor);
/* What places that are read by turns have ahead is the last that leaves the cache. */
void pmss_cursor_keep_turns (PmssEngine *engine);
/* Whether these are the medium's last. */
gboolean pmss_cursor_ends_medium (PmssEngine *engine, PmssCursor *cursor);

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

/* pmss-tail.c; I/O thread, lock held: shares out the wanted units of the medium's last rows, @first
 * to @end, so that all nodes have equally much to give. The rows @fixed..@first stay as they
 * are. */
void pmss_tail_share (PmssEngine *engine, guint64 fixed, guint64 first,
    guint64 end);

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
