/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stripes a stream on to nodes. On one worker thread, which it blocks. */

#include "pmss-writer.h"

#include <string.h>

#include "libpmss/pmss-error.h"
#include "pmss-node-client.h"
#include "libpmss/format/pmss-striper.h"

/* Extents whose shards may be under way at once. */
#define MAX_IN_FLIGHT 3
/* write() looks after the network each time that it has taken so many bytes ... */
#define CHUNK (1024u * 1024)
/* ... for at most so many rounds, so that it comes back. */
#define ROUNDS 64
#define DEFAULT_TIMEOUT 15

/* An extent on its way: striped and not yet durable. Stays in `in_flight` as long as it has offers. */
typedef struct
{
  guint32 number;
  GBytes *shards[PMSS_MAX_SHARDS];      /* NULL once stored */
  guint stored;
  GArray *offered;              /* of guint: ids of the nodes that were offered a shard */
} Extent;

struct _PmssWriter
{
  GObject parent_instance;

  PmssWriterFuncs funcs;
  gpointer user_data;
  PmssVersionId version;
  guint64 size;
  PmssRedundancy redundancy;
  guint32 unit;
  guint32 extent_size;
  guint timeout;                /* s */
  GTlsDatabase *tls_database;

  GMainContext *context;
  PmssErasure *erasure;
  GHashTable *clients;          /* node id -> PmssNodeClient */
  GCancellable *stop;           /* ends all requests */
  GError *error;                /* why the writer has ended; all calls fail with it */

  guint64 offset;               /* bytes taken, those before the first extent included */
  guint32 number;               /* of the extent that is being filled */
  guint8 *fill;
  gsize fill_size;
  gsize filled;
  GQueue in_flight;             /* of Extent, by number */
  guint requests;               /* under way */
};

G_DEFINE_TYPE (PmssWriter, pmss_writer, G_TYPE_OBJECT);

enum
{
  PROP_TIMEOUT = 1,
  PROP_TLS_DATABASE,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

/* One shard that a node is asked to store. */
typedef struct
{
  PmssWriter *writer;
  Extent *extent;
  guint index;
  PmssNodeClient *client;
  gboolean again;               /* the connection broke the first time */
} Offer;

static void offer_shard (PmssWriter * self, Extent * extent, guint index,
    const PmssNode * node);

static guint
n_shards (PmssWriter * self)
{
  return self->redundancy.k + self->redundancy.m;
}

/* Bytes of extent @number. */
static gsize
payload_of (PmssWriter * self, guint32 number)
{
  return MIN (self->extent_size,
      self->size - (guint64) number * self->extent_size);
}

static void
extent_free (Extent * extent)
{
  for (guint i = 0; i < PMSS_MAX_SHARDS; i++)
    g_clear_pointer (&extent->shards[i], g_bytes_unref);
  g_array_unref (extent->offered);
  g_free (extent);
}

/* Ends the writer. Takes @error; the first one counts. */
static void
end_with (PmssWriter * self, GError * error)
{
  if (self->error == NULL)
    self->error = error;
  else
    g_error_free (error);
  g_cancellable_cancel (self->stop);
}

/* Ends it because of a callback that said no, perhaps without a reason. */
static void
end_by_callback (PmssWriter * self, GError * error, const char *name)
{
  if (error == NULL)
    error = g_error_new (PMSS_ERROR, PMSS_ERROR_FAILED,
        "the writing was ended (%s)", name);
  end_with (self, error);
}

/* --- shards on their way --- */

static void
report_durable (PmssWriter * self)
{
  while (self->error == NULL) {
    Extent *extent = g_queue_peek_head (&self->in_flight);
    GError *error = NULL;

    if (extent == NULL || extent->stored < n_shards (self))
      return;
    if (!self->funcs.durable (extent->number, self->user_data, &error)) {
      end_by_callback (self, error, "durable");
      return;
    }
    g_queue_pop_head (&self->in_flight);
    extent_free (extent);
  }
}

static gboolean
was_offered (Extent * extent, guint id)
{
  for (guint i = 0; i < extent->offered->len; i++)
    if (g_array_index (extent->offered, guint, i) == id)
      return TRUE;
  return FALSE;
}

/* Whether @node may be offered a shard of @extent: every node is, once. */
static gboolean
check_node (PmssWriter * self, Extent * extent, const PmssNode * node)
{
  if (node->address != NULL && !was_offered (extent, node->id))
    return TRUE;
  end_with (self, g_error_new (PMSS_ERROR, PMSS_ERROR_INVALID,
          "extent %u was to be placed twice on node %u, or on no node",
          extent->number, node->id));
  return FALSE;
}

static void
replace_node (PmssWriter * self, Offer * offer, const GError * reason)
{
  Extent *extent = offer->extent;
  PmssNode node = { 0, };
  GError *error = NULL;

  if (extent->offered->len >= 2 * n_shards (self)) {
    error = g_error_copy (reason);
    g_prefix_error (&error, "extent %u was offered to %u nodes in vain: ",
        extent->number, extent->offered->len);
    end_with (self, error);
  } else if (!self->funcs.replace (extent->number, offer->index,
          pmss_node_client_get_node (offer->client), reason, &node,
          self->user_data, &error)) {
    end_by_callback (self, error, "replace");
  } else if (check_node (self, extent, &node)) {
    offer_shard (self, extent, offer->index, &node);
  }
}

static void send_offer (Offer * offer);

/* A connection that breaks says little about the node: the server may have
 * closed it for idleness just when it was used again. One more try is cheaper
 * than another place; a shard that has arrived all the same counts as stored. */
static gboolean
may_be_chance (Offer * offer, const GError * error)
{
  return !offer->again
      && g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE);
}

