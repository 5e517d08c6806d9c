/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/format/pmss-layout.h"
#include "libpmss/reader/pmss-pass.h"
#include "libpmss/reader/pmss-stream.h"

G_BEGIN_DECLS

/**
 * PmssLink:
 *
 * The reader's view of one node: whether it answers, the requests under way to it, and counters of
 * its answers. Lives on the reader's I/O thread. The counters are written under the reader's lock,
 * so that other threads may read them.
 *
 *       silent or slow for a while         no connection, reset, timeout
 *   UP ───────────────────────▶ LATE ─────────────────────┐
 *   ▲ ▲         a record         │                        ▼
 *   │ └──────────────────────────┘                      LOST ◀──┐
 *   │                                        retry time  │      │ fails
 *   └──────────────────── answers ──────────────────── PROBING ─┘
 *
 * LATE: nothing new is asked as long as others can give it; earlier requests may still be answered.
 * A node that is late again and again has to wait before it is trusted (retry_at). Then it gets
 * small requests, one at a time, that double as long as it is in time. LOST: nothing is asked until
 * a probe (GET /healthz) has been answered.
 */
typedef enum
{
  PMSS_LINK_UP,
  PMSS_LINK_LATE,
  PMSS_LINK_LOST,
  PMSS_LINK_PROBING,
} PmssLinkState;

typedef struct
{
  guint64 bytes;                /* of records, headers included */
  guint64 units;
  guint64 requests;
  guint64 rebuilt;              /* units that it should have given */
  guint64 hedged;               /* units asked as others are late or lost */
  guint64 extra;                /* units asked besides as many as suffice */
  guint64 late;                 /* times it became late */
  guint64 errors;
  guint64 wasted;               /* units that came when they were not wanted any more */
  guint64 waits;                /* units that were awaited until they came, or were given up */
  guint64 waited;               /* us of all these together */
} PmssLinkCounters;

typedef struct
{
  PmssNode node;
  guint index;                  /* among the reader's links */
  gboolean retired;             /* no shard is there any more */
  char *peer;                   /* "host:port" */
  GUri *base;

  PmssLinkState state;
  GError *trouble;              /* why it is LOST, or the last failure */
  guint failures;               /* in a row */
  gint64 failed_at;             /* the last of them, monotonic */
  guint pauses;                 /* of these, those that made the next one longer */
  gint64 retry_at;              /* monotonic, when LOST or LATE */
  gint64 urgent_retry_at;       /* LOST, and no other node is left to ask */
  guint lates;                  /* times it was late, in a row */
  gint64 late_at;               /* the last of them */
  guint allowance;              /* records a request; 0: no limit */
  gboolean reported;            /* "node-lost" was said */
  gint64 told_at;               /* control was told that it is lost; 0: never */
  guint refusals;               /* different tokens that it refused, in a row */
  guint refused_token;          /* PmssEngine.token_number of the last one */
  PmssPass pass;                /* the token that it is shown */
  GCancellable *probe;          /* when PROBING */
  GPtrArray *streams;           /* of PmssStream, under way */

  PmssLinkCounters counters;
  PmssLinkCounters told;        /* what control has been told of them */
  gint64 last_record;           /* when it came */
  gint64 record_time;           /* us that a record takes, smoothed */
  gint64 rtt;                   /* us from request to head, smoothed */
  gint64 least_rtt;             /* us; 0: none yet */
  guint64 rate;                 /* bytes/s of one answer, smoothed */
  guint n_records, n_rtts, n_rates;     /* samples of these */
} PmssLink;

/* Bytes: a request may begin when the one before it has no more to go. */
#define PMSS_LINK_ALMOST_THROUGH \
  (2 * (PMSS_RECORD_HEADER_SIZE + PMSS_DEFAULT_UNIT))

PmssLink *pmss_link_new (const PmssNode *node, guint index);
void pmss_link_free (PmssLink *link);

/* Whether new requests may go to it. */
gboolean pmss_link_is_usable (PmssLink *link);
/* Whether it can take one more request now: fewer than @max are under way, and those are nearly
 * through. So the new one hides the round trip without taking bandwidth from units that are needed
 * earlier. @beside: a small one, that need not wait for that. */
gboolean pmss_link_has_room (PmssLink *link, guint max, gboolean beside);
/* Whether it has made that room that @stream's record of @row is here. */
gboolean pmss_link_made_room (PmssStream *stream, guint32 row);

/* A record came, or an answer that speaks for the node. */
void pmss_link_note_good (PmssLink *link, gint64 now);
/* It answered a probe. An earlier failure may come again, so the failures count on until a record
 * comes. */
void pmss_link_note_probe (PmssLink *link);
/* A request failed in a way that speaks against the node, not the shard: LOST until now + back-off.
 * @factor and @max in seconds, as the reader's properties. @urgent: there is no other node to
 * ask. */
void pmss_link_note_failure (PmssLink *link, gint64 now, const GError *error,
    double factor, double max, gboolean urgent);
/* Another reader found that it cannot be reached: it is asked for a sign of
 * life before it is asked for anything else. */
void pmss_link_note_hearsay (PmssLink *link, gint64 now, const GError *error);
/* It is not to be waited for. */
void pmss_link_note_late (PmssLink *link, gint64 now);
/* @stream has a record, damaged or not. */
void pmss_link_note_record (PmssLink *link, PmssStream *stream);
/* @stream is over, and has not brought all: what it was about to bring was waited for, if the node
 * is the reason. */
void pmss_link_note_given_up (PmssLink *link, PmssStream *stream, gint64 now);
void pmss_link_note_timing (PmssLink *link, PmssStream *stream);
/* @stream has brought all that it was to bring. */
void pmss_link_note_end (PmssLink *link, PmssStream *stream);

/* us that the record takes already which takes longest; 0 if none is awaited. */
gint64 pmss_link_get_wait (PmssLink *link, gint64 now);
/* us since the last byte of the request that waits longest; 0 if none waits. */
gint64 pmss_link_get_silence (PmssLink *link, gint64 now);

/* Appends "; node 2 (host:port): the fault". */
void pmss_link_describe_trouble (PmssLink *link, GString *text);
const char *pmss_link_state_to_string (PmssLinkState state);

G_END_DECLS
