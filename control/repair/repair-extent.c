/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Repairs one extent. On a repair worker's thread. */
#include "control/repair/repair-private.h"

#include "control/catalog/catalog-health.h"
#include "control/repair/rebuild.h"
#include "libpmss/pmss-error.h"

/* Looking at what there is */

static gboolean
note_told (PmssRepairWork * work, GError ** error)
{
  PmssCatalog *catalog = work->repair->context->catalog;
  PmssBadShard before = {
    .version = work->version.id,
    .extent = work->extent.number - 1,
    .shard = PMSS_MAX_SHARDS,
  };
  g_autoptr (GPtrArray) list = pmss_catalog_list_bad_shards (catalog,
      &work->version.id, work->extent.number > 0 ? &before : NULL, work->n,
      error);

  if (list == NULL)
    return FALSE;
  for (guint i = 0; i < list->len; i++) {
    PmssBadShard *bad = g_ptr_array_index (list, i);
    guint32 bit = 1u << bad->shard;

    if (bad->extent != work->extent.number || !(work->up & bit))
      continue;
    work->told |= bit;
    if (bad->state == PMSS_BAD_KNOWN && bad->kind == PMSS_BAD_UNREADABLE)
      work->trusted |= bit;
    if (bad->kind == PMSS_BAD_DAMAGED)
      work->damaged |= bit;
  }
  return TRUE;
}

static void
note_places (PmssRepairWork * work)
{
  work->n = work->extent.n_nodes;
  for (guint i = 0; i < work->n; i++) {
    PmssPlaceState state = pmss_node_view_get (work->worker->view,
        work->extent.nodes[i]);

    if (state == PMSS_PLACE_UP)
      work->up |= 1u << i;
    else if (state == PMSS_PLACE_GONE)
      work->lost |= 1u << i;
  }
}

/* @there: FALSE: nothing is to be done here any more. */
static gboolean
load (PmssRepairWork * work, const PmssExtentPlace * place, gboolean * there,
    GError ** error)
{
  PmssCatalog *catalog = work->repair->context->catalog;
  g_autoptr (GError) local = NULL;
  g_autoptr (GArray) extents = NULL;
  g_autoptr (PmssMedium) medium = NULL;

  *there = FALSE;
  if (!pmss_catalog_get_version (catalog, &place->version, &work->version,
          &local)
      || !(medium = pmss_catalog_get_medium_by_id (catalog,
              work->version.medium, &local))
      || !(extents = pmss_catalog_list_extents (catalog, &place->version,
              place->extent, 1, &local))) {
    if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND))
      return TRUE;
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (work->version.state != PMSS_VERSION_READY || extents->len == 0)
    return TRUE;
  work->extent = g_array_index (extents, PmssExtent, 0);
  *there = work->extent.number == place->extent
      && pmss_version_get_geometry (&work->version, place->extent,
      &work->geometry);
  if (!*there)
    return TRUE;
  work->medium = g_strdup (medium->name);
  note_places (work);
  return note_told (work, error);
}

/* Reading */

gboolean
pmss_repair_is_trouble (const GError * error)
{
  PmssErrorDetails *details;

  if (error == NULL)
    return FALSE;
  details = pmss_error_get_details (error);
  return !g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)
      && !g_error_matches (error, PMSS_ERROR, PMSS_ERROR_CORRUPT)
      && !g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE)
      /* a disk's */
      && !(g_error_matches (error, PMSS_ERROR, PMSS_ERROR_FAILED)
      && details->http_status == 500);
}

static void
keep_error (guint node, const char *shard, guint tag, const GError * error,
    gpointer user_data)
{
  PmssRepairWork *work = user_data;

  g_clear_error (&work->errors[tag]);
  if (error != NULL)
    work->errors[tag] = g_error_copy (error);
}

gboolean
pmss_repair_run_calls (PmssRepairWork * work, GError ** error)
{
  return pmss_node_calls_run (work->worker->calls, keep_error, work,
      pmss_job_run_get_cancellable (work->repair->run), error);
}

