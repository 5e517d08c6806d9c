/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the element says, and how soon, when it cannot open its medium. */
#include "pmsssrc-fixture.h"

static char *
location_of (FakeControl * control)
{
  return g_strdup_printf ("pmss://127.0.0.1:%u/films/a",
      fake_control_get_port (control));
}

/* The one error that the source of @pipeline has is @code; ends @pipeline. */
static void
end_with_error (GstElement * pipeline, GstResourceError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstStructure) details = NULL;

  g_assert_cmpuint (source_count_errors (pipeline, &error, &details), ==, 1);
  g_assert_error (error, GST_RESOURCE_ERROR, (gint) code);
  source_pipeline_end (pipeline);
}

static void
expect_error (const char *location, GstResourceError code, guint http_status)
{
  GstElement *source;
  GstElement *pipeline = source_pipeline_new (location, &source);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstStructure) details = NULL;
  gint64 begin = g_get_monotonic_time ();
  guint n, status = 0;

  g_object_set (source, "retries", 0, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  n = source_count_errors (pipeline, &error, &details);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 5 * G_TIME_SPAN_SECOND);
  g_assert_error (error, GST_RESOURCE_ERROR, (gint) code);
  g_assert_cmpuint (n, ==, 1);
  g_assert_nonnull (details);
  g_assert_cmpstr (gst_structure_get_string (details, "uri"), ==, location);
  gst_structure_get_uint (details, "http-status-code", &status);
  g_assert_cmpuint (status, ==, http_status);
  source_pipeline_end (pipeline);
}

static void
test_refused (void)
{
  g_autofree char *location =
      g_strdup_printf ("pmss://127.0.0.1:%u/a", unused_port ());

  expect_error (location, GST_RESOURCE_ERROR_OPEN_READ, 0);
}

static void
test_not_resolved (void)
{
  expect_error ("pmss://host.invalid/a", GST_RESOURCE_ERROR_OPEN_READ, 0);
}

static void
test_statuses (void)
{
  static const struct
  {
    guint status;
    GstResourceError code;
  } cases[] = {
    {401, GST_RESOURCE_ERROR_NOT_AUTHORIZED},
    {403, GST_RESOURCE_ERROR_NOT_AUTHORIZED},
    {404, GST_RESOURCE_ERROR_NOT_FOUND},
    {409, GST_RESOURCE_ERROR_BUSY},
    {429, GST_RESOURCE_ERROR_BUSY},
    {503, GST_RESOURCE_ERROR_BUSY},
    {500, GST_RESOURCE_ERROR_OPEN_READ},
  };
  g_autoptr (FakeControl) control = fake_control_new ();
  g_autofree char *location = location_of (control);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("status %u", cases[i].status);
    fake_control_set_status (control, cases[i].status);
    expect_error (location, cases[i].code, cases[i].status);
  }
}

static void
test_garbage_session (void)
{
  g_autoptr (FakeControl) control = fake_control_new ();
  g_autofree char *location = location_of (control);

  /* a session that is a problem document instead: no layout */
  fake_control_set_status (control, 201);
  expect_error (location, GST_RESOURCE_ERROR_READ, 0);
}

static void
wait_progress (GstElement * pipeline, const char *code, GstProgressType type)
{
  for (;;) {
    g_autoptr (GstMessage) message =
        wait_message (pipeline, GST_MESSAGE_PROGRESS);
    g_autofree char *what = NULL;
    GstProgressType how;

    gst_message_parse_progress (message, &how, &what, NULL);
    if (how == type && g_str_equal (what, code))
      return;
  }
}

/* Who sets a property gets no error, so it has to come when the element starts. */
static void
test_bad_location (void)
{
  g_autoptr (GstElement) source = g_object_ref_sink
      (gst_element_factory_make ("pmsssrc", NULL));
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_bus (source, bus);
  g_object_set (source, "location", "pmss:///films/a", NULL);
  g_assert_cmpint (gst_element_set_state (source, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "Not a usable PMSS URI"));
  gst_element_set_state (source, GST_STATE_NULL);
  gst_element_set_bus (source, NULL);
}

/* start () is in set_state (): it must not wait for a network. */
static void
test_silent_server (void)
{
  guint port;
  g_autoptr (GSocket) G_GNUC_UNUSED listener = silent_listener_new (&port);
  g_autofree char *location = g_strdup_printf ("pmss://127.0.0.1:%u/a", port);
  GstElement *source;
  GstElement *pipeline = source_pipeline_new (location, &source);
  gint64 begin = g_get_monotonic_time ();

  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_PLAYING), ==,
      GST_STATE_CHANGE_ASYNC);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 3 * G_TIME_SPAN_SECOND);
  wait_progress (pipeline, "connect", GST_PROGRESS_TYPE_START);
  source_pipeline_end (pipeline);
}

static void
test_state_cycles (void)
{
  guint port;
  g_autoptr (GSocket) G_GNUC_UNUSED listener = silent_listener_new (&port);
  g_autofree char *location = g_strdup_printf ("pmss://127.0.0.1:%u/a", port);
  GstElement *source;
  GstElement *pipeline = source_pipeline_new (location, &source);

  for (guint i = 0; i < 20; i++) {
    gst_element_set_state (pipeline, GST_STATE_PAUSED);
    /* now and then in the middle of connecting, else before it */
    if (i % 4 == 0)
      wait_progress (pipeline, "connect", GST_PROGRESS_TYPE_START);
    gst_element_set_state (pipeline, i % 2 ? GST_STATE_READY : GST_STATE_NULL);
  }
  source_pipeline_end (pipeline);
}

