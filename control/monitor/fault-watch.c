/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows the cluster to those who find faults, and tells of what they find. tick(): on the main
 * thread. */
#include "control/monitor/fault-watch.h"

#include <math.h>

#include "control/catalog/catalog-health.h"
#include "control/database/database.h"
#include "control/events/events.h"
#include "control/monitor/fault-words.h"
#include "control/monitor/monitor.h"
#include "control/nodes/nodes.h"
#include "httpd/pmss-httpd.h"

/* us: what a node said before is not what it does now */
#define FRESH (3 * G_USEC_PER_SEC)
/* us between two looks at the bad shards, which are in the database */
#define BAD_PAUSE (10 * G_USEC_PER_SEC)

struct _PmssFaultWatch
{
  PmssControlContext *context;

  /* tick()'s own */
  GHashTable *bad;              /* node id -> known bad shards; NULL: not known */
  gint64 bad_looked;            /* monotonic; 0: not yet */

  GMutex lock;                  /* protects what follows */
  PmssFaults *faults;
  PmssReception *reception;
  GArray *views;                /* of PmssReceptionView, by id */
};

PmssFaultWatch *
pmss_fault_watch_new (PmssControlContext * context, guint lease)
{
  PmssFaultWatch *self = g_new0 (PmssFaultWatch, 1);

  self->context = context;
  g_mutex_init (&self->lock);
  self->faults = pmss_faults_new ();
  /* who misses one renewal still counts */
  self->reception = pmss_reception_new ((gint64) lease * G_USEC_PER_SEC * 2
      / 3);
  self->views = g_array_new (FALSE, FALSE, sizeof (PmssReceptionView));
  return self;
}

void
pmss_fault_watch_free (PmssFaultWatch * self)
{
  g_clear_pointer (&self->bad, g_hash_table_unref);
  pmss_faults_free (self->faults);
  pmss_reception_free (self->reception);
  g_array_unref (self->views);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
pmss_fault_watch_note (PmssFaultWatch * self, const char *viewer,
    const GArray * nodes, const GArray * layout)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  pmss_reception_note (self->reception, viewer, nodes, layout,
      g_get_monotonic_time ());
}

GArray *
pmss_fault_watch_list (PmssFaultWatch * self)
{
  g_autoptr (GMutexLocker) locker = NULL;

  if (self == NULL)
    return g_array_new (FALSE, FALSE, sizeof (PmssFault));
  locker = g_mutex_locker_new (&self->lock);
  return pmss_faults_list (self->faults);
}

static int
compare_id (gconstpointer a, gconstpointer b)
{
  const PmssReceptionView *x = a, *y = b;

  return (x->node > y->node) - (x->node < y->node);
}

static gboolean
find_view_locked (PmssFaultWatch * self, guint node, PmssReceptionView * view)
{
  const PmssReceptionView key = {.node = node };
  guint at;

  if (!g_array_binary_search (self->views, &key, compare_id, &at))
    return FALSE;
  *view = g_array_index (self->views, PmssReceptionView, at);
  return TRUE;
}

gboolean
pmss_fault_watch_get_view (PmssFaultWatch * self, guint node,
    PmssReceptionView * view)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return find_view_locked (self, node, view);
}

/* --- The facts --- */

/* Most of the time there are none, and the database is left alone. */
static void
count_bad (PmssFaultWatch * self, gint64 now)
{
  PmssControlContext *context = self->context;
  g_autoptr (GError) error = NULL;

  if (self->bad_looked != 0 && now - self->bad_looked < BAD_PAUSE)
    return;
  self->bad_looked = now;
  g_clear_pointer (&self->bad, g_hash_table_unref);
  if (pmss_database_get_tally (context->database, "bad_shard", "") == 0)
    self->bad = g_hash_table_new (NULL, NULL);
  else
    self->bad = pmss_catalog_count_known_bad (context->catalog, &error);
  if (error != NULL)
    g_warning ("Cannot count bad shards: %s", error->message);
}

static double
get_bad (PmssFaultWatch * self, guint node)
{
  if (self->bad == NULL)
    return PMSS_UNKNOWN;
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->bad,
          GUINT_TO_POINTER (node)));
}

/* A node without TLS has no certificate that could end. */
static double
get_certificate (const PmssNodeStats * stats)
{
  return isnan (stats->certificate) ? INFINITY : stats->certificate;
}