static void
on_stored (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Offer *offer = user_data;
  PmssWriter *self = offer->writer;
  Extent *extent = offer->extent;
  g_autoptr (GError) error = NULL;
  gboolean stored = pmss_node_client_put_finish (offer->client, result,
      &error);

  self->requests--;
  if (stored) {
    g_clear_pointer (&extent->shards[offer->index], g_bytes_unref);
    extent->stored++;
    report_durable (self);
  } else if (self->error == NULL && may_be_chance (offer, error)) {
    offer->again = TRUE;
    send_offer (offer);
    return;
  } else if (self->error == NULL) {
    replace_node (self, offer, error);
  }
  g_object_unref (offer->client);
  g_free (offer);
}

/* The client of @node, which may have another address than last time. */
static PmssNodeClient *
client_of (PmssWriter * self, const PmssNode * node)
{
  PmssNodeClient *client = g_hash_table_lookup (self->clients,
      GUINT_TO_POINTER (node->id));

  if (client != NULL) {
    const PmssNode *known = pmss_node_client_get_node (client);

    if (g_str_equal (known->address, node->address)
        && known->port == node->port && known->tls == node->tls)
      return client;
  }
  client = pmss_node_client_new (node, self->timeout, self->tls_database);
  g_hash_table_insert (self->clients, GUINT_TO_POINTER (node->id), client);
  return client;
}

static void
send_offer (Offer * offer)
{
  PmssWriter *self = offer->writer;
  Extent *extent = offer->extent;
  char name[PMSS_SHARD_NAME_SIZE];
  g_autofree char *token = NULL;

  pmss_shard_name_write (&self->version, extent->number, offer->index, name);
  token = self->funcs.token (pmss_node_client_get_node (offer->client), name,
      self->user_data);
  pmss_node_client_set_token (offer->client, token);
  self->requests++;
  pmss_node_client_put_async (offer->client, name,
      extent->shards[offer->index], self->stop, on_stored, offer);
}

static void
offer_shard (PmssWriter * self, Extent * extent, guint index,
    const PmssNode * node)
{
  Offer *offer = g_new0 (Offer, 1);

  g_array_append_val (extent->offered, node->id);
  offer->writer = self;
  offer->extent = extent;
  offer->index = index;
  offer->client = g_object_ref (client_of (self, node));
  send_offer (offer);
}

/* --- the extent that is full --- */

