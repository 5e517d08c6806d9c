/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decides whether an element that asks may pull. Any thread. */
#include "gstpmsssrc-private.h"

static GstPadMode
get_mode (GstPad * pad)
{
  GstPadMode mode;

  GST_OBJECT_LOCK (pad);
  mode = GST_PAD_MODE (pad);
  GST_OBJECT_UNLOCK (pad);
  return mode;
}

gboolean
gst_pmss_pad_is_pulled (GstPad * pad)
{
  return get_mode (pad) == GST_PAD_MODE_PULL;
}

static gboolean
has_segment (GstPad * pad)
{
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);

  return event != NULL;
}

/* The pad after @pad in the element, or bin, that it leads into. NULL: there is
 * more than one, or none. */
static GstPad *
get_next (GstPad * pad)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (pad);
  g_autoptr (GstIterator) iterator = NULL;
  g_auto (GValue) item = G_VALUE_INIT;
  g_auto (GValue) other = G_VALUE_INIT;

  if (peer != NULL)
    iterator = gst_pad_iterate_internal_links (peer);
  if (iterator == NULL
      || gst_iterator_next (iterator, &item) != GST_ITERATOR_OK
      || gst_iterator_next (iterator, &other) != GST_ITERATOR_DONE)
    return NULL;
  return g_value_dup_object (&item);
}

gboolean
gst_pmss_pad_feeds_push (GstPad * pad)
{
  g_autoptr (GstPad) at = g_object_ref (pad);

  while (at != NULL && get_mode (at) == GST_PAD_MODE_PULL) {
    g_autoptr (GstPad) last = g_steal_pointer (&at);

    at = get_next (last);
  }
  return at != NULL && get_mode (at) == GST_PAD_MODE_PUSH && has_segment (at);
}
