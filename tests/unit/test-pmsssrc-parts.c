/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What needs no element: statistics and errors put into GStreamer's forms. */
#include <gst/gst.h>
#include <libpmss/pmss-error.h>

#include "gst-plugin/gstpmsssrc-errors.h"
#include "gst-plugin/gstpmsssrc-private.h"
#include "gst-plugin/gstpmsssrc-stats.h"

GST_DEBUG_CATEGORY (gst_pmss_src_debug);

static void
test_stats (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) stats = g_variant_parse (G_VARIANT_TYPE_VARDICT,
      "{'bytes': <uint64 30>, 'requests': <uint64 3>, 'unknown': <[1, 2]>,"
      " 'nodes': <[{'node': <uint32 1>, 'peer': <'a:1'>, 'rate': <uint64 5>,"
      " 'rtt': <uint64 10>}, {'node': <uint32 2>, 'rate': <uint64 7>,"
      " 'rtt': <uint64 20>}, {'node': <uint32 3>, 'rtt': <uint64 0>}]>}",
      NULL, NULL, &error);
  g_autoptr (GstStructure) structure = NULL;
  const GstStructure *node;
  const GValue *nodes;
  guint64 value;
  guint id;

  g_assert_no_error (error);
  structure = gst_pmss_stats_to_structure (stats);
  g_assert_true (gst_structure_get_uint64 (structure, "bytes", &value));
  g_assert_cmpuint (value, ==, 30);
  g_assert_true (gst_structure_get_uint64 (structure, "late", &value));
  g_assert_cmpuint (value, ==, 0);
  g_assert_true (gst_structure_get_uint64 (structure, "rate", &value));
  g_assert_cmpuint (value, ==, 12);
  g_assert_true (gst_structure_get_uint64 (structure, "rtt", &value));
  g_assert_cmpuint (value, ==, 15);
  g_assert_false (gst_structure_has_field (structure, "unknown"));

  nodes = gst_structure_get_value (structure, "nodes");
  g_assert_cmpuint (gst_value_array_get_size (nodes), ==, 3);
  node = gst_value_get_structure (gst_value_array_get_value (nodes, 0));
  g_assert_true (gst_structure_get_uint (node, "node", &id));
  g_assert_cmpuint (id, ==, 1);
  g_assert_cmpstr (gst_structure_get_string (node, "peer"), ==, "a:1");
}

static void
test_error_codes (void)
{
  static const struct
  {
    PmssError code;
    GstResourceError opening, reading;
  } cases[] = {
    {PMSS_ERROR_FAILED, GST_RESOURCE_ERROR_OPEN_READ, GST_RESOURCE_ERROR_READ},
    {PMSS_ERROR_INVALID, GST_RESOURCE_ERROR_OPEN_READ, GST_RESOURCE_ERROR_READ},
    {PMSS_ERROR_NOT_FOUND, GST_RESOURCE_ERROR_NOT_FOUND,
        GST_RESOURCE_ERROR_READ},
    {PMSS_ERROR_NOT_AUTHORIZED, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
        GST_RESOURCE_ERROR_NOT_AUTHORIZED},
    {PMSS_ERROR_FORBIDDEN, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
        GST_RESOURCE_ERROR_NOT_AUTHORIZED},
    {PMSS_ERROR_BUSY, GST_RESOURCE_ERROR_BUSY, GST_RESOURCE_ERROR_READ},
    {PMSS_ERROR_EXISTS, GST_RESOURCE_ERROR_BUSY, GST_RESOURCE_ERROR_READ},
    {PMSS_ERROR_CONFLICT, GST_RESOURCE_ERROR_BUSY, GST_RESOURCE_ERROR_READ},
    {PMSS_ERROR_CORRUPT, GST_RESOURCE_ERROR_READ, GST_RESOURCE_ERROR_READ},
    {PMSS_ERROR_UNREACHABLE, GST_RESOURCE_ERROR_OPEN_READ,
        GST_RESOURCE_ERROR_READ},
    {PMSS_ERROR_TLS, GST_RESOURCE_ERROR_OPEN_READ, GST_RESOURCE_ERROR_READ},
    {PMSS_ERROR_TIMED_OUT, GST_RESOURCE_ERROR_OPEN_READ,
        GST_RESOURCE_ERROR_READ},
    {PMSS_ERROR_TOO_FEW_SHARDS, GST_RESOURCE_ERROR_READ,
        GST_RESOURCE_ERROR_READ},
    {PMSS_ERROR_PROTOCOL, GST_RESOURCE_ERROR_READ, GST_RESOURCE_ERROR_READ},
    {PMSS_ERROR_RANGE, GST_RESOURCE_ERROR_SEEK, GST_RESOURCE_ERROR_SEEK},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error =
        g_error_new_literal (PMSS_ERROR, cases[i].code, "x");

    g_test_message ("code %d", cases[i].code);
    g_assert_cmpint (gst_pmss_error_to_resource (error, TRUE), ==,
        cases[i].opening);
    g_assert_cmpint (gst_pmss_error_to_resource (error, FALSE), ==,
        cases[i].reading);
  }
}

static void
test_error_details (void)
{
  GstElement *bin = gst_object_ref_sink (gst_bin_new (NULL));
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GError) error =
      g_error_new_literal (PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS, "why");
  PmssErrorDetails *details = pmss_error_get_details (error);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) posted = NULL;
  const GstStructure *structure;
  gint64 extent;
  guint number;

  details->node = 4;
  details->extent = 7;
  details->http_status = 503;
  details->medium = g_strdup ("films/a");
  gst_element_set_bus (bin, bus);
  gst_pmss_post_error (bin, error, FALSE, "pmss://host/films/a");

  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &posted, NULL);
  g_assert_error (posted, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ);
  g_assert_cmpstr (posted->message, ==, "why");
  gst_message_parse_error_details (message, &structure);
  g_assert_true (gst_structure_get_uint (structure, "node", &number));
  g_assert_cmpuint (number, ==, 4);
  g_assert_true (gst_structure_get_int64 (structure, "extent", &extent));
  g_assert_cmpint (extent, ==, 7);
  g_assert_true (gst_structure_get_uint (structure, "http-status-code",
          &number));
  g_assert_cmpuint (number, ==, 503);
  g_assert_cmpstr (gst_structure_get_string (structure, "medium"), ==,
      "films/a");
  g_assert_false (gst_structure_has_field (structure, "shard"));

  gst_element_set_bus (bin, NULL);
  gst_object_unref (bin);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  GST_DEBUG_CATEGORY_INIT (gst_pmss_src_debug, "pmsssrc", 0, NULL);

  g_test_add_func ("/pmsssrc/stats", test_stats);
  g_test_add_func ("/pmsssrc/error-codes", test_error_codes);
  g_test_add_func ("/pmsssrc/error-details", test_error_details);
  return g_test_run ();
}
