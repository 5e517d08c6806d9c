/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/ingest/ingest-private.h"
#include "control/keys.h"
#include "libpmss/pmss-error.h"
#include "libpmss/node/pmss-writer.h"

#define BLOCK (1024 * 1024)

/* Where to go on */

/* Durable ones stay: the first that is not, and those before it told to the placer. */
static gboolean
find_first_extent (Ingest * ingest, guint32 * first, GError ** error)
{
  for (*first = 0;;) {
    g_autoptr (GArray) extents = pmss_catalog_list_extents
        (ingest->context->catalog, &ingest->version.id, *first, 1000, error);

    if (!extents)
      return FALSE;
    for (guint i = 0; i < extents->len; i++) {
      PmssExtent *extent = &g_array_index (extents, PmssExtent, i);
      if (extent->number != *first || extent->state < PMSS_EXTENT_DURABLE)
        return TRUE;
      pmss_placer_note (ingest->placer, extent);
      (*first)++;
    }
    if (extents->len == 0)
      return TRUE;
  }
}

static guint64
start_of (Ingest * ingest, guint32 extent)
{
  return MIN ((guint64) extent * ingest->version.extent, ingest->version.size);
}

/* The checksum */

/* Each byte once: what is sent again was hashed before. */
static void
hash_block (Ingest * ingest, guint64 offset, const guint8 * block, gsize length)
{
  gsize known = MIN (length, ingest->hashed - offset);

  pmss_sha256_update (ingest->sha256, block + known, length - known);
  ingest->hashed += length - known;
}

/* What an earlier run has striped: the state of its checksum went with it. */
static gboolean
hash_up_to (Ingest * ingest, guint64 end, guint8 * block, GError ** error)
{
  GCancellable *cancellable = pmss_job_run_get_cancellable (ingest->run);

  while (ingest->hashed < end) {
    guint64 offset = ingest->hashed;
    gsize length = MIN (BLOCK, end - offset);

    if (g_cancellable_set_error_if_cancelled (cancellable, error)
        || !pmss_ingest_read (ingest, offset, block, length, error))
      return FALSE;
    hash_block (ingest, offset, block, length);
  }
  return TRUE;
}

static gboolean
keep_checksum (Ingest * ingest, GError ** error)
{
  g_free (ingest->medium->sha256);
  ingest->medium->sha256 =
      pmss_sha256_finish (g_steal_pointer (&ingest->sha256));
  return pmss_catalog_update_medium (ingest->context->catalog, ingest->medium,
      error);
}

/* The writer's callbacks */

static gboolean
place (guint32 extent, PmssNode * nodes, gpointer user_data, GError ** error)
{
  return pmss_placer_place (((Ingest *) user_data)->placer, extent, nodes,
      error);
}

static gboolean
replace (guint32 extent, guint shard, const PmssNode * failed,
    const GError * reason, PmssNode * node, gpointer user_data, GError ** error)
{
  return pmss_placer_replace (((Ingest *) user_data)->placer, extent, shard,
      failed->id, reason, node, error);
}

static char *
mint_token (const PmssNode * node, const char *shard, gpointer user_data)
{
  return pmss_keys_mint_for_shard (((Ingest *) user_data)->context->keys,
      node->id, PMSS_TOKEN_WRITE, shard);
}

static gboolean
durable (guint32 extent, gpointer user_data, GError ** error)
{
  Ingest *ingest = user_data;
  guint64 striped = start_of (ingest, extent + 1);

  if (!pmss_catalog_set_extent_state (ingest->context->catalog,
          &ingest->version.id, extent, PMSS_EXTENT_DURABLE, error))
    return FALSE;
  pmss_read_back_allow (ingest->read_back, extent + 1);
  return pmss_job_run_progress (ingest->run,
      striped + pmss_read_back_get_verified (ingest->read_back), error);
}

/* The phase */

static gboolean
write_extents (Ingest * ingest, PmssWriter * writer, guint64 offset,
    guint8 * block, GError ** error)
{
  GCancellable *cancellable = pmss_job_run_get_cancellable (ingest->run);
  guint64 size = ingest->upload->size;

  while (offset < size) {
    gsize length = MIN (BLOCK, size - offset);

    if (!pmss_ingest_read (ingest, offset, block, length, error))
      return FALSE;
    hash_block (ingest, offset, block, length);
    if (!pmss_writer_write (writer, block, length, cancellable, error)
        || !pmss_job_run_throttle (ingest->run, length, error))
      return FALSE;
    offset += length;
  }
  return pmss_writer_finish (writer, cancellable, error);
}

static gboolean
stripe_rest (Ingest * ingest, guint8 * block, GError ** error)
{
  static const PmssWriterFuncs funcs = { place, replace, mint_token, durable };
  PmssVersion *version = &ingest->version;
  g_autoptr (PmssWriter) writer = NULL;
  guint32 first;

  if (!find_first_extent (ingest, &first, error))
    return FALSE;
  pmss_read_back_allow (ingest->read_back, first);
  if (!hash_up_to (ingest, start_of (ingest, first), block, error))
    return FALSE;
  if (start_of (ingest, first) == version->size)
    return TRUE;
  writer = pmss_writer_new (&version->id, version->size, version->redundancy,
      version->unit, version->extent, first, &funcs, ingest);
  g_object_set (writer, "tls-database", ingest->context->tls_database, NULL);
  return write_extents (ingest, writer, start_of (ingest, first), block, error);
}

/* A writer ends when a node fails and no other can take its place. If that node comes back soon, another writer goes on: what is durable stays, and what is stored
 * counts as stored. */
static gboolean
stripe_all (Ingest * ingest, GError ** error)
{
  g_autofree guint8 *block = g_malloc (BLOCK);

  for (;;) {
    g_autoptr (GError) local = NULL;

    if (stripe_rest (ingest, block, &local))
      return TRUE;
    if (!g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NO_SPACE)
        || !pmss_placer_retry (ingest->placer)) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    g_message ("%s: once more: %s", ingest->medium->name, local->message);
  }
}

gboolean
pmss_ingest_stripe (Ingest * ingest, GError ** error)
{
  gboolean done;

  ingest->sha256 = pmss_sha256_new ();
  ingest->hashed = 0;
  ingest->read_back = pmss_read_back_start (ingest, error);
  done = ingest->read_back && stripe_all (ingest, error)
      && keep_checksum (ingest, error);
  if (ingest->read_back)
    pmss_read_back_end (g_steal_pointer (&ingest->read_back), done);
  g_clear_pointer (&ingest->sha256, pmss_sha256_free);
  return done;
}
