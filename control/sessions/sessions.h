/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/refusal.h"
#include "control/catalog/catalog.h"
#include "control/catalog/layout-parts.h"
#include "control/context.h"
#include "control/keys.h"
#include "control/sessions/measures.h"
#include "control/sessions/tickets.h"

G_BEGIN_DECLS

/**
 * PmssSessions:
 *
 * Admitted streams. A session is a row of the database with a lease. A client that renews keeps it.
 * A client that went away loses it when the lease ends. The database is the truth, so a restart of
 * control loses none of them. Threads: any.
 */

/* One session. (PmssSession of libpmss is a client's end of it.) */
typedef struct
{
  char *id;                     /* 32 hex digits */
  char *user;
  char *address;                /* of the client */
  gint64 medium;
  char *medium_name;
  PmssVersionId version;
  guint64 rate;                 /* bit/s that it may take; 0: no limit */
  gint64 created, expires;      /* seconds since 1970 */
  guint64 generation;           /* of the version's layout: control/catalog/layout-parts.h */
  /* of the token that goes with it, when it was opened or renewed just now; seconds since 1970 */
  gint64 issued, token_until;
} PmssViewing;
void          pmss_viewing_free (PmssViewing *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssViewing, pmss_viewing_free)

/* @lease, @stream_lifetime: seconds. Leases that ran out while control was down begin anew. */
PmssSessions *pmss_sessions_new  (PmssDatabase *database, PmssCatalog *catalog, PmssKeys *keys,
    guint lease, guint stream_lifetime);
void          pmss_sessions_free (PmssSessions *sessions);
/* Sessions whose lease ran out are noted there. Before the first one is opened. */
void          pmss_sessions_set_events (PmssSessions *sessions, PmssEvents *events);
/* Who opens a session is let in by it. Before the first one; without it everybody is. */
void          pmss_sessions_set_admission (PmssSessions *sessions, PmssAdmission *admission);
guint         pmss_sessions_get_lease (PmssSessions *sessions);

/* The viewer that opens a session. The strings are the caller's. */
typedef struct
{
  const char *user;
  const char *login;            /* the bearer token: the session ends with it; NULL: the ticket's */
  /* (nullable) by which a gateway opens the session. The medium has to be its medium. */
  const PmssTicket *ticket;
  const char *address;
  const char *client;           /* (nullable) User-Agent */
  guint cap;                    /* sessions that the user may have at a time; 0: any number */
  const char *id;               /* 32 hex digits that the client made; NULL: make them here */
  gboolean bulk;                /* takes what is left over: nothing is promised to it */
  gint64 max_wait;              /* ns that it waits for a start */
} PmssViewer;

typedef enum
{
  PMSS_OPENING_NEW,
  PMSS_OPENING_AGAIN,           /* the session was there: the same client asks again */
  PMSS_OPENING_CAPPED,          /* not opened, because of the user's own cap or budget */
  PMSS_OPENING_REFUSED,         /* not opened: it does not fit */
} PmssOpening;

/* As many extents as come with a session; its reader asks for the rest. */
#define PMSS_SESSION_EXTENTS 1024

/* The grant that a client gets with its session. */
typedef struct
{
  PmssViewing *session;
  PmssMedium *medium;
  PmssLayoutPart *layout;       /* the first page */
  GArray *nodes;                /* of guint, ascending: all that the layout names */
  gint64 start_in;              /* ns until it may read; 0: now */
  /* where the session is NULL: what the reason is */
  PmssOpening how;
  PmssRefusal refusal;          /* where it is REFUSED */
} PmssOpened;
void          pmss_opened_clear (PmssOpened *opened);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmssOpened, pmss_opened_clear)

/* A stream of the ready version of the medium called @name for @viewer, in one transaction. If the
 * id is that of a session of the same user and medium: that session, whose lease begins anew.
 * @opened: (out) empty before; its members are set where this returns TRUE. PMSS_ERROR_NOT_FOUND:
 * there is no such medium. PMSS_ERROR_CONFLICT: it is not ready, or the id was used for another
 * session. PMSS_ERROR_FORBIDDEN: the user's session of that id was ended. PMSS_ERROR_BUSY: not
 * admitted. */
gboolean      pmss_sessions_create (PmssSessions *sessions, const char *name,
    const PmssViewer *viewer, PmssOpened *opened, GError **error);
/* Lengthens the lease. PMSS_ERROR_NOT_FOUND when there is no such session of @user or its lease has
 * run out, PMSS_ERROR_FORBIDDEN when it was ended. */
PmssViewing  *pmss_sessions_renew  (PmssSessions *sessions, const char *id, const char *user,
    GError **error);
/* ns until a session may read; 0: it may. In memory. */
gint64        pmss_sessions_get_start_in (PmssSessions *sessions, const char *id);
/* What is known of a session from its reader; NULL: nothing. In memory. */
PmssMeasure  *pmss_sessions_get_measure (PmssSessions *sessions, const char *id);
/* One that was renewed just now. @told: nullable. Where the reader is elsewhere than planned, that
 * is written down without waiting. */
void          pmss_sessions_note_measure (PmssSessions *sessions, const char *id,
    const PmssMeasure *told);
/* The session, as it is. PMSS_ERROR_NOT_FOUND as for renew(). */
PmssViewing  *pmss_sessions_get    (PmssSessions *sessions, const char *id, const char *user,
    GError **error);
/* The session, for a report of its reader. PMSS_ERROR_NOT_FOUND as for renew(), PMSS_ERROR_BUSY
 * within a second of the last time. */
PmssViewing  *pmss_sessions_begin_report (PmssSessions *sessions, const char *id, const char *user,
    GError **error);
/* @user: (nullable) only if it is this user's. With its ticket, if it has one: no gateway opens
 * another one. PMSS_ERROR_NOT_FOUND. */
gboolean      pmss_sessions_end    (PmssSessions *sessions, const char *id, const char *user,
    GError **error);
/* A gateway has no bytes to send: its viewer's ticket rests. PMSS_ERROR_NOT_FOUND. */
gboolean      pmss_sessions_let_go (PmssSessions *sessions, const char *id, const char *user,
    GError **error);
GPtrArray    *pmss_sessions_list   (PmssSessions *sessions, GError **error);

/* Streams of one version. */
typedef struct
{
  PmssVersionId version;
  guint streams;
} PmssVersionStreams;
/* Array of PmssVersionStreams of the versions that have any. */
GArray       *pmss_sessions_count_by_version (PmssSessions *sessions, GError **error);

/* The capability token of a session that was opened or renewed just now. It allows reading its
 * version on @nodes (of guint, ascending, as the layout has them) for the stream lifetime. That is
 * much longer than a lease, so that a control server that is down interrupts no stream. When a
 * session is ended, the storage servers refuse its tokens (revocations.h). Where the ranges of
 * @nodes do not fit a token they become one. */
char         *pmss_sessions_mint   (PmssSessions *sessions, const PmssViewing *session,
    const GArray *nodes);

/* Where the clock was set, leases and tickets are set with it. Before any of them is made or looked
 * at. */
void          pmss_sessions_follow_clock (PmssSessions *sessions);
/* Ends expired sessions; called by a timer. */
void          pmss_sessions_tick   (PmssSessions *sessions);

G_END_DECLS
