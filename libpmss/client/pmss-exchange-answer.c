/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the answer of an exchange says: JSON, or a problem. */

#include "pmss-exchange.h"

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "libpmss/pmss-text.h"

/* A problem document beyond this is not looked at, and no more than this of its text is passed on. */
#define MAX_PROBLEM (64u * 1024)
#define MAX_DETAIL 512
/* s */
#define MAX_RETRY_AFTER (24 * 3600)

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

/* NULL: it has none. */
static JsonNode *
parse_problem (SoupMessage * message, GBytes * body)
{
  const char *type = soup_message_headers_get_content_type
      (soup_message_get_response_headers (message), NULL);
  g_autoptr (JsonNode) json = NULL;

  if (type != NULL && body != NULL && g_bytes_get_size (body) <= MAX_PROBLEM
      && (g_ascii_strcasecmp (type, "application/problem+json") == 0
          || g_ascii_strcasecmp (type, "application/json") == 0))
    json = pmss_exchange_parse (body, "", NULL);
  return json != NULL && JSON_NODE_HOLDS_OBJECT (json)
      ? g_steal_pointer (&json) : NULL;
}

static char *
problem_text (SoupMessage * message, JsonNode * problem)
{
  const char *text = NULL;

  if (problem != NULL) {
    JsonObject *object = json_node_get_object (problem);

    text = json_object_get_string_member_with_default (object, "detail", NULL);
    if (text == NULL)
      text = json_object_get_string_member_with_default (object, "title", NULL);
  }
  if (text == NULL)
    text = soup_message_get_reason_phrase (message);
  return clean_text (text != NULL ? text : "");
}

/* Which node, and what of it, does not suffice; when it would. What makes no
 * sense is not known. */
static void
take_members (JsonObject * problem, PmssErrorDetails * details)
{
  gint64 node = 0, start_in = -1;
  const char *resource = NULL;
  JsonObject *binds;

  if (pmss_json_get_int (problem, "start_in_ns", 0, G_MAXINT64, &start_in,
          NULL))
    details->start_in = start_in;
  if (!pmss_json_get_object (problem, "binds", &binds, NULL))
    return;
  if (pmss_json_get_int (binds, "node", 1, G_MAXUINT, &node, NULL))
    details->node = (guint) node;
  if (pmss_json_get_string (binds, "resource", MAX_DETAIL, &resource, NULL))
    details->resource = clean_text (resource);
}

/* Seconds; a date is no use where clocks differ. A longer time than the longest
 * is as long. */
static guint
get_retry_after (SoupMessage * message)
{
  const char *text = soup_message_headers_get_one
      (soup_message_get_response_headers (message), "Retry-After");
  g_autoptr (GError) error = NULL;
  guint64 seconds;

  if (text == NULL)
    return 0;
  if (g_ascii_string_to_unsigned (text, 10, 0, MAX_RETRY_AFTER, &seconds,
          &error))
    return (guint) seconds;
  return g_error_matches (error, G_NUMBER_PARSER_ERROR,
      G_NUMBER_PARSER_ERROR_OUT_OF_BOUNDS) ? MAX_RETRY_AFTER : 0;
}

GError *
pmss_exchange_problem (SoupMessage * message, GBytes * body, const char *peer)
{
  guint status = soup_message_get_status (message);
  g_autoptr (JsonNode) problem = parse_problem (message, body);
  g_autofree char *text = problem_text (message, problem);
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
  details->retry_after = get_retry_after (message);
  if (problem != NULL)
    take_members (json_node_get_object (problem), details);
  details->peer = g_strdup (peer);
  return error;
}
