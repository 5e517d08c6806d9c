/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the cluster is, in a sentence, and what is to be done. Pure. */
#include "control/overview/cluster-health.h"

#include "control/monitor/fault-words.h"
#include "libpmss/pmss-json.h"

/* Less of a disk that is free than this is worth a word. */
#define LITTLE_ROOM 0.05

const char *
pmss_cluster_state_to_string (PmssClusterState state)
{
  static const char *const names[] = {
    [PMSS_CLUSTER_OK] = "ok",
    [PMSS_CLUSTER_ATTENTION] = "attention",
    [PMSS_CLUSTER_BAD] = "bad",
  };

  return names[state];
}

static void
item_free (gpointer data)
{
  PmssClusterItem *item = data;

  g_free (item->subject);
  g_free (item->text);
  g_free (item->reason);
  g_free (item->path);
  g_free (item);
}

void
pmss_cluster_health_free (PmssClusterHealth * health)
{
  g_free (health->sentence);
  g_ptr_array_unref (health->items);
  g_free (health);
}

/* Takes @text. @node: 0: it is of none. */
static PmssClusterItem *
add_item (PmssClusterHealth * health, PmssClusterState severity,
    const char *kind, guint node, char *text, const char *advice)
{
  PmssClusterItem *item = g_new0 (PmssClusterItem, 1);

  item->severity = severity;
  item->kind = kind;
  item->subject = node != 0 ? g_strdup_printf ("%u", node) : g_strdup ("");
  item->text = text;
  item->advice = advice;
  item->count = item->bytes = -1;
  g_ptr_array_add (health->items, item);
  health->state = MAX (health->state, severity);
  return item;
}

/* Takes @path. */
static void
set_action (PmssClusterItem * item, const char *label, const char *method,
    char *path)
{
  item->label = label;
  item->method = method;
  item->path = path;
}

/* Nodes */

static void
note_down (PmssClusterHealth * health, const PmssNodeInfo * info,
    PmssClusterState severity)
{
  g_autofree char *since = pmss_json_format_time (info->since);
  PmssClusterItem *item = add_item (health, severity, "node-down",
      info->node.id, g_strdup_printf ("Storage server %u is down since %s: "
          "%s.", info->node.id, since, info->reason), info->repair ?
      "Its shards are being rebuilt on the others." :
      "Start it again, or have its shards rebuilt on the others at once.");

  item->since = info->since;
  item->reason = g_strdup (info->reason);
  if (!info->repair)
    set_action (item, "Rebuild its shards now", "POST",
        g_strdup_printf ("/nodes/%u/repair", info->node.id));
}

static void
note_suspect (PmssClusterHealth * health, const PmssNodeInfo * info)
{
  PmssClusterItem *item = add_item (health, PMSS_CLUSTER_ATTENTION,
      "node-suspect", info->node.id,
      g_strdup_printf ("Storage server %u is suspect: %s.", info->node.id,
          info->reason), "Look at its log and at its network.");

  item->since = info->since;
  item->reason = g_strdup (info->reason);
}

static void
note_warning (PmssClusterHealth * health, const PmssNodeInfo * info)
{
  PmssClusterItem *item;

  if (info->warning == NULL)
    return;
  item = add_item (health, PMSS_CLUSTER_ATTENTION, "node-warning",
      info->node.id, g_strdup_printf ("Storage server %u: %s.", info->node.id,
          info->warning), "Look at its log and at its machine.");
  item->reason = g_strdup (info->warning);
}

static gboolean
is_almost_full (const PmssNodeInfo * info)
{
  return info->last_seen != 0 && info->used != 0
      && (double) info->free <= LITTLE_ROOM * ((double) info->free +
      (double) info->used);
}

static void
note_room (PmssClusterHealth * health, const PmssNodeInfo * info)
{
  g_autofree char *left = g_format_size (info->free);
  PmssClusterItem *item;

  if (!is_almost_full (info))
    return;
  item = add_item (health, PMSS_CLUSTER_ATTENTION, "node-full", info->node.id,
      g_strdup_printf ("Storage server %u is almost full: %s are free.",
          info->node.id, left), "Delete media, or add storage servers.");
  item->bytes = (gint64) MIN (info->free, G_MAXINT64);
}

