/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-pmsssrc
 * @title: pmsssrc
 *
 * Reads a medium from the storage servers of a PMSS cluster, from all of them
 * in parallel.
 *
 * The element offers pull and push scheduling. It is a URI handler for
 * `pmss://` and, with TLS, `pmsss://`, so that every player that takes a URI
 * can use it. The element connects when the first buffer is asked for. An open
 * session stays open in READY and is given back in NULL.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 pmsssrc location=pmss://localhost/films/sintel.webm ! decodebin ! autovideosink
 * ]| Plays the picture of a film.
 * |[
 * gst-launch-1.0 playbin3 uri=pmss://viewer:secret@media.example.org/films/sintel.webm
 * ]| Plays a film, logging in first.
 *
 * Since: 0.1
 */
#include "gstpmsssrc.h"

#include <libpmss/pmss-error.h>
#include <string.h>

#include "gstpmsssrc-context.h"
#include "gstpmsssrc-private.h"

GST_DEBUG_CATEGORY (gst_pmss_src_debug);
#define GST_CAT_DEFAULT gst_pmss_src_debug

/* As large as the default unit: smaller ones cost more for each byte, larger
 * ones save nothing. */
#define DEFAULT_BLOCKSIZE (256 * 1024)
/* A buffer holds 16 memories at most; from there on GstBuffer would merge, and
 * so copy, again and again. */
#define MAX_MEMORIES 16

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static void gst_pmss_src_uri_handler_init (gpointer iface, gpointer data);

G_DEFINE_TYPE_WITH_CODE (GstPmssSrc, gst_pmss_src, GST_TYPE_BASE_SRC,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, gst_pmss_src_uri_handler_init);
    GST_DEBUG_CATEGORY_INIT (gst_pmss_src_debug, "pmsssrc", 0, "PMSS source"));
GST_ELEMENT_REGISTER_DEFINE (pmsssrc, "pmsssrc", GST_RANK_PRIMARY,
    GST_TYPE_PMSS_SRC);

static gboolean
gst_pmss_src_start (GstBaseSrc * bsrc)
{
  GstPmssSrc *src = GST_PMSS_SRC (bsrc);
  g_autofree char *problem = NULL;
  gboolean ok;

  g_mutex_lock (&src->lock);
  ok = src->settings.uri != NULL;
  problem = g_strdup (src->location_problem);
  src->started = ok;
  /* the thread that opens next closes a reader with old settings: that
   * blocks */
  if (src->settings_changed && src->open_state == GST_PMSS_SRC_OPEN)
    src->open_state = GST_PMSS_SRC_CLOSED;
  g_mutex_unlock (&src->lock);

  if (!ok && problem != NULL)
    GST_ELEMENT_ERROR (src, RESOURCE, NOT_FOUND,
        ("Not a usable PMSS URI: %s", problem), (NULL));
  else if (!ok)
    GST_ELEMENT_ERROR (src, RESOURCE, NOT_FOUND,
        ("No URI to read was set."), ("missing location property"));
  return ok;
}

static gboolean
gst_pmss_src_stop (GstBaseSrc * bsrc)
{
  gst_pmss_src_pause (GST_PMSS_SRC (bsrc));
  return TRUE;
}

static gboolean
gst_pmss_src_unlock (GstBaseSrc * bsrc)
{
  gst_pmss_src_cancel (GST_PMSS_SRC (bsrc), TRUE);
  return TRUE;
}

static gboolean
gst_pmss_src_unlock_stop (GstBaseSrc * bsrc)
{
  GstPmssSrc *src = GST_PMSS_SRC (bsrc);

  g_mutex_lock (&src->lock);
  src->flushing = FALSE;
  g_mutex_unlock (&src->lock);
  return TRUE;
}

static gboolean
gst_pmss_src_is_seekable (GstBaseSrc * bsrc)
{
  return TRUE;
}

static gboolean
gst_pmss_src_get_size (GstBaseSrc * bsrc, guint64 * size)
{
  GstPmssSrc *src = GST_PMSS_SRC (bsrc);
  g_autoptr (PmssReader) reader = NULL;

  g_mutex_lock (&src->lock);
  if (src->open_state == GST_PMSS_SRC_OPEN)
    g_set_object (&reader, src->reader);
  g_mutex_unlock (&src->lock);

  if (reader != NULL)
    *size = pmss_reader_get_size (reader);
  return reader != NULL;
}

