/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares a node's list with the catalog's. On the reconciler's thread. */
#include "control/reconcile/compare-lists.h"

#include <string.h>

#include "control/catalog/catalog-health.h"
#include "control/catalog/extent-nodes.h"
#include "control/config.h"
#include "control/database/database.h"
#include "control/reconcile/list-budget.h"
#include "control/nodes/nodes.h"
#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-shard.h"

#define MAX_NOTED 10000         /* missing shards of a comparison; when they are repaired, the next ones come */
#define BATCH 500               /* rows a transaction */
#define MIN_LARGE 16            /* orphans of one clean-up, and */
#define LARGE_PART 20           /* the part of a node's shards, that somebody has to confirm; */
#define MIN_HALF 4              /* as many are enough if they are more than half */
#define NEVER (G_MAXINT64 / 2)  /* us; leaves room for a time to be added */
#define SCAN 5000               /* and of those that are only looked at */

/* From the first to the last name of the page, for (version, number) in the catalog: names sort as version, number, index. */
typedef struct
{
  PmssExtentPlace from, to;
} Range;

/* One comparison, page by page. */
typedef struct
{
  PmssControlContext *context;
  PmssNodeCalls *calls;
  GCancellable *cancellable;
  guint node;
  gint64 now, grace;            /* us */
  PmssUnknown *unknown;
  guint64 listed;               /* names, in this comparison */
  guint64 told;                 /* missing shards that were noted in it */
  PmssListBudget budget;

  /* of the page */
  GPtrArray *names;             /* that the node has, in order */
  GPtrArray *strange;           /* of them: that nobody knows */
  guint64 missing;              /* that it should have, and has not */
  const char *after;            /* nullable: the page begins after this */
  const char *last;             /* nullable: and ends with this */
  GPtrArray *expected;          /* names that the catalog has on it */
  Range left;                   /* where it was not looked for them yet */
  guint scanned;                /* extents, the last time */
  GPtrArray *noted;             /* those of which something is to be written, */
  guint first;                  /* from this one on */
} Comparison;

static void
get_range (const Comparison * page, Range * range)
{
  guint index;

  memset (&range->from, 0, sizeof (range->from));
  memset (&range->to, 0xff, sizeof (range->to));
  range->from.extent = 0;
  range->to.extent = G_MAXUINT32;
  if (page->after)
    pmss_shard_name_parse (page->after, &range->from.version,
        &range->from.extent, &index);
  if (page->last)
    pmss_shard_name_parse (page->last, &range->to.version, &range->to.extent,
        &index);
}

static gboolean
is_in_page (const Comparison * page, const char *name)
{
  return (!page->after || strcmp (name, page->after) > 0)
      && (!page->last || strcmp (name, page->last) <= 0);
}

/* Column @column is a version's id. */
static gboolean
read_version (PmssRows * rows, guint column, PmssVersionId * version)
{
  gsize length;
  const guint8 *blob = pmss_rows_blob (rows, column, &length);

  if (length != sizeof (version->bytes))
    return FALSE;
  memcpy (version->bytes, blob, sizeof (version->bytes));
  return TRUE;
}

/* What should be there */

/* Columns version, number, nodes: what of that extent lies on the page's node. */
static void
add_expected (Comparison * page, PmssRows * rows)
{
  PmssVersionId version;
  guint nodes[PMSS_MAX_SHARDS];
  guint n = pmss_extent_nodes_read (rows, 2, nodes);

  if (!read_version (rows, 0, &version))
    return;
  page->left.from.version = version;
  page->left.from.extent = (guint32) pmss_rows_int (rows, 1) + 1;
  for (guint i = 0; i < n; i++) {
    char name[PMSS_SHARD_NAME_SIZE];

    if (nodes[i] != page->node)
      continue;
    pmss_shard_name_write (&version, pmss_rows_int (rows, 1), i, name);
    if (is_in_page (page, name))
      g_ptr_array_add (page->expected, g_strdup (name));
  }
}

