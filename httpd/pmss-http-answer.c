/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers. They are kept in the request until libmicrohttpd is ready to take
 * them: an answer that it gets before the request is complete costs the
 * connection. */
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-text.h"
#include "pmss-httpd-private.h"

void
pmss_http_request_add_header (PmssHttpRequest * request, const char *name,
    const char *value)
{
  for (const char *p = value; *p; p++) {
    if ((guchar) * p < 0x20 || *p == 0x7f) {
      g_warning ("header %s left out: control character in its value", name);
      return;
    }
  }
  if (!request->headers)
    request->headers = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (request->headers, g_strdup (name));
  g_ptr_array_add (request->headers, g_strdup (value));
}

static void
unref_bytes (void *bytes)
{
  g_bytes_unref (bytes);
}

static struct MHD_Response *
new_response (GBytes * body)
{
  gsize length = 0;
  gconstpointer data = body ? g_bytes_get_data (body, &length) : NULL;

  if (length == 0)
    return MHD_create_response_from_buffer (0, NULL, MHD_RESPMEM_PERSISTENT);
  return MHD_create_response_from_buffer_with_free_callback_cls (length,
      (void *) data, unref_bytes, g_bytes_ref (body));
}

/* Takes @response. */
static void
set_answer (PmssHttpRequest * request, guint status, const char *content_type,
    struct MHD_Response *response)
{
  if (request->answer || status < 200 || status > 599) {
    g_critical ("%s %s was answered twice or with an odd status",
        request->method, request->path);
    MHD_destroy_response (response);
    return;
  }
  if (content_type)
    MHD_add_response_header (response, "Content-Type", content_type);
  for (guint i = 0; request->headers && i < request->headers->len; i += 2)
    MHD_add_response_header (response, request->headers->pdata[i],
        request->headers->pdata[i + 1]);
  request->answer = response;
  request->status = status;
}

void
pmss_http_request_respond (PmssHttpRequest * request, guint status,
    const char *content_type, GBytes * body)
{
  if (!request->answer && body) {
    request->body = g_bytes_ref (body);
    request->content_type = g_strdup (content_type);
  }
  set_answer (request, status, content_type, new_response (body));
}

void
pmss_http_request_respond_empty (PmssHttpRequest * request, guint status)
{
  set_answer (request, status, NULL, new_response (NULL));
}

static void
respond_json (PmssHttpRequest * request, guint status,
    const char *content_type, JsonNode * json)
{
  g_autoptr (JsonNode) node = json;
  char *text = json_to_string (node, FALSE);
  g_autoptr (GBytes) body = g_bytes_new_take (text, strlen (text));

  pmss_http_request_respond (request, status, content_type, body);
}

void
pmss_http_request_respond_json (PmssHttpRequest * request, guint status,
    JsonNode * json)
{
  respond_json (request, status, "application/json", json);
}

/* @instance: nullable. */
static void
respond_detail (PmssHttpRequest * request, guint status, const char *detail,
    const char *instance)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  /* it quotes requests, and goes to terminals */
  g_autofree char *text = pmss_text_clean (detail);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "type");
  json_builder_add_string_value (builder, "about:blank");
  json_builder_set_member_name (builder, "title");
  json_builder_add_string_value (builder, MHD_get_reason_phrase_for (status));
  json_builder_set_member_name (builder, "status");
  json_builder_add_int_value (builder, status);
  json_builder_set_member_name (builder, "detail");
  json_builder_add_string_value (builder, text);
  if (instance) {
    json_builder_set_member_name (builder, "instance");
    json_builder_add_string_value (builder, instance);
  }
  json_builder_end_object (builder);
  respond_json (request, status, "application/problem+json",
      json_builder_get_root (builder));
}

void
pmss_http_request_respond_problem (PmssHttpRequest * request, guint status,
    const char *detail_format, ...)
{
  g_autofree char *detail = NULL;
  va_list args;

  va_start (args, detail_format);
  detail = g_strdup_vprintf (detail_format, args);
  va_end (args);
  respond_detail (request, status, detail, NULL);
}

static guint
status_of_error (const GError * error)
{
  if (error->domain != PMSS_ERROR)
    return 500;
  switch ((PmssError) error->code) {
    case PMSS_ERROR_INVALID:
      return 400;
    case PMSS_ERROR_NOT_AUTHORIZED:
      return 401;
    case PMSS_ERROR_FORBIDDEN:
      return 403;
    case PMSS_ERROR_NOT_FOUND:
      return 404;
    case PMSS_ERROR_EXISTS:
    case PMSS_ERROR_CONFLICT:
      return 409;
    case PMSS_ERROR_RANGE:
      return 416;
    case PMSS_ERROR_MISDIRECTED:
      return 421;
    case PMSS_ERROR_BUSY:
      return 503;
    case PMSS_ERROR_TIMED_OUT:
      return 504;
    case PMSS_ERROR_NO_SPACE:
      return 507;
    case PMSS_ERROR_UNREACHABLE:
    case PMSS_ERROR_TLS:
    case PMSS_ERROR_PROTOCOL:
    case PMSS_ERROR_TOO_FEW_SHARDS:
      return 502;
    case PMSS_ERROR_FAILED:
    case PMSS_ERROR_CORRUPT:
    default:
      return 500;
  }
}