/* Nothing to do but to agree: create () is told the offset. This may run in our
 * own streaming thread. */
static gboolean
gst_pmss_src_do_seek (GstBaseSrc * bsrc, GstSegment * segment)
{
  if (segment->format != GST_FORMAT_BYTES) {
    GST_ELEMENT_ERROR (bsrc, RESOURCE, SEEK,
        ("Only positions in bytes can be sought."), ("format %s",
            gst_format_get_name (segment->format)));
    return FALSE;
  }
  segment->time = segment->start;
  return TRUE;
}

/* The base class asks get_size () no more once it was unknown, so it is told;
 * also again, should a query of another thread that saw the old value have put
 * it back. */
static void
update_duration (GstBaseSrc * bsrc, guint64 size)
{
  gboolean changed;

  GST_OBJECT_LOCK (bsrc);
  changed = bsrc->segment.duration != size;
  bsrc->segment.duration = size;
  GST_OBJECT_UNLOCK (bsrc);

  if (changed) {
    GST_DEBUG_OBJECT (bsrc, "size %" G_GUINT64_FORMAT, size);
    gst_element_post_message (GST_ELEMENT (bsrc),
        gst_message_new_duration_changed (GST_OBJECT (bsrc)));
  }
}

static void
append_bytes (GstBuffer * buffer, GBytes * bytes)
{
  gsize size;
  gpointer data = (gpointer) g_bytes_get_data (bytes, &size);

  gst_buffer_append_memory (buffer,
      gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, data, size, 0, size,
          g_bytes_ref (bytes), (GDestroyNotify) g_bytes_unref));
}

/* Where a read goes that must have so and so many bytes. */
typedef struct
{
  GstPmssSrc *src;
  PmssReader *reader;
  GCancellable *cancellable;
} Source;

static GBytes *
read_some (Source * source, guint64 offset, gsize max, GstFlowReturn * ret)
{
  g_autoptr (GError) error = NULL;
  GBytes *bytes = pmss_reader_read (source->reader, offset, max,
      source->cancellable, &error);

  if (bytes != NULL && g_bytes_get_size (bytes) > 0)
    return bytes;

  if (bytes != NULL) {
    /* the size is authoritative: an end before it is an error */
    g_bytes_unref (bytes);
    g_set_error (&error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "The data ended at byte %" G_GUINT64_FORMAT " already", offset);
  }
  if (g_cancellable_is_cancelled (source->cancellable)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    *ret = GST_FLOW_FLUSHING;
  } else {
    gst_pmss_src_fail (source->src, error);
    *ret = GST_FLOW_ERROR;
  }
  return NULL;
}

/* Fills up @buffer to @length from the units' own memory, as far as it can hold
 * them. Returns how much it has then, 0 on failure. */
static gsize
append_units (Source * source, GstBuffer * buffer, guint64 offset,
    gsize length, gboolean exact, GstFlowReturn * ret)
{
  gsize done = 0;

  do {
    g_autoptr (GBytes) bytes =
        read_some (source, offset + done, length - done, ret);

    if (bytes == NULL)
      return 0;
    append_bytes (buffer, bytes);
    done += g_bytes_get_size (bytes);
  } while (exact && done < length
      && gst_buffer_n_memory (buffer) < MAX_MEMORIES - 1);

  return done;
}

/* The rest of a buffer of many units, in one memory of its own. */
static GstFlowReturn
append_copy (Source * source, GstBuffer * buffer, guint64 offset, gsize length)
{
  GstMemory *memory = gst_allocator_alloc (NULL, length, NULL);
  GstFlowReturn ret = GST_FLOW_OK;
  GstMapInfo map;
  gsize done = 0;

  if (memory == NULL || !gst_memory_map (memory, &map, GST_MAP_WRITE)) {
    g_autoptr (GError) error = g_error_new (PMSS_ERROR, PMSS_ERROR_FAILED,
        "No memory for %" G_GSIZE_FORMAT " bytes", length);

    g_clear_pointer (&memory, gst_memory_unref);
    gst_pmss_src_fail (source->src, error);
    return GST_FLOW_ERROR;
  }

  while (done < length && ret == GST_FLOW_OK) {
    g_autoptr (GBytes) bytes =
        read_some (source, offset + done, length - done, &ret);

    if (bytes != NULL) {
      gsize size = g_bytes_get_size (bytes);

      memcpy (map.data + done, g_bytes_get_data (bytes, NULL), size);
      done += size;
    }
  }
  gst_memory_unmap (memory, &map);
  gst_buffer_append_memory (buffer, memory);
  return ret;
}

