/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssLeaseState:
 *
 * Decides about the session with control: when it is asked for, renewed, opened again, given up.
 * The caller of each function tells an event and its time, and gets the next action. PmssLease
 * carries it out (pmss-lease.h). Playing depends on none of it but the opening, as long as nodes
 * take the token that the reader has.
 *
 *         is silent, refuses, keeps a start:
 *                  later again                     lost: repeated; forgotten: opened again
 *               ┌───────┐                             ┌───────┐
 *               ▼       │                             ▼       │
 *   CLOSED ──▶ OPENING ─┴──────── session ─────────▶ OPEN ────┘
 *      ▲          │                                   │
 *      └─ failed ─┘           (any) ─── end() ───▶ ENDED
 *
 *   0        1/3       2/3        1 lease
 *   ├─────────┼─────────┼─────────┤
 *   renewed   renewal   · · · · · · lost ones are repeated: eight times where
 *             is due              control refuses, four where it is silent
 *
 * A renewal carries the viewer's counts of nodes. Where a node was bad it comes earlier (hurry()).
 *
 * The opening waits for a start, if that is wanted, until `limit`. Where control refuses, it is
 * asked again when it said, a little later at random: those it refused together do not come back
 * together. Where control keeps a start for the session, it is asked at each third of the lease,
 * which keeps it, and at the start. That one may be PMSS_LEASE_GRACE late.
 *
 * Pure: no clock, no I/O. Times are in us on the clock of its owner. Threads: its owner's, which
 * for a PmssLease is the I/O thread.
 */
typedef enum
{
  PMSS_LEASE_CLOSED,
  PMSS_LEASE_OPENING,
  PMSS_LEASE_OPEN,
  PMSS_LEASE_ENDED,
} PmssLeasePhase;

typedef struct
{
  int retries;                  /* of the opening; -1: for ever */
  double backoff_factor;        /* s, between these */
  double backoff_max;           /* s */
  gint64 max_wait;              /* us, that a start is waited for; 0: not at all */
  guint32 seed;                 /* of what is random */
} PmssLeaseSettings;

#define PMSS_LEASE_GRACE (10 * G_TIME_SPAN_SECOND)

typedef struct
{
  PmssLeaseSettings settings;
  PmssLeasePhase phase;
  gboolean asking;              /* control is being asked for a session, */
  gint64 asked;                 /* since then */
  gboolean renewing;            /* a renewal is under way, */
  gint64 renewal_began;         /* since then */
  gboolean urgent;              /* a node refused the token: a new one is needed */
  guint lease;                  /* s, as control said last */
  guint lost;                   /* renewals, in a row */
  guint tries;                  /* to open, in a row */
  gint64 limit;                 /* when it is too late for a start */
  guint refused;                /* openings, since begin() */
  gboolean granted;             /* control keeps a start for the session that is asked for */
  gint64 start;                 /* when it is, or is likely to be; 0: not known */
  guint refusals;               /* of tokens, in a row */
  gint64 rtt;                   /* us that control's last answer took; 0: none yet */
  gint64 renewed;               /* when the session was opened or renewed last */
  gint64 due;                   /* when the next renewal is, as long as none is lost */
} PmssLeaseState;

typedef enum
{
  PMSS_LEASE_DO_NOTHING,
  PMSS_LEASE_DO_WAIT,           /* calls due() at `time` */
  PMSS_LEASE_DO_ASK,            /* for a session; again after a failure: for the same one */
  PMSS_LEASE_DO_RENEW,          /* waits `patience` for the answer */
  /* for a session in place of the one that control forgot; the same */
  PMSS_LEASE_DO_ASK_AGAIN,
  PMSS_LEASE_DO_FAIL,           /* ends all reads with the error at hand */
  PMSS_LEASE_DO_GIVE_BACK,      /* the session that was asked for: it is not needed any more */
  PMSS_LEASE_DO_DECLINE,        /* the same, and FAIL */
  PMSS_LEASE_DO_CANCEL,         /* all requests */
} PmssLeaseDo;

typedef struct
{
  PmssLeaseDo what;
  gint64 time;                  /* us, of WAIT */
  guint patience;               /* ms */
} PmssLeaseAction;

void pmss_lease_state_init (PmssLeaseState *state,
    const PmssLeaseSettings *settings);

/* The reader is opened, also again after that has failed. */
PmssLeaseAction pmss_lease_state_begin (PmssLeaseState *state, gint64 now);
/* It is closed: the last phase. The caller gives back the session that it has. */
PmssLeaseAction pmss_lease_state_end (PmssLeaseState *state, gint64 now);
/* The time of WAIT has come. */
PmssLeaseAction pmss_lease_state_due (PmssLeaseState *state, gint64 now);

/* Answers to ASK. @lease: s */
PmssLeaseAction pmss_lease_state_opened (PmssLeaseState *state, gint64 now,
    guint lease);
PmssLeaseAction pmss_lease_state_not_opened (PmssLeaseState *state, gint64 now,
    const GError *error);
/* Control keeps a start for it, in @start_in us. To ASK_AGAIN, too. */
PmssLeaseAction pmss_lease_state_deferred (PmssLeaseState *state, gint64 now,
    guint lease, gint64 start_in);
/* us: how much later than now a start would be in time. */
gint64 pmss_lease_state_get_max_wait (const PmssLeaseState *state, gint64 now);
/* Whether control keeps a start, and is not being asked: it is to be given back at the end. */
gboolean pmss_lease_state_is_granted (const PmssLeaseState *state);
/* Answers to RENEW. @served: a node takes the token that the reader has. */
PmssLeaseAction pmss_lease_state_renewed (PmssLeaseState *state, gint64 now,
    guint lease);
PmssLeaseAction pmss_lease_state_not_renewed (PmssLeaseState *state, gint64 now,
    const GError *error, gboolean served);
/* Answers to ASK_AGAIN. */
PmssLeaseAction pmss_lease_state_reopened (PmssLeaseState *state, gint64 now,
    guint lease);
PmssLeaseAction pmss_lease_state_not_reopened (PmssLeaseState *state,
    gint64 now, const GError *error, gboolean served);

/* A node refused the token. @elsewhere: others take it, or may. */
PmssLeaseAction pmss_lease_state_refused (PmssLeaseState *state, gint64 now,
    gboolean elsewhere);
/* A node gave something for a token. */
void pmss_lease_state_taken (PmssLeaseState *state);

/* A node was bad for the viewer: control is to hear of it soon, but not sooner than
 * PMSS_LEASE_LEAST_PAUSE after the last renewal. */
#define PMSS_LEASE_LEAST_PAUSE (10 * G_TIME_SPAN_SECOND)
PmssLeaseAction pmss_lease_state_hurry (PmssLeaseState *state, gint64 now);

/* ms that a request at the end is waited for: a few times the duration of control's last answer. */
guint pmss_lease_state_get_last_patience (const PmssLeaseState *state);

G_END_DECLS