static PmssBadKind
find_kind (const GError * error)
{
  if (error == NULL || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_CORRUPT))
    return PMSS_BAD_DAMAGED;
  return g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND) ?
      PMSS_BAD_MISSING : PMSS_BAD_UNREADABLE;
}

static gboolean
set_bad (PmssRepairWork * work, PmssRebuild * rebuild, guint index,
    GError ** error)
{
  g_autoptr (GArray) rows = pmss_rebuild_list_bad (rebuild, index);
  PmssBadShard bad = {
    .version = work->version.id,
    .extent = work->extent.number,
    .shard = index,
    .node = work->extent.nodes[index],
    .state = PMSS_BAD_KNOWN,
    .kind = find_kind (work->errors[index]),
    .rows = rows->len <= PMSS_MAX_BAD_ROWS ? rows : NULL,
    .source = PMSS_FOUND_BY_REPAIR,
  };

  g_message ("%s: extent %u, shard %u on node %u is %s", work->medium,
      bad.extent, index, bad.node, pmss_bad_kind_to_string (bad.kind));
  work->bad |= 1u << index;
  return pmss_catalog_add_bad_shard (work->repair->context->catalog, &bad,
      error);
}

/* What came of shard @index, all or some. */
static gboolean
judge (PmssRepairWork * work, PmssRebuild * rebuild, guint index,
    GError ** error)
{
  guint32 bit = 1u << index;
  g_autoptr (GBytes) bytes =
      g_byte_array_free_to_bytes (g_steal_pointer (&work->bytes[index]));
  gboolean good = pmss_rebuild_add (rebuild, index, bytes)
      && !work->errors[index];

  work->read |= bit;
  if (pmss_repair_is_trouble (work->errors[index])) {
    work->unheard |= bit;
    if (work->trusted & bit)
      work->bad |= bit;
    return TRUE;
  }
  return good || set_bad (work, rebuild, index, error);
}

static gboolean
read_shards (PmssRepairWork * work, PmssRebuild * rebuild, guint32 shards,
    GError ** error)
{
  guint64 bytes = 0;

  for (guint i = 0; i < work->n; i++) {
    char name[PMSS_SHARD_NAME_SIZE];
    guint64 size = pmss_extent_geometry_shard_size (&work->geometry, i);

    if (!(shards & (1u << i)))
      continue;
    pmss_shard_name_write (&work->version.id, work->extent.number, i, name);
    work->bytes[i] = g_byte_array_sized_new (size);
    pmss_node_calls_get (work->worker->calls, work->extent.nodes[i], name,
        work->bytes[i], size, i);
  }
  if (!pmss_repair_run_calls (work, error))
    return FALSE;
  for (guint i = 0; i < work->n; i++) {
    if (!(shards & (1u << i)))
      continue;
    bytes += work->bytes[i]->len;
    if (!judge (work, rebuild, i, error))
      return FALSE;
  }
  return pmss_repair_run_moved (work->repair, bytes, error);
}

/* The first @n of @shards. */
static guint32
take (guint32 shards, guint n)
{
  guint32 taken = 0;

  for (; shards && n > 0; n--) {
    taken |= shards & -shards;
    shards &= shards - 1;
  }
  return taken;
}

/* Of what was read, as far as is known. */
static guint32
find_good (const PmssRepairWork * work)
{
  return work->read & ~work->bad & ~work->unheard;
}

/* Reads good shards until each row can be made. One at a time where there is a limit: what is read at once goes as fast as it can. */
static gboolean
read_sources (PmssRepairWork * work, PmssRebuild * rebuild, GError ** error)
{
  gboolean limited = pmss_job_run_get_rate_limit (work->repair->run) > 0;
  guint k = work->geometry.redundancy.k;

  for (;;) {
    guint32 left = work->up & ~work->told & ~work->read;
    /* where one shard is all, a second one has to agree */
    guint n = __builtin_popcount (find_good (work)), wanted = MAX (k, 2);

    if (!left || (n >= wanted && pmss_rebuild_is_enough (rebuild)))
      return TRUE;
    if (!read_shards (work, rebuild,
            take (left, limited || n >= wanted ? 1 : wanted - n), error))
      return FALSE;
  }
}

