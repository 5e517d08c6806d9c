/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element as a GStreamer citizen: all that needs no server. */
#include <gst/base/gstbasesrc.h>

#include "pmsssrc-fixture.h"

static GstElement *
make (void)
{
  GstElement *element = gst_element_factory_make ("pmsssrc", NULL);

  g_assert_nonnull (element);
  return gst_object_ref_sink (element);
}

static void
test_factory (void)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("pmsssrc");
  const char *const *protocols;

  g_assert_nonnull (factory);
  g_assert_cmpuint (gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (factory)),
      ==, GST_RANK_PRIMARY);
  g_assert_cmpstr (gst_plugin_feature_get_plugin_name (GST_PLUGIN_FEATURE
          (factory)), ==, "pmss");
  g_assert_cmpstr (gst_element_factory_get_metadata (factory,
          GST_ELEMENT_METADATA_KLASS), ==, "Source/Network");
  g_assert_cmpint (gst_element_factory_get_uri_type (factory), ==, GST_URI_SRC);
  protocols = gst_element_factory_get_uri_protocols (factory);
  /* the registry does not keep their order */
  g_assert_cmpuint (g_strv_length ((char **) protocols), ==, 2);
  g_assert_true (g_strv_contains (protocols, "pmss"));
  g_assert_true (g_strv_contains (protocols, "pmsss"));
}

static void
test_defaults (void)
{
  g_autoptr (GstElement) element = make ();
  guint timeout, max_connections, max_extra, blocksize, read_ahead_time;
  guint64 cache_size, read_ahead, max_memory, wait_for_admission;
  double factor, max;
  int retries;
  GTlsCertificateFlags flags;
  g_autofree char *location = NULL;

  g_object_get (element, "timeout", &timeout, "retries", &retries,
      "retry-backoff-factor", &factor, "retry-backoff-max", &max,
      "max-connections", &max_connections, "max-extra", &max_extra,
      "cache-size", &cache_size,
      "read-ahead", &read_ahead, "read-ahead-time", &read_ahead_time,
      "max-memory", &max_memory, "wait-for-admission", &wait_for_admission,
      "tls-validation-flags", &flags, "location", &location,
      "blocksize", &blocksize, NULL);
  g_assert_cmpuint (timeout, ==, 15);
  g_assert_cmpint (retries, ==, 3);
  g_assert_cmpfloat (factor, ==, 0.0);
  g_assert_cmpfloat (max, ==, 60.0);
  g_assert_cmpuint (max_connections, ==, 2);
  g_assert_cmpuint (max_extra, ==, 5);
  g_assert_cmpuint (cache_size, ==, 52 << 20);
  g_assert_cmpuint (read_ahead, ==, 48 << 20);
  g_assert_cmpuint (read_ahead_time, ==, 10);
  g_assert_cmpuint (max_memory, ==, 0);
  g_assert_cmpuint (wait_for_admission, ==, 0);
  g_assert_cmpint (flags, ==, G_TLS_CERTIFICATE_VALIDATE_ALL);
  g_assert_cmpuint (blocksize, ==, 256 * 1024);
  g_assert_null (location);
}

static void
test_properties (void)
{
  g_autoptr (GstElement) element = make ();
  g_autofree char *user = NULL, *password = NULL, *token = NULL;
  guint timeout;
  int retries;

  g_object_set (element, "user-id", "eve", "user-pw", "secret", "token", "tk",
      "timeout", 3600u, "retries", -1, NULL);
  g_object_get (element, "user-id", &user, "user-pw", &password, "token",
      &token, "timeout", &timeout, "retries", &retries, NULL);
  g_assert_cmpstr (user, ==, "eve");
  g_assert_null (password);
  g_assert_null (token);
  g_assert_cmpuint (timeout, ==, 3600);
  g_assert_cmpint (retries, ==, -1);
}

static void
test_stats_before_open (void)
{
  g_autoptr (GstElement) element = make ();
  g_autoptr (GstStructure) stats = NULL;
  guint64 bytes = 1;

  g_object_get (element, "stats", &stats, NULL);
  g_assert_nonnull (stats);
  g_assert_true (gst_structure_get_uint64 (stats, "bytes", &bytes));
  g_assert_cmpuint (bytes, ==, 0);
  g_assert_true (gst_structure_has_field_typed (stats, "nodes",
          GST_TYPE_ARRAY));
}

