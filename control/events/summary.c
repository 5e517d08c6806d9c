/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers that change, told live. On the main thread. */
#include "control/events/summary.h"

#include "control/database/database.h"
#include "control/events/events.h"
#include "control/nodes/nodes.h"

struct _PmssSummary
{
  PmssControlContext *context;
  char *sessions, *health;      /* as they were told last */
};

PmssSummary *
pmss_summary_new (PmssControlContext * context)
{
  PmssSummary *self = g_new0 (PmssSummary, 1);

  self->context = context;
  return self;
}

void
pmss_summary_free (PmssSummary * self)
{
  g_free (self->sessions);
  g_free (self->health);
  g_free (self);
}

/* Takes @text. */
static void
tell_changed (PmssSummary * self, const char *action, char **told, char *text)
{
  const PmssEvent event = {.action = action,.detail = text };

  if (g_strcmp0 (*told, text) != 0)
    pmss_events_tell (self->context->events, &event);
  g_free (*told);
  *told = text;
}

static char *
describe_sessions (PmssControlContext * context)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT,
      pmss_database_get_tally (context->database, "session", ""));
}

static char *
describe_health (PmssControlContext * context)
{
  guint count[PMSS_NODE_N_STATES];

  pmss_nodes_count_states (context->nodes, count);
  return g_strdup_printf ("up=%u suspect=%u down=%u bad_shards=%"
      G_GINT64_FORMAT " failed_jobs=%" G_GINT64_FORMAT, count[PMSS_NODE_UP],
      count[PMSS_NODE_SUSPECT], count[PMSS_NODE_DOWN],
      pmss_database_get_tally (context->database, "bad_shard", ""),
      pmss_database_get_tally (context->database, "job", "failed"));
}

void
pmss_summary_look (PmssSummary * self)
{
  tell_changed (self, "session count", &self->sessions,
      describe_sessions (self->context));
  tell_changed (self, "health change", &self->health,
      describe_health (self->context));
}
