/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pmsssrc-fixture.h"

#include <libsoup/soup.h>

#define PATIENCE (10 * GST_SECOND)

void
pmsssrc_test_init (int *argc, char ***argv)
{
  g_autoptr (GstPlugin) core = NULL;
  g_autoptr (GError) error = NULL;

  g_test_init (argc, argv, NULL);
  gst_init (argc, argv);
  core = gst_plugin_load_file (GST_PLUGINS_DIR "/libgstcoreelements.so",
      &error);
  g_assert_no_error (error);
}

struct _FakeControl
{
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  SoupServer *server;
  guint port;
  GHashTable *peers;            /* ports of clients that asked for a session */
  GHashTable *ids;              /* of sessions that were asked for */
  /* atomic */
  gint status, logins, sessions, connections, n_ids, returned;
  gint start_in;                /* ms */
  const char *retry_after;      /* (nullable) */
};

static void
answer (SoupServerMessage * message, guint status, const char *json)
{
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message,
      status < 400 ? "application/json" : "application/problem+json",
      SOUP_MEMORY_COPY, json, strlen (json));
}

static void
on_login (SoupServer * server, SoupServerMessage * message, const char *path,
    GHashTable * query, gpointer data)
{
  FakeControl *control = data;

  g_atomic_int_inc (&control->logins);
  answer (message, 200, "{\"token\":\"t\",\"user\":\"u\",\"role\":\"viewer\","
      "\"expires\":\"2099-01-01T00:00:00Z\"}");
}

static void
note_id (FakeControl * control, SoupServerMessage * message)
{
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  g_autofree char *text = g_strndup (body->data, body->length);
  const char *id = strstr (text, "\"id\":\"");

  g_assert_nonnull (id);
  if (g_hash_table_add (control->ids, g_strndup (id + strlen ("\"id\":\""),
              32)))
    g_atomic_int_inc (&control->n_ids);
}

/* The lease is so short that it has to be kept. */
static void
defer (FakeControl * control, SoupServerMessage * message)
{
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  g_autofree char *text = g_strndup (body->data, body->length);
  const char *id = strstr (text, "\"id\":\"");
  g_autofree char *json = g_strdup_printf ("{\"id\":\"%.32s\",\"lease\":1,"
      "\"start_in_ns\":%d000000}", id + strlen ("\"id\":\""),
      g_atomic_int_get (&control->start_in));

  answer (message, 201, json);
}

static void
on_session (SoupServer * server, SoupServerMessage * message, const char *path,
    GHashTable * query, gpointer data)
{
  FakeControl *control = data;
  guint status = g_atomic_int_get (&control->status);
  const char *retry_after = g_atomic_pointer_get (&control->retry_after);
  g_autofree char *problem = NULL;

  if (g_str_equal (soup_server_message_get_method (message), "DELETE")) {
    g_atomic_int_inc (&control->returned);
    soup_server_message_set_status (message, 204, NULL);
    return;
  }
  g_atomic_int_inc (&control->sessions);
  note_id (control, message);
  if (g_hash_table_add (control->peers, GUINT_TO_POINTER
          (g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS
                  (soup_server_message_get_remote_address (message))))))
    g_atomic_int_inc (&control->connections);
  if (status == 201) {
    defer (control, message);
    return;
  }
  if (retry_after != NULL)
    soup_message_headers_append (soup_server_message_get_response_headers
        (message), "Retry-After", retry_after);
  problem = g_strdup_printf ("{\"type\":\"about:blank\",\"title\":\"refused\","
      "\"status\":%u,\"detail\":\"the fake control server says %u\"}",
      status, status);
  answer (message, status, problem);
}

static gpointer
control_thread (gpointer data)
{
  FakeControl *control = data;

  g_main_context_push_thread_default (control->context);
  g_main_loop_run (control->loop);
  g_main_context_pop_thread_default (control->context);
  return NULL;
}

FakeControl *
fake_control_new (void)
{
  return fake_control_new_tls (NULL);
}

FakeControl *
fake_control_new_tls (GTlsCertificate * certificate)
{
  FakeControl *control = g_new0 (FakeControl, 1);
  g_autoptr (GError) error = NULL;
  SoupServerListenOptions options = SOUP_SERVER_LISTEN_IPV4_ONLY;
  GSList *uris;

  control->peers = g_hash_table_new (NULL, NULL);
  control->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  control->context = g_main_context_new ();
  control->loop = g_main_loop_new (control->context, FALSE);

  g_main_context_push_thread_default (control->context);
  control->server = soup_server_new ("tls-certificate", certificate, NULL);
  if (certificate != NULL)
    options |= SOUP_SERVER_LISTEN_HTTPS;
  soup_server_add_handler (control->server, "/api/v1/login", on_login, control,
      NULL);
  soup_server_add_handler (control->server, "/api/v1/sessions", on_session,
      control, NULL);
  soup_server_listen_local (control->server, 0, options, &error);
  g_assert_no_error (error);
  g_main_context_pop_thread_default (control->context);

  uris = soup_server_get_uris (control->server);
  control->port = g_uri_get_port (uris->data);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);

  control->thread = g_thread_new ("control", control_thread, control);
  return control;
}

