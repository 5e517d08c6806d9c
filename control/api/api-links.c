/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for links. On handlers' threads. */
#include "control/api/router.h"

#include "control/accounts/links.h"
#include "control/api/caller.h"
#include "libpmss/client/pmss-client.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

#define DEFAULT_LIFETIME 86400  /* seconds */

static void
add_members (PmssJsonWriter * json, const PmssLink * link)
{
  pmss_api_add_int (json, "id", link->id);
  pmss_api_add_string (json, "user", link->user);
  pmss_api_add_string (json, "medium", link->medium);
  pmss_api_add_time (json, "created", link->created);
  pmss_api_add_time (json, "expires", link->expires);
}

/* Administrators see, and remove, those of all. */
static const char *
whose (PmssApiCall * call)
{
  return call->user->role == PMSS_ROLE_ADMIN ? NULL : call->user->name;
}

static gboolean
get_wanted (PmssApiCall * call, const char **name, gint64 * lifetime,
    GError ** error)
{
  static const char *const members[] = { "medium", "lifetime", NULL };
  JsonObject *body = pmss_http_request_get_json (call->request);

  *lifetime = DEFAULT_LIFETIME;
  return pmss_json_check_members (body, members, error)
      && pmss_json_get_string (body, "medium", PMSS_MAX_NAME, name, error)
      && pmss_medium_name_check (*name, error)
      && (!pmss_json_has (body, "lifetime")
      || pmss_json_get_int (body, "lifetime", 1,
          pmss_links_get_max_lifetime (call->user->role), lifetime, error));
}

static void
respond_link (PmssApiCall * call, const PmssLink * link, const char *secret)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autofree char *place = pmss_api_get_place (call);
  g_autofree char *name = pmss_client_encode_name (link->medium);
  g_autofree char *url = g_strdup_printf ("%s/media/%s?link=%s", place, name,
      secret);

  pmss_json_writer_begin_object (json);
  add_members (json, link);
  pmss_api_add_string (json, "url", url);
  pmss_json_writer_end_object (json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, 201, json);
}

static void
post_link (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssLink) link = NULL;
  g_autofree char *secret = NULL, *id = NULL;
  const char *name;
  gint64 lifetime;

  if (get_wanted (call, &name, &lifetime, &error))
    link = pmss_links_add (call->context->database, call->user, name,
        (guint) lifetime, &secret, &error);
  if (link == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  id = g_strdup_printf ("%" G_GINT64_FORMAT, link->id);
  pmss_api_note (call, name, id);
  respond_link (call, link, secret);
}

static void
add_link (PmssJsonWriter * json, gconstpointer link)
{
  pmss_json_writer_begin_object (json);
  add_members (json, link);
  pmss_json_writer_end_object (json);
}

static void
list_links (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) links =
      pmss_links_list (call->context->database, whose (call), &error);

  pmss_api_respond_list (call, "links", links, add_link, NULL, error);
}

static void
delete_link (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *medium = NULL;
  gint64 id;

  if (!pmss_api_get_param_id (call, &id))
    return;
  if (!pmss_links_remove (call->context->database, whose (call), id, &medium,
          &error)) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  pmss_api_note (call, medium, call->param);
  pmss_http_request_respond_empty (call->request, 204);
}

const PmssRoute pmss_routes_links[] = {
  {"POST", "/api/v1/links", PMSS_ROLE_VIEWER, PMSS_BODY_JSON, post_link,
      .audit = "link add"},
  {"GET", "/api/v1/links", PMSS_ROLE_VIEWER, PMSS_BODY_NONE, list_links},
  {"DELETE", "/api/v1/links/{id}", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      delete_link,.audit = "link remove"},
  {NULL}
};
