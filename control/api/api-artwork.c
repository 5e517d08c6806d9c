/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for posters and the like. On handlers' threads. */
#include "control/api/router.h"

#include <string.h>

#include "control/artwork/artwork.h"
#include "control/artwork/artwork-job.h"
#include "libpmss/pmss-error.h"

#define TILE_WIDTH 160
#define TILE_HEIGHT 90
#define COLUMNS 10

/* With the version in its URL a part never changes; else the browser asks each time. */
static void
add_caching (PmssApiCall * call, const char *version, const char *etag)
{
  const char *asked = pmss_http_request_get_query (call->request, "v");

  pmss_http_request_add_header (call->request, "ETag", etag);
  pmss_http_request_add_header (call->request, "Cache-Control",
      g_strcmp0 (asked, version) == 0 ?
      "private, max-age=31536000, immutable" : "private, no-cache");
  pmss_http_request_add_header (call->request, "X-Content-Type-Options",
      "nosniff");
}

/* NULL: answered. */
static GBytes *
find_part (PmssApiCall * call, PmssArtPart part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *version = NULL, *etag = NULL;
  const char *known;

  if (!pmss_api_check_medium_name (call))
    return NULL;
  bytes = pmss_artwork_read (call->context->database, call->param, part,
      &version, &error);
  if (bytes == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return NULL;
  }
  etag = g_strdup_printf ("\"%s\"", version);
  add_caching (call, version, etag);
  known = pmss_http_request_get_header (call->request, "If-None-Match");
  if (known == NULL || strstr (known, etag) == NULL)
    return g_steal_pointer (&bytes);
  pmss_http_request_respond_empty (call->request, 304);
  return NULL;
}

static void
respond_picture (PmssApiCall * call, PmssArtPart part)
{
  g_autoptr (GBytes) bytes = find_part (call, part);

  if (bytes != NULL)
    pmss_http_request_respond (call->request, 200, "image/jpeg", bytes);
}

static void
get_poster (PmssApiCall * call)
{
  respond_picture (call, PMSS_ART_POSTER);
}

static void
get_sprite (PmssApiCall * call)
{
  respond_picture (call, PMSS_ART_SPRITE);
}

static void
add_kept (PmssJsonWriter * json, GBytes * bytes)
{
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);

  pmss_json_writer_add_json (json, text, (gssize) length);
}

/* "[1, 2]" of the database. */
static void
add_tiles (PmssJsonWriter * json, GBytes * bytes)
{
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);
  g_autofree char *list = g_strndup (text, length);
  g_auto (GStrv) times = NULL;

  g_strdelimit (list, "[]", ' ');
  times = g_strsplit (list, ",", PMSS_MAX_TILES);
  for (guint i = 0; times[i] != NULL; i++) {
    pmss_json_writer_begin_object (json);
    pmss_api_add_int (json, "time_ns", g_ascii_strtoll (times[i], NULL, 10));
    pmss_json_writer_end_object (json);
  }
}

static void
get_tiles (PmssApiCall * call)
{
  g_autoptr (GBytes) bytes = find_part (call, PMSS_ART_TILES);
  g_autoptr (PmssJsonWriter) json = NULL;

  if (bytes == NULL)
    return;
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "tile");
  pmss_json_writer_begin_object (json);
  pmss_api_add_int (json, "width", TILE_WIDTH);
  pmss_api_add_int (json, "height", TILE_HEIGHT);
  pmss_json_writer_end_object (json);
  pmss_api_add_int (json, "columns", COLUMNS);
  pmss_json_writer_set_member_name (json, "tiles");
  pmss_json_writer_begin_array (json);
  add_tiles (json, bytes);
  pmss_json_writer_end_array (json);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

static void
get_peaks (PmssApiCall * call)
{
  g_autoptr (GBytes) bytes = find_part (call, PMSS_ART_PEAKS);
  g_autoptr (PmssJsonWriter) json = NULL;

  if (bytes == NULL)
    return;
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "peaks");
  add_kept (json, bytes);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

static void
post_artwork (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  gint64 job;

  if (!pmss_api_check_medium_name (call))
    return;
  job = pmss_artwork_start (call->context, call->param, call->user->name,
      &error);
  pmss_api_respond_job (call, job, error);
}

const PmssRoute pmss_routes_artwork[] = {
  {"GET", "/api/v1/posters/{name+}", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      get_poster},
  {"GET", "/api/v1/sprites/{name+}", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      get_sprite},
  {"GET", "/api/v1/tiles/{name+}", PMSS_ROLE_VIEWER, PMSS_BODY_NONE, get_tiles},
  {"GET", "/api/v1/peaks/{name+}", PMSS_ROLE_VIEWER, PMSS_BODY_NONE, get_peaks},
  {"POST", "/api/v1/media/{name+}/artwork", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      post_artwork},
  {NULL}
};
