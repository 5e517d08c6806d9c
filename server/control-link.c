/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests to control and their answers. On the main thread. */
#include "control-link.h"

#include <libsoup/soup.h>
#include <string.h>

#include "libpmss/client/pmss-ca-file.h"
#include "libpmss/client/pmss-sending.h"
#include "libpmss/pmss-json.h"

#define REQUEST_TIMEOUT 5       /* seconds */
#define MAX_ANSWER (64 * 1024)

struct _PmssControlLink
{
  const PmssStorageConfig *config;
  SoupSession *session;
  GCancellable *cancellable;
  guint pending;                /* exchanges */
};

/* One request: owns what lives until its answer is complete. */
typedef struct
{
  PmssControlLink *link;
  SoupMessage *message;
  PmssSending *sending;
  char *buffer;
  PmssControlLinkFunc func;
  gpointer user_data;
} Exchange;

static void
exchange_free (Exchange * exchange)
{
  exchange->link->pending--;
  g_clear_pointer (&exchange->sending, pmss_sending_free);
  g_clear_object (&exchange->message);
  g_free (exchange->buffer);
  g_free (exchange);
}

static void
exchange_end (Exchange * exchange, JsonNode * json, const GError * error)
{
  guint status =
      error == NULL ? soup_message_get_status (exchange->message) : 0;

  if (!g_cancellable_is_cancelled (exchange->link->cancellable))
    exchange->func (status, json, error, exchange->user_data);
  exchange_free (exchange);
}

static void
on_read (GObject * source, GAsyncResult * result, gpointer data)
{
  Exchange *exchange = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) json = NULL;
  gsize length = 0;

  if (g_input_stream_read_all_finish (G_INPUT_STREAM (source), result,
          &length, &error) && length < MAX_ANSWER)
    json = pmss_json_parse (exchange->buffer, length, NULL);
  exchange_end (exchange, json, error);
}

static void
on_sent (GObject * source, GAsyncResult * result, gpointer data)
{
  Exchange *exchange = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream =
      soup_session_send_finish (SOUP_SESSION (source), result, &error);

  pmss_sending_answered (exchange->sending);
  if (stream == NULL) {
    exchange_end (exchange, NULL, error);
    return;
  }
  exchange->buffer = g_malloc (MAX_ANSWER);
  g_input_stream_read_all_async (stream, exchange->buffer, MAX_ANSWER,
      G_PRIORITY_DEFAULT, pmss_sending_get_cancellable (exchange->sending),
      on_read, exchange);
}

static void
unref_body (gpointer body, GClosure * closure)
{
  g_bytes_unref (body);
}

/* By itself libsoup would send the body's spent stream. */
static void
on_restarted (SoupMessage * message, gpointer body)
{
  soup_message_set_request_body_from_bytes (message, "application/json", body);
}

/* libsoup opens a connection for each POST unless it may repeat it on another
 * one when a kept connection proves dead. */
static void
keep_connection (SoupMessage * message, GBytes * body)
{
  soup_message_add_flags (message, SOUP_MESSAGE_IDEMPOTENT);
  g_signal_connect_data (message, "restarted", G_CALLBACK (on_restarted),
      g_bytes_ref (body), unref_body, 0);
}

static void
set_secret (SoupMessage * message, const char *secret)
{
  g_autofree char *bearer = g_strconcat ("Bearer ", secret, NULL);

  soup_message_headers_replace (soup_message_get_request_headers (message),
      "Authorization", bearer);
}

void
pmss_control_link_post (PmssControlLink * link, const char *path,
    const char *secret, JsonNode * body, gboolean once,
    PmssControlLinkFunc func, gpointer user_data)
{
  g_autofree char *url = g_strconcat (link->config->control, "/api/v1", path,
      NULL);
  g_autofree char *text = json_to_string (body, FALSE);
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  Exchange *exchange = g_new0 (Exchange, 1);

  json_node_unref (body);
  exchange->link = link;
  exchange->func = func;
  exchange->user_data = user_data;
  link->pending++;
  exchange->message = soup_message_new (SOUP_METHOD_POST, url);
  soup_message_set_request_body_from_bytes (exchange->message,
      "application/json", bytes);
  if (!once)
    keep_connection (exchange->message, bytes);
  if (secret != NULL)
    set_secret (exchange->message, secret);
  exchange->sending = pmss_sending_new (exchange->message, link->cancellable);
  soup_session_send_async (link->session, exchange->message,
      G_PRIORITY_DEFAULT, pmss_sending_get_cancellable (exchange->sending),
      on_sent, exchange);
}

gboolean
pmss_control_link_is_busy (PmssControlLink * link)
{
  return link->pending > 0;
}

static SoupSession *
make_session (const PmssStorageConfig * config, GError ** error)
{
  /* an idle connection is control's to close: see pmss_exchange_session_new() */
  SoupSession *session = soup_session_new_with_options ("timeout",
      REQUEST_TIMEOUT, "idle-timeout", 0, "user-agent",
      "pmss-storage/" PMSS_VERSION, "max-conns", 1, "max-conns-per-host", 1,
      NULL);
  g_autoptr (GTlsDatabase) database = NULL;

  /* Control is named by its address: nothing to go round. */
  soup_session_set_proxy_resolver (session, NULL);
  if (config->control_ca) {
    database = pmss_ca_file_open (config->control_ca, error);
    if (database == NULL) {
      g_prefix_error (error, "control-ca: ");
      g_object_unref (session);
      return NULL;
    }
    soup_session_set_tls_database (session, database);
  }
  return session;
}

PmssControlLink *
pmss_control_link_new (const PmssStorageConfig * config, GError ** error)
{
  SoupSession *session = make_session (config, error);
  PmssControlLink *link;

  if (session == NULL)
    return NULL;
  link = g_new0 (PmssControlLink, 1);
  link->config = config;
  link->session = session;
  link->cancellable = g_cancellable_new ();
  return link;
}

void
pmss_control_link_free (PmssControlLink * link)
{
  g_cancellable_cancel (link->cancellable);
  while (link->pending > 0)
    g_main_context_iteration (NULL, TRUE);
  g_object_unref (link->session);
  g_object_unref (link->cancellable);
  g_free (link);
}