/* Those that are whole by themselves, and do not say what most say. */
static guint32
find_contradicted (PmssRepairWork * work, PmssRebuild * rebuild)
{
  guint32 contradicted = 0;

  for (guint i = 0; i < work->n; i++) {
    g_autoptr (GArray) rows = NULL;

    if (!(find_good (work) & (1u << i)))
      continue;
    rows = pmss_rebuild_list_bad (rebuild, i);
    contradicted |= rows->len > 0 ? 1u << i : 0;
  }
  return contradicted;
}

static gboolean
find_liars (PmssRepairWork * work, PmssRebuild * rebuild, GError ** error)
{
  guint32 liars = find_contradicted (work, rebuild);

  for (guint i = 0; i < work->n; i++)
    if ((liars & (1u << i)) && !set_bad (work, rebuild, i, error))
      return FALSE;
  return TRUE;
}

/* What was told of @shards was wrong, or is no longer so. */
static gboolean
clear_told (PmssRepairWork * work, guint32 shards, GError ** error)
{
  for (guint i = 0; i < work->n; i++) {
    if (!(work->told & shards & (1u << i)))
      continue;
    pmss_repair_run_changed (work->repair);
    if (!pmss_catalog_clear_bad_shard (work->repair->context->catalog,
            &work->version.id, work->extent.number, i, error))
      return FALSE;
  }
  return TRUE;
}

/* Reads what was told of, and finds out what of it is good. A shard that is whole by itself, and is said to be damaged all the same, may be contradicted by the others. */
static gboolean
look_at_told (PmssRepairWork * work, PmssRebuild * rebuild, char **reason,
    GError ** error)
{
  guint32 doubted, open;

  if (work->told && !read_shards (work, rebuild, work->told, error))
    return FALSE;
  if ((work->unheard & ~work->bad) && !*reason)
    *reason = g_strdup_printf ("%s, extent %u: a node does not answer",
        work->medium, work->extent.number);
  doubted = find_good (work) & work->damaged;
  if (!clear_told (work, find_good (work) & ~doubted, error))
    return FALSE;
  if (!doubted)
    return TRUE;
  if (!read_sources (work, rebuild, error)
      || (pmss_rebuild_is_enough (rebuild)
          && !find_liars (work, rebuild, error)))
    return FALSE;
  /* without enough of the others nobody is convicted */
  open = doubted & find_contradicted (work, rebuild);
  if (open && !*reason)
    *reason = g_strdup_printf ("%s, extent %u: shards contradict each other, "
        "and too few can be read to tell which are damaged", work->medium,
        work->extent.number);
  return clear_told (work, find_good (work) & doubted & ~open, error);
}

/* Making */

static char *
explain_loss (PmssRepairWork * work, const GError * others,
    const GError * original)
{
  guint32 unheard = work->unheard & ~work->bad;
  guint away = work->n - __builtin_popcount (work->up | work->lost);

  return g_strdup_printf ("%s: %s (%u of %u shards are lost or bad, %u on "
      "nodes that are away or do not answer), and %s", work->medium,
      others->message, __builtin_popcount (work->lost | work->bad), work->n,
      away + __builtin_popcount (unheard), original->message);
}

