/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers on their way out through libsoup, or past it. */
#include <sys/socket.h>
#include <unistd.h>

#include "pmss-http-soup.h"

/* Of a file, in memory at once. */
#define FILE_PIECE (64 * 1024)

/* FALSE: the file has less than was said. */
static gboolean
append_piece (PmssSoupCall * call)
{
  PmssHttpAnswer *answer = &call->request.answer;
  gsize wanted = MIN (answer->length, FILE_PIECE);
  guint8 *piece = g_malloc (wanted);
  gssize got = pread (answer->fd, piece, wanted, answer->offset);

  if (got <= 0) {
    g_free (piece);
    return FALSE;
  }
  answer->offset += got;
  answer->length -= got;
  soup_message_body_append_take (soup_server_message_get_response_body
      (call->msg), piece, got);
  return TRUE;
}

static void
on_wrote_chunk (SoupServerMessage * msg, gpointer data)
{
  PmssSoupCall *call = data;

  if (call->request.answer.length == 0 || append_piece (call))
    return;
  g_warning ("%s %s: the file ends early", call->request.method,
      call->request.path);
  shutdown (call->link->fd, SHUT_RDWR);
  /* libsoup would wait for a next piece, and look at nothing: writing fails */
  soup_message_body_append (soup_server_message_get_response_body (call->msg),
      SOUP_MEMORY_STATIC, "", 1);
}

static void
set_body (PmssSoupCall * call)
{
  PmssHttpAnswer *answer = &call->request.answer;
  SoupMessageBody *body = soup_server_message_get_response_body (call->msg);

  soup_message_body_set_accumulate (body, FALSE);
  if (answer->length == 0 || g_str_equal (call->request.method, "HEAD"))
    return;
  pmss_http_stream_hold_next (call->link->stream);
  if (answer->body) {
    soup_message_body_append_bytes (body, answer->body);
    return;
  }
  g_signal_connect (call->msg, "wrote-chunk", G_CALLBACK (on_wrote_chunk),
      call);
  on_wrote_chunk (call->msg, call);
}

/* The connection ends behind it. */
static gboolean
is_last (PmssSoupCall * call)
{
  const PmssHttpFraming *framing = &call->request.framing;

  return !call->head->keep_alive || atomic_load (&call->link->httpd->stopping)
      || (framing->expects_continue && framing->length == 0)
      || pmss_http_stream_get_body_left (call->link->stream) > 0;
}

void
pmss_soup_answer (PmssSoupCall * call)
{
  PmssHttpAnswer *answer = &call->request.answer;
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (call->msg);

  atomic_fetch_add (&call->link->httpd->answers[answer->status], 1);
  pmss_soup_link_enter (call->link, PMSS_PEER_ANSWER);
  if (call->feed) {
    pmss_soup_feed_start (call);
    return;
  }
  soup_server_message_set_status (call->msg, answer->status,
      pmss_http_reason_phrase (answer->status));
  if (is_last (call)) {
    soup_message_headers_replace (headers, "Connection", "close");
    pmss_http_stream_set_last (call->link->stream);
  }
  if (answer->content_type)
    soup_message_headers_replace (headers, "Content-Type",
        answer->content_type);
  for (guint i = 0; answer->headers && i < answer->headers->len; i += 2)
    soup_message_headers_append (headers, answer->headers->pdata[i],
        answer->headers->pdata[i + 1]);
  /* a cache would take it for the length of what it has */
  if (answer->status == 304)
    soup_message_headers_set_encoding (headers, SOUP_ENCODING_NONE);
  else
    soup_message_headers_set_content_length (headers, answer->length);
  set_body (call);
}

static void
hang_up (PmssSoupLink * link, const PmssHttpAnswer * answer, gboolean to_head)
{
  g_autoptr (GBytes) words = pmss_http_answer_write (answer,
      to_head ? PMSS_HTTP_BODY_NONE : PMSS_HTTP_BODY_WHOLE);

  atomic_fetch_add (&link->httpd->answers[answer->status], 1);
  /* as long as a head may take, it may send what is thrown away */
  pmss_soup_link_enter (link, PMSS_PEER_HEAD);
  pmss_http_stream_hang_up (link->stream, words);
}

void
pmss_soup_answer_last (PmssSoupCall * call)
{
  if (call->feed) {
    pmss_soup_answer (call);
    return;
  }
  call->answered = TRUE;
  hang_up (call->link, &call->request.answer,
      g_str_equal (call->request.method, "HEAD"));
}

void
pmss_soup_refuse (PmssSoupLink * link, guint status, const char *detail,
    gboolean to_head)
{
  g_autoptr (GBytes) body = pmss_http_problem_new (status, detail, NULL);
  const PmssHttpAnswer answer = {.status = status,.body = body,.fd = -1,
    .content_type = (char *) PMSS_HTTP_PROBLEM_TYPE,
  };

  atomic_fetch_add (&link->httpd->refused, 1);
  hang_up (link, &answer, to_head);
}
