/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Media over plain HTTP: viewers are sent to a gateway, which opens sessions by
 * their tickets. On handlers' threads. */
#include "control/api/router.h"

#include "control/accounts/positions.h"
#include "control/accounts/secret.h"
#include "control/api/api-sessions.h"
#include "control/api/caller.h"
#include "control/catalog/catalog.h"
#include "control/config.h"
#include "control/gateway/gateways.h"
#include "control/nodes/nodes.h"
#include "control/sessions/sessions.h"
#include "control/sessions/tickets.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

/* --- A viewer --- */

/* bit/s */
static guint64
get_rate (const PmssMedium * medium)
{
  return medium->avg_bitrate > 0 ? (guint64) medium->avg_bitrate
      : PMSS_GATEWAY_USUAL_RATE;
}

static GArray *
choose_gateways (PmssApiCall * call, const PmssMedium * medium, GError ** error)
{
  g_autoptr (GArray) holders =
      pmss_catalog_list_version_nodes (call->context->catalog,
      &medium->version, error);
  g_autoptr (GArray) gateways = NULL;

  if (holders == NULL)
    return NULL;
  gateways = pmss_gateways_choose (call->context->nodes, holders,
      get_rate (medium));
  if (gateways->len > 0)
    return g_steal_pointer (&gateways);
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
      "No storage server that is up plays media over plain HTTP (its setting "
      "gateway)");
  return NULL;
}

static PmssTicket *
take_ticket (PmssApiCall * call, const PmssMedium * medium, GError ** error)
{
  const PmssTicketHolder holder = {
    .user = call->user->name,
    .login = call->login,
    .address = pmss_http_request_get_address (call->request)
  };
  g_autoptr (GArray) gateways = choose_gateways (call, medium, error);
  PmssTicket *ticket;

  if (gateways == NULL)
    return NULL;
  pmss_sessions_follow_clock (call->context->sessions);
  ticket = pmss_tickets_take (call->context->database, &holder, medium,
      gateways, error);
  /* many who come at once are not all sent to one, whose heartbeat knows of none of them yet */
  if (ticket != NULL && ticket->is_new)
    pmss_nodes_promise (call->context->nodes, ticket->nodes[0],
        get_rate (medium));
  return ticket;
}

/* @origin: (nullable) of the page that asks. */
static char *
make_url (PmssControlContext * context, const PmssTicket * ticket, guint node,
    const char *origin)
{
  gboolean reads = pmss_gateways_read_origins (context->nodes, node);
  g_autofree char *token = pmss_tickets_mint (context->keys, ticket, node,
      context->config->stream_lifetime, reads ? origin : NULL);

  return pmss_gateways_url (context->nodes, node, ticket->name, token);
}

/* The URL of each gateway of @ticket that has not gone meanwhile, the first one first. */
static GPtrArray *
make_urls (PmssApiCall * call, const PmssTicket * ticket)
{
  g_autofree char *origin = pmss_api_get_page_origin (call);
  GPtrArray *urls = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < PMSS_MAX_TICKET_NODES && ticket->nodes[i] != 0; i++) {
    char *url = make_url (call->context, ticket, ticket->nodes[i], origin);

    if (url != NULL)
      g_ptr_array_add (urls, url);
  }
  return urls;
}

/* RFC 6249: the same file elsewhere, in the order in which it is to be asked for. */
static void
add_alternatives (PmssApiCall * call, const GPtrArray * urls)
{
  g_autoptr (GString) links = g_string_new (NULL);

  for (guint i = 1; i < urls->len; i++)
    g_string_append_printf (links, "%s<%s>; rel=duplicate; pri=%u",
        i > 1 ? ", " : "", (const char *) urls->pdata[i], i);
  if (links->len > 0)
    pmss_http_request_add_header (call->request, "Link", links->str);
}

/* What a viewer gets. */
typedef struct
{
  PmssMedium *medium;
  PmssTicket *ticket;
  GPtrArray *urls;              /* at least one */
} Play;

static void
clear_play (Play * play)
{
  g_clear_pointer (&play->medium, pmss_medium_free);
  g_clear_pointer (&play->ticket, pmss_ticket_free);
  g_clear_pointer (&play->urls, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Play, clear_play)
     static gboolean
         begin_play (PmssApiCall * call, const char *name, Play * play,
    GError ** error)
{
  play->medium = pmss_catalog_get_ready_medium (call->context->catalog,
      name, error);
  if (play->medium != NULL)
    play->ticket = take_ticket (call, play->medium, error);
  if (play->ticket == NULL)
    return FALSE;
  play->urls = make_urls (call, play->ticket);
  if (play->urls->len > 0)
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
      "The storage servers have just gone: try again");
  return FALSE;
}

