/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/client/pmss-client.h"
#include "libpmss/reader/pmss-lease-state.h"
#include "libpmss/reader/pmss-loop.h"

G_BEGIN_DECLS

/**
 * PmssLease:
 *
 * The reader's session with control. It is opened, renewed, opened again when control has forgotten
 * it, and given back at the end. PmssLeaseState decides; this object acts, by a PmssClient and an
 * alarm. Other objects ask control within the session, too. For them it has the session's id, the
 * cancellable of all such requests, and the count of those under way.
 *
 * Threads: all of it is the I/O thread's, but new() and free(). Takes no lock.
 */
typedef struct _PmssLease PmssLease;

/* A session that is waited for. Times are in us on the loop's clock. */
typedef struct
{
  gint64 until;                 /* when control is asked again */
  gint64 start;                 /* when it begins, or is likely to; 0: not known */
  gboolean granted;             /* control keeps that start */
  const GError *refusal;        /* (nullable): why it cannot begin now */
} PmssLeaseWait;

/* Its events for the reader, without the reader's lock but for hold(). No callback may free the
 * lease. */
typedef struct
{
  /* @session: (transfer full): whose layout is good. @took: us that control took for it */
  void (*opened) (PmssSession *session, gint64 took, gpointer user_data);
  /* There is none yet: it is waited for. May come again, with other news. */
  void (*waits) (const PmssLeaseWait *wait, gpointer user_data);
  /* There is a new token. */
  void (*renewed) (const PmssRenewal *renewal, gpointer user_data);
  /* There is another session of the same version, with a token and a layout of its own. */
  void (*reopened) (const PmssSession *session, gpointer user_data);
  /* There is no session and will be none, or reading is not allowed any more. */
  void (*failed) (const GError *error, gpointer user_data);
  /* (transfer full): what control is told of the reading with a renewal that is due. */
  JsonNode *(*measure) (gpointer user_data);
  /* Whether a node takes the token that there is. */
  gboolean (*is_served) (gpointer user_data);
  /* A request begins; one has ended. The lease stays until all have. */
  void (*hold) (gpointer user_data);
  void (*release) (gpointer user_data);
} PmssLeaseFuncs;

/* @client: not referenced: it stays as long as the lease. @wish: what sessions are asked for; the
 * id is that of the first one, the time that is waited is in @settings. */
PmssLease *pmss_lease_new (PmssLoop *loop, PmssClient *client,
    const PmssSessionWish *wish, const PmssLeaseSettings *settings,
    const PmssLeaseFuncs *funcs, gpointer user_data);
/* Any thread, when no request is under way. */
void pmss_lease_free (PmssLease *lease);
/* Its alarm does not ring any more. */
void pmss_lease_stop (PmssLease *lease);

/* Asks control for session and layout, again after failures that may pass. */
void pmss_lease_open (PmssLease *lease);
/* A node refused the token: gets a new one. @elsewhere: other nodes take it, or may. FALSE: new
 * ones have been refused everywhere a few times: all reads are to be ended. */
gboolean pmss_lease_refuse (PmssLease *lease, gboolean elsewhere);
/* A node gave something for a token. */
void pmss_lease_note_taken (PmssLease *lease);
/* A node was bad for the viewer: control is told soon, if it takes measures. With the reader's lock
 * or without. */
void pmss_lease_hurry (PmssLease *lease);
/* Gives the session back, also one that is still being asked for. Waits for that as long as control
 * may take by its last answers, 2 s at most. */
void pmss_lease_end (PmssLease *lease);

PmssClient *pmss_lease_get_client (PmssLease *lease);
/* NULL: none yet */
const char *pmss_lease_get_session (PmssLease *lease);
/* Whether end() was called. */
gboolean pmss_lease_is_ended (PmssLease *lease);
/* Of requests to control. It is cancelled when the end has been waited for. */
GCancellable *pmss_lease_get_cancellable (PmssLease *lease);
/* A request of another object begins or has ended. */
void pmss_lease_hold (PmssLease *lease);
void pmss_lease_release (PmssLease *lease);

G_END_DECLS