/* A flushing seek while it connects ends one try and begins another. */
static void
test_seek_while_opening (void)
{
  guint port;
  g_autoptr (GSocket) G_GNUC_UNUSED listener = silent_listener_new (&port);
  g_autofree char *location = g_strdup_printf ("pmss://127.0.0.1:%u/a", port);
  GstElement *source;
  GstElement *pipeline = source_pipeline_new (location, &source);

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  wait_progress (pipeline, "connect", GST_PROGRESS_TYPE_START);
  g_assert_true (gst_element_seek (source, 1.0, GST_FORMAT_BYTES,
          GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, 1000, GST_SEEK_TYPE_NONE,
          -1));
  wait_progress (pipeline, "connect", GST_PROGRESS_TYPE_CANCELED);
  wait_progress (pipeline, "connect", GST_PROGRESS_TYPE_START);
  source_pipeline_end (pipeline);
}

static void
test_timeout (void)
{
  guint port;
  g_autoptr (GSocket) G_GNUC_UNUSED listener = silent_listener_new (&port);
  g_autofree char *location = g_strdup_printf ("pmss://127.0.0.1:%u/a", port);
  GstElement *source;
  GstElement *pipeline = source_pipeline_new (location, &source);

  g_object_set (source, "timeout", 1, "retries", 0, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  end_with_error (pipeline, GST_RESOURCE_ERROR_OPEN_READ);
}

/* Whatever its properties can be set to, what is behind it takes. */
static void
test_extreme_settings (gconstpointer most)
{
  GParamSpec **specs;
  guint n;
  g_autofree char *location =
      g_strdup_printf ("pmss://127.0.0.1:%u/a", unused_port ());
  GstElement *source;
  GstElement *pipeline = source_pipeline_new (location, &source);

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (source), &n);
  for (guint i = 0; i < n; i++) {
    g_auto (GValue) value = G_VALUE_INIT;

    if (specs[i]->owner_type != G_OBJECT_TYPE (source)
        || !(specs[i]->flags & G_PARAM_WRITABLE))
      continue;
    g_value_init (&value, specs[i]->value_type);
    if (G_VALUE_HOLDS_UINT (&value))
      g_value_set_uint (&value, most ? G_MAXUINT : 0);
    else if (G_VALUE_HOLDS_UINT64 (&value))
      g_value_set_uint64 (&value, most ? G_MAXUINT64 : 0);
    else if (G_VALUE_HOLDS_DOUBLE (&value))
      g_value_set_double (&value, most ? G_MAXDOUBLE : -G_MAXDOUBLE);
    else
      continue;
    g_param_value_validate (specs[i], &value);
    g_object_set_property (G_OBJECT (source), specs[i]->name, &value);
  }
  g_free (specs);

  g_object_set (source, "retries", 0, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  end_with_error (pipeline, GST_RESOURCE_ERROR_OPEN_READ);
}

/* Two elements of one pipeline with the same login log in once. */
static void
test_shared_client (void)
{
  g_autoptr (FakeControl) control = fake_control_new ();
  g_autofree char *location =
      g_strdup_printf ("pmss://u:p@127.0.0.1:%u/films/a",
      fake_control_get_port (control));
  GstElement *source;
  GstElement *pipeline = source_pipeline_new (location, &source);
  GstElement *other, *sink;
  GstMessage *message;

  fake_control_set_status (control, 404);
  g_object_set (source, "retries", 0, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = wait_message (pipeline, GST_MESSAGE_HAVE_CONTEXT);
  gst_message_unref (message);
  wait_progress (pipeline, "connect", GST_PROGRESS_TYPE_ERROR);
  g_assert_cmpuint (fake_control_get_logins (control), ==, 1);

  other = gst_element_factory_make ("pmsssrc", "other");
  sink = gst_element_factory_make ("fakesink", NULL);
  g_object_set (other, "location", location, "retries", 0, NULL);
  gst_bin_add_many (GST_BIN (pipeline), other, sink, NULL);
  g_assert_true (gst_element_link (other, sink));
  gst_element_sync_state_with_parent (sink);
  gst_element_sync_state_with_parent (other);
  for (;;) {
    g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
    g_autoptr (GstMessage) any = gst_bus_timed_pop_filtered (bus,
        10 * GST_SECOND, GST_MESSAGE_ERROR);

    g_assert_nonnull (any);
    if (GST_MESSAGE_SRC (any) == GST_OBJECT (other))
      break;
  }
  g_assert_cmpuint (fake_control_get_sessions (control), ==, 2);
  g_assert_cmpuint (fake_control_get_logins (control), ==, 1);
  source_pipeline_end (pipeline);
}

int
main (int argc, char **argv)
{
  pmsssrc_test_init (&argc, &argv);

  g_test_add_func ("/pmsssrc/refused", test_refused);
  g_test_add_func ("/pmsssrc/not-resolved", test_not_resolved);
  g_test_add_func ("/pmsssrc/statuses", test_statuses);
  g_test_add_func ("/pmsssrc/garbage-session", test_garbage_session);
  g_test_add_func ("/pmsssrc/bad-location", test_bad_location);
  g_test_add_func ("/pmsssrc/silent-server", test_silent_server);
  g_test_add_func ("/pmsssrc/state-cycles", test_state_cycles);
  g_test_add_func ("/pmsssrc/seek-while-opening", test_seek_while_opening);
  g_test_add_func ("/pmsssrc/timeout", test_timeout);
  g_test_add_data_func ("/pmsssrc/least-settings", NULL, test_extreme_settings);
  g_test_add_data_func ("/pmsssrc/most-settings", "", test_extreme_settings);
  g_test_add_func ("/pmsssrc/shared-client", test_shared_client);
  return g_test_run ();
}
