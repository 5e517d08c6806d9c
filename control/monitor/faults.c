/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with nodes, by figures and time. Pure; its owner's lock. */
#include "control/monitor/faults.h"

#include <math.h>
#include <string.h>

#include "control/monitor/bad-growth.h"
#include "control/monitor/trigger.h"

#define SECONDS(n) ((gint64) (n) * G_USEC_PER_SEC)
#define DAY (24 * 3600)

/* begins below both, ends above either */
#define LOW_SHARE 0.10
#define LOW_BYTES 50e9
#define ENOUGH_SHARE 0.12
#define ENOUGH_BYTES 60e9
#define SLOW_LATENCY 0.1        /* s */
#define QUICK_LATENCY 0.05
#define SLOW_BUSY 0.9
#define SLOW_HOLD SECONDS (10)
/* s, of a disk that was busy all the time and has ended no request */
#define STUCK_LATENCY 1.0
#define OVER 0.95
#define UNDER 0.9
#define HOLD SECONDS (30)
#define BAD_SHARDS 3
#define CLOCK_BEGIN 2.0         /* s */
#define CLOCK_END 1.0
#define CLOCK_HOLD SECONDS (10)
/* days that a certificate has left: each is told */
static const double certificate_days[] = { 21, 7, 1 };

/* What the figures of this moment say of one kind. */
typedef struct
{
  gboolean begins, ends;
  gint64 hold_begin, hold_end;
  double figure, other;
  const char *subject;          /* nullable */
} Verdict;

typedef struct
{
  PmssTrigger triggers[PMSS_N_FAULTS];
  PmssFault faults[PMSS_N_FAULTS];
  PmssBadGrowth growth;
  guint told_days;              /* of certificate_days, how many */
  gint64 looked;                /* us, when it was looked at last */
} Node;

struct _PmssFaults
{
  GHashTable *nodes;            /* id -> Node */
};

void
pmss_fault_facts_clear (PmssFaultFacts * facts)
{
  memset (facts, 0, sizeof (*facts));
  facts->skew = facts->bad_shards = facts->certificate = PMSS_UNKNOWN;
}

PmssFaults *
pmss_faults_new (void)
{
  PmssFaults *self = g_new0 (PmssFaults, 1);

  self->nodes = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return self;
}

void
pmss_faults_free (PmssFaults * self)
{
  g_hash_table_unref (self->nodes);
  g_free (self);
}

/* --- The kinds. What compares with PMSS_UNKNOWN is false. --- */

static void
judge_room (const PmssNodeStats * stats, Verdict * verdict)
{
  double share = stats->free / (stats->free + stats->used);

  verdict->begins = share < LOW_SHARE && stats->free < LOW_BYTES;
  verdict->ends = share >= ENOUGH_SHARE || stats->free >= ENOUGH_BYTES;
  verdict->figure = stats->free;
  verdict->other = share;
}

static double
get_latency (const PmssDiskStats * disk)
{
  if (isnan (disk->latency))
    return disk->busy > SLOW_BUSY ? STUCK_LATENCY : 0;
  return disk->latency;
}

/* The slowest one that is busy counts. */
static void
judge_disks (const PmssNodeStats * stats, Verdict * verdict)
{
  gboolean known = FALSE, quick = TRUE;

  for (guint i = 0; i < MIN (stats->n_disks, PMSS_MAX_DISKS); i++) {
    const PmssDiskStats *disk = &stats->disks[i];
    double latency = get_latency (disk);

    if (isnan (disk->busy))
      continue;
    known = TRUE;
    quick &= latency < QUICK_LATENCY;
    if (latency <= SLOW_LATENCY || disk->busy <= SLOW_BUSY
        || (verdict->begins && latency <= verdict->figure))
      continue;
    verdict->begins = TRUE;
    verdict->figure = latency;
    verdict->other = disk->busy;
    verdict->subject = disk->device[0] != '\0' ? disk->device : disk->folder;
  }
  verdict->ends = known && quick;
  verdict->hold_begin = SLOW_HOLD;
  verdict->hold_end = HOLD;
}

static void
judge_load (double load, Verdict * verdict)
{
  verdict->begins = load > OVER;
  verdict->ends = load < UNDER;
  verdict->hold_begin = verdict->hold_end = HOLD;
  verdict->figure = load;
}

static double
get_link_load (const PmssNodeStats * stats)
{
  return fmax (stats->net_in, stats->net_out) * 8 / stats->network_limit;
}

static void
judge_stats (PmssFaultKind kind, const PmssNodeStats * stats, Verdict * verdict)
{
  switch (kind) {
    case PMSS_FAULT_DISK_LOW:
      judge_room (stats, verdict);
      break;
    case PMSS_FAULT_DISK_SLOW:
      judge_disks (stats, verdict);
      break;
    case PMSS_FAULT_CPU:
      judge_load (stats->cpu, verdict);
      break;
    case PMSS_FAULT_MEMORY:
      judge_load (stats->memory / stats->memory_total, verdict);
      break;
    default:
      /* without a limit there is no load: neither condition holds */
      if (stats->network_limit > 0)
        judge_load (get_link_load (stats), verdict);
      break;
  }
}

static void
judge_shards (Node * node, double shards, gint64 now, Verdict * verdict)
{
  if (isnan (shards))
    return;
  verdict->figure = pmss_bad_growth_note (&node->growth, shards, now);
  verdict->begins = verdict->figure >= BAD_SHARDS;
  verdict->ends = pmss_bad_growth_rests (&node->growth, now);
}

