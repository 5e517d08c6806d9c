/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* write() of a striping: extent by extent on to the nodes. On its worker thread. */
#include "control/striping/striping-private.h"
#include "control/keys.h"
#include "libpmss/pmss-error.h"
#include "libpmss/node/pmss-writer.h"

#define BLOCK (1024 * 1024)

/* Where to go on */

/* Durable ones stay: the first that is not, and those before it told to the placer. */
static gboolean
find_first_extent (PmssStriping * striping, guint32 * first, GError ** error)
{
  for (*first = 0;;) {
    g_autoptr (GArray) extents = pmss_catalog_list_extents
        (striping->context->catalog, &striping->version.id, *first, 1000,
        error);

    if (extents == NULL)
      return FALSE;
    for (guint i = 0; i < extents->len; i++) {
      PmssExtent *extent = &g_array_index (extents, PmssExtent, i);
      if (extent->number != *first || extent->state < PMSS_EXTENT_DURABLE)
        return TRUE;
      pmss_placer_note (striping->placer, extent);
      (*first)++;
    }
    if (extents->len == 0)
      return TRUE;
  }
}

static guint64
start_of (PmssStriping * striping, guint32 extent)
{
  return MIN ((guint64) extent * striping->version.extent,
      striping->version.size);
}

/* The checksum */

/* Each byte once: what is sent again was hashed before. */
static void
hash_block (PmssStriping * striping, guint64 offset, const guint8 * block,
    gsize length)
{
  gsize known = MIN (length, striping->hashed - offset);

  pmss_sha256_update (striping->sha256, block + known, length - known);
  striping->hashed += length - known;
}

/* What an earlier run has striped: the state of its checksum went with it. */
static gboolean
hash_up_to (PmssStriping * striping, guint64 end, guint8 * block,
    GError ** error)
{
  GCancellable *cancellable = striping->cancellable;

  while (striping->hashed < end) {
    guint64 offset = striping->hashed;
    gsize length = MIN (BLOCK, end - offset);

    if (g_cancellable_set_error_if_cancelled (cancellable, error)
        || !pmss_byte_source_read (striping->source, offset, block, length,
            error))
      return FALSE;
    hash_block (striping, offset, block, length);
  }
  return TRUE;
}

/* The writer's callbacks */

static gboolean
place_extent (guint32 extent, PmssNode * nodes, gpointer user_data,
    GError ** error)
{
  return pmss_placer_place (((PmssStriping *) user_data)->placer, extent, nodes,
      error);
}

static gboolean
replace_node (guint32 extent, guint shard, const PmssNode * failed,
    const GError * reason, PmssNode * node, gpointer user_data, GError ** error)
{
  return pmss_placer_replace (((PmssStriping *) user_data)->placer, extent,
      shard, failed->id, reason, node, error);
}

static char *
mint_token (const PmssNode * node, const char *shard, gpointer user_data)
{
  return pmss_keys_mint_for_shard (((PmssStriping *) user_data)->context->keys,
      node->id, PMSS_TOKEN_WRITE, shard);
}

static gboolean
note_durable (guint32 extent, gpointer user_data, GError ** error)
{
  PmssStriping *striping = user_data;
  guint64 striped = start_of (striping, extent + 1);

  if (!pmss_catalog_set_extent_state (striping->context->catalog,
          &striping->version.id, extent, PMSS_EXTENT_DURABLE, error))
    return FALSE;
  pmss_read_back_allow (striping->read_back, extent + 1);
  return striping->funcs.progress (striped
      + pmss_read_back_get_verified (striping->read_back), striping->user_data,
      error);
}

/* The phase */

static gboolean
write_extents (PmssStriping * striping, PmssWriter * writer, guint64 offset,
    guint8 * block, GError ** error)
{
  GCancellable *cancellable = striping->cancellable;
  guint64 size = striping->version.size;

  while (offset < size) {
    gsize length = MIN (BLOCK, size - offset);

    if (!pmss_byte_source_read (striping->source, offset, block, length, error))
      return FALSE;
    hash_block (striping, offset, block, length);
    if (!pmss_writer_write (writer, block, length, cancellable, error)
        || !striping->funcs.throttle (length, striping->user_data, error))
      return FALSE;
    offset += length;
  }
  return pmss_writer_finish (writer, cancellable, error);
}

static gboolean
stripe_rest (PmssStriping * striping, guint8 * block, GError ** error)
{
  static const PmssWriterFuncs funcs =
      { place_extent, replace_node, mint_token, note_durable };
  PmssVersion *version = &striping->version;
  g_autoptr (PmssWriter) writer = NULL;
  guint32 first;

  if (!find_first_extent (striping, &first, error))
    return FALSE;
  pmss_read_back_allow (striping->read_back, first);
  if (!hash_up_to (striping, start_of (striping, first), block, error))
    return FALSE;
  if (start_of (striping, first) == version->size)
    return TRUE;
  writer = pmss_writer_new (&version->id, version->size, version->redundancy,
      version->unit, version->extent, first, &funcs, striping);
  g_object_set (writer, "tls-database", striping->context->tls_database, NULL);
  return write_extents (striping, writer, start_of (striping, first), block,
      error);
}

/* A writer ends when a node fails and no other can take its place. If that node comes back soon, another writer goes on: what is durable stays, and what is stored
 * counts as stored. */
static gboolean
stripe_all (PmssStriping * striping, GError ** error)
{
  g_autofree guint8 *block = g_malloc (BLOCK);

  for (;;) {
    g_autoptr (GError) local = NULL;

    if (stripe_rest (striping, block, &local))
      return TRUE;
    if (!g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NO_SPACE)
        || !pmss_placer_retry (striping->placer)) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    g_message ("%s: once more: %s", striping->name, local->message);
  }
}

gboolean
pmss_striping_write (PmssStriping * striping, char **sha256, GError ** error)
{
  gboolean done;

  striping->sha256 = pmss_sha256_new ();
  striping->hashed = 0;
  striping->read_back = pmss_read_back_start (striping, error);
  done = striping->read_back && stripe_all (striping, error);
  if (done)
    *sha256 = pmss_sha256_finish (g_steal_pointer (&striping->sha256));
  if (striping->read_back)
    pmss_read_back_end (g_steal_pointer (&striping->read_back), done);
  g_clear_pointer (&striping->sha256, pmss_sha256_free);
  return done;
}