/* @shards: those of the bits in @want, at least; all are NULL where it cannot be done, and @reason says why. */
static gboolean
make_shards (PmssRepairWork * work, PmssRebuild * rebuild, guint32 want,
    GBytes ** shards, char **reason, GError ** error)
{
  g_autoptr (GError) others = NULL;
  g_autoptr (GError) local = NULL;

  if (pmss_rebuild_run (rebuild, want, shards, &others))
    return TRUE;
  if (pmss_repair_restore (work, shards, &local))
    return TRUE;
  if (!g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (!*reason)
    *reason = explain_loss (work, others, local);
  return TRUE;
}

static gboolean
store_all (PmssRepairWork * work, guint32 want, GBytes ** shards,
    char **reason, GError ** error)
{
  gboolean going = TRUE;

  for (guint i = 0; i < PMSS_MAX_SHARDS; i++) {
    g_autofree char *why = NULL;

    if (going && shards[i] && (want & (1u << i)))
      going = pmss_repair_store (work, i, shards[i], &why, error);
    if (why != NULL && !*reason)
      *reason = g_steal_pointer (&why);
    g_clear_pointer (&shards[i], g_bytes_unref);
  }
  return going;
}

static gboolean
repair_shards (PmssRepairWork * work, PmssRebuild * rebuild, char **reason,
    GError ** error)
{
  GBytes *shards[PMSS_MAX_SHARDS] = { NULL };
  guint32 want;

  if (!look_at_told (work, rebuild, reason, error))
    return FALSE;
  if ((work->lost | work->bad) == 0) {
    pmss_repair_run_vain (work->repair);
    return TRUE;
  }
  if (!read_sources (work, rebuild, error)
      || !find_liars (work, rebuild, error))
    return FALSE;
  want = work->lost | work->bad;
  return make_shards (work, rebuild, want, shards, reason, error)
      && store_all (work, want, shards, reason, error);
}

static void
work_clear (PmssRepairWork * work)
{
  for (guint i = 0; i < PMSS_MAX_SHARDS; i++) {
    g_clear_pointer (&work->bytes[i], g_byte_array_unref);
    g_clear_error (&work->errors[i]);
  }
  g_free (work->medium);
}

/* The code of this extent's redundancy. */
static void
set_erasure (PmssRepairWorker * self, PmssRedundancy redundancy)
{
  if (self->erasure && self->redundancy.k == redundancy.k
      && self->redundancy.m == redundancy.m)
    return;
  g_clear_pointer (&self->erasure, pmss_erasure_unref);
  self->erasure = pmss_erasure_new (redundancy);
  self->redundancy = redundancy;
}

/* What has been deleted meanwhile needs nothing any more. */
static gboolean
forget_deleted (PmssRepairWork * work, char **reason, GError ** error)
{
  PmssVersion version;
  g_autoptr (GError) local = NULL;

  if (!*reason)
    return TRUE;
  if (pmss_catalog_get_version (work->repair->context->catalog,
          &work->version.id, &version, &local)) {
    if (version.state != PMSS_VERSION_READY)
      g_clear_pointer (reason, g_free);
    return TRUE;
  }
  if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)) {
    g_clear_pointer (reason, g_free);
    return TRUE;
  }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Bytes in memory, about: most shards are either read or made. */
static guint64
find_size (const PmssRepairWork * work)
{
  guint64 size = 0;

  for (guint i = 0; i < work->n; i++)
    size += pmss_extent_geometry_shard_size (&work->geometry, i);
  return size;
}

static gboolean
mend (PmssRepairWork * work, char **reason, GError ** error)
{
  g_autoptr (PmssRebuild) rebuild = NULL;

  set_erasure (work->worker, work->geometry.redundancy);
  rebuild = pmss_rebuild_new (work->worker->erasure, &work->geometry);
  return pmss_repair_check_room (work, reason, error)
      && repair_shards (work, rebuild, reason, error)
      && forget_deleted (work, reason, error);
}

gboolean
pmss_repair_extent (PmssRepairWorker * self, const PmssExtentPlace * place,
    char **reason, GError ** error)
{
  PmssRepairWork work = {.repair = self->repair,.worker = self };
  gboolean there, going = load (&work, place, &there, error);

  if (going && there && (work.lost | work.told)) {
    guint64 size = find_size (&work);

    pmss_memory_budget_claim (self->repair->memory, size);
    going = mend (&work, reason, error);
    pmss_memory_budget_release (self->repair->memory, size);
  }
  work_clear (&work);
  return going;
}