static gboolean
quit (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

void
fake_control_free (FakeControl * control)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  /* from inside: a loop that does not run yet would run for ever */
  g_source_set_callback (source, quit, control->loop, NULL);
  g_source_attach (source, control->context);
  g_thread_join (control->thread);
  /* its sockets are closed by their context */
  g_main_context_push_thread_default (control->context);
  soup_server_disconnect (control->server);
  g_object_unref (control->server);
  while (g_main_context_iteration (control->context, FALSE));
  g_main_context_pop_thread_default (control->context);
  g_main_loop_unref (control->loop);
  g_main_context_unref (control->context);
  g_hash_table_unref (control->peers);
  g_hash_table_unref (control->ids);
  g_free (control);
}

guint
fake_control_get_port (FakeControl * control)
{
  return control->port;
}

void
fake_control_set_status (FakeControl * control, guint status)
{
  g_atomic_int_set (&control->status, status);
}

void
fake_control_set_start_in (FakeControl * control, gint64 start_in)
{
  g_atomic_int_set (&control->start_in, (gint) (start_in / 1000000));
}

void
fake_control_set_retry_after (FakeControl * control, const char *seconds)
{
  g_atomic_pointer_set (&control->retry_after, seconds);
}

guint
fake_control_count_ids (FakeControl * control)
{
  return g_atomic_int_get (&control->n_ids);
}

guint
fake_control_get_returned (FakeControl * control)
{
  return g_atomic_int_get (&control->returned);
}

guint
fake_control_get_logins (FakeControl * control)
{
  return g_atomic_int_get (&control->logins);
}

guint
fake_control_get_sessions (FakeControl * control)
{
  return g_atomic_int_get (&control->sessions);
}

guint
fake_control_get_connections (FakeControl * control)
{
  return g_atomic_int_get (&control->connections);
}

static GSocket *
bind_loopback (guint * port)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) any =
      g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) bound = NULL;
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
      G_SOCKET_PROTOCOL_TCP, &error);

  g_assert_no_error (error);
  g_socket_bind (socket, any, FALSE, &error);
  g_assert_no_error (error);
  bound = g_socket_get_local_address (socket, &error);
  g_assert_no_error (error);
  *port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  return socket;
}

GSocket *
silent_listener_new (guint * port)
{
  GSocket *socket = bind_loopback (port);
  g_autoptr (GError) error = NULL;

  g_socket_listen (socket, &error);
  g_assert_no_error (error);
  return socket;
}

guint
unused_port (void)
{
  /* bound as long as the test runs, so that nobody else is given it */
  static GSocket *socket = NULL;
  static guint port;

  if (socket == NULL)
    socket = bind_loopback (&port);
  return port;
}

GstElement *
source_pipeline_new (const char *location, GstElement ** source)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);

  *source = gst_element_factory_make ("pmsssrc", "source");
  g_assert_nonnull (*source);
  g_assert_nonnull (sink);
  g_object_set (*source, "location", location, NULL);
  gst_bin_add_many (GST_BIN (pipeline), *source, sink, NULL);
  g_assert_true (gst_element_link (*source, sink));
  return pipeline;
}

GstMessage *
wait_message (GstElement * pipeline, GstMessageType type)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (bus, PATIENCE,
      type | GST_MESSAGE_ERROR);

  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, type);
  return message;
}

void
source_pipeline_end (GstElement * pipeline)
{
  gint64 begin = g_get_monotonic_time ();

  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_NULL), ==,
      GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 3 * G_TIME_SPAN_SECOND);
  g_assert_cmpint (GST_OBJECT_REFCOUNT_VALUE (pipeline), ==, 1);
  gst_object_unref (pipeline);
}

guint
source_count_errors (GstElement * pipeline, GError ** first,
    GstStructure ** details)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, 10 * GST_SECOND, GST_MESSAGE_ERROR);
  guint n = 0;

  g_assert_nonnull (message);
  gst_message_parse_error (message, first, NULL);
  gst_message_parse_error_details (message, (const GstStructure **) details);
  if (*details)
    *details = gst_structure_copy (*details);

  /* in NULL the streaming thread has ended and said all */
  gst_pipeline_set_auto_flush_bus (GST_PIPELINE (pipeline), FALSE);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  do {
    g_autoptr (GError) error = NULL;
    g_autofree char *debug = NULL;

    gst_message_parse_error (message, &error, &debug);
    g_test_message ("%s: %s", error->message, debug);
    if (!strstr (debug, "gst_base_src_loop"))
      n++;
    gst_message_unref (message);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  } while (message != NULL);
  gst_bus_set_flushing (bus, TRUE);
  return n;
}
