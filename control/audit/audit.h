/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/**
 * PmssAudit:
 *
 * The audit log. Each change and each refusal is a line of the log, with the user, the address, and
 * fields for the journal. docs/operations.md describes them. Refusals are bounded, and so, apart
 * from them, are frequent actions. So no client can fill the journal with them. All other lines are
 * written. Made by main(), as long as requests are served. Any thread.
 */
/* How many refusals are written at once, and after how many microseconds there is one more. */
#define PMSS_AUDIT_BURST 30
#define PMSS_AUDIT_REFILL G_USEC_PER_SEC
/* The same for frequent actions. */
#define PMSS_AUDIT_FREQUENT_BURST 100
#define PMSS_AUDIT_FREQUENT_REFILL (G_USEC_PER_SEC / 2)

typedef struct
{
  const char *action;           /* "user add" */
  const char *user;             /* nullable: the caller has not logged in */
  const char *address;          /* of the peer */
  const char *object;           /* nullable: its object */
  const char *detail;           /* nullable */
  guint status;                 /* of the answer */
  gboolean frequent;            /* it happens all the time */
} PmssAuditEntry;

PmssAudit *pmss_audit_new   (void);
void       pmss_audit_free  (PmssAudit *audit);

/* The line: always one line of visible characters, even if a part has others. Pure. */
char      *pmss_audit_format (const PmssAuditEntry *entry);
/* Whether @entry is to be written at @now (monotonic, microseconds). @missed: (out) how many of its
 * kind (refusals, or frequent actions) were left out since the last line. */
gboolean   pmss_audit_take  (PmssAudit *audit, const PmssAuditEntry *entry, gint64 now,
    guint64 *missed);
/* Writes an entry that was taken. */
void       pmss_audit_write (const PmssAuditEntry *entry, guint64 missed);

G_END_DECLS
