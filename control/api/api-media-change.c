/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The route that changes a medium's title and importance. On handlers' threads. */
#include "control/api/api-media.h"

#include "control/api/upload-request.h"
#include "control/catalog/catalog.h"
#include "control/importance/importance.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

#define MAX_TITLE 1024

/* The wishes of a request. */
typedef struct
{
  gboolean set_title, set_keep;
  const char *title;            /* nullable: none */
  gboolean keep;
} Wish;

static gboolean
get_title (JsonObject * body, Wish * wish, GError ** error)
{
  wish->set_title = json_object_has_member (body, "title");
  if (!pmss_json_has (body, "title"))
    return TRUE;
  if (!pmss_json_get_string (body, "title", MAX_TITLE, &wish->title, error)
      || !pmss_upload_request_check_title (wish->title, error))
    return FALSE;
  if (*wish->title == '\0')
    wish->title = NULL;
  return TRUE;
}

static gboolean
get_wish (JsonObject * body, Wish * wish, GError ** error)
{
  static const char *const members[] = { "title", "keep_original", NULL };

  if (!pmss_json_check_members (body, members, error)
      || !get_title (body, wish, error))
    return FALSE;
  wish->set_keep = pmss_json_has (body, "keep_original");
  if (wish->set_keep)
    return pmss_json_get_boolean (body, "keep_original", &wish->keep, error);
  if (wish->set_title)
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "Say title, keep_original or both");
  return FALSE;
}

static gboolean
set_title (PmssApiCall * call, const char *title, GError ** error)
{
  PmssCatalog *catalog = call->context->catalog;
  g_autoptr (PmssMedium) medium = pmss_catalog_get_medium (catalog,
      call->param, error);

  return medium != NULL && pmss_catalog_set_title (catalog, medium->id, title,
      error);
}

/* What may be refused comes first. @job: 0: none is needed. */
static gboolean
grant (PmssApiCall * call, const Wish * wish, gint64 * job, GError ** error)
{
  PmssControlContext *context = call->context;

  *job = 0;
  if (wish->set_keep && wish->keep
      && !pmss_original_keep (context, call->param, call->user->name, job,
          error))
    return FALSE;
  if (wish->set_keep && !wish->keep
      && !pmss_original_drop (context, call->param, error))
    return FALSE;
  return !wish->set_title || set_title (call, wish->title, error);
}

static void
note_wish (PmssApiCall * call, const Wish * wish)
{
  g_autofree char *detail = g_strconcat (!wish->set_keep ? "" : wish->keep ?
      "original kept" : "original dropped",
      wish->set_keep && wish->set_title ? ", " : "",
      wish->set_title ? "title " : "", wish->set_title && wish->title != NULL ?
      wish->title : "", NULL);

  pmss_api_note (call, NULL, detail);
}

static void
respond_changed (PmssApiCall * call, gint64 job)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssMedium) medium = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;

  if (job != 0) {
    pmss_api_respond_job (call, job, NULL);
    return;
  }
  medium = pmss_catalog_get_medium (call->context->catalog, call->param,
      &error);
  if (medium == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_api_add_medium (json, medium);
  pmss_api_respond (call, 200, json);
}

static void
change_medium (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  Wish wish = { 0 };
  gint64 job;

  if (!pmss_api_check_medium_name (call))
    return;
  if (!get_wish (pmss_http_request_get_json (call->request), &wish, &error)
      || !grant (call, &wish, &job, &error)) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  note_wish (call, &wish);
  respond_changed (call, job);
}

const PmssRoute pmss_routes_media_change[] = {
  {"PATCH", "/api/v1/media/{name+}", PMSS_ROLE_OPERATOR, PMSS_BODY_JSON,
      change_medium,.audit = "media set"},
  {NULL}
};