static void
judge_certificate (double end, gint64 wall, Verdict * verdict)
{
  verdict->figure = (end - (double) wall) / DAY;
  verdict->other = end;
  verdict->begins = verdict->figure < certificate_days[0];
  verdict->ends = verdict->figure >= certificate_days[0];
}

static Verdict
judge (Node * node, PmssFaultKind kind, const PmssFaultFacts * facts,
    gint64 now, gint64 wall)
{
  Verdict verdict = { 0 };

  if (kind == PMSS_FAULT_SLOW) {
    verdict.begins = facts->slow;
    verdict.ends = !facts->slow;
    verdict.figure = facts->complaints;
    verdict.other = facts->viewers;
  } else if (kind == PMSS_FAULT_BAD_SHARDS) {
    judge_shards (node, facts->bad_shards, now, &verdict);
  } else if (kind == PMSS_FAULT_CLOCK) {
    verdict.figure = facts->skew;
    verdict.begins = fabs (facts->skew) > CLOCK_BEGIN;
    verdict.ends = fabs (facts->skew) < CLOCK_END;
    verdict.hold_begin = CLOCK_HOLD;
  } else if (kind == PMSS_FAULT_CERTIFICATE) {
    judge_certificate (facts->certificate, wall, &verdict);
  } else if (facts->stats != NULL) {
    judge_stats (kind, facts->stats, &verdict);
  }
  return verdict;
}

/* --- What begins and ends --- */

/* Nothing is known of those when the node is down. */
static gboolean
is_momentary (PmssFaultKind kind)
{
  return kind != PMSS_FAULT_DISK_LOW && kind != PMSS_FAULT_BAD_SHARDS
      && kind != PMSS_FAULT_CERTIFICATE;
}

static void
add_change (GArray * changes, PmssFaultTurn turn, const PmssFault * fault)
{
  PmssFaultChange change = { turn, *fault };

  g_array_append_val (changes, change);
}

static void
begin (PmssFault * fault, guint id, PmssFaultKind kind, gint64 now, gint64 wall)
{
  fault->kind = kind;
  fault->node = id;
  fault->began = now;
  fault->since = wall;
}

static void
set_figures (PmssFault * fault, const Verdict * verdict)
{
  fault->figure = verdict->figure;
  fault->other = verdict->other;
  g_strlcpy (fault->subject, verdict->subject != NULL ? verdict->subject : "",
      sizeof (fault->subject));
}

/* How many of the days a certificate has come below. */
static guint
count_days (double left)
{
  guint n = 0;

  while (n < G_N_ELEMENTS (certificate_days) && left < certificate_days[n])
    n++;
  return n;
}

/* It lasts, and was told of before: whether it is to be told again. */
static gboolean
has_grown (Node * node, PmssFaultKind kind, double figure)
{
  guint days;

  if (kind != PMSS_FAULT_CERTIFICATE)
    return FALSE;
  days = count_days (figure);
  if (days <= node->told_days)
    return FALSE;
  node->told_days = days;
  return TRUE;
}

static void
look_at_kind (Node * node, PmssFaultKind kind, const PmssFaultFacts * facts,
    gint64 now, gint64 wall, GArray * changes)
{
  PmssTrigger *trigger = &node->triggers[kind];
  PmssFault *fault = &node->faults[kind];
  Verdict verdict = judge (node, kind, facts, now, wall);
  gboolean changed = facts->down && is_momentary (kind) ?
      pmss_trigger_drop (trigger, now) : pmss_trigger_step (trigger,
      verdict.begins, verdict.ends, verdict.hold_begin, verdict.hold_end, now);

  if (changed && !trigger->lasts) {
    add_change (changes, PMSS_FAULT_ENDS, fault);
    return;
  }
  if (changed)
    begin (fault, facts->node, kind, now, wall);
  if (trigger->lasts && verdict.begins)
    set_figures (fault, &verdict);
  if (changed)
    node->told_days = count_days (verdict.figure);
  if (changed)
    add_change (changes, PMSS_FAULT_BEGINS, fault);
  else if (trigger->lasts && has_grown (node, kind, verdict.figure))
    add_change (changes, PMSS_FAULT_GROWS, fault);
}

void
pmss_faults_look (PmssFaults * self, const PmssFaultFacts * facts, gint64 now,
    gint64 wall, GArray * changes)
{
  gpointer id = GUINT_TO_POINTER (facts->node);
  Node *node = g_hash_table_lookup (self->nodes, id);

  if (node == NULL) {
    node = g_new0 (Node, 1);
    g_hash_table_insert (self->nodes, id, node);
  }
  node->looked = now;
  for (guint kind = 0; kind < PMSS_N_FAULTS; kind++)
    look_at_kind (node, kind, facts, now, wall, changes);
}

static gboolean
is_gone (gpointer id, gpointer node, gpointer now)
{
  return ((Node *) node)->looked < *(gint64 *) now;
}

void
pmss_faults_prune (PmssFaults * self, gint64 now)
{
  g_hash_table_foreach_remove (self->nodes, is_gone, &now);
}

static int
compare_faults (gconstpointer a, gconstpointer b)
{
  const PmssFault *x = a, *y = b;

  if (x->node != y->node)
    return x->node < y->node ? -1 : 1;
  return (int) x->kind - (int) y->kind;
}

GArray *
pmss_faults_list (PmssFaults * self)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (PmssFault));
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const Node *node = value;

    for (guint kind = 0; kind < PMSS_N_FAULTS; kind++)
      if (node->triggers[kind].lasts)
        g_array_append_val (list, node->faults[kind]);
  }
  g_array_sort (list, compare_faults);
  return list;
}
