/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for media. On handlers' threads. */
#include "control/api/api-media.h"

#include <string.h>

#include "control/catalog/catalog-demand.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "libpmss/pmss-text.h"

#define MAX_NAME 1024

/* As nearly all documents are: sound, without escapes that could hide something, and of characters that show. */
static gboolean
is_clean (const char *text)
{
  return strchr (text, '\\') == NULL && pmss_text_check (text, "it", NULL)
      && pmss_json_check (text, strlen (text), NULL);
}

/* Earlier programs wrote what the file said as it stood. */
static char *
clean_document (const char *text, GError ** error)
{
  g_autoptr (JsonNode) node = pmss_json_parse (text, strlen (text), error);

  if (node == NULL)
    return NULL;
  pmss_json_clean (node);
  return json_to_string (node, FALSE);
}

/* What the catalog keeps as JSON text. It was written by this program; should it be damaged all the same, the medium is shown without it. */
static void
add_document (PmssJsonWriter * json, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *cleaned = NULL;

  pmss_json_writer_set_member_name (json, name);
  if (text != NULL && !is_clean (text)) {
    cleaned = clean_document (text, &error);
    text = cleaned;
  }
  if (text != NULL)
    pmss_json_writer_add_json (json, text, -1);
  else
    pmss_json_writer_add_null_value (json);
  if (error != NULL)
    g_warning ("The catalog has damaged %s: %s", name, error->message);
}

static void
add_text (PmssJsonWriter * json, const char *name, const char *text)
{
  g_autofree char *clean = text != NULL ? pmss_text_clean (text) : NULL;

  pmss_api_add_string (json, name, clean);
}

static void
add_members (PmssJsonWriter * json, const PmssMedium * medium)
{
  char redundancy[8], version[PMSS_VERSION_ID_STRLEN];

  pmss_redundancy_to_string (medium->redundancy, redundancy);
  pmss_version_id_to_string (&medium->version, version);
  pmss_api_add_int (json, "id", medium->id);
  pmss_api_add_string (json, "name", medium->name);
  add_text (json, "title", medium->title);
  pmss_api_add_string (json, "content_type", medium->content_type);
  pmss_api_add_known (json, "size", medium->size);
  pmss_api_add_string (json, "sha256", medium->sha256);
  pmss_api_add_string (json, "state",
      pmss_medium_state_to_string (medium->state));
  pmss_api_add_string (json, "redundancy", redundancy);
  pmss_api_add_bool (json, "keep_original", medium->keep_original);
  pmss_api_add_time (json, "created", medium->created);
  pmss_api_add_string (json, "version", medium->has_version ? version : NULL);
  add_text (json, "container", medium->container);
  pmss_api_add_known (json, "duration_ns", medium->duration_ns);
  pmss_api_add_known (json, "avg_bitrate", medium->avg_bitrate);
  pmss_api_add_known (json, "peak_bitrate_1s", medium->peak_bitrate_1s);
  pmss_api_add_known (json, "peak_bitrate_10s", medium->peak_bitrate_10s);
  add_document (json, "streams", medium->streams);
  add_document (json, "tags", medium->tags);
  add_document (json, "artwork", medium->artwork);
  pmss_api_add_known (json, "job", medium->job > 0 ? medium->job : -1);
}

void
pmss_api_add_medium (PmssJsonWriter * json, const PmssMedium * medium)
{
  pmss_json_writer_begin_object (json);
  add_members (json, medium);
  pmss_json_writer_end_object (json);
}

/* A medium of no time has none. */
static gboolean
add_demand (PmssControlContext * context, PmssJsonWriter * json,
    const PmssMedium * medium, GError ** error)
{
  g_autoptr (PmssEnvelope) envelope =
      pmss_catalog_get_demand (context->catalog, medium, error);
  guint64 peak;

  if (envelope == NULL)
    return FALSE;
  peak = pmss_envelope_get_peak (envelope);
  pmss_json_writer_set_member_name (json, "demand");
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "kind",
      pmss_envelope_kind_to_string (pmss_envelope_get_kind (envelope)));
  pmss_api_add_known (json, "peak", peak > 0 ? (gint64) peak : -1);
  pmss_api_add_known (json, "buffer", peak > 0
      ? (gint64) pmss_envelope_get_buffer (envelope) : -1);
  pmss_json_writer_end_object (json);
  return TRUE;
}

static void
get_medium (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssMedium) medium = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;

  if (!pmss_api_check_medium_name (call))
    return;
  medium = pmss_catalog_get_medium (call->context->catalog, call->param,
      &error);
  if (medium == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  add_members (json, medium);
  if (!add_demand (call->context, json, medium, &error)
      || !pmss_api_add_health (call->context, json, medium, &error)) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

static gboolean
get_new_name (PmssApiCall * call, const char **name, GError ** error)
{
  static const char *const members[] = { "name", NULL };
  JsonObject *body = pmss_http_request_get_json (call->request);

  return pmss_json_check_members (body, members, error)
      && pmss_json_get_string (body, "name", MAX_NAME, name, error)
      && pmss_medium_name_check (*name, error);
}

static void
rename_medium (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssMedium) medium = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;
  const char *name;

  if (!pmss_api_check_medium_name (call))
    return;
  if (!get_new_name (call, &name, &error)
      || !(medium = pmss_catalog_rename_medium (call->context->catalog,
              call->param, name, &error))) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  g_message ("%s has renamed medium %" G_GINT64_FORMAT
      ": “%s” is “%s” now", call->user->name, medium->id, call->param,
      name);
  pmss_api_note (call, NULL, name);
  json = pmss_json_writer_new ();
  pmss_api_add_medium (json, medium);
  pmss_api_respond (call, 200, json);
}

const PmssRoute pmss_routes_media[] = {
  {"GET", "/api/v1/media", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      pmss_api_list_media},
  {"GET", "/api/v1/media/{name+}", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      get_medium},
  {"POST", "/api/v1/media/{name+}/rename", PMSS_ROLE_OPERATOR, PMSS_BODY_JSON,
      rename_medium,.audit = "media rename"},
  {NULL}
};