void
pmss_http_request_respond_error (PmssHttpRequest * request,
    const GError * error)
{
  guint status = status_of_error (error);

  if (status == 401)
    pmss_http_request_add_header (request, "WWW-Authenticate", "Bearer");
  if (status == 500)
    pmss_http_request_respond_internal (request, error->message);
  else
    respond_detail (request, status, error->message, NULL);
}

void
pmss_http_request_respond_internal (PmssHttpRequest * request, const char *why)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *instance = g_strconcat ("urn:uuid:", id, NULL);
  g_autofree char *detail = g_strdup_printf ("Something failed in this server; "
      "the request is not to blame. The server's log says what, under %s", id);

  g_warning ("%s: %s %s: %s", id, request->method, request->path, why);
  respond_detail (request, 500, detail, instance);
}

void
pmss_http_request_respond_fd (PmssHttpRequest * request, guint status,
    const char *content_type, int fd, guint64 offset, guint64 length)
{
  struct MHD_Response *response;

  if (length == 0) {
    close (fd);
    response = new_response (NULL);
  } else {
    response = MHD_create_response_from_fd_at_offset64 (length, fd, offset);
  }
  if (!response) {
    close (fd);
    pmss_http_request_respond_internal (request, "not enough memory");
    return;
  }
  set_answer (request, status, content_type, response);
}

enum MHD_Result
pmss_http_request_queue (PmssHttpRequest * request)
{
  PmssHttpd *httpd = request->httpd;

  if (atomic_load (&httpd->stopping))
    MHD_add_response_header (request->answer, "Connection", "close");
  atomic_fetch_add (&httpd->answers[request->status], 1);
  pmss_peer_enter (request->peer, PMSS_PEER_ANSWER);
  return MHD_queue_response (request->connection, request->status,
      request->answer);
}

/* Two, because a call of MHD_get_connection_info() may overwrite what the one
 * before returned. */
static gnutls_session_t
get_tls (struct MHD_Connection *connection)
{
  const union MHD_ConnectionInfo *info = MHD_get_connection_info (connection,
      MHD_CONNECTION_INFO_GNUTLS_SESSION);

  return info ? info->tls_session : NULL;
}

static int
get_socket (struct MHD_Connection *connection)
{
  return MHD_get_connection_info (connection,
      MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* As much as the socket takes at once; the answers that come here are small
 * and the socket's buffer is empty. */
static void
send_text (PmssHttpRequest * request, const char *text, gsize length)
{
  gnutls_session_t tls = get_tls (request->connection);
  gssize sent;

  if (tls)
    sent = gnutls_record_send (tls, text, length);
  else
    sent = send (get_socket (request->connection), text, length,
        MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent != (gssize) length)
    g_debug ("%s: could not send an early answer",
        pmss_peer_get_address (request->peer));
}

void
pmss_http_request_send_early (PmssHttpRequest * request)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gsize length = 0;
  gconstpointer data =
      request->body ? g_bytes_get_data (request->body, &length) : NULL;

  g_string_append_printf (text, "HTTP/1.1 %u %s\r\nConnection: close\r\n"
      "Content-Length: %" G_GSIZE_FORMAT "\r\n", request->status,
      MHD_get_reason_phrase_for (request->status), length);
  if (request->content_type)
    g_string_append_printf (text, "Content-Type: %s\r\n",
        request->content_type);
  for (guint i = 0; request->headers && i < request->headers->len; i += 2)
    g_string_append_printf (text, "%s: %s\r\n",
        (char *) request->headers->pdata[i],
        (char *) request->headers->pdata[i + 1]);
  g_string_append (text, "\r\n");
  if (length > 0)
    g_string_append_len (text, data, length);
  send_text (request, text->str, text->len);
  request->sent_early = TRUE;
  atomic_fetch_add (&request->httpd->answers[request->status], 1);
}

void
pmss_http_request_hang_up (PmssHttpRequest * request)
{
  gnutls_session_t tls = get_tls (request->connection);

  if (tls)
    gnutls_bye (tls, GNUTLS_SHUT_WR);
  shutdown (get_socket (request->connection), SHUT_RDWR);
}