static void
stripe (PmssWriter * self, Extent * extent)
{
  PmssExtentGeometry geometry = {
    .version = self->version,
    .extent = extent->number,
    .redundancy = self->redundancy,
    .unit = self->unit,
    .payload = self->filled,
  };

  pmss_striper_run (self->erasure, &geometry, self->fill, extent->shards);
}

/* Places the extent, stripes it and offers its shards. */
static void
send_extent (PmssWriter * self)
{
  PmssNode nodes[PMSS_MAX_SHARDS] = { 0, };
  Extent *extent;
  GError *error = NULL;

  if (!self->funcs.place (self->number, nodes, self->user_data, &error)) {
    end_by_callback (self, error, "place");
    return;
  }
  extent = g_new0 (Extent, 1);
  extent->number = self->number;
  extent->offered = g_array_new (FALSE, FALSE, sizeof (guint));
  g_queue_push_tail (&self->in_flight, extent);
  stripe (self, extent);
  for (guint i = 0; i < n_shards (self) && self->error == NULL; i++)
    if (check_node (self, extent, &nodes[i]))
      offer_shard (self, extent, i, &nodes[i]);
  self->number++;
  self->filled = 0;
}

/* Runs the context until at most @limit extents are in flight. */
static void
wait_for_room (PmssWriter * self, guint limit)
{
  while (self->error == NULL && self->in_flight.length > limit)
    g_main_context_iteration (self->context, TRUE);
}

static void
look_after_network (PmssWriter * self)
{
  for (guint i = 0; i < ROUNDS && self->error == NULL; i++)
    if (!g_main_context_iteration (self->context, FALSE))
      return;
}

/* Takes up to a chunk of @data; returns how much. */
static gsize
take (PmssWriter * self, const guint8 * data, gsize length)
{
  gsize payload = payload_of (self, self->number);
  gsize taken = MIN (MIN (length, CHUNK), payload - self->filled);

  if (self->fill_size < payload) {
    g_free (self->fill);
    self->fill = g_malloc (payload);
    self->fill_size = payload;
  }
  memcpy (self->fill + self->filled, data, taken);
  self->filled += taken;
  self->offset += taken;
  if (self->filled == payload) {
    wait_for_room (self, MAX_IN_FLIGHT - 1);
    if (self->error == NULL)
      send_extent (self);
  }
  look_after_network (self);
  return taken;
}

/* --- calls --- */

static gboolean
on_cancelled (GCancellable * cancellable, gpointer user_data)
{
  GError *error = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, &error))
    end_with (user_data, error);
  return G_SOURCE_CONTINUE;
}

/* Makes the writer's context the thread's, in which @cancellable ends the writer. */
static GSource *
enter (PmssWriter * self, GCancellable * cancellable)
{
  GSource *source = NULL;

  g_main_context_push_thread_default (self->context);
  if (cancellable == NULL)
    return NULL;
  on_cancelled (cancellable, self);
  source = g_cancellable_source_new (cancellable);
  g_source_set_callback (source, G_SOURCE_FUNC (on_cancelled), self, NULL);
  g_source_attach (source, self->context);
  return source;
}

/* Undoes enter(); says how the call went. */
static gboolean
leave (PmssWriter * self, GSource * source, GError ** error)
{
  if (source != NULL) {
    g_source_destroy (source);
    g_source_unref (source);
  }
  g_main_context_pop_thread_default (self->context);
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_error_copy (self->error));
  return FALSE;
}

gboolean
pmss_writer_write (PmssWriter * self, const void *data, gsize length,
    GCancellable * cancellable, GError ** error)
{
  const guint8 *rest = data;
  GSource *source;

  g_return_val_if_fail (PMSS_IS_WRITER (self), FALSE);
  if (self->error == NULL && length > self->size - self->offset) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "more is written than the %" G_GUINT64_FORMAT " bytes that were "
        "announced", self->size);
    return FALSE;
  }
  source = enter (self, cancellable);
  while (length > 0 && self->error == NULL) {
    gsize taken = take (self, rest, length);

    rest += taken;
    length -= taken;
  }
  return leave (self, source, error);
}

