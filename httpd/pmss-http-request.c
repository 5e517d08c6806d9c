/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a handler can ask of a request. The answers are in pmss-http-answer.c. */
#include <string.h>

#include "libpmss/pmss-json.h"
#include "pmss-httpd-private.h"

void
pmss_http_request_init (PmssHttpRequest * request, PmssHttpd * httpd,
    PmssPeer * peer, const char *target)
{
  /* No target at all: it is refused. */
  const char *text = target != NULL ? target : "";

  atomic_fetch_add (&httpd->alive, 1);
  request->httpd = httpd;
  request->peer = peer;
  request->target = g_strdup (text);
  request->path = g_strndup (text, strcspn (text, "?"));
  request->answer.fd = -1;
}

void
pmss_http_request_clear (PmssHttpRequest * request)
{
  atomic_fetch_sub (&request->httpd->alive, 1);
  g_free (request->target);
  g_free (request->path);
  g_free (request->bearer);
  g_clear_pointer (&request->query, g_hash_table_unref);
  g_clear_pointer (&request->json_text, g_byte_array_unref);
  g_clear_pointer (&request->json, json_node_unref);
  pmss_http_answer_clear (&request->answer);
}

const char *
pmss_http_request_get_method (PmssHttpRequest * request)
{
  return request->method;
}

const char *
pmss_http_request_get_target (PmssHttpRequest * request)
{
  return request->target;
}

const char *
pmss_http_request_get_path (PmssHttpRequest * request)
{
  return request->path;
}

const char *
pmss_http_request_get_query (PmssHttpRequest * request, const char *name)
{
  return request->query ? g_hash_table_lookup (request->query, name) : NULL;
}

guint
pmss_http_request_get_status (PmssHttpRequest * request)
{
  return request->answer.status;
}

/* Takes as long for each token of the same length. */
static gboolean
is_same (const char *given, const char *token)
{
  gsize length = strlen (token);
  guchar difference = 0;

  if (strlen (given) != length)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    difference |= given[i] ^ token[i];
  return difference == 0;
}

gboolean
pmss_http_may_watch (const char *address, const char *bearer, const char *token)
{
  g_autoptr (GInetAddress) from = g_inet_address_new_from_string (address);

  if (from != NULL && g_inet_address_get_is_loopback (from))
    return TRUE;
  return bearer && token != NULL && *token && is_same (bearer, token);
}

gboolean
pmss_http_request_may_watch (PmssHttpRequest * request, const char *token)
{
  if (pmss_http_may_watch (pmss_http_request_get_address (request),
          pmss_http_request_get_bearer (request), token))
    return TRUE;
  pmss_http_request_add_header (request, "WWW-Authenticate", "Bearer");
  pmss_http_request_respond_problem (request, 401,
      "this is for the machine itself, or needs the token of the setting "
      "metrics-token");
  return FALSE;
}

gboolean
pmss_http_request_get_content_length (PmssHttpRequest * request,
    guint64 * length)
{
  if (length != NULL)
    *length = request->framing.length;
  return request->framing.has_length;
}

const char *
pmss_http_request_get_bearer (PmssHttpRequest * request)
{
  const char *value;

  if (request->bearer)
    return request->bearer;
  value = pmss_http_request_get_header (request, "Authorization");
  if (value == NULL || g_ascii_strncasecmp (value, "Bearer ", 7) != 0)
    return NULL;
  value += 7;
  value += strspn (value, " ");
  request->bearer = g_strchomp (g_strdup (value));
  /* token68 of RFC 9110 */
  for (const char *p = request->bearer; *p; p++) {
    if (!g_ascii_isalnum (*p) && !strchr ("-._~+/=", *p))
      g_clear_pointer (&request->bearer, g_free);
    if (!request->bearer)
      return NULL;
  }
  if (request->bearer[0] == '\0')
    g_clear_pointer (&request->bearer, g_free);
  return request->bearer;
}

void
pmss_http_request_let_end_wait (PmssHttpRequest * request)
{
  request->end_may_wait = TRUE;
}

void
pmss_http_request_set_data (PmssHttpRequest * request, gpointer data)
{
  request->data = data;
}

gpointer
pmss_http_request_get_data (PmssHttpRequest * request)
{
  return request->data;
}

/* Digits up to @end, nothing else. */
static gboolean
parse_number (const char *text, gsize length, guint64 * number)
{
  char digits[20];

  if (length == 0 || length >= sizeof digits)
    return FALSE;
  memcpy (digits, text, length);
  digits[length] = '\0';
  return g_ascii_isdigit (digits[0])
      && g_ascii_string_to_unsigned (digits, 10, 0, G_MAXINT64, number, NULL);
}

