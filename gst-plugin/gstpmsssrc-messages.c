/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Posts the element's messages. The reader's I/O thread, and the streaming thread. */
#include "gstpmsssrc-messages.h"

#include <libpmss/client/pmss-busy.h>

static void
post (GstElement * element, GstStructure * structure)
{
  gst_element_post_message (element,
      gst_message_new_element (GST_OBJECT (element), structure));
}

void
gst_pmss_post_layout (GstElement * element, PmssReader * reader)
{
  const PmssSession *session = pmss_reader_get_session (reader);
  PmssLayout *layout = session->layout;
  PmssRedundancy redundancy = pmss_layout_get_redundancy (layout);
  char version[PMSS_VERSION_ID_STRLEN], text[8];

  pmss_version_id_to_string (pmss_layout_get_version (layout), version);
  pmss_redundancy_to_string (redundancy, text);

  post (element, gst_structure_new ("pmss-layout",
          "version", G_TYPE_STRING, version,
          "size", G_TYPE_UINT64, pmss_layout_get_size (layout),
          "redundancy", G_TYPE_STRING, text,
          "unit", G_TYPE_UINT, pmss_layout_get_unit (layout),
          "extent-size", G_TYPE_UINT, pmss_layout_get_extent_size (layout),
          "extents", G_TYPE_UINT, pmss_layout_get_n_extents (layout),
          "nodes", G_TYPE_UINT, pmss_layout_get_n_nodes (layout),
          "title", G_TYPE_STRING, session->title,
          "content-type", G_TYPE_STRING, session->content_type,
          "avg-bitrate", G_TYPE_UINT64, session->avg_bitrate,
          "peak-bitrate", G_TYPE_UINT64, session->peak_bitrate,
          "duration", G_TYPE_UINT64, session->duration, NULL));
}

void
gst_pmss_post_node_lost (GstElement * element, guint node, const char *peer,
    const GError * error)
{
  post (element, gst_structure_new ("pmss-node-lost",
          "node", G_TYPE_UINT, node, "peer", G_TYPE_STRING, peer,
          "reason", G_TYPE_STRING, error != NULL ? error->message : NULL,
          "error", G_TYPE_ERROR, error, NULL));
}

void
gst_pmss_post_node_back (GstElement * element, guint node, const char *peer)
{
  post (element, gst_structure_new ("pmss-node-back",
          "node", G_TYPE_UINT, node, "peer", G_TYPE_STRING, peer, NULL));
}

void
gst_pmss_post_degraded (GstElement * element, guint missing, guint spare)
{
  post (element, gst_structure_new ("pmss-degraded",
          "missing", G_TYPE_UINT, missing, "spare", G_TYPE_UINT, spare, NULL));
}

void
gst_pmss_post_no_redundancy (GstElement * element, guint missing)
{
  GST_ELEMENT_WARNING_WITH_DETAILS (element, RESOURCE, READ,
      ("%u storage servers do not answer and no redundancy is left: if one "
          "more fails, playing ends.", missing), (NULL),
      ("missing", G_TYPE_UINT, missing, "spare", G_TYPE_UINT, 0, NULL));
}

static char *
describe_start (gint64 start_in, gboolean granted)
{
  g_autofree char *time = NULL;

  if (start_in < 0)
    return g_strdup ("The servers are full; asking again");
  time = pmss_busy_format_time (start_in);
  return granted ? g_strdup_printf ("Starts in %s", time)
      : g_strdup_printf ("The servers are full; likely to start in %s", time);
}

void
gst_pmss_post_waiting (GstElement * element, GstProgressType type,
    gint64 start_in, gboolean granted)
{
  g_autofree char *text = describe_start (start_in, granted);
  GstMessage *message = gst_message_new_progress (GST_OBJECT (element), type,
      "admission", text);

  gst_structure_set (gst_message_writable_structure (message),
      "start-in", G_TYPE_INT64, start_in, "granted", G_TYPE_BOOLEAN, granted,
      NULL);
  gst_element_post_message (element, message);
}
