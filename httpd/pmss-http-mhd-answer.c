/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers on their way out through libmicrohttpd: it gets one only once the
 * request is complete; an earlier one costs the connection. */
#include <gnutls/gnutls.h>
#include <sys/socket.h>

#include "pmss-http-mhd.h"

static void
unref_bytes (void *bytes)
{
  g_bytes_unref (bytes);
}

static struct MHD_Response *
new_response (PmssHttpAnswer * answer)
{
  if (answer->source != NULL)
    return pmss_http_source_make_response (answer);
  if (answer->fd >= 0)
    return MHD_create_response_from_fd_at_offset64 (answer->length, answer->fd,
        answer->offset);
  if (answer->length == 0)
    return MHD_create_response_from_buffer (0, NULL, MHD_RESPMEM_PERSISTENT);
  return MHD_create_response_from_buffer_with_free_callback_cls (answer->length,
      (void *) g_bytes_get_data (answer->body, NULL), unref_bytes,
      g_bytes_ref (answer->body));
}

/* NULL: no memory. */
static struct MHD_Response *
make_response (PmssHttpAnswer * answer)
{
  struct MHD_Response *response = new_response (answer);

  if (response == NULL)
    return NULL;
  /* it owns the file now */
  answer->fd = -1;
  if (answer->content_type)
    MHD_add_response_header (response, "Content-Type", answer->content_type);
  for (guint i = 0; answer->headers && i < answer->headers->len; i += 2)
    MHD_add_response_header (response, answer->headers->pdata[i],
        answer->headers->pdata[i + 1]);
  return response;
}

enum MHD_Result
pmss_http_request_queue (PmssHttpRequest * request)
{
  PmssHttpd *httpd = request->httpd;
  struct MHD_Response *response = make_response (&request->answer);
  enum MHD_Result result;

  if (response == NULL)
    return MHD_NO;
  if (atomic_load (&httpd->stopping))
    MHD_add_response_header (response, "Connection", "close");
  atomic_fetch_add (&httpd->answers[request->answer.status], 1);
  pmss_peer_enter (request->peer, PMSS_PEER_ANSWER);
  result = MHD_queue_response (request->connection, request->answer.status,
      response);
  MHD_destroy_response (response);
  return result;
}

/* Two, because a call of MHD_get_connection_info() may overwrite what the one
 * before returned. */
static gnutls_session_t
get_tls (struct MHD_Connection *connection)
{
  const union MHD_ConnectionInfo *info = MHD_get_connection_info (connection,
      MHD_CONNECTION_INFO_GNUTLS_SESSION);

  return info != NULL ? info->tls_session : NULL;
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
  g_autoptr (GBytes) text = pmss_http_answer_write (&request->answer,
      g_strcmp0 (request->method, "HEAD") == 0 ? PMSS_HTTP_BODY_NONE
      : PMSS_HTTP_BODY_WHOLE);

  send_text (request, g_bytes_get_data (text, NULL), g_bytes_get_size (text));
  request->sent_early = TRUE;
  atomic_fetch_add (&request->httpd->answers[request->answer.status], 1);
}

void
pmss_http_request_hang_up (PmssHttpRequest * request)
{
  gnutls_session_t tls = get_tls (request->connection);

  if (tls)
    gnutls_bye (tls, GNUTLS_SHUT_WR);
  shutdown (get_socket (request->connection), SHUT_RDWR);
}
