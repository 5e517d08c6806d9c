/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One answer of a gateway. */
#include "answer.h"

#include <string.h>

#include "gateway-private.h"
#include "libpmss/pmss-error.h"

/* What a page gets that is led to a medium of another type than it says: nothing runs. */
#define POLICY "default-src 'none'; media-src 'self'; img-src 'self'; " \
    "style-src 'unsafe-inline'; sandbox"
#define FALLBACK_TYPE "application/octet-stream"

struct _PmssGatewayAnswer
{
  gatomicrefcount references;   /* the request's, that of a read under way, of a posted call */
  PmssGateway *gateway;
  char *ticket;
  char *medium;
  PmssHttpRequest *request;     /* until it is answered */

  /* The gateway's thread's. */
  PmssPlay *play;               /* (nullable) that it was given; not after the end */

  /* Set before it is answered. */
  PmssReader *reader;
  PmssHttpSource *source;
  guint64 end;                  /* offset behind the last byte */

  /* The worker's; while it waits for bytes the gateway's thread's. */
  guint64 at;
  GBytes *piece;                /* (nullable) bytes from `at` on */
  gsize used;                   /* of the piece */
  gboolean failed;
};

static PmssGatewayAnswer *
answer_ref (PmssGatewayAnswer * answer)
{
  g_atomic_ref_count_inc (&answer->references);
  return answer;
}

static void
answer_unref (PmssGatewayAnswer * answer)
{
  if (!g_atomic_ref_count_dec (&answer->references))
    return;
  g_clear_pointer (&answer->source, pmss_http_source_unref);
  g_clear_pointer (&answer->piece, g_bytes_unref);
  g_clear_object (&answer->reader);
  g_free (answer->ticket);
  g_free (answer->medium);
  g_free (answer);
}

const char *
pmss_gateway_answer_get_ticket (PmssGatewayAnswer * answer)
{
  return answer->ticket;
}

const char *
pmss_gateway_answer_get_medium (PmssGatewayAnswer * answer)
{
  return answer->medium;
}

/* --- The request --- */

/* What a URL is for. Clear with clear_target(). */
typedef struct
{
  char *medium;
  char *ticket;
  char *origin;                 /* (nullable) of the page that may read it */
} Target;

static void
clear_target (Target * target)
{
  g_free (target->medium);
  g_free (target->ticket);
  g_free (target->origin);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Target, clear_target)
     static void refuse (PmssHttpRequest * request, const GError * error)
{
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY))
    pmss_http_request_add_header (request, "Retry-After", "1");
  pmss_http_request_respond_error (request, error);
}

/* FALSE: answered. Its Authorization is not looked at: clients that were sent here show the one for
 * control. */
static gboolean
find_target (PmssGateway * gateway, PmssHttpRequest * request,
    const char *name, Target * target)
{
  g_autoptr (GError) error = NULL;

  target->medium = g_uri_unescape_string (name, NULL);
  if (target->medium == NULL)
    g_set_error_literal (&error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "that is no medium's name");
  else if (pmss_access_check_ticket (gateway->access,
          pmss_http_request_get_query (request, "t"), target->medium,
          &target->ticket, &target->origin, &error))
    return TRUE;
  refuse (request, error);
  return FALSE;
}

PmssGatewayAnswer *
pmss_gateway_answer_new (PmssGateway * gateway, PmssHttpRequest * request,
    const char *name)
{
  g_auto (Target) target = { 0 };
  PmssGatewayAnswer *answer;

  if (!find_target (gateway, request, name, &target))
    return NULL;
  pmss_gateway_let_page_read (request, target.origin);
  pmss_http_request_set_class (request, PMSS_PLACE_USER, NULL);
  answer = g_new0 (PmssGatewayAnswer, 1);
  g_atomic_ref_count_init (&answer->references);
  answer->gateway = gateway;
  answer->ticket = g_steal_pointer (&target.ticket);
  answer->medium = g_steal_pointer (&target.medium);
  atomic_fetch_add (&gateway->n_answers, 1);
  return answer;
}

void
pmss_gateway_answer_options (PmssGateway * gateway, PmssHttpRequest * request,
    const char *name)
{
  g_auto (Target) target = { 0 };

  if (!find_target (gateway, request, name, &target))
    return;
  pmss_http_request_add_header (request, "Allow", "GET, HEAD, OPTIONS");
  pmss_gateway_let_page_ask (request, target.origin);
  pmss_http_request_respond_empty (request, 204);
}

static void
ask (gpointer data)
{
  PmssGatewayAnswer *answer = data;

  pmss_plays_ask (answer->gateway, answer);
}

/* The request keeps the answer until it was answered. */
void
pmss_gateway_answer_start (PmssGatewayAnswer * answer,
    PmssHttpRequest * request)
{
  answer->request = request;
  pmss_gateway_post (answer->gateway, ask, answer);
}

static void
release (gpointer data)
{
  PmssGatewayAnswer *answer = data;
  PmssPlay *play = g_steal_pointer (&answer->play);

  if (play != NULL)
    pmss_play_release (play);
  answer_unref (answer);
}

void
pmss_gateway_answer_end (PmssGatewayAnswer * answer)
{
  atomic_fetch_sub (&answer->gateway->n_answers, 1);
  pmss_gateway_post (answer->gateway, release, answer);
}

