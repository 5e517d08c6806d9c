/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* verify() of a striping: what is not good is put right. On its worker thread. */
#include "control/striping/striping-private.h"

#include "libpmss/pmss-error.h"

/* One extent at work. */
typedef struct
{
  PmssStriping *striping;
  PmssExtent extent;            /* follows the replacements */
  guint n;
  GBytes *shards[PMSS_MAX_SHARDS];      /* as they have to be */
  GError *errors[PMSS_MAX_SHARDS];      /* of the calls last run; NULL: good */
} Check;

static void
check_clear (Check * check)
{
  for (guint i = 0; i < check->n; i++) {
    g_clear_pointer (&check->shards[i], g_bytes_unref);
    g_clear_error (&check->errors[i]);
  }
}

static void
shard_name (Check * check, guint shard, char name[PMSS_SHARD_NAME_SIZE])
{
  pmss_shard_name_write (&check->striping->version.id, check->extent.number,
      shard, name);
}

static void
keep_error (guint node, const char *shard, guint tag, const GError * error,
    gpointer user_data)
{
  Check *check = user_data;

  g_clear_error (&check->errors[tag]);
  if (error != NULL)
    check->errors[tag] = g_error_copy (error);
}

static gboolean
run_calls (Check * check, GError ** error)
{
  return pmss_node_calls_run (check->striping->calls, keep_error, check,
      check->striping->cancellable, error);
}

static void
add_compare (Check * check, guint shard)
{
  char name[PMSS_SHARD_NAME_SIZE];

  shard_name (check, shard, name);
  pmss_node_calls_compare (check->striping->calls, check->extent.nodes[shard],
      name, check->shards[shard], shard);
}

/* On the same node what is there has to go first: it counts as stored otherwise. */
static gboolean
write_shard (Check * check, guint shard, gboolean same, GError ** error)
{
  PmssNodeCalls *calls = check->striping->calls;
  guint node = check->extent.nodes[shard];
  char name[PMSS_SHARD_NAME_SIZE];

  shard_name (check, shard, name);
  if (same) {
    pmss_node_calls_delete (calls, node, name, shard);
    if (!run_calls (check, error))
      return FALSE;
  }
  pmss_node_calls_put (calls, node, name, check->shards[shard], shard);
  return run_calls (check, error);
}

/* Chooses where the shard goes: elsewhere, or else the same node if it can be tried again. */
static gboolean
move_shard (Check * check, guint shard, const GError * reason, gboolean * same,
    GError ** error)
{
  PmssStriping *striping = check->striping;
  g_autoptr (GError) local = NULL;
  PmssNode node;

  *same = FALSE;
  if (pmss_placer_replace (striping->placer, check->extent.number, shard,
          check->extent.nodes[shard], reason, &node, &local)) {
    check->extent.nodes[shard] = node.id;
    return TRUE;
  }
  *same = g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NO_SPACE)
      && pmss_placer_retry (striping->placer);
  if (!*same)
    g_propagate_error (error, g_steal_pointer (&local));
  return *same;
}

/* Writes the shard anew, where it will be taken, and compares again. */
static gboolean
rewrite (Check * check, guint shard, GError ** error)
{
  gboolean same;

  while (check->errors[shard]) {
    g_autoptr (GError) reason = g_steal_pointer (&check->errors[shard]);

    g_warning ("%s: extent %u, shard %u on node %u: %s",
        check->striping->name, check->extent.number, shard,
        check->extent.nodes[shard], reason->message);
    if (!move_shard (check, shard, reason, &same, error)
        || !write_shard (check, shard, same, error))
      return FALSE;
  }
  add_compare (check, shard);
  return run_calls (check, error);
}

static gboolean
compare_shards (Check * check, GError ** error)
{
  if (!pmss_striping_compute_extent (check->striping, check->extent.number,
          check->shards, error))
    return FALSE;
  for (guint i = 0; i < check->n; i++)
    add_compare (check, i);
  return run_calls (check, error);
}

static gboolean
put_right (Check * check, GError ** error)
{
  for (guint i = 0; i < check->n; i++) {
    if (!check->errors[i])
      continue;
    if (!rewrite (check, i, error))
      return FALSE;
    if (check->errors[i]) {
      g_propagate_prefixed_error (error, g_steal_pointer (&check->errors[i]),
          "Extent %u, shard %u was written anew on node %u and is still not "
          "good: ", check->extent.number, i, check->extent.nodes[i]);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
verify_extent (PmssStriping * striping, const PmssExtent * extent,
    GError ** error)
{
  Check check = {.striping = striping,.extent = *extent,.n = extent->n_nodes };
  gboolean good = compare_shards (&check, error) && put_right (&check, error)
      && pmss_catalog_set_extent_state (striping->context->catalog,
      &striping->version.id, extent->number, PMSS_EXTENT_VERIFIED, error);

  check_clear (&check);
  return good;
}

/* The phase */

typedef struct
{
  PmssStriping *striping;
  guint32 next;                 /* the extent to look at next */
  guint64 verified;             /* bytes */
} Phase;

static gboolean
note_verified (Phase * phase, guint32 number, GError ** error)
{
  phase->verified += pmss_striping_get_payload (phase->striping, number);
  return phase->striping->funcs.progress (phase->striping->version.size
      + phase->verified, phase->striping->user_data, error);
}

/* FALSE: there is none left, or an error. */
static gboolean
next_unverified (PmssExtent * extent, gpointer user_data, GError ** error)
{
  Phase *phase = user_data;

  return pmss_striping_find_unverified (phase->striping, &phase->next,
      G_MAXUINT32, extent, error);
}

static gboolean
note_compared (const PmssExtent * extent, const GError * reason,
    gpointer user_data, GError ** error)
{
  return reason || note_verified (user_data, extent->number, error);
}

/* What the first look finds good is done; the rest, extent by extent, is looked at again and put right. */
gboolean
pmss_striping_verify (PmssStriping * striping, GError ** error)
{
  static const PmssCompareFuncs funcs = { next_unverified, note_compared };
  Phase phase = {.striping = striping };
  GError *local = NULL;
  PmssExtent extent;

  if (!pmss_striping_count_verified (striping, &phase.verified, error)
      || !pmss_striping_compare_extents (striping, &funcs, &phase,
          striping->cancellable, error))
    return FALSE;
  phase.next = 0;
  while (next_unverified (&extent, &phase, &local)) {
    if (!verify_extent (striping, &extent, error)
        || !note_verified (&phase, extent.number, error))
      return FALSE;
  }
  if (local != NULL)
    g_propagate_error (error, local);
  return local == NULL;
}