static gboolean
list_expected (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Comparison *page = user_data;
  g_autoptr (GError) local = NULL;
  Range *left = &page->left;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT extent.version, extent.number, extent.nodes FROM extent "
      "CROSS JOIN version ON version.id = extent.version "
      "WHERE (extent.version, extent.number) >= (?1, ?2) "
      "AND (extent.version, extent.number) <= (?3, ?4) "
      "AND extent.state >= 1 AND version.state <> 'deleting' "
      "ORDER BY extent.version, extent.number LIMIT ?5",
      PMSS_BLOB (left->from.version.bytes, 16), PMSS_INT (left->from.extent),
      PMSS_BLOB (left->to.version.bytes, 16), PMSS_INT (left->to.extent),
      PMSS_INT (SCAN));

  for (page->scanned = 0; pmss_rows_next (rows, &local); page->scanned++)
    add_expected (page, rows);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* What is there and should not be */

static gboolean
is_pending (PmssDatabase * database, guint node, const char *name,
    gboolean * pending, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT 1 FROM pending_deletion WHERE node = ?1 AND shard = ?2",
      PMSS_INT (node), PMSS_TEXT (name));

  *pending = pmss_rows_next (rows, &local);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
is_known (PmssDatabase * database, Comparison * page, const char *name,
    gboolean * known, GError ** error)
{
  PmssVersionId version;
  guint32 extent;
  guint shard;

  *known = FALSE;
  if (pmss_shard_name_parse (name, &version, &extent, &shard)
      && !pmss_catalog_wants_shard (page->context->catalog, &version, extent,
          shard, page->node, known, error))
    return FALSE;
  return *known || is_pending (database, page->node, name, known, error);
}

static gboolean
find_unknown (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Comparison *page = user_data;

  g_ptr_array_set_size (page->strange, 0);
  for (guint i = 0; i < page->names->len; i++) {
    const char *name = g_ptr_array_index (page->names, i);
    gboolean known;

    if (!is_known (database, page, name, &known, error))
      return FALSE;
    if (!known)
      g_ptr_array_add (page->strange, (char *) name);
  }
  return TRUE;
}

/* What is not there and should be */

static GHashTable *
make_set (GPtrArray * names)
{
  GHashTable *set = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < names->len; i++)
    g_hash_table_add (set, g_ptr_array_index (names, i));
  return set;
}

/* Names that the catalog has on the node in this page, and that are not in @names. */
static GPtrArray *
list_absent (Comparison * page, GPtrArray * names, GError ** error)
{
  g_autoptr (GPtrArray) expected = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) absent = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) have = make_set (names);

  page->expected = expected;
  get_range (page, &page->left);
  /* a node with few shards has a page that is all of the catalog */
  do
    if (!pmss_database_read (page->context->database, list_expected, page,
            error))
      return NULL;
  while (page->scanned == SCAN);
  for (guint i = 0; i < expected->len; i++)
    if (!g_hash_table_contains (have, g_ptr_array_index (expected, i)))
      g_ptr_array_add (absent, g_strdup (g_ptr_array_index (expected, i)));
  return g_steal_pointer (&absent);
}

/* The page's names as the node has them now; the page may become shorter. */
static GPtrArray *
list_again (Comparison * page, GError ** error)
{
  gboolean more;
  GPtrArray *again = pmss_node_calls_list (page->calls, page->node,
      page->after, &more, page->cancellable, error);

  if (again != NULL && more && again->len > 0 && (!page->last
          || strcmp (g_ptr_array_index (again, again->len - 1),
              page->last) < 0))
    page->last = g_ptr_array_index (again, again->len - 1);
  return again;
}