static void
gather_locked (PmssFaultWatch * self, const PmssNodeInfo * info, gint64 now,
    PmssFaultFacts * facts)
{
  PmssReceptionView view;

  pmss_fault_facts_clear (facts);
  facts->node = info->node.id;
  facts->down = info->state == PMSS_NODE_DOWN;
  facts->bad_shards = get_bad (self, info->node.id);
  if (info->heard != 0 && now - info->heard < FRESH) {
    facts->stats = &info->stats;
    facts->skew = (double) info->skew;
    facts->certificate = get_certificate (&info->stats);
  }
  if (!find_view_locked (self, info->node.id, &view))
    return;
  facts->viewers = view.viewers;
  facts->complaints = view.complaints;
  facts->slow = view.slow;
}

/* Of control itself: where it serves with TLS. */
static void
gather_own (PmssFaultWatch * self, PmssFaultFacts * facts)
{
  PmssHttpd *httpd = g_atomic_pointer_get (&self->context->httpd);
  gint64 end = httpd != NULL ? pmss_httpd_get_certificate_end (httpd) : 0;

  pmss_fault_facts_clear (facts);
  if (end != 0)
    facts->certificate = (double) end;
}

/* --- What is told --- */

/* For the series. Only the tick, which calls this, makes other views. */
static void
tell_monitor (PmssFaultWatch * self)
{
  for (guint i = 0; i < self->views->len; i++) {
    const PmssReceptionView *view = &g_array_index (self->views,
        PmssReceptionView, i);
    const PmssViewerFigures figures = {
      .viewers = view->viewers,.rate = view->rate,.late = view->late,
      .rebuilt = view->rebuilt,.time = view->time
    };

    pmss_monitor_note_viewers (self->context->monitor, view->node, &figures);
  }
}

static void
tell_change (PmssFaultWatch * self, const PmssFaultChange * change, gint64 now)
{
  g_autofree char *detail = pmss_fault_describe_turn (change, now);
  g_autofree char *object = change->fault.node != 0 ?
      g_strdup_printf ("%u", change->fault.node) : NULL;
  const PmssEvent event = {
    .action = pmss_fault_get_action (change->fault.kind),
    .result = change->turn == PMSS_FAULT_ENDS ? PMSS_EVENT_DONE
        : PMSS_EVENT_FAILED,
    .object = object,.detail = detail,
    /* one that comes and goes displaces nobody's deeds */
    .minor = TRUE
  };

  pmss_events_note (self->context->events, &event);
}

/* The faults of each node in words: id -> text. */
static GHashTable *
describe_nodes (const GArray * faults)
{
  GHashTable *texts = g_hash_table_new_full (NULL, NULL, NULL, g_free);

  for (guint i = 0; i < faults->len; i++) {
    const PmssFault *fault = &g_array_index (faults, PmssFault, i);
    gpointer node = GUINT_TO_POINTER (fault->node);
    const char *before = g_hash_table_lookup (texts, node);
    g_autofree char *text = pmss_fault_describe (fault);

    g_hash_table_insert (texts, node, before != NULL ?
        g_strconcat (before, "; ", text, NULL) : g_steal_pointer (&text));
  }
  return texts;
}

static void
set_warnings (PmssFaultWatch * self)
{
  g_autoptr (GArray) faults = pmss_fault_watch_list (self);
  g_autoptr (GHashTable) texts = describe_nodes (faults);

  pmss_nodes_set_faults (self->context->nodes, texts);
}

void
pmss_fault_watch_tick (PmssFaultWatch * self, gint64 now)
{
  g_autoptr (GPtrArray) nodes = pmss_nodes_list_known (self->context->nodes);
  g_autoptr (GArray) changes = g_array_new (FALSE, FALSE,
      sizeof (PmssFaultChange));
  gint64 wall = g_get_real_time () / G_USEC_PER_SEC;
  PmssFaultFacts facts;

  count_bad (self, now);
  g_mutex_lock (&self->lock);
  g_array_unref (self->views);
  self->views = pmss_reception_look (self->reception, now);
  for (guint i = 0; i < nodes->len; i++) {
    gather_locked (self, g_ptr_array_index (nodes, i), now, &facts);
    pmss_faults_look (self->faults, &facts, now, wall, changes);
  }
  gather_own (self, &facts);
  pmss_faults_look (self->faults, &facts, now, wall, changes);
  pmss_faults_prune (self->faults, now);
  g_mutex_unlock (&self->lock);
  if (self->context->monitor != NULL)
    tell_monitor (self);
  for (guint i = 0; i < changes->len; i++)
    tell_change (self, &g_array_index (changes, PmssFaultChange, i), now);
  set_warnings (self);
}