gboolean
pmss_writer_finish (PmssWriter * self, GCancellable * cancellable,
    GError ** error)
{
  GSource *source;

  g_return_val_if_fail (PMSS_IS_WRITER (self), FALSE);
  if (self->error == NULL && self->offset < self->size) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "only %" G_GUINT64_FORMAT " of the announced %" G_GUINT64_FORMAT
        " bytes were written", self->offset, self->size);
    return FALSE;
  }
  source = enter (self, cancellable);
  wait_for_room (self, 0);
  return leave (self, source, error);
}

/* --- the object --- */

PmssWriter *
pmss_writer_new (const PmssVersionId * version, guint64 size,
    PmssRedundancy redundancy, guint32 unit, guint32 extent_size,
    guint32 first_extent, const PmssWriterFuncs * funcs, gpointer user_data)
{
  PmssWriter *self = g_object_new (PMSS_TYPE_WRITER, NULL);
  g_autoptr (PmssLayout) layout = pmss_layout_new (version, size, redundancy,
      unit, extent_size, &self->error);

  self->version = *version;
  self->size = size;
  self->redundancy = redundancy;
  self->unit = unit;
  self->extent_size = extent_size;
  self->number = first_extent;
  self->funcs = *funcs;
  self->user_data = user_data;
  if (layout == NULL)
    return self;
  if (first_extent > pmss_layout_get_n_extents (layout))
    self->error = g_error_new (PMSS_ERROR, PMSS_ERROR_INVALID,
        "there is no extent %u to begin with", first_extent);
  self->offset = MIN (size, (guint64) first_extent * extent_size);
  self->erasure = pmss_erasure_new (redundancy);
  return self;
}

static void
pmss_writer_init (PmssWriter * self)
{
  self->context = g_main_context_new ();
  self->stop = g_cancellable_new ();
  self->clients = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
  g_queue_init (&self->in_flight);
}

/* The requests hold pointers to the writer: it stays until they have ended, which is at once, as they are cancelled. */
static void
drain (PmssWriter * self)
{
  g_cancellable_cancel (self->stop);
  if (self->error == NULL)
    self->error = g_error_new (PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "the writer is closed");
  while (self->requests > 0)
    g_main_context_iteration (self->context, TRUE);
}

static void
pmss_writer_finalize (GObject * object)
{
  PmssWriter *self = PMSS_WRITER (object);

  g_main_context_push_thread_default (self->context);
  drain (self);
  g_hash_table_unref (self->clients);
  g_main_context_pop_thread_default (self->context);
  g_queue_clear_full (&self->in_flight, (GDestroyNotify) extent_free);
  g_clear_pointer (&self->erasure, pmss_erasure_unref);
  g_clear_object (&self->tls_database);
  g_clear_error (&self->error);
  g_object_unref (self->stop);
  g_main_context_unref (self->context);
  g_free (self->fill);
  G_OBJECT_CLASS (pmss_writer_parent_class)->finalize (object);
}

static void
pmss_writer_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  PmssWriter *self = PMSS_WRITER (object);

  switch (id) {
    case PROP_TIMEOUT:
      self->timeout = g_value_get_uint (value);
      break;
    case PROP_TLS_DATABASE:
      g_set_object (&self->tls_database, g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
pmss_writer_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  PmssWriter *self = PMSS_WRITER (object);

  switch (id) {
    case PROP_TIMEOUT:
      g_value_set_uint (value, self->timeout);
      break;
    case PROP_TLS_DATABASE:
      g_value_set_object (value, self->tls_database);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
pmss_writer_class_init (PmssWriterClass * class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->finalize = pmss_writer_finalize;
  object_class->set_property = pmss_writer_set_property;
  object_class->get_property = pmss_writer_get_property;
  props[PROP_TIMEOUT] = g_param_spec_uint ("timeout", NULL, NULL, 1, 86400,
      DEFAULT_TIMEOUT, flags | G_PARAM_CONSTRUCT);
  props[PROP_TLS_DATABASE] = g_param_spec_object ("tls-database", NULL, NULL,
      G_TYPE_TLS_DATABASE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}
