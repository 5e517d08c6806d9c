/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for storage servers. On handlers' threads. */
#include "control/api/api-bad-shards.h"

#include <string.h>

#include "control/accounts/secret.h"
#include "control/config.h"
#include "control/reconcile/reconcile.h"
#include "control/keys.h"
#include "control/nodes/nodes.h"
#include "control/overview/cluster-facts.h"
#include "control/overview/node-streams.h"
#include "control/repair/repair.h"
#include "control/sessions/revocation-news.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "libpmss/pmss-text.h"

#define MAX_ADDRESS 253
#define MAX_ZONE 64
#define MAX_SECRET 128
#define MAX_FORMATS 16
#define MAX_TROUBLE 500

static void
add_stats (PmssJsonWriter * json, const PmssNodeInfo * info)
{
  pmss_json_writer_set_member_name (json, "stats");
  if (info->last_seen == 0)
    pmss_json_writer_add_null_value (json);
  else
    pmss_node_stats_write (&info->stats, json);
}

/* -1: not known */
static gint64
to_bytes (double figure)
{
  return isnan (figure) ? -1 : (gint64) figure;
}

/* @streams: pmss_node_streams_count() */
static void
add_node_json (PmssControlContext * context, PmssJsonWriter * json,
    const PmssNodeInfo * info, GHashTable * streams)
{
  gboolean seen = info->last_seen != 0;

  pmss_json_writer_begin_object (json);
  pmss_api_add_int (json, "id", info->node.id);
  pmss_api_add_string (json, "address", info->node.address);
  pmss_api_add_int (json, "port", info->node.port);
  pmss_api_add_bool (json, "tls", info->node.tls);
  pmss_api_add_string (json, "zone", info->node.zone);
  pmss_api_add_string (json, "state", pmss_node_state_to_string (info->state));
  pmss_api_add_time (json, "since", info->since);
  pmss_api_add_string (json, "reason", info->reason);
  pmss_api_add_string (json, "warning", info->warning != NULL ? info->warning
      : info->faults);
  if (seen)
    pmss_api_add_time (json, "last_seen", info->last_seen);
  else
    pmss_api_add_string (json, "last_seen", NULL);
  pmss_api_add_int (json, "capacity", (gint64) info->capacity);
  pmss_api_add_known (json, "used", to_bytes (info->stats.used));
  pmss_api_add_known (json, "free", to_bytes (info->stats.free));
  pmss_api_add_int (json, "shards", (gint64) info->shards);
  pmss_api_add_int (json, "bad_shards", (gint64) info->bad_shards);
  pmss_api_add_int (json, "held_shards", context->reconciler != NULL
      ? (gint64) pmss_reconciler_get_held (context->reconciler, info->node.id)
      : 0);
  pmss_api_add_bool (json, "repair", info->repair);
  pmss_api_add_known (json, "rate", pmss_node_info_get_rate (info));
  pmss_api_add_int (json, "streams", GPOINTER_TO_UINT (g_hash_table_lookup
          (streams, GUINT_TO_POINTER (info->node.id))));
  add_stats (json, info);
  pmss_json_writer_end_object (json);
}

static void
list_nodes (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes = pmss_nodes_list (call->context->nodes, &error);
  g_autoptr (GHashTable) streams = nodes != NULL ?
      pmss_node_streams_count (call->context, &error) : NULL;
  g_autoptr (PmssJsonWriter) json = NULL;

  if (streams == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "nodes");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < nodes->len; i++)
    add_node_json (call->context, json, g_ptr_array_index (nodes, i), streams);
  pmss_json_writer_end_array (json);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

static void
respond_node (PmssApiCall * call, guint status, const PmssNodeInfo * info)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) streams = pmss_node_streams_count (call->context,
      &error);
  g_autoptr (PmssJsonWriter) json = NULL;

  if (streams == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  add_node_json (call->context, json, info, streams);
  pmss_api_respond (call, status, json);
}