/* --- Its bytes --- */

static void
on_read (GObject * source, GAsyncResult * result, gpointer data)
{
  PmssGatewayAnswer *answer = data;
  g_autoptr (GError) error = NULL;

  answer->piece = pmss_reader_read_finish (PMSS_READER (source), result,
      &error);
  answer->failed = answer->piece == NULL;
  if (answer->failed && answer->play != NULL) {
    g_message ("%s: an answer was cut: %s", answer->medium, error->message);
    atomic_fetch_add (&answer->gateway->failed, 1);
    pmss_play_fail (answer->play);
  }
  pmss_http_source_wake (answer->source);
  answer_unref (answer);
}

static void
await_bytes (gpointer data)
{
  PmssGatewayAnswer *answer = data;

  pmss_reader_read_async (answer->reader, answer->at, answer->end - answer->at,
      NULL, on_read, answer);
}

/* FALSE: none are there yet. */
static gboolean
find_piece (PmssGatewayAnswer * answer)
{
  if (answer->piece == NULL)
    answer->piece = pmss_reader_try_read (answer->reader, answer->at,
        answer->end - answer->at);
  return answer->piece != NULL;
}

static gssize
read_bytes (PmssHttpSource * source, void *buffer, gsize max, gpointer data)
{
  PmssGatewayAnswer *answer = data;
  const guint8 *bytes;
  gsize length;

  if (answer->failed)
    return -1;
  if (!find_piece (answer)) {
    pmss_gateway_post (answer->gateway, await_bytes, answer_ref (answer));
    return 0;
  }
  bytes = g_bytes_get_data (answer->piece, &length);
  length = MIN (max, length - answer->used);
  memcpy (buffer, bytes + answer->used, length);
  answer->used += length;
  answer->at += length;
  if (answer->used == g_bytes_get_size (answer->piece)) {
    g_clear_pointer (&answer->piece, g_bytes_unref);
    answer->used = 0;
  }
  atomic_fetch_add (&answer->gateway->bytes, length);
  return length;
}

/* --- Its head --- */

static void
add_headers (PmssHttpRequest * request)
{
  /* a file of somebody: what it claims to be is not to be believed */
  pmss_http_request_add_header (request, "X-Content-Type-Options", "nosniff");
  pmss_http_request_add_header (request, "Content-Security-Policy", POLICY);
  /* the URL opens a door */
  pmss_http_request_add_header (request, "Referrer-Policy", "no-referrer");
  pmss_http_request_add_header (request, "Cache-Control", "private, no-cache");
}

static const char *
get_type (const PmssSession * session)
{
  return session->content_type != NULL && *session->content_type != '\0'
      ? session->content_type : FALLBACK_TYPE;
}

/* A version's bytes never change. */
static char *
make_etag (const PmssSession * session)
{
  char version[PMSS_VERSION_ID_STRLEN];

  pmss_version_id_to_string (pmss_layout_get_version (session->layout),
      version);
  return g_strdup_printf ("\"%s\"", version);
}

static void
respond (PmssGatewayAnswer * answer, PmssHttpRequest * request)
{
  const PmssSession *session = pmss_reader_get_session (answer->reader);
  g_autofree char *etag = make_etag (session);
  PmssHttpPart part;

  if (!pmss_http_request_find_part (request, etag,
          pmss_layout_get_size (session->layout), &part))
    return;
  pmss_http_request_add_part (request, etag, &part);
  add_headers (request);
  answer->at = part.first;
  answer->end = part.first + part.length;
  if (part.length > 0)
    answer->source = pmss_http_request_respond_source (request, part.status,
        get_type (session), part.length, read_bytes, answer);
  else
    pmss_http_request_respond (request, part.status, get_type (session), NULL);
}

void
pmss_gateway_answer_give (PmssGatewayAnswer * answer, PmssPlay * play,
    PmssReader * reader)
{
  PmssHttpRequest *request = g_steal_pointer (&answer->request);

  answer->play = play;
  answer->reader = g_object_ref (reader);
  respond (answer, request);
  pmss_http_request_go_on (request);
}

static gboolean
is_away (const GError * error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
}

/* Control knows when a stream is likely to fit; what comes back before is refused again. */
static void
add_retry_after (PmssHttpRequest * request, const GError * error)
{
  const PmssErrorDetails *details = pmss_error_get_details (error);
  guint seconds = details != NULL ? details->retry_after : 0;
  g_autofree char *text = g_strdup_printf ("%u", MAX (seconds, 1));

  pmss_http_request_add_header (request, "Retry-After", text);
}

void
pmss_gateway_answer_refuse (PmssGatewayAnswer * answer, const GError * error)
{
  PmssHttpRequest *request = g_steal_pointer (&answer->request);

  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_FORBIDDEN)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)) {
    pmss_http_request_respond_problem (request, 403, "what this URL was for "
        "has ended: ask the control server for the medium again");
  } else if (is_away (error)) {
    add_retry_after (request, error);
    pmss_http_request_respond_problem (request, 503, "%s", error->message);
  } else {
    g_message ("%s: cannot be played: %s", answer->medium, error->message);
    pmss_http_request_respond_problem (request, 502,
        "the control server does not let this server play the medium");
  }
  pmss_http_request_go_on (request);
}