static void
note_shards (PmssClusterHealth * health, const PmssNodeInfo * info,
    guint64 held)
{
  PmssClusterItem *item;

  if (info->bad_shards > 0) {
    item = add_item (health, PMSS_CLUSTER_ATTENTION, "node-bad-shards",
        info->node.id, g_strdup_printf ("Storage server %u has %"
            G_GUINT64_FORMAT " bad shard%s.", info->node.id, info->bad_shards,
            info->bad_shards == 1 ? "" : "s"),
        "They are rebuilt by themselves; look at that server's disk.");
    item->count = (gint64) info->bad_shards;
  }
  if (held > 0) {
    item = add_item (health, PMSS_CLUSTER_ATTENTION, "node-held-shards",
        info->node.id, g_strdup_printf ("Storage server %u has %"
            G_GUINT64_FORMAT " shard%s that nobody knows.", info->node.id, held,
            held == 1 ? "" : "s"),
        "Look whether the catalog is the right one, then have them deleted.");
    item->count = item->confirm = (gint64) held;
    set_action (item, "Delete them", "PATCH",
        g_strdup_printf ("/nodes/%u", info->node.id));
  }
}

/* With more of them down than a medium of the usual redundancy can miss, some cannot be read. */
static PmssClusterState
judge_down (const PmssClusterFacts * facts, const PmssNodeSums * sums)
{
  return sums->state[PMSS_NODE_DOWN] > facts->redundancy.m ? PMSS_CLUSTER_BAD
      : PMSS_CLUSTER_ATTENTION;
}

static void
note_nodes (PmssClusterHealth * health, const PmssClusterFacts * facts,
    const PmssNodeSums * sums)
{
  for (guint i = 0; i < facts->nodes->len; i++) {
    const PmssNodeInfo *info = g_ptr_array_index (facts->nodes, i);

    if (info->state == PMSS_NODE_DOWN) {
      note_down (health, info, info->shards > 0 ? judge_down (facts, sums)
          : PMSS_CLUSTER_ATTENTION);
      continue;
    }
    if (info->state == PMSS_NODE_SUSPECT)
      note_suspect (health, info);
    note_warning (health, info);
    note_room (health, info);
    note_shards (health, info, g_array_index (facts->held, guint64, i));
  }
}

/* Faults */

/* Another item says it already. */
static gboolean
is_told (const PmssFault * fault, const PmssNodeInfo * info)
{
  return info->state == PMSS_NODE_DOWN
      || (fault->kind == PMSS_FAULT_CLOCK && info->clock_told)
      || (fault->kind == PMSS_FAULT_DISK_LOW && is_almost_full (info));
}

static const PmssNodeInfo *
find_node (const PmssClusterFacts * facts, guint id)
{
  for (guint i = 0; i < facts->nodes->len; i++) {
    const PmssNodeInfo *info = g_ptr_array_index (facts->nodes, i);

    if (info->node.id == id)
      return info;
  }
  return NULL;
}

static void
note_fault (PmssClusterHealth * health, const PmssFault * fault)
{
  g_autofree char *words = pmss_fault_describe (fault);
  PmssClusterItem *item;

  if (fault->node == 0)
    words[0] = g_ascii_toupper (words[0]);
  item = add_item (health, PMSS_CLUSTER_ATTENTION, pmss_fault_get_item (fault),
      fault->node, fault->node == 0 ? g_strdup_printf ("%s.", words)
      : g_strdup_printf ("Storage server %u: %s.", fault->node, words),
      pmss_fault_get_advice (fault));
  item->since = fault->since;
  item->reason = g_steal_pointer (&words);
  if (fault->kind == PMSS_FAULT_DISK_LOW)
    item->bytes = (gint64) CLAMP (fault->figure, 0, 1e18);
  else if (fault->kind == PMSS_FAULT_SLOW
      || fault->kind == PMSS_FAULT_BAD_SHARDS)
    item->count = (gint64) CLAMP (fault->figure, 0, 1e18);
}

static void
note_faults (PmssClusterHealth * health, const PmssClusterFacts * facts)
{
  for (guint i = 0; facts->faults != NULL && i < facts->faults->len; i++) {
    const PmssFault *fault = &g_array_index (facts->faults, PmssFault, i);
    const PmssNodeInfo *info = find_node (facts, fault->node);

    if (fault->node == 0 || (info != NULL && !is_told (fault, info)))
      note_fault (health, fault);
  }
}