static void
test_uri (void)
{
  static const char uri[] = "pmss://host.example:1234/films/a%20b.webm";
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) element =
      gst_element_make_from_uri (GST_URI_SRC, uri, NULL, &error);
  g_autofree char *got = NULL, *location = NULL;

  g_assert_no_error (error);
  gst_object_ref_sink (element);
  got = gst_uri_handler_get_uri (GST_URI_HANDLER (element));
  g_assert_cmpstr (got, ==, uri);
  g_object_get (element, "location", &location, NULL);
  g_assert_cmpstr (location, ==, uri);
}

static void
test_uri_hides_credentials (void)
{
  g_autoptr (GstElement) element = make ();
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "src");
  g_autoptr (GstQuery) query = gst_query_new_uri ();
  g_autofree char *uri = NULL, *location = NULL;

  g_object_set (element, "location", "pmss://eve:secret@host.example/a", NULL);
  g_assert_true (gst_pad_query (pad, query));
  gst_query_parse_uri (query, &uri);
  g_object_get (element, "location", &location, NULL);
  g_assert_null (strstr (uri, "secret"));
  g_assert_null (strstr (uri, "eve"));
  g_assert_nonnull (strstr (uri, "host.example"));
  g_assert_null (strstr (location, "secret"));
}

static void
test_bad_uri (void)
{
  static const char *const bad[] = {
    "pmss://", "pmss:///a", "pmss://host", "pmss://host/", "pmss://host/../a",
    "pmss://host/a//b", "pmss://host:99999/a", "pmss://host/a?b",
    "pmss://host/a#b",
    "pmss://host/%zz", "pmss://host/a%00b",
  };
  g_autoptr (GstElement) element = make ();

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", bad[i]);
    g_assert_false (gst_uri_handler_set_uri (GST_URI_HANDLER (element), bad[i],
            &error));
    g_assert_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI);
  }
}

static void
test_bad_state (void)
{
  GstElement *source;
  GstElement *pipeline = source_pipeline_new ("pmss://127.0.0.1:1/a", &source);
  g_autoptr (GError) error = NULL;
  g_autofree char *location = NULL;

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  g_assert_false (gst_uri_handler_set_uri (GST_URI_HANDLER (source),
          "pmss://127.0.0.1:1/b", &error));
  g_assert_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE);
  g_object_set (source, "location", "pmss://127.0.0.1:1/b", NULL);
  g_object_get (source, "location", &location, NULL);
  g_assert_cmpstr (location, ==, "pmss://127.0.0.1:1/a");

  gst_element_set_state (pipeline, GST_STATE_READY);
  g_clear_error (&error);
  g_assert_true (gst_uri_handler_set_uri (GST_URI_HANDLER (source),
          "pmss://127.0.0.1:1/b", &error));
  g_assert_no_error (error);
  source_pipeline_end (pipeline);
}

static void
test_scheduling (void)
{
  g_autoptr (GstElement) element = make ();
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "src");
  g_autoptr (GstQuery) query = gst_query_new_scheduling ();
  GstSchedulingFlags flags;

  /* without a location and at NULL: nothing is started to find out */
  g_assert_true (gst_pad_query (pad, query));
  gst_query_parse_scheduling (query, &flags, NULL, NULL, NULL);
  g_assert_cmpint (flags, ==, GST_SCHEDULING_FLAG_SEEKABLE
      | GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED);
  g_assert_true (gst_query_has_scheduling_mode (query, GST_PAD_MODE_PULL));
  g_assert_true (gst_query_has_scheduling_mode (query, GST_PAD_MODE_PUSH));
}

static void
test_no_location (void)
{
  GstElement *source;
  GstElement *pipeline = source_pipeline_new (NULL, &source);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  source_pipeline_end (pipeline);
}

int
main (int argc, char **argv)
{
  pmsssrc_test_init (&argc, &argv);

  g_test_add_func ("/pmsssrc/factory", test_factory);
  g_test_add_func ("/pmsssrc/defaults", test_defaults);
  g_test_add_func ("/pmsssrc/properties", test_properties);
  g_test_add_func ("/pmsssrc/stats-before-open", test_stats_before_open);
  g_test_add_func ("/pmsssrc/uri", test_uri);
  g_test_add_func ("/pmsssrc/uri-hides-credentials",
      test_uri_hides_credentials);
  g_test_add_func ("/pmsssrc/bad-uri", test_bad_uri);
  g_test_add_func ("/pmsssrc/bad-state", test_bad_state);
  g_test_add_func ("/pmsssrc/scheduling", test_scheduling);
  g_test_add_func ("/pmsssrc/no-location", test_no_location);
  return g_test_run ();
}
