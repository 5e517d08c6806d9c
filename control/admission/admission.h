/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/plans.h"
#include "control/admission/refusal.h"
#include "control/context.h"

G_BEGIN_DECLS

/**
 * PmssAdmission:
 *
 * Lets streams in where the calendar has room for them (docs/admission.md). What was promised is
 * kept by the ids of sessions, as long as their lease lasts. It is in memory, and is made anew from
 * the sessions' rows at a start. Threads: any. No function but restore() blocks on the database, so
 * that the database thread may call the others.
 */

typedef enum { PMSS_ADMISSION_ON, PMSS_ADMISSION_PEAK, PMSS_ADMISSION_OFF } PmssAdmissionPolicy;
const char    *pmss_admission_policy_to_string (PmssAdmissionPolicy policy);
/* For the table of settings. */
gboolean       pmss_admission_policy_parse (const char *text, gpointer policy, GError **error);
/* The setting admission-reserve, 0 to 0.9: @reserve is a double. */
gboolean       pmss_admission_reserve_parse (const char *text, gpointer reserve, GError **error);

/* Takes its settings from context->config. */
PmssAdmission *pmss_admission_new     (PmssControlContext *context);
void           pmss_admission_free    (PmssAdmission *admission);
/* Writes the sessions that there are into the calendar, whether they fit or not. Before the first
 * request. */
gboolean       pmss_admission_restore (PmssAdmission *admission, GError **error);
PmssPlans     *pmss_admission_get_plans (PmssAdmission *admission);

/* What was promised to a session. */
typedef struct
{
  guint64 serial;               /* of the promise, for undo() */
  gint64 start_in;              /* ns; 0: at once */
} PmssPromise;

/* Promises @plan to @session from now on, or from a start within @max_wait (ns). FALSE: it does not
 * fit, and @refusal says why. */
gboolean       pmss_admission_admit   (PmssAdmission *admission, const char *session,
    PmssStreamPlan *plan, gint64 max_wait, PmssPromise *promise, PmssRefusal *refusal);
/* The transaction came to nothing. */
void           pmss_admission_undo    (PmssAdmission *admission, const char *session,
    guint64 serial);
/* The session has ended. */
void           pmss_admission_release (PmssAdmission *admission, const char *session);
/* Its lease begins anew, without news of its reader. */
void           pmss_admission_renew   (PmssAdmission *admission, const char *session);
/* The same, with what its reader tells: position in bytes (-1: it does not) and whether it is idle.
 * @begun: (out) where this returns TRUE: how long ago its plan would have begun, in s, less than 0:
 * it begins then. */
gboolean       pmss_admission_note    (PmssAdmission *admission, const char *session,
    gint64 position, gboolean idle, gint64 *begun);
/* ns until the start that was granted; 0: it has come, or nothing was promised. */
gint64         pmss_admission_get_start_in (PmssAdmission *admission, const char *session);
/* Nodes' figures, leases that have ended. Each second, on the main thread. */
void           pmss_admission_tick    (PmssAdmission *admission);

/* A node, as the calendar has it. */
typedef struct
{
  guint node;
  guint64 capacity;             /* bytes of a slot; PMSS_CALENDAR_NO_LIMIT */
  PmssResource resource;
  double correction;
  guint64 promised;             /* bytes of a slot, mean of the next minute */
  gboolean fell;                /* that is more than it can send */
} PmssNodeRoom;
/* Array of PmssNodeRoom, by id. @streams, @waiting: (out) those that have a promise, and of them
 * those whose start is to come. */
GArray        *pmss_admission_list_nodes (PmssAdmission *admission, guint *streams,
    guint *waiting);
/* How many more streams of @plan fit now while the nodes @without (of guint, nullable) are gone, at
 * most @most. */
guint          pmss_admission_count_more (PmssAdmission *admission, const PmssStreamPlan *plan,
    const GArray *without, guint most);

G_END_DECLS
