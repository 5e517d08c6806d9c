/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of media. On handlers' threads. */
#include "control/api/api-media.h"

#include <string.h>

#include "control/catalog/media-list.h"

#define DEFAULT_LIMIT 100
#define MAX_LIMIT 1000

/* FALSE: answered. */
static gboolean
refuse (PmssApiCall * call, const char *what)
{
  pmss_http_request_respond_problem (call->request, 400, "%s", what);
  return FALSE;
}

static gboolean
get_order (PmssApiCall * call, PmssMediaQuery * query)
{
  const char *sort = pmss_http_request_get_query (call->request, "sort");

  return sort == NULL
      || pmss_media_sort_parse (sort, &query->sort, &query->descending)
      || refuse (call, "sort: is name, title, created, size or duration, with "
      "a - before it for the other direction");
}

static gboolean
get_state (PmssApiCall * call, PmssMediaQuery * query)
{
  const char *text = pmss_http_request_get_query (call->request, "state");

  if (text == NULL)
    return TRUE;
  query->has_state = TRUE;
  for (guint i = 0; i < PMSS_MEDIUM_DELETING; i++) {
    query->state = i;
    if (strcmp (text, pmss_medium_state_to_string (i)) == 0)
      return TRUE;
  }
  return refuse (call, "state: is uploading, ingesting, ready or failed");
}

static gboolean
get_folder (PmssApiCall * call, PmssMediaQuery * query)
{
  query->folder = pmss_http_request_get_query (call->request, "folder");
  return query->folder == NULL || *query->folder == '\0'
      || pmss_medium_name_check (query->folder, NULL)
      || refuse (call, "folder: is a path without a slash at its ends");
}

/* @words: (out) to be freed; nullable */
static gboolean
get_words (PmssApiCall * call, PmssMediaWords ** words)
{
  const char *text = pmss_http_request_get_query (call->request, "q");

  if (text == NULL)
    return TRUE;
  if (strlen (text) > PMSS_MAX_SEARCH)
    return refuse (call, "q: has up to 256 bytes");
  *words = pmss_media_words_new (text);
  return TRUE;
}

static void
add_folders (PmssJsonWriter * json, const GArray * folders)
{
  pmss_json_writer_set_member_name (json, "folders");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < folders->len; i++) {
    const PmssMediaFolder *folder =
        &g_array_index (folders, PmssMediaFolder, i);

    pmss_json_writer_begin_object (json);
    pmss_api_add_string (json, "name", folder->name);
    pmss_api_add_known (json, "media", folder->media);
    pmss_json_writer_end_object (json);
  }
  pmss_json_writer_end_array (json);
}

static void
respond_page (PmssApiCall * call, const PmssMediaPage * page)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();

  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "media");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < page->media->len; i++)
    pmss_api_add_medium (json, g_ptr_array_index (page->media, i));
  pmss_json_writer_end_array (json);
  if (page->folders != NULL)
    add_folders (json, page->folders);
  pmss_api_add_known (json, "total", page->total);
  pmss_api_add_string (json, "next", page->next);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

void
pmss_api_list_media (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssMediaWords) words = NULL;
  g_autoptr (PmssMediaPage) page = NULL;
  PmssMediaQuery query = { 0 };
  guint64 limit;

  if (!pmss_api_get_query_uint (call, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT,
          &limit)
      || !get_order (call, &query) || !get_state (call, &query)
      || !get_folder (call, &query) || !get_words (call, &words))
    return;
  query.limit = (guint) limit;
  query.words = words;
  query.prefix = pmss_http_request_get_query (call->request, "prefix");
  query.after = pmss_http_request_get_query (call->request, "after");
  page = pmss_media_list (call->context->catalog, &query, &error);
  if (page != NULL)
    respond_page (call, page);
  else
    pmss_http_request_respond_error (call->request, error);
}