/* Zones are compared by their bytes, and stand in columns. */
static gboolean
check_zone (const char *zone, GError ** error)
{
  if (!pmss_text_check_name (zone, "The zone", error))
    return FALSE;
  for (const char *c = zone; *c != '\0'; c = g_utf8_next_char (c)) {
    if (g_unichar_isspace (g_utf8_get_char (c))) {
      g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
          "A zone is one word: leave out the space");
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
get_zone (JsonObject * body, const char **zone, GError ** error)
{
  return pmss_json_get_string (body, "zone", MAX_ZONE, zone, error)
      && check_zone (*zone, error);
}

static void
create_join_token (PmssApiCall * call)
{
  static const char *const members[] = { "zone", NULL };
  JsonObject *body = pmss_http_request_get_json (call->request);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;
  g_autofree char *token = NULL;
  const char *zone = NULL;
  gint64 expires;

  if (!pmss_json_check_members (body, members, &error)
      || (pmss_json_has (body, "zone") && !get_zone (body, &zone, &error))
      || (token = pmss_nodes_create_join_token (call->context->nodes, zone,
              &expires, &error)) == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "join_token", token);
  pmss_api_add_time (json, "expires", expires);
  pmss_json_writer_end_object (json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, 201, json);
}

/* By the rule that readers of a layout have: what they refuse would make media unreadable. */
static gboolean
check_address (const char *address, GError ** error)
{
  if (pmss_host_check (address))
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "address: neither a host name nor an IP address");
  return FALSE;
}

/* Where a node can be reached; the strings stay the body's. */
static gboolean
get_place (JsonObject * body, PmssNode * node, GError ** error)
{
  const char *address;
  gint64 port;

  if (!pmss_json_get_string (body, "address", MAX_ADDRESS, &address, error)
      || !check_address (address, error)
      || !pmss_json_get_int (body, "port", 1, 65535, &port, error)
      || !pmss_json_get_boolean (body, "tls", &node->tls, error))
    return FALSE;
  node->address = (char *) address;
  node->port = (guint16) port;
  return TRUE;
}

static char *
join_node (PmssApiCall * call, PmssNode * node, GError ** error)
{
  static const char *const members[] = {
    "join_token", "address", "port", "tls", "zone", "capacity", NULL
  };
  JsonObject *body = pmss_http_request_get_json (call->request);
  const char *token, *zone = "";
  gint64 capacity;

  if (!pmss_json_check_members (body, members, error)
      || !pmss_json_get_string (body, "join_token", MAX_SECRET, &token, error)
      || !get_place (body, node, error)
      || (pmss_json_has (body, "zone") && !get_zone (body, &zone, error))
      || !pmss_json_get_int (body, "capacity", 0, G_MAXINT64, &capacity, error))
    return NULL;
  node->zone = (char *) zone;
  return pmss_nodes_join (call->context->nodes, token, node,
      (guint64) capacity, error);
}

static void
note_node (PmssApiCall * call, const PmssNode * node)
{
  g_autofree char *id = g_strdup_printf ("%u", node->id);
  g_autofree char *place = g_strdup_printf ("%s port %u", node->address,
      node->port);

  pmss_api_note (call, id, place);
}

static void
join (PmssApiCall * call)
{
  const guint8 *key = pmss_keys_get_public (call->context->keys);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;
  g_autoptr (GString) hex = g_string_new (NULL);
  PmssNode node = { 0 };
  g_autofree char *secret = join_node (call, &node, &error);

  if (secret == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  note_node (call, &node);
  for (guint i = 0; i < PMSS_TOKEN_PUBLIC_KEY_SIZE; i++)
    g_string_append_printf (hex, "%02x", key[i]);
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_api_add_int (json, "id", node.id);
  pmss_api_add_string (json, "secret", secret);
  pmss_api_add_string (json, "cluster",
      pmss_keys_get_cluster (call->context->keys));
  pmss_api_add_string (json, "public_key", hex->str);
  pmss_json_writer_end_object (json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, 201, json);
}

/* Of a node whose figures are wrong it is known that it lives. */
static char *
get_stats (JsonObject * body, PmssNodeStats * stats)
{
  g_autoptr (GError) error = NULL;
  JsonObject *object;

  if (pmss_json_get_object (body, "stats", &object, &error)
      && pmss_node_stats_parse (object, stats, &error))
    return NULL;
  pmss_node_stats_clear (stats);
  return g_strdup (error->message);
}

/* What comes with a heartbeat. The strings stay the body's. */
typedef struct
{
  guint id;
  PmssNodeBeat node;
  gint64 revocations;
  GPtrArray *bad_shards;
  char *figures_fault;          /* (nullable) */
} Heartbeat;

static void
heartbeat_clear (Heartbeat * beat)
{
  g_clear_pointer (&beat->bad_shards, g_ptr_array_unref);
  g_clear_pointer (&beat->figures_fault, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Heartbeat, heartbeat_clear)
/* One without the member is older than it, and reads format 1. */
     static gboolean
         get_token_formats (JsonObject * body, PmssNodeBeat * beat,
    GError ** error)
{
  JsonArray *formats;

  if (!pmss_json_has (body, "token_formats"))
    return TRUE;
  if (!pmss_json_get_array (body, "token_formats", MAX_FORMATS, &formats,
          error))
    return FALSE;
  for (guint i = 0; i < json_array_get_length (formats); i++) {
    gint64 format;

    if (!pmss_json_element_int (formats, i, "token_formats", 1, G_MAXINT,
            &format, error))
      return FALSE;
    beat->reads_tokens |= format == PMSS_TOKEN_FORMAT;
    beat->reads_origins |= format == PMSS_TOKEN_FORMAT_ORIGIN;
  }
  return TRUE;
}

static gboolean
get_instance (JsonObject * body, const char **instance, GError ** error)
{
  if (!pmss_json_get_string (body, "instance", PMSS_INSTANCE_LENGTH, instance,
          error))
    return FALSE;
  if (pmss_secret_is_id (*instance))
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "instance: not 32 hex digits");
  return FALSE;
}

/* It comes into logs and onto terminals. */
static gboolean
get_trouble (JsonObject * body, const char **trouble, GError ** error)
{
  return pmss_json_get_string (body, "trouble", MAX_TROUBLE, trouble, error)
      && pmss_text_check (*trouble, "trouble", error);
}

static gboolean
get_heartbeat (JsonObject * body, Heartbeat * beat, GError ** error)
{
  PmssNode place = { 0 };

  if (!get_place (body, &place, error)
      || !get_token_formats (body, &beat->node, error)
      || (pmss_json_has (body, "revocations")
          && !pmss_json_get_int (body, "revocations", 0, G_MAXINT64,
              &beat->revocations, error))
      || (pmss_json_has (body, "leaving")
          && !pmss_json_get_boolean (body, "leaving", &beat->node.leaving,
              error)))
    return FALSE;
  beat->figures_fault = get_stats (body, &beat->node.stats);
  beat->node.figures_fault = beat->figures_fault;
  beat->node.address = place.address;
  beat->node.port = place.port;
  beat->node.tls = place.tls;
  if (pmss_json_has (body, "time")
      && !pmss_json_get_time (body, "time", &beat->node.time, error))
    return FALSE;
  if (pmss_json_has (body, "gateway")
      && !pmss_json_get_boolean (body, "gateway", &beat->node.is_gateway,
          error))
    return FALSE;
  if (pmss_json_has (body, "trouble")
      && !get_trouble (body, &beat->node.trouble, error))
    return FALSE;
  if (pmss_json_has (body, "instance")
      && !get_instance (body, &beat->node.instance, error))
    return FALSE;
  beat->bad_shards = pmss_api_get_bad_shards (body, beat->id, error);
  return beat->bad_shards != NULL;
}

static gboolean
check_figures (const Heartbeat * beat, GError ** error)
{
  if (beat->figures_fault == NULL)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "stats: %s",
      beat->figures_fault);
  return FALSE;
}

/* Its connection has a node's place from now on. */
static gboolean
check_node (PmssApiCall * call, guint id, const char *secret, GError ** error)
{
  if (!pmss_nodes_check (call->context->nodes, id, secret, error))
    return FALSE;
  pmss_api_set_node_class (call, id);
  return TRUE;
}

static PmssJsonWriter *
answer_heartbeat (PmssApiCall * call, const Heartbeat * beat,
    const char *secret, GError ** error)
{
  PmssControlContext *context = call->context;
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autofree char *problem = NULL;
  PmssNodeState state;

  /* That it lives is noted first, without the database. The node forgets what it told when it has the answer. */
  if (!check_node (call, beat->id, secret, error)
      || !pmss_nodes_heartbeat (context->nodes, beat->id, secret, &beat->node,
          &state, &problem, error)
      || !check_figures (beat, error)
      || !pmss_api_add_bad_shards (context, beat->bad_shards, error))
    return NULL;
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "state", pmss_node_state_to_string (state));
  pmss_api_add_int (json, "interval", PMSS_NODE_HEARTBEAT_INTERVAL);
  pmss_api_add_string (json, "problem", problem);
  pmss_api_add_int (json, "lease", context->config->lease);
  pmss_revocation_news_add (context->database, beat->revocations, json);
  pmss_json_writer_end_object (json);
  return g_steal_pointer (&json);
}

