/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-reader.h"

#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-wait.h"

/* The public face of a PmssEngine: properties, signals, and the checks that
 * need no lock. */

struct _PmssReader
{
  GObject parent_instance;

  PmssClient *client;
  char *medium;
  PmssEngineSettings settings;

  GMutex lock;                  /* protects the making of both of these */
  PmssEngine *engine;           /* atomic; NULL before open, then constant */
  PmssSession *session;         /* atomic; NULL until it is open, then constant */
};

enum
{
  PROP_0,
  PROP_CLIENT,
  PROP_MEDIUM,
  PROP_SETTINGS                 /* the first of them */
};

enum
{
  SIGNAL_NODE_LOST,
  SIGNAL_NODE_BACK,
  SIGNAL_DEGRADED,
  SIGNAL_WAITING,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (PmssReader, pmss_reader, G_TYPE_OBJECT);


/* The engine's thread knows the reader by a weak reference: the last strong
 * one may go at any moment. */
static void
emit_node_lost (guint node, const char *peer, const GError * error,
    gpointer user_data)
{
  g_autoptr (PmssReader) self = g_weak_ref_get (user_data);

  if (self != NULL)
    g_signal_emit (self, signals[SIGNAL_NODE_LOST], 0, node, peer, error);
}

static void
emit_node_back (guint node, const char *peer, gpointer user_data)
{
  g_autoptr (PmssReader) self = g_weak_ref_get (user_data);

  if (self != NULL)
    g_signal_emit (self, signals[SIGNAL_NODE_BACK], 0, node, peer);
}

static void
emit_degraded (guint missing, guint spare, gpointer user_data)
{
  g_autoptr (PmssReader) self = g_weak_ref_get (user_data);

  if (self != NULL)
    g_signal_emit (self, signals[SIGNAL_DEGRADED], 0, missing, spare);
}

static void
emit_waiting (gint64 start_in, gboolean granted, const GError * refusal,
    gpointer user_data)
{
  g_autoptr (PmssReader) self = g_weak_ref_get (user_data);

  if (self != NULL)
    g_signal_emit (self, signals[SIGNAL_WAITING], 0, start_in, granted,
        refusal);
}

static void
free_weak_ref (gpointer weak)
{
  g_weak_ref_clear (weak);
  g_free (weak);
}

static gpointer
new_weak_ref (PmssReader * self)
{
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  g_weak_ref_init (weak, self);
  return weak;
}

static const PmssNewsFuncs engine_funcs = {
  emit_node_lost, emit_node_back, emit_degraded, emit_waiting
};

/* --- Opening and closing --- */

static PmssEngine *
ensure_engine (PmssReader * self)
{
  PmssEngine *engine;

  g_mutex_lock (&self->lock);
  if (self->engine == NULL)
    g_atomic_pointer_set (&self->engine, pmss_engine_new (self->client,
            self->medium, &self->settings, &engine_funcs, new_weak_ref (self),
            free_weak_ref));
  engine = self->engine;
  g_mutex_unlock (&self->lock);
  pmss_engine_open (engine);
  return engine;
}

/**
 * pmss_reader_open:
 * @self: a reader
 * @cancellable: (nullable): makes it return at once
 * @error: where to put a %PMSS_ERROR or %G_IO_ERROR_CANCELLED
 *
 * Asks control for a session, and blocks until it has one. After a failure it
 * may be called again: thread, login and connections are kept for that.
 */
gboolean
pmss_reader_open (PmssReader * self, GCancellable * cancellable,
    GError ** error)
{
  g_return_val_if_fail (PMSS_IS_READER (self), FALSE);

  return pmss_wait_open (ensure_engine (self), cancellable, error);
}

void
pmss_reader_open_async (PmssReader * self, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (PMSS_IS_READER (self));

  pmss_wait_open_task (ensure_engine (self),
      g_task_new (self, cancellable, callback, user_data));
}

gboolean
pmss_reader_open_finish (PmssReader * self, GAsyncResult * result,
    GError ** error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static PmssEngine *
get_engine (PmssReader * self)
{
  return g_atomic_pointer_get (&self->engine);
}

void
pmss_reader_pause (PmssReader * self)
{
  g_return_if_fail (PMSS_IS_READER (self));

  if (get_engine (self) != NULL)
    pmss_engine_pause (self->engine);
}

void
pmss_reader_close (PmssReader * self)
{
  g_return_if_fail (PMSS_IS_READER (self));

  if (get_engine (self) != NULL)
    pmss_engine_close (self->engine);
}

void
pmss_reader_close_async (PmssReader * self, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task;

  g_return_if_fail (PMSS_IS_READER (self));

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, pmss_reader_close_async);
  if (get_engine (self) != NULL) {
    pmss_engine_close_task (self->engine, task);
    return;
  }
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

gboolean
pmss_reader_close_finish (PmssReader * self, GAsyncResult * result,
    GError ** error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Reading --- */

/* NULL and why: it is not open. */
static const PmssSession *
find_session (PmssReader * self, GError ** error)
{
  const PmssSession *session = g_atomic_pointer_get (&self->session);

  if (session != NULL)
    return session;
  g_mutex_lock (&self->lock);
  if (self->session == NULL && self->engine != NULL)
    g_atomic_pointer_set (&self->session,
        pmss_engine_dup_session (self->engine, error));
  else if (self->session == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED,
        "%s is not open: it has to be opened before it is read", self->medium);
  session = self->session;
  g_mutex_unlock (&self->lock);
  return session;
}

/**
 * pmss_reader_get_session:
 *
 * What control said when the reader was opened. Valid as long as the reader,
 * and never changed: when the session is opened again, id and token are others.
 *
 * Returns: (transfer none) (nullable): the session; %NULL: it is not open
 */
const PmssSession *
pmss_reader_get_session (PmssReader * self)
{
  g_return_val_if_fail (PMSS_IS_READER (self), NULL);

  return find_session (self, NULL);
}

guint64
pmss_reader_get_size (PmssReader * self)
{
  const PmssSession *session = pmss_reader_get_session (self);

  return session != NULL ? pmss_layout_get_size (session->layout) : 0;
}

gboolean
pmss_reader_is_good (PmssReader * self)
{
  g_return_val_if_fail (PMSS_IS_READER (self), FALSE);

  return get_engine (self) != NULL && pmss_engine_is_open (self->engine);
}

char *
pmss_reader_dup_token (PmssReader * self)
{
  g_return_val_if_fail (PMSS_IS_READER (self), NULL);

  return get_engine (self) != NULL ? pmss_engine_dup_token (self->engine)
      : NULL;
}

void
pmss_reader_doubt_session (PmssReader * self)
{
  g_return_if_fail (PMSS_IS_READER (self));

  if (get_engine (self) != NULL)
    pmss_engine_doubt_session (self->engine);
}

/* Whether there is anything to wait for; if not, *bytes or error says why. */
static gboolean
check_place (PmssReader * self, guint64 offset, gsize max, GBytes ** bytes,
    GError ** error)
{
  const PmssSession *session = find_session (self, error);
  guint64 size;

  *bytes = NULL;
  if (session == NULL)
    return FALSE;
  size = pmss_layout_get_size (session->layout);
  if (offset > size) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_RANGE,
        "%s: byte %" G_GUINT64_FORMAT " is past the end, %" G_GUINT64_FORMAT,
        self->medium, offset, size);
    return FALSE;
  }
  if (offset == size || max == 0) {
    *bytes = g_bytes_new (NULL, 0);
    return FALSE;
  }
  return TRUE;
}

/**
 * pmss_reader_read:
 * @self: an open reader
 * @offset: of the first byte
 * @max: how many bytes at the most, > 0
 * @cancellable: (nullable): makes it return at once
 * @error: where to put a %PMSS_ERROR or %G_IO_ERROR_CANCELLED
 *
 * Returns: (transfer full): bytes of the unit that holds @offset
 */
GBytes *
pmss_reader_read (PmssReader * self, guint64 offset, gsize max,
    GCancellable * cancellable, GError ** error)
{
  GBytes *bytes;

  g_return_val_if_fail (PMSS_IS_READER (self), NULL);

  if (!check_place (self, offset, max, &bytes, error))
    return bytes;
  return pmss_wait_read (self->engine, offset, max, cancellable, error);
}

void
pmss_reader_read_async (PmssReader * self, guint64 offset, gsize max,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task;
  GBytes *bytes;
  GError *error = NULL;

  g_return_if_fail (PMSS_IS_READER (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, pmss_reader_read_async);
  if (check_place (self, offset, max, &bytes, &error)) {
    pmss_wait_read_task (self->engine, offset, max, task);
    return;
  }
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, bytes, (GDestroyNotify) g_bytes_unref);
  g_object_unref (task);
}

/**
 * pmss_reader_try_read:
 * @self: an open reader
 * @offset: of the first byte
 * @max: how many bytes at the most, > 0
 *
 * The same as pmss_reader_read() where nothing has to be waited for.
 *
 * Returns: (transfer full) (nullable): bytes of the unit that holds @offset;
 * %NULL: they are not there, and pmss_reader_read_async() says when, or why
 */
GBytes *
pmss_reader_try_read (PmssReader * self, guint64 offset, gsize max)
{
  const PmssSession *session = pmss_reader_get_session (self);

  if (session == NULL || offset >= pmss_layout_get_size (session->layout))
    return NULL;
  return pmss_wait_try_read (self->engine, offset, max);
}

GBytes *
pmss_reader_read_finish (PmssReader * self, GAsyncResult * result,
    GError ** error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Statistics --- */

/**
 * pmss_reader_get_stats:
 *
 * Returns: (transfer full): a dictionary, empty before the reader is open
 */
GVariant *
pmss_reader_get_stats (PmssReader * self)
{
  GVariantDict dict;

  g_return_val_if_fail (PMSS_IS_READER (self), NULL);

  g_variant_dict_init (&dict, NULL);
  if (get_engine (self) != NULL)
    pmss_engine_add_stats (self->engine, &dict);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* --- GObject --- */

PmssReader *
pmss_reader_new (PmssClient * client, const char *medium)
{
  g_return_val_if_fail (PMSS_IS_CLIENT (client), NULL);
  g_return_val_if_fail (medium != NULL, NULL);

  return g_object_new (PMSS_TYPE_READER, "client", client, "medium", medium,
      NULL);
}

static void
pmss_reader_init (PmssReader * self)
{
  g_mutex_init (&self->lock);
  self->settings.seed = g_random_int ();
}

static void
pmss_reader_finalize (GObject * object)
{
  PmssReader *self = PMSS_READER (object);

  g_clear_pointer (&self->engine, pmss_engine_free);
  g_clear_pointer (&self->session, pmss_session_free);
  g_clear_object (&self->client);
  g_free (self->medium);
  g_free (self->settings.ticket);
  g_free (self->settings.session);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (pmss_reader_parent_class)->finalize (object);
}

static void
pmss_reader_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  PmssReader *self = PMSS_READER (object);

  switch (id) {
    case PROP_CLIENT:
      self->client = g_value_dup_object (value);
      break;
    case PROP_MEDIUM:
      self->medium = g_value_dup_string (value);
      break;
    default:
      if (!pmss_engine_settings_set (&self->settings, id - PROP_SETTINGS,
              value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
pmss_reader_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  PmssReader *self = PMSS_READER (object);

  switch (id) {
    case PROP_CLIENT:
      g_value_set_object (value, self->client);
      break;
    case PROP_MEDIUM:
      g_value_set_string (value, self->medium);
      break;
    default:
      if (!pmss_engine_settings_get (&self->settings, id - PROP_SETTINGS,
              value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
pmss_reader_class_init (PmssReaderClass * klass)
{
  const GParamFlags once = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY |
      G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = pmss_reader_finalize;
  object_class->set_property = pmss_reader_set_property;
  object_class->get_property = pmss_reader_get_property;
  g_object_class_install_property (object_class, PROP_CLIENT,
      g_param_spec_object ("client", NULL, NULL, PMSS_TYPE_CLIENT, once));
  g_object_class_install_property (object_class, PROP_MEDIUM,
      g_param_spec_string ("medium", NULL, NULL, NULL, once));
  pmss_engine_settings_install (object_class, PROP_SETTINGS);

  signals[SIGNAL_NODE_LOST] = g_signal_new ("node-lost", PMSS_TYPE_READER,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3, G_TYPE_UINT,
      G_TYPE_STRING, G_TYPE_ERROR);
  signals[SIGNAL_NODE_BACK] = g_signal_new ("node-back", PMSS_TYPE_READER,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_UINT,
      G_TYPE_STRING);
  signals[SIGNAL_DEGRADED] = g_signal_new ("degraded", PMSS_TYPE_READER,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_UINT,
      G_TYPE_UINT);
  signals[SIGNAL_WAITING] = g_signal_new ("waiting", PMSS_TYPE_READER,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3, G_TYPE_INT64,
      G_TYPE_BOOLEAN, G_TYPE_ERROR);
}
