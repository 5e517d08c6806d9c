/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/admission.h"
#include "control/admission/calendar.h"
#include "control/admission/stream-progress.h"
#include "control/monitor/trigger.h"

G_BEGIN_DECLS

/* Shared by the files of PmssAdmission alone. */
struct _PmssAdmission
{
  PmssControlContext *context;
  PmssAdmissionPolicy policy;
  gint64 longest_wait;          /* ns */
  gint64 lease;                 /* us */
  PmssPlans *plans;

  /* protects what follows; held for work in memory alone, over no other lock */
  GMutex lock;
  PmssCalendar *calendar;
  GHashTable *promises;         /* id of a session -> Promise */
  guint64 serial;
  guint refused;                /* so far */
  guint64 changes;              /* grows when room may have come back */
  GHashTable *full;             /* PmssStreamPlan -> Full: what was found not to fit */
  GHashTable *nodes;            /* id -> NodeEntry */
};

/* What is written in the calendar for a session. */
typedef struct
{
  guint64 serial;
  PmssStreamPlan *plan;
  PmssReservation *reservation; /* NULL: it rests, or its plan is over */
  PmssProgress progress;
  gint64 until;                 /* us: its lease ends */
} Promise;

/* A node, as long as control knows it. */
typedef struct
{
  guint node;
  PmssCapacity capacity;
  PmssTrigger fell;
  guint64 seen;                 /* slot of the last look */
  guint64 written;              /* bytes, as the database has it; PMSS_CALENDAR_NO_LIMIT: none */
} NodeEntry;

/* The present slot. */
guint64  pmss_admission_now_locked     (PmssAdmission *admission);
/* Writes it in from @start on, in the place of what there was. */
void     pmss_admission_write_locked   (PmssAdmission *admission, Promise *promise, guint32 skip,
    guint64 start);
/* A new one of @session, in the place of an older one. */
Promise *pmss_admission_add_locked     (PmssAdmission *admission, const char *session,
    PmssStreamPlan *plan);
/* admission-nodes.c: the figures of all nodes. */
NodeEntry *pmss_admission_get_node_locked (PmssAdmission *admission, guint id);
void     pmss_admission_look_at_nodes  (PmssAdmission *admission);

/* admission-rows.c: what is kept of nodes' capacities. */
typedef struct
{
  guint node;
  guint64 bytes;                /* of a slot; PMSS_CALENDAR_NO_LIMIT: none */
  PmssResource resource;
} CapacityRow;
/* Takes @rows (of CapacityRow). Waits for nothing. */
void     pmss_admission_write_capacities (PmssDatabase *database, GArray *rows);
/* Array of CapacityRow. */
GArray  *pmss_admission_read_capacities  (PmssDatabase *database, GError **error);

G_END_DECLS