static GstFlowReturn
fill_buffer (Source * source, GstBuffer * buffer, guint64 offset,
    gsize length, gboolean exact)
{
  GstFlowReturn ret = GST_FLOW_OK;
  gsize done = append_units (source, buffer, offset, length, exact, &ret);

  if (ret == GST_FLOW_OK && exact && done < length)
    ret = append_copy (source, buffer, offset + done, length - done);
  return ret;
}

static GstFlowReturn
gst_pmss_src_create (GstBaseSrc * bsrc, guint64 offset, guint length,
    GstBuffer ** buffer)
{
  GstPmssSrc *src = GST_PMSS_SRC (bsrc);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GCancellable) cancellable = NULL;
  g_autoptr (GstBuffer) made = NULL;
  Source source = { src };
  GstFlowReturn ret = gst_pmss_src_acquire (src, &reader, &cancellable);
  gboolean exact;
  guint64 size;

  if (ret != GST_FLOW_OK)
    return ret;

  size = pmss_reader_get_size (reader);
  update_duration (bsrc, size);
  /* the base class did not know the size before the first call */
  if (offset >= size)
    return GST_FLOW_EOS;
  /* backwards, the base class steps by whole blocks */
  exact = gst_pmss_pad_is_pulled (GST_BASE_SRC_PAD (bsrc))
      || bsrc->segment.rate < 0.0;
  if (length == 0 && !exact)
    length = DEFAULT_BLOCKSIZE;
  length = MIN (length, size - offset);

  source.reader = reader;
  source.cancellable = cancellable;
  made = gst_buffer_new ();
  if (length > 0)
    ret = fill_buffer (&source, made, offset, length, exact);
  if (ret != GST_FLOW_OK)
    return ret;

  GST_BUFFER_OFFSET (made) = offset;
  GST_BUFFER_OFFSET_END (made) = offset + gst_buffer_get_size (made);
  *buffer = g_steal_pointer (&made);
  return GST_FLOW_OK;
}

/* Typefinding in pull mode asks for the size before it pulls anything, and
 * looks at the tail only if it gets one. So in that mode the answer is worth
 * waiting for, in a streaming thread; a thread that runs a main loop is an
 * application's and is never held up. */
static void
answer_duration (GstPmssSrc * src, GstQuery * query)
{
  GstBaseSrc *bsrc = GST_BASE_SRC (src);
  GstFormat format;
  guint64 size;

  gst_query_parse_duration (query, &format, NULL);
  if (format != GST_FORMAT_BYTES || g_main_depth () > 0
      || !gst_pmss_pad_is_pulled (GST_BASE_SRC_PAD (bsrc)))
    return;

  gst_pmss_src_wait_open (src);
  if (gst_pmss_src_get_size (bsrc, &size))
    update_duration (bsrc, size);
}

/* The default starts and stops the element to find out. */
static void
answer_scheduling (GstBaseSrc * bsrc, GstQuery * query)
{
  gst_query_set_scheduling (query, GST_SCHEDULING_FLAG_SEEKABLE
      | GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED, 1, -1, 0);
  if (!gst_pmss_pad_feeds_push (GST_BASE_SRC_PAD (bsrc)))
    gst_query_add_scheduling_mode (query, GST_PAD_MODE_PULL);
  gst_query_add_scheduling_mode (query, GST_PAD_MODE_PUSH);
}

static gboolean
gst_pmss_src_query (GstBaseSrc * bsrc, GstQuery * query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_SCHEDULING:
      answer_scheduling (bsrc, query);
      return TRUE;
    case GST_QUERY_DURATION:
      answer_duration (GST_PMSS_SRC (bsrc), query);
      break;
    default:
      break;
  }
  return GST_BASE_SRC_CLASS (gst_pmss_src_parent_class)->query (bsrc, query);
}

static void
gst_pmss_src_set_context (GstElement * element, GstContext * context)
{
  GstPmssSrc *src = GST_PMSS_SRC (element);
  g_autoptr (PmssClient) client = gst_pmss_context_get_client (context);
  g_autoptr (PmssClient) old = NULL;

  if (client != NULL) {
    g_mutex_lock (&src->lock);
    old = src->shared_client;
    src->shared_client = g_steal_pointer (&client);
    g_mutex_unlock (&src->lock);
  }
  GST_ELEMENT_CLASS (gst_pmss_src_parent_class)->set_context (element, context);
}

