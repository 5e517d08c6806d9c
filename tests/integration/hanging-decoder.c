/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A GStreamer plugin with a decoder of VP8 that takes a frame and never gives one: it goes before all others. */
#include <gst/gst.h>

typedef struct
{
  GstElement element;
} HangingDecoder;

typedef struct
{
  GstElementClass element;
} HangingDecoderClass;

GType hanging_decoder_get_type (void);
G_DEFINE_TYPE (HangingDecoder, hanging_decoder, GST_TYPE_ELEMENT)
     static GstStaticPadTemplate sink_template =
         GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-vp8"));
     static GstStaticPadTemplate source_template =
         GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw"));

     static GstFlowReturn
         chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  static gint never;

  while (!g_atomic_int_get (&never))
    g_usleep (G_USEC_PER_SEC);
  return GST_FLOW_FLUSHING;
}

static void
hanging_decoder_class_init (HangingDecoderClass * klass)
{
  GstElementClass *element = GST_ELEMENT_CLASS (klass);

  gst_element_class_add_static_pad_template (element, &sink_template);
  gst_element_class_add_static_pad_template (element, &source_template);
  gst_element_class_set_static_metadata (element, "Hanging decoder",
      "Codec/Decoder/Video", "Takes a frame and never gives one", "PMSS");
}

static void
hanging_decoder_init (HangingDecoder * self)
{
  GstPad *sink = gst_pad_new_from_static_template (&sink_template, "sink");

  gst_pad_set_chain_function (sink, chain);
  gst_element_add_pad (GST_ELEMENT (self), sink);
  gst_element_add_pad (GST_ELEMENT (self),
      gst_pad_new_from_static_template (&source_template, "src"));
}

static gboolean
init (GstPlugin * plugin)
{
  return gst_element_register (plugin, "hangingdecoder",
      GST_RANK_PRIMARY + 1000, hanging_decoder_get_type ());
}

#define PACKAGE "pmss-tests"
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, hangingdecoder,
    "A decoder that hangs", init, "1", "LGPL", "PMSS", "https://example.org")