/* Whether what is uploaded without saying finds enough servers. */
static void
note_redundancy (PmssClusterHealth * health, const PmssClusterFacts * facts,
    const PmssNodeSums * sums)
{
  guint needed = (guint) facts->redundancy.k + facts->redundancy.m;
  guint up = sums->total - sums->state[PMSS_NODE_DOWN];
  char redundancy[8];
  PmssClusterItem *item;

  if (sums->total == 0) {
    item = add_item (health, PMSS_CLUSTER_BAD, "no-nodes", 0,
        g_strdup ("No storage server has joined."), "Add storage servers.");
    set_action (item, "Add a storage server", "POST",
        g_strdup ("/nodes/join-tokens"));
    return;
  }
  if (up >= needed)
    return;
  pmss_redundancy_to_string (facts->redundancy, redundancy);
  item = add_item (health, up == 0 ? PMSS_CLUSTER_BAD : PMSS_CLUSTER_ATTENTION,
      "few-nodes", 0, g_strdup_printf ("The default redundancy, %s, needs %u "
          "storage servers, and %u are up: uploads wait or are refused.",
          redundancy, needed, up), "Start or add storage servers, or choose "
      "another redundancy for uploads.");
  item->count = (gint64) needed - up;
}

/* Jobs, and control's own disk */

static void
note_work (PmssClusterHealth * health, const PmssClusterFacts * facts)
{
  guint64 waiting = facts->jobs[PMSS_JOB_WAITING];
  guint64 failed = facts->jobs[PMSS_JOB_FAILED];
  PmssClusterItem *item;

  if (facts->disk != NULL)
    add_item (health, PMSS_CLUSTER_BAD, "disk-full", 0, g_strdup (facts->disk),
        "Make room on the control server's disk.");
  if (facts->history != NULL) {
    item = add_item (health, PMSS_CLUSTER_ATTENTION, "history", 0,
        g_strdup_printf ("The history of figures is not kept: %s.",
            facts->history), "Look at the control server's disk and log; "
        "nothing else depends on it.");
    item->reason = g_strdup (facts->history);
  }
  if (waiting > 0) {
    item = add_item (health, PMSS_CLUSTER_ATTENTION, "jobs-waiting", 0,
        g_strdup_printf ("%" G_GUINT64_FORMAT " job%s, and go%s on by %s.",
            waiting, waiting == 1 ? " waits" : "s wait",
            waiting == 1 ? "es" : "", waiting == 1 ? "itself" : "themselves"),
        "Look what they wait for.");
    item->count = (gint64) waiting;
    set_action (item, "Show them", "GET", g_strdup ("/jobs?state=waiting"));
  }
  if (failed > 0) {
    item = add_item (health, PMSS_CLUSTER_ATTENTION, "jobs-failed", 0,
        g_strdup_printf ("%" G_GUINT64_FORMAT " job%s failed.", failed,
            failed == 1 ? " has" : "s have"),
        "Look why, then try again or give up.");
    item->count = (gint64) failed;
    set_action (item, "Show them", "GET", g_strdup ("/jobs?state=failed"));
  }
}

/* The sentence */

static const char *
plural (guint64 n)
{
  return n == 1 ? "" : "s";
}

static char *
make_sentence (const PmssClusterHealth * health, const PmssClusterFacts * facts,
    const PmssNodeSums * sums)
{
  GString *text = g_string_new (NULL);
  guint down = sums->state[PMSS_NODE_DOWN];
  guint64 running = facts->jobs[PMSS_JOB_RUNNING];

  if (sums->total == 0)
    g_string_append (text, "The control server runs, and has no storage "
        "servers");
  else if (down == 0)
    g_string_append_printf (text, "%s %u storage server%s up",
        sums->total > 1 ? "All" : "The", sums->total,
        sums->total > 1 ? "s are" : " is");
  else
    g_string_append_printf (text, "%u of %u storage servers %s down", down,
        sums->total, down == 1 ? "is" : "are");
  g_string_append_printf (text, ", %" G_GUINT64_FORMAT " stream%s and %"
      G_GUINT64_FORMAT " job%s run", facts->streams, plural (facts->streams),
      running, plural (running));
  g_string_append (text, health->state == PMSS_CLUSTER_OK ?
      "; there is nothing to do." : "; there is something to do.");
  return g_string_free (text, FALSE);
}

static int
compare_items (gconstpointer a, gconstpointer b)
{
  const PmssClusterItem *x = *(PmssClusterItem * const *) a;
  const PmssClusterItem *y = *(PmssClusterItem * const *) b;

  return (int) y->severity - (int) x->severity;
}

PmssClusterHealth *
pmss_cluster_health_judge (const PmssClusterFacts * facts)
{
  PmssClusterHealth *health = g_new0 (PmssClusterHealth, 1);
  PmssNodeSums sums;

  health->items = g_ptr_array_new_with_free_func (item_free);
  pmss_cluster_facts_sum (facts, &sums);
  note_nodes (health, facts, &sums);
  note_faults (health, facts);
  note_redundancy (health, facts, &sums);
  note_work (health, facts);
  g_ptr_array_sort (health->items, compare_items);
  health->sentence = make_sentence (health, facts, &sums);
  return health;
}
