/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-bad-shards.h"
#include "libpmss/reader/pmss-link.h"
#include "libpmss/reader/pmss-places.h"
#include "libpmss/reader/pmss-rows.h"

G_BEGIN_DECLS

/**
 * PmssLinks:
 *
 * The links to all nodes of a medium, and their health: which of them has a shard, whether it can
 * be asked for it, and what an answer or a failure changes. Its owner asks the nodes, and tells
 * others of what is found.
 *
 * Pure: no clock, no I/O. Times are in us on the clock of the owner. Threads: the I/O thread, under
 * the reader's lock; another one may read it under the lock.
 */
typedef struct
{
  GPtrArray *all;               /* of PmssLink, by number; more may come */
  PmssPlaces places;            /* where shards are asked for */
  PmssBadShards *bad_shards;    /* that are left alone for a while */
  guint width;                  /* shards of an extent: k + m; 0: the medium is not known yet */
  guint n_streams;              /* under way */
  guint token_number;           /* counts the tokens that were given to the reader */
  gint64 opened_in;             /* us between control's being asked and its answer */
  double backoff_factor;        /* s */
  double backoff_max;           /* s */
} PmssLinks;

typedef enum
{
  PMSS_SOURCE_GOOD,             /* can be asked */
  PMSS_SOURCE_LATE,             /* can be asked, but may not answer */
  PMSS_SOURCE_NONE,
} PmssSource;

/* What follows from a refused token. */
typedef struct
{
  gboolean is_answered;         /* the link is shown another token, and nothing else follows */
  gboolean is_trusted;          /* other nodes take the tokens, or may do so */
  gboolean ask_control;         /* for a new one */
} PmssLinksRefusal;

void pmss_links_init (PmssLinks *self, double backoff_factor,
    double backoff_max);
void pmss_links_clear (PmssLinks *self);
/* Makes a link for each node of @layout. */
void pmss_links_set_layout (PmssLinks *self, PmssLayout *layout);

static inline PmssLink *
pmss_links_get (const PmssLinks *self, guint number)
{
  return (PmssLink *) self->all->pdata[number];
}

/* The link that has shard @index of @extent; NULL: the shard is lost. */
PmssLink *pmss_links_get_shard_link (const PmssLinks *self, guint32 extent,
    guint index);
/* The shard of @extent that @link has; -1: none. */
gint pmss_links_get_link_shard (const PmssLinks *self, const PmssLink *link,
    guint32 extent);
/* Whether unit @index of @row can be asked for. */
PmssSource pmss_links_get_source (const PmssLinks *self, const PmssRow *row,
    guint index);

/* @link gives what it is asked for. TRUE: it was reported lost, and is back. */
gboolean pmss_links_note_good (PmssLinks *self, PmssLink *link, gint64 now);
/* A request to @link failed that began at @began. Requests that were under way at an earlier
 * failure of the link fail with it: that is one failure. @urgent: there is no other node to ask.
 * TRUE: it is lost from now on, which is to be reported. */
gboolean pmss_links_note_failed (PmssLinks *self, PmssLink *link, gint64 now,
    gint64 began, const GError *error, gboolean urgent);
/* @link refused token number @token. That may be the token's age, or the node, or a clock; the
 * token that it took before is tried first. If it is not answered, the request has failed. */
PmssLinksRefusal pmss_links_note_refused (PmssLinks *self, PmssLink *link,
    guint token);
/* There is a new token. */
void pmss_links_retry_refused (PmssLinks *self);

/* Whether a node takes the tokens that there are: playing goes on as it is. */
gboolean pmss_links_is_served (const PmssLinks *self);
/* Whether all nodes that have answered are near; or control, if none has. */
gboolean pmss_links_is_near (const PmssLinks *self);
/* Whether @link is to be asked for a sign of life. */
gboolean pmss_links_is_probe_due (const PmssLink *link, gint64 now,
    gboolean urgent);
/* ms that this may take. */
guint pmss_links_get_probe_patience (const PmssLink *link, gboolean urgent);
/* When the next link is to be asked for one; G_MAXINT64: never. */
gint64 pmss_links_get_due (const PmssLinks *self, gboolean urgent);

G_END_DECLS
