/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit log. Any thread. */
#include "control/audit/audit.h"

#include <string.h>

#include "libpmss/pmss-text.h"

typedef struct
{
  guint burst;
  gint64 refill;                /* us */
  guint left;                   /* entries that may be written now */
  gint64 refilled;              /* monotonic; 0: not yet */
  guint64 missed;
} Bucket;

struct _PmssAudit
{
  GMutex lock;                  /* protects the rest */
  Bucket refusals, frequent;
};

PmssAudit *
pmss_audit_new (void)
{
  PmssAudit *self = g_new0 (PmssAudit, 1);

  g_mutex_init (&self->lock);
  self->refusals = (Bucket) {
  PMSS_AUDIT_BURST, PMSS_AUDIT_REFILL, PMSS_AUDIT_BURST};
  self->frequent = (Bucket) {
  PMSS_AUDIT_FREQUENT_BURST, PMSS_AUDIT_FREQUENT_REFILL,
        PMSS_AUDIT_FREQUENT_BURST};
  return self;
}

void
pmss_audit_free (PmssAudit * self)
{
  g_mutex_clear (&self->lock);
  g_free (self);
}

static const char *
describe_result (guint status)
{
  if (status < 400)
    return "done";
  return status == 401 || status == 403 || status == 429 ? "refused" : "failed";
}

/* What needs no quotes to be told from the rest of a line. */
static gboolean
is_plain (const char *text)
{
  static const char plain[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS
      "._@+-:/{}";

  return text[0] != '\0' && strspn (text, plain) == strlen (text);
}

static void
add_field (GString * line, const char *name, const char *value)
{
  g_autofree char *clean = NULL;

  if (value == NULL)
    return;
  clean = pmss_text_clean (value);
  g_string_append_printf (line, " %s=", name);
  if (is_plain (clean)) {
    g_string_append (line, clean);
    return;
  }
  g_string_append_c (line, '"');
  for (const char *c = clean; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      g_string_append_c (line, '\\');
    g_string_append_c (line, *c);
  }
  g_string_append_c (line, '"');
}

char *
pmss_audit_format (const PmssAuditEntry * entry)
{
  GString *line = g_string_new ("audit:");
  char status[16];

  g_snprintf (status, sizeof (status), "%u", entry->status);
  add_field (line, "action", entry->action);
  add_field (line, "result", describe_result (entry->status));
  add_field (line, "user", entry->user != NULL ? entry->user : "-");
  add_field (line, "from", entry->address);
  add_field (line, "object", entry->object);
  add_field (line, "detail", entry->detail);
  add_field (line, "status", status);
  return g_string_free (line, FALSE);
}

static void
refill (Bucket * bucket, gint64 now)
{
  gint64 more = (now - bucket->refilled) / bucket->refill;

  if (bucket->refilled == 0)
    bucket->refilled = now;
  else if (more > 0) {
    bucket->left = (guint) MIN (bucket->left + more, bucket->burst);
    bucket->refilled += more * bucket->refill;
  }
}

static gboolean
take_locked (Bucket * bucket, gint64 now, guint64 * missed)
{
  refill (bucket, now);
  if (bucket->left == 0) {
    bucket->missed++;
    return FALSE;
  }
  bucket->left--;
  *missed = bucket->missed;
  bucket->missed = 0;
  return TRUE;
}

gboolean
pmss_audit_take (PmssAudit * self, const PmssAuditEntry * entry, gint64 now,
    guint64 * missed)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker = NULL;

  *missed = 0;
  if (entry->status < 400 && !entry->frequent)
    return TRUE;
  locker = g_mutex_locker_new (&self->lock);
  return take_locked (entry->status < 400 ? &self->frequent : &self->refusals,
      now, missed);
}

void
pmss_audit_write (const PmssAuditEntry * entry, guint64 missed)
{
  g_autofree char *line = pmss_audit_format (entry);

  if (missed > 0)
    g_message ("audit: %" G_GUINT64_FORMAT " %s before the next one are "
        "not listed, since there were too many at once", missed,
        entry->status < 400 ? "frequent entries" : "refusals");
  /* values are taken as they are, all but the last */
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE,
      "PMSS_AUDIT", entry->action,
      "PMSS_RESULT", describe_result (entry->status),
      "PMSS_USER", entry->user != NULL ? entry->user : "",
      "PMSS_ADDRESS", entry->address,
      "PMSS_OBJECT", entry->object != NULL ? entry->object : "",
      "MESSAGE", "%s", line);
}