static void
heartbeat (PmssApiCall * call)
{
  const char *secret = pmss_http_request_get_bearer (call->request);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;
  g_auto (Heartbeat) beat = { 0 };
  gint64 id;

  if (!pmss_api_get_param_id (call, &id))
    return;
  beat.id = id <= G_MAXUINT ? (guint) id : 0;
  if (get_heartbeat (pmss_http_request_get_json (call->request), &beat, &error))
    json = answer_heartbeat (call, &beat, secret != NULL ? secret : "", &error);
  if (json != NULL)
    pmss_api_respond (call, 200, json);
  else
    pmss_http_request_respond_error (call->request, error);
}

static void
repair_node (PmssApiCall * call)
{
  PmssNodes *nodes = call->context->nodes;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssNodeInfo) info = NULL;
  gint64 id;

  if (!pmss_api_get_param_id (call, &id))
    return;
  id = id <= G_MAXUINT ? id : 0;
  if (!pmss_nodes_ask_repair (nodes, (guint) id, &error)
      || !(info = pmss_nodes_get (nodes, (guint) id, &error))) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  pmss_repair_wake (call->context->repair);
  respond_node (call, 202, info);
}

/* What an administrator may set. */
static gboolean
change_node (PmssControlContext * context, guint id, JsonObject * body,
    GError ** error)
{
  static const char *const members[] = {
    "address", "port", "tls", "confirm_cleanup", NULL
  };
  PmssNode place = {.id = id };
  gint64 shards;

  if (!pmss_json_check_members (body, members, error))
    return FALSE;
  if ((pmss_json_has (body, "address") || pmss_json_has (body, "port")
          || pmss_json_has (body, "tls"))
      && (!get_place (body, &place, error)
          || !pmss_nodes_set_place (context->nodes, id, &place, error)))
    return FALSE;
  return !pmss_json_has (body, "confirm_cleanup")
      || (pmss_json_get_int (body, "confirm_cleanup", 1, G_MAXINT64, &shards,
          error) && pmss_reconciler_confirm (context->reconciler, id,
          (guint64) shards, error));
}