static PmssHttpRange
suffix_range (guint64 size, guint64 wanted, guint64 * first, guint64 * length)
{
  if (wanted == 0 || size == 0)
    return PMSS_HTTP_RANGE_UNSATISFIABLE;
  *length = MIN (wanted, size);
  *first = size - *length;
  return PMSS_HTTP_RANGE_OK;
}

PmssHttpRange
pmss_http_request_get_range (PmssHttpRequest * request, guint64 size,
    guint64 * first, guint64 * length)
{
  const char *value = pmss_http_request_get_header (request, "Range");
  const char *dash;
  gsize rest;
  guint64 last = G_MAXINT64;

  if (value == NULL)
    return PMSS_HTTP_RANGE_NONE;
  /* RFC 9110, 14.2: a unit that is not understood is to be ignored */
  if (g_ascii_strncasecmp (value, "bytes=", 6) != 0)
    return PMSS_HTTP_RANGE_NONE;
  value += 6;
  dash = strchr (value, '-');
  if (dash == NULL)
    return PMSS_HTTP_RANGE_MALFORMED;
  rest = strlen (dash + 1);
  while (rest > 0 && (dash[rest] == ' ' || dash[rest] == '\t'))
    rest--;

  if (dash == value) {
    if (!parse_number (dash + 1, rest, &last))
      return PMSS_HTTP_RANGE_MALFORMED;
    return suffix_range (size, last, first, length);
  }
  if (!parse_number (value, dash - value, first)
      || (rest > 0 && !parse_number (dash + 1, rest, &last)) || last < *first)
    return PMSS_HTTP_RANGE_MALFORMED;
  if (*first >= size)
    return PMSS_HTTP_RANGE_UNSATISFIABLE;
  *length = MIN (last, size - 1) - *first + 1;
  return PMSS_HTTP_RANGE_OK;
}

gboolean
pmss_http_request_accept_body (PmssHttpRequest * request, guint64 max)
{
  if (!request->framing.has_length) {
    pmss_http_request_respond_problem (request, 411,
        "this request needs a body with a Content-Length");
    return FALSE;
  }
  if (request->framing.length > max) {
    pmss_http_request_respond_problem (request, 413,
        "at most %" G_GUINT64_FORMAT " bytes are accepted here", max);
    return FALSE;
  }
  request->stage = PMSS_HTTP_STAGE_BODY;
  return TRUE;
}

static gboolean
is_json_type (const char *type)
{
  gsize length = strcspn (type, ";");

  while (length > 0 && type[length - 1] == ' ')
    length--;
  return length == strlen ("application/json")
      && g_ascii_strncasecmp (type, "application/json", length) == 0;
}

gboolean
pmss_http_request_accept_json (PmssHttpRequest * request, gsize max)
{
  const char *type = pmss_http_request_get_header (request, "Content-Type");

  if (type == NULL || !is_json_type (type)) {
    pmss_http_request_respond_problem (request, 415,
        "the body has to be application/json");
    return FALSE;
  }
  if (!pmss_http_request_accept_body (request, max))
    return FALSE;
  request->stage = PMSS_HTTP_STAGE_JSON;
  request->json_text = g_byte_array_new ();
  return TRUE;
}

gboolean
pmss_http_request_parse_json (PmssHttpRequest * request)
{
  g_autoptr (GByteArray) text = g_steal_pointer (&request->json_text);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = NULL;

  root = pmss_json_parse ((const char *) text->data, text->len, &error);
  if (root == NULL || !pmss_json_object (root, "the body", &error)) {
    pmss_http_request_respond_error (request, error);
    return FALSE;
  }
  request->json = g_steal_pointer (&root);
  return TRUE;
}

JsonObject *
pmss_http_request_get_json (PmssHttpRequest * request)
{
  return request->json ? json_node_get_object (request->json) : NULL;
}

void
pmss_http_request_defer (PmssHttpRequest * request, PmssHttpWait wait,
    PmssHttpWork work)
{
  g_return_if_fail (!request->work && !request->answer.status);
  request->work = work;
  request->wait = wait;
}

void
pmss_http_request_set_aside (PmssHttpRequest * request, PmssHttpWork start)
{
  g_return_if_fail (!request->work && !request->answer.status);
  request->work = start;
  request->elsewhere = TRUE;
}
