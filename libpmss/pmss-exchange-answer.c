/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the answer of an exchange says: JSON, or a problem. */

#include "pmss-exchange.h"

#include "pmss-error.h"
#include "pmss-json.h"
#include "pmss-text.h"

/* A problem document beyond this is not looked at, and no more than this of its text is passed on. */
#define MAX_PROBLEM (64u * 1024)
#define MAX_DETAIL 512

JsonNode *
pmss_exchange_parse (GBytes * body, const char *peer, GError ** error)
{
  gsize length;
  const char *text = g_bytes_get_data (body, &length);
  g_autoptr (GError) local = NULL;
  JsonNode *root = pmss_json_parse (length ? text : "", length, &local);

  if (root == NULL)
    pmss_exchange_senseless (peer, local->message, error);
  return root;
}

void
pmss_exchange_senseless (const char *peer, const char *why, GError ** error)
{
  GError *own = g_error_new (PMSS_ERROR, PMSS_ERROR_PROTOCOL,
      "the answer of %s makes no sense: %s", peer, why);

  pmss_error_get_details (own)->peer = g_strdup (peer);
  g_propagate_error (error, own);
}

/* Text from a peer that goes to terminals and logs: bounded, and nothing in it
 * is hidden. */
static char *
clean_text (const char *text)
{
  g_autofree char *bounded = g_strndup (text, MAX_DETAIL);

  return pmss_text_clean (bounded);
}

static char *
problem_text (SoupMessage * message, GBytes * body)
{
  const char *type = soup_message_headers_get_content_type
      (soup_message_get_response_headers (message), NULL);
  g_autoptr (JsonNode) json = NULL;
  const char *text = NULL;

  if (type != NULL && body != NULL && g_bytes_get_size (body) <= MAX_PROBLEM
      && (g_ascii_strcasecmp (type, "application/problem+json") == 0
          || g_ascii_strcasecmp (type, "application/json") == 0))
    json = pmss_exchange_parse (body, "", NULL);
  if (json != NULL && JSON_NODE_HOLDS_OBJECT (json)) {
    JsonObject *object = json_node_get_object (json);

    text = json_object_get_string_member_with_default (object, "detail", NULL);
    if (text == NULL)
      text = json_object_get_string_member_with_default (object, "title", NULL);
  }
  if (text == NULL)
    text = soup_message_get_reason_phrase (message);
  return clean_text (text ? text : "");
}

GError *
pmss_exchange_problem (SoupMessage * message, GBytes * body, const char *peer)
{
  guint status = soup_message_get_status (message);
  g_autofree char *text = problem_text (message, body);
  GError *error;
  PmssErrorDetails *details;

  if (status >= 400)
    error = g_error_new (PMSS_ERROR, pmss_error_from_status (status),
        "%s (%s: %u)", text, peer, status);
  else
    error = g_error_new (PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "%s gives an answer that makes no sense here: %u %s", peer, status,
        text);
  details = pmss_error_get_details (error);
  details->http_status = status;
  details->peer = g_strdup (peer);
  return error;
}