static void
refuse_play (PmssApiCall * call, const GError * error)
{
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY))
    pmss_http_request_add_header (call->request, "Retry-After", "1");
  pmss_http_request_respond_error (call->request, error);
}

/* Each URL opens a door. */
static void
keep_private (PmssApiCall * call)
{
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_http_request_add_header (call->request, "Referrer-Policy",
      "no-referrer");
}

static void
redirect (PmssApiCall * call, const GPtrArray * urls)
{
  pmss_http_request_add_header (call->request, "Location", urls->pdata[0]);
  add_alternatives (call, urls);
  keep_private (call);
  pmss_http_request_respond_empty (call->request, 307);
}

static void
send_to_gateway (PmssApiCall * call)
{
  g_auto (Play) play = { NULL };
  g_autoptr (GError) error = NULL;

  if (!pmss_api_check_medium_name (call))
    return;
  if (begin_play (call, call->param, &play, &error))
    redirect (call, play.urls);
  else
    refuse_play (call, error);
}

/* @position_ns: where the viewer left off, -1: nowhere */
static void
respond_play (PmssApiCall * call, const Play * play, gint64 position_ns)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  char version[PMSS_VERSION_ID_STRLEN];

  pmss_version_id_to_string (&play->medium->version, version);
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "id", play->ticket->id);
  pmss_api_add_string (json, "medium", play->medium->name);
  pmss_api_add_string (json, "version", version);
  pmss_api_add_string (json, "content_type", play->medium->content_type);
  pmss_json_writer_set_member_name (json, "urls");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < play->urls->len; i++)
    pmss_json_writer_add_string_value (json, play->urls->pdata[i]);
  pmss_json_writer_end_array (json);
  pmss_api_add_known (json, "position_ns", position_ns);
  pmss_json_writer_end_object (json);
  keep_private (call);
  pmss_api_respond (call, 201, json);
}

/* For a page, which cannot read where a redirect leads. */
static void
post_play (PmssApiCall * call)
{
  static const char *const members[] = { "medium", NULL };
  JsonObject *body = pmss_http_request_get_json (call->request);
  g_auto (Play) play = { NULL };
  g_autoptr (GError) error = NULL;
  const char *name;
  gint64 position_ns;

  if (pmss_json_check_members (body, members, &error)
      && pmss_json_get_string (body, "medium", PMSS_MAX_NAME, &name, &error)
      && pmss_medium_name_check (name, &error)
      && begin_play (call, name, &play, &error)
      && pmss_positions_get (call->context->database, call->user->name,
          play.medium->id, &position_ns, &error))
    respond_play (call, &play, position_ns);
  else
    refuse_play (call, error);
}

/* --- A gateway --- */

static gboolean
get_id (PmssApiCall * call, const char **id, GError ** error)
{
  static const char *const members[] = { "id", NULL };
  JsonObject *body = pmss_http_request_get_json (call->request);

  return pmss_json_check_members (body, members, error)
      && pmss_api_get_session_id (body, id, error);
}

/* What has ended is refused for good: a reader does not ask again. */
static void
refuse (PmssApiCall * call, const GError * error)
{
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND))
    pmss_http_request_respond_problem (call->request, 403, "%s",
        error->message);
  else
    pmss_http_request_respond_error (call->request, error);
}

/* A storage server's secret says which one it is. */
static PmssTicket *
find_ticket (PmssApiCall * call, GError ** error)
{
  guint node = pmss_nodes_find_by_secret (call->context->nodes,
      pmss_http_request_get_bearer (call->request));

  if (node == 0) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED,
        "This is for a storage server, with its secret");
    return NULL;
  }
  pmss_api_set_node_class (call, node);
  pmss_sessions_follow_clock (call->context->sessions);
  return pmss_tickets_get (call->context->database,
      pmss_secret_is_id (call->param) ? call->param : "", node, error);
}

static void
redeem (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssTicket) ticket = find_ticket (call, &error);
  const char *id;

  /* for the event: the session is the viewer's */
  if (ticket != NULL)
    call->claimed_user = g_strdup (ticket->user);
  if (ticket != NULL && get_id (call, &id, &error))
    pmss_api_open_by_ticket (call, ticket, id);
  else
    refuse (call, error);
}

const PmssRoute pmss_routes_gateway[] = {
  {"GET", "/media/{name+}", PMSS_ROLE_VIEWER, PMSS_BODY_NONE, send_to_gateway,
      .link = TRUE,.people = TRUE},
  {"POST", "/api/v1/plays", PMSS_ROLE_VIEWER, PMSS_BODY_JSON, post_play},
  /* a storage server's secret is looked at */
  {"POST", "/api/v1/tickets/{id}/sessions", PMSS_ROLE_NONE, PMSS_BODY_JSON,
      redeem,.frequent = TRUE},
  {NULL}
};