static GstStateChangeReturn
gst_pmss_src_change_state (GstElement * element, GstStateChange transition)
{
  GstStateChangeReturn ret =
      GST_ELEMENT_CLASS (gst_pmss_src_parent_class)->change_state (element,
      transition);

  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    gst_pmss_src_close (GST_PMSS_SRC (element));
  return ret;
}

static void
gst_pmss_src_finalize (GObject * object)
{
  GstPmssSrc *src = GST_PMSS_SRC (object);

  gst_pmss_src_close (src);
  gst_pmss_src_settings_clear (&src->settings);
  g_free (src->location_problem);
  g_clear_object (&src->cancellable);
  g_clear_object (&src->shared_client);
  g_clear_error (&src->failure);
  g_cond_clear (&src->changed);
  g_mutex_clear (&src->lock);
  G_OBJECT_CLASS (gst_pmss_src_parent_class)->finalize (object);
}

static void
gst_pmss_src_class_init (GstPmssSrcClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSrcClass *base_class = GST_BASE_SRC_CLASS (klass);

  object_class->finalize = gst_pmss_src_finalize;
  gst_pmss_src_install_properties (object_class);
  gst_pmss_context_init ();

  element_class->change_state = GST_DEBUG_FUNCPTR (gst_pmss_src_change_state);
  element_class->set_context = GST_DEBUG_FUNCPTR (gst_pmss_src_set_context);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "PMSS source",
      "Source/Network",
      "Reads a medium from several storage servers in parallel",
      "The PMSS developers");

  base_class->start = GST_DEBUG_FUNCPTR (gst_pmss_src_start);
  base_class->stop = GST_DEBUG_FUNCPTR (gst_pmss_src_stop);
  base_class->unlock = GST_DEBUG_FUNCPTR (gst_pmss_src_unlock);
  base_class->unlock_stop = GST_DEBUG_FUNCPTR (gst_pmss_src_unlock_stop);
  base_class->is_seekable = GST_DEBUG_FUNCPTR (gst_pmss_src_is_seekable);
  base_class->get_size = GST_DEBUG_FUNCPTR (gst_pmss_src_get_size);
  base_class->do_seek = GST_DEBUG_FUNCPTR (gst_pmss_src_do_seek);
  base_class->create = GST_DEBUG_FUNCPTR (gst_pmss_src_create);
  base_class->query = GST_DEBUG_FUNCPTR (gst_pmss_src_query);
}

static void
gst_pmss_src_init (GstPmssSrc * src)
{
  g_mutex_init (&src->lock);
  g_cond_init (&src->changed);
  src->cancellable = g_cancellable_new ();
  gst_pmss_src_settings_init (&src->settings);
  gst_base_src_set_blocksize (GST_BASE_SRC (src), DEFAULT_BLOCKSIZE);
}

static GstURIType
gst_pmss_src_uri_get_type (GType type)
{
  return GST_URI_SRC;
}

static const gchar *const *
gst_pmss_src_uri_get_protocols (GType type)
{
  static const gchar *const protocols[] = { "pmss", "pmsss", NULL };

  return protocols;
}

static gchar *
gst_pmss_src_uri_get_uri (GstURIHandler * handler)
{
  GstPmssSrc *src = GST_PMSS_SRC (handler);
  gchar *uri;

  g_mutex_lock (&src->lock);
  uri = g_strdup (src->settings.location);
  g_mutex_unlock (&src->lock);
  return uri;
}

static gboolean
gst_pmss_src_uri_set_uri (GstURIHandler * handler, const gchar * uri,
    GError ** error)
{
  return gst_pmss_src_set_location (GST_PMSS_SRC (handler), uri, error);
}

static void
gst_pmss_src_uri_handler_init (gpointer iface, gpointer data)
{
  GstURIHandlerInterface *handler = iface;

  handler->get_type = gst_pmss_src_uri_get_type;
  handler->get_protocols = gst_pmss_src_uri_get_protocols;
  handler->get_uri = gst_pmss_src_uri_get_uri;
  handler->set_uri = gst_pmss_src_uri_set_uri;
}