static void
set_node (PmssApiCall * call)
{
  PmssControlContext *context = call->context;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssNodeInfo) before = NULL, info = NULL;
  gint64 id;

  if (!pmss_api_get_param_id (call, &id))
    return;
  before = pmss_nodes_get (context->nodes, id <= G_MAXUINT ? (guint) id : 0,
      &error);
  if (before != NULL && change_node (context, before->node.id,
          pmss_http_request_get_json (call->request), &error))
    info = pmss_nodes_get (context->nodes, before->node.id, &error);
  if (info == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  note_node (call, &info->node);
  respond_node (call, 200, info);
}

static void
delete_node (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  gint64 id;

  if (!pmss_api_get_param_id (call, &id))
    return;
  if (pmss_nodes_remove (call->context->nodes,
          id <= G_MAXUINT ? (guint) id : 0, &error))
    pmss_http_request_respond_empty (call->request, 204);
  else
    pmss_http_request_respond_error (call->request, error);
}

const PmssRoute pmss_routes_nodes[] = {
  {"GET", "/api/v1/nodes", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE, list_nodes},
  {"POST", "/api/v1/nodes/join-tokens", PMSS_ROLE_ADMIN, PMSS_BODY_JSON,
      create_join_token,.audit = "node add"},
  /* these two have secrets of their own */
  {"POST", "/api/v1/nodes/join", PMSS_ROLE_NONE, PMSS_BODY_JSON, join,
      .audit = "node join"},
  {"POST", "/api/v1/nodes/{id}/heartbeat", PMSS_ROLE_NONE, PMSS_BODY_JSON,
      heartbeat,.unaudited = TRUE},
  {"POST", "/api/v1/nodes/{id}/repair", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      repair_node,.audit = "node repair"},
  {"PATCH", "/api/v1/nodes/{id}", PMSS_ROLE_ADMIN, PMSS_BODY_JSON, set_node,
      .audit = "node set"},
  {"DELETE", "/api/v1/nodes/{id}", PMSS_ROLE_ADMIN, PMSS_BODY_NONE,
      delete_node,.audit = "node remove"},
  {NULL}
};
