/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/database/database.h"
#include "control/sessions/clock-step.h"
#include "control/sessions/session-budget.h"
#include "control/sessions/revocations.h"
#include "control/sessions/sessions.h"

G_BEGIN_DECLS

/* Shared by sessions.c, session-open.c and session-measures.c alone. */
struct _PmssSessions
{
  PmssDatabase *database;
  PmssCatalog *catalog;
  PmssKeys *keys;
  guint lease;                  /* s */
  guint stream_lifetime;        /* s */
  PmssSessionBudget *budget;
  PmssMeasures *measures;
  PmssEvents *events;           /* nullable */
  PmssAdmission *admission;     /* nullable */

  GMutex lock;                  /* protects what follows; not held over the database */
  GHashTable *reported;         /* id -> gint64: monotonic, of sessions that reported of late */
  /* protects this, also while the leases are moved: no session begins or is renewed in between */
  GMutex clock_lock;
  PmssClockStep clock_step;
};

#define PMSS_SESSION_COLUMNS \
  "s.id, s.user, s.address, s.medium, m.name, s.version, s.rate, s.created," \
  " s.expires, (SELECT v.generation FROM version v WHERE v.id = s.version)" \
  " + coalesce ((SELECT i.addresses FROM identity i), 0)"
#define PMSS_SESSION_N_COLUMNS 10
#define PMSS_SESSION_TABLES "session s JOIN medium m ON m.id = s.medium"

/* A row of those columns. On the database thread. */
PmssViewing *pmss_sessions_read_row (PmssRows *rows);
/* The session's token is of @now, or of the second after the user's last cut. On the database
 * thread. */
gboolean     pmss_sessions_date_token (PmssSessions *sessions, PmssDatabase *database,
    PmssViewing *session, gint64 now, GError **error);
/* Writes the session's lease and the dates of its token. An earlier token may still be in use, if a
 * clock that was ahead signed it: the row keeps the latest dates. On the database thread. */
gboolean     pmss_sessions_write_dates (PmssDatabase *database, const PmssViewing *session,
    GError **error);

G_END_DECLS