/* The next BATCH of page->noted. */
static gboolean
note_missing (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Comparison *page = user_data;
  guint end = MIN (page->first + BATCH, page->noted->len);

  for (guint i = page->first; i < end; i++) {
    PmssBadShard bad = {
      .node = page->node,.state = PMSS_BAD_KNOWN,.kind =
          PMSS_BAD_MISSING,.source = PMSS_FOUND_BY_LIST
    };

    if (pmss_shard_name_parse (g_ptr_array_index (page->noted, i),
            &bad.version, &bad.extent, &bad.shard)
        && !pmss_catalog_add_bad_shard (page->context->catalog, &bad, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
run_in_batches (Comparison * page, GPtrArray * names, PmssDatabaseFunc func,
    GError ** error)
{
  page->noted = names;
  for (page->first = 0; page->first < names->len; page->first += BATCH)
    if (!pmss_database_transact (page->context->database, func, page, error))
      return FALSE;
  return TRUE;
}

/* Between the list and the look into the catalog a shard may have come or gone: missing is what both had to have before a second list, and is in neither. */
static gboolean
find_missing (Comparison * page, GError ** error)
{
  g_autoptr (GPtrArray) absent = list_absent (page, page->names, error);
  g_autoptr (GPtrArray) again = NULL, still = NULL;
  g_autoptr (GPtrArray) missing = g_ptr_array_new ();
  g_autoptr (GHashTable) before = NULL;

  if (absent == NULL || absent->len == 0)
    return absent != NULL;
  again = list_again (page, error);
  still = again != NULL ? list_absent (page, again, error) : NULL;
  if (!still)
    return FALSE;
  before = make_set (absent);
  for (guint i = 0; i < still->len; i++) {
    char *name = g_ptr_array_index (still, i);

    if (!g_hash_table_contains (before, name))
      continue;
    g_info ("Node %u has lost shard %s", page->node, name);
    page->missing++;
    if (page->told++ < MAX_NOTED)
      g_ptr_array_add (missing, name);
  }
  return run_in_batches (page, missing, note_missing, error);
}

/* Those that were missing, and are there */

static gboolean
clear_missing (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Comparison *page = user_data;
  guint end = MIN (page->first + BATCH, page->noted->len);

  for (guint i = page->first; i < end; i++) {
    PmssVersionId version;
    guint32 extent;
    guint shard;

    if (pmss_shard_name_parse (g_ptr_array_index (page->noted, i), &version,
            &extent, &shard)
        && !pmss_catalog_clear_bad_shard (page->context->catalog, &version,
            extent, shard, error))
      return FALSE;
  }
  return TRUE;
}

/* A disk that was not there is there again, or somebody has put a file back. */
static gboolean
find_returned (Comparison * page, GError ** error)
{
  g_autoptr (GPtrArray) noted = NULL;
  g_autoptr (GPtrArray) there = g_ptr_array_new ();
  g_autoptr (GHashTable) have = make_set (page->names);
  Range range;

  get_range (page, &range);
  noted = pmss_catalog_list_missing (page->context->catalog, page->node,
      &range.from, &range.to, error);
  if (noted == NULL)
    return FALSE;
  for (guint i = 0; i < noted->len; i++)
    if (g_hash_table_contains (have, g_ptr_array_index (noted, i)))
      g_ptr_array_add (there, g_ptr_array_index (noted, i));
  return run_in_batches (page, there, clear_missing, error);
}

/* Page by page */

/* The page as @names, those after page->after. */
static gboolean
look_at_page (Comparison * page, GError ** error)
{
  g_autoptr (GPtrArray) strange = g_ptr_array_new ();

  page->strange = strange;
  page->missing = 0;
  if (!pmss_database_transact (page->context->database, find_unknown, page,
          error)
      || !find_returned (page, error) || !find_missing (page, error))
    return FALSE;
  for (guint i = 0; i < strange->len; i++)
    pmss_unknown_add (page->unknown, g_ptr_array_index (strange, i), page->now);
  return TRUE;
}

/* Moves on @after; NULL: that was the last page. A page counts as a whole or not at all. */
static gboolean
compare_page (Comparison * page, char **after, GError ** error)
{
  g_autoptr (GPtrArray) names = NULL;
  g_autofree char *last = NULL;
  gboolean more;

  names = pmss_node_calls_list (page->calls, page->node, *after, &more,
      page->cancellable, error);
  if (names == NULL)
    return FALSE;
  if (more && names->len > 0)
    last = g_strdup (g_ptr_array_index (names, names->len - 1));
  page->names = names;
  page->after = *after;
  page->last = last;
  if (!look_at_page (page, error))
    return FALSE;
  page->listed += names->len;
  pmss_unknown_move (page->unknown, last, names->len, page->missing);
  g_free (*after);
  *after = g_steal_pointer (&last);
  return TRUE;
}

/* What the catalog has on the node is in the database alone. */
static gboolean
begin_budget (Comparison * page, guint64 more, GError ** error)
{
  g_autoptr (PmssNodeInfo) info =
      pmss_nodes_get (page->context->nodes, page->node, error);

  if (info == NULL)
    return FALSE;
  pmss_list_budget_init (&page->budget, info->shards, more, page->now);
  return TRUE;
}

/* One that has no end, or comes in drops, is not to keep the others' lists waiting. */
static gboolean
is_spent (Comparison * page, const char *after)
{
  if (!pmss_list_budget_is_spent (&page->budget, page->listed,
          g_get_monotonic_time ()))
    return FALSE;
  g_warning ("Node %u lists far more shards than the catalog has there, or "
      "lists them slowly: the list is left after %" G_GUINT64_FORMAT
      " of them, and goes on after %s the next time", page->node,
      pmss_unknown_get_shards (page->unknown), after);
  return TRUE;
}

/* Orphans */

gboolean
pmss_cleanup_is_large (guint64 orphans, guint64 shards)
{
  return orphans > MAX (MIN_LARGE, shards / LARGE_PART)
      || (orphans >= MIN_HALF && orphans > shards / 2);
}

guint64
pmss_compared_get_rest (const PmssCompared * compared, guint64 allowed)
{
  if (compared->forgotten == 0 || compared->held > 0)
    return 0;
  return allowed - MIN (allowed, compared->orphans);
}

/* The next BATCH of page->noted; what a row knows by now stays. */
static gboolean
condemn_orphans (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Comparison *page = user_data;
  guint end = MIN (page->first + BATCH, page->noted->len);

  for (guint i = page->first; i < end; i++) {
    const char *name = g_ptr_array_index (page->noted, i);
    gboolean known;

    if (!is_known (database, page, name, &known, error)
        || (!known && !pmss_catalog_add_pending (page->context->catalog,
                page->node, name, error)))
      return FALSE;
  }
  return TRUE;
}

/* A shard without a row may be garbage: the page was listed before it was asked for here. When it has been seen so for the grace period it is an orphan.
 * Whether too many of them go is judged by all that nobody knows: what is remembered of them is bounded. */
static gboolean
end_list (Comparison * page, guint64 allowed, PmssCompared * compared,
    GError ** error)
{
  g_autoptr (GPtrArray) orphans = NULL;

  compared->shards = pmss_unknown_get_shards (page->unknown);
  compared->missing = pmss_unknown_get_missing (page->unknown);
  orphans = pmss_unknown_end (page->unknown, page->now, page->grace);
  compared->whole = TRUE;
  compared->unknown = pmss_unknown_get_count (page->unknown);
  compared->forgotten = pmss_unknown_get_forgotten (page->unknown);
  if (orphans->len > allowed
      && pmss_cleanup_is_large (compared->unknown, compared->shards)) {
    compared->held = compared->unknown;
    return TRUE;
  }
  if (!run_in_batches (page, orphans, condemn_orphans, error))
    return FALSE;
  for (guint i = 0; i < orphans->len; i++)
    pmss_unknown_remove (page->unknown, g_ptr_array_index (orphans, i));
  compared->orphans = orphans->len;
  return TRUE;
}

gboolean
pmss_compare_lists (PmssControlContext * context, PmssNodeCalls * calls,
    guint node, PmssUnknown * unknown, guint64 more, guint64 allowed,
    PmssCompared * compared, GCancellable * cancellable, GError ** error)
{
  g_autofree char *instance = pmss_nodes_get_instance (context->nodes, node);
  g_autofree char *after = g_strdup (pmss_unknown_begin (unknown, instance));
  Comparison page = {
    .context = context,.calls = calls,.cancellable = cancellable,
    .node = node,.now = g_get_monotonic_time (),.unknown = unknown,
    .grace = context->keep_unknown ? NEVER
        : context->config->orphan_grace * (gint64) G_USEC_PER_SEC,
  };

  *compared = (PmssCompared) {
  0};
  if (!begin_budget (&page, more, error))
    return FALSE;
  do
    if (!compare_page (&page, &after, error))
      return FALSE;
  while (after != NULL && !is_spent (&page, after));
  return after != NULL || end_list (&page, allowed, compared, error);
}
