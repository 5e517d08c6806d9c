/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes of tus, for uploads in pieces. On handlers' threads. */
#include <libsoup/soup.h>
#include <string.h>

#include "control/api/router.h"
#include "control/api/tus-metadata.h"
#include "control/api/upload-request.h"
#include "control/config.h"
#include "control/ingest/ingest.h"
#include "control/uploads/uploads.h"
#include "libpmss/pmss-error.h"

/* tus 1.0.0 (https://tus.io/protocols/resumable-upload): core, creation, termination, expiration. */

#define TUS_VERSION "1.0.0"
#define TUS_EXTENSIONS "creation,termination,expiration"

static void
add_number (PmssApiCall * call, const char *header, guint64 number)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, number);

  pmss_http_request_add_header (call->request, header, text);
}

static void
add_expiry (PmssApiCall * call, gint64 expires)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (expires);
  g_autofree char *text = soup_date_time_to_string (time, SOUP_DATE_HTTP);

  pmss_http_request_add_header (call->request, "Upload-Expires", text);
}

/* FALSE: answered. */
static gboolean
check_version (PmssApiCall * call)
{
  pmss_http_request_add_header (call->request, "Tus-Resumable", TUS_VERSION);
  if (g_strcmp0 (pmss_http_request_get_header (call->request, "Tus-Resumable"),
          TUS_VERSION) == 0)
    return TRUE;
  pmss_http_request_add_header (call->request, "Tus-Version", TUS_VERSION);
  pmss_http_request_respond_problem (call->request, 412,
      "This speaks tus " TUS_VERSION);
  return FALSE;
}

/* FALSE: answered. */
static gboolean
get_number (PmssApiCall * call, const char *header, guint64 * number)
{
  const char *text = pmss_http_request_get_header (call->request, header);

  if (text != NULL && g_ascii_isdigit (*text)
      && g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, number, NULL))
    return TRUE;
  pmss_http_request_respond_problem (call->request, 400,
      "%s is missing or no number", header);
  return FALSE;
}

static void
respond_upload_error (PmssApiCall * call, const GError * error)
{
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY))
    pmss_http_request_respond_problem (call->request, 423, "%s",
        error->message);
  else
    pmss_http_request_respond_error (call->request, error);
}

/* The upload was whole with this request (or before it, and its job could not be made then). FALSE: answered. */
static gboolean
finish_upload (PmssApiCall * call, const char *id)
{
  g_autoptr (GError) error = NULL;
  gint64 job = pmss_ingest_start (call->context, id, call->user->name, &error);

  if (job == 0) {
    respond_upload_error (call, error);
    return FALSE;
  }
  /* with the last piece: those before are not told of */
  if (call->route->audit == NULL)
    call->action = "upload end";
  add_number (call, "Pmss-Job", job);
  return TRUE;
}

/* OPTIONS */

static void
tell_options (PmssApiCall * call)
{
  PmssHttpRequest *request = call->request;

  pmss_http_request_add_header (request, "Tus-Resumable", TUS_VERSION);
  pmss_http_request_add_header (request, "Tus-Version", TUS_VERSION);
  pmss_http_request_add_header (request, "Tus-Extension", TUS_EXTENSIONS);
  add_number (call, "Tus-Max-Size", call->context->config->max_upload);
  pmss_http_request_respond_empty (request, 204);
}

/* POST */

static PmssUpload *
create_upload (PmssApiCall * call, guint64 size, GError ** error)
{
  g_autoptr (GHashTable) metadata = pmss_tus_metadata_parse
      (pmss_http_request_get_header (call->request, "Upload-Metadata"), error);
  g_autoptr (PmssMedium) medium = NULL;
  PmssUploadRequest wanted = {.size = size };

  if (metadata == NULL)
    return NULL;
  wanted.name = g_hash_table_lookup (metadata, "name");
  wanted.redundancy = g_hash_table_lookup (metadata, "redundancy");
  wanted.keep_original = g_hash_table_lookup (metadata, "keep_original");
  wanted.title = g_hash_table_lookup (metadata, "title");
  wanted.content_type = g_hash_table_lookup (metadata, "content_type");
  wanted.unit = g_hash_table_lookup (metadata, "unit");
  wanted.extent = g_hash_table_lookup (metadata, "extent");
  pmss_api_note (call, wanted.name, NULL);
  medium = pmss_upload_request_check (&wanted, call->context, error);
  return medium != NULL ? pmss_uploads_create (call->context->uploads, medium,
      PMSS_UPLOAD_TUS, call->user->name, error) : NULL;
}

static void
post_upload (PmssApiCall * call)
{
  guint64 size, max = call->context->config->max_upload;
  g_autoptr (PmssUpload) upload = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *location = NULL;

  if (!check_version (call) || !get_number (call, "Upload-Length", &size))
    return;
  if (size > max) {
    pmss_http_request_respond_problem (call->request, 413,
        "A file may have up to %" G_GUINT64_FORMAT " bytes here", max);
    return;
  }
  upload = create_upload (call, size, &error);
  if (upload == NULL) {
    respond_upload_error (call, error);
    return;
  }
  pmss_api_note (call, NULL, upload->id);
  location = g_strdup_printf ("/api/v1/uploads/%s", upload->id);
  if (size == 0 && !finish_upload (call, upload->id))
    return;
  pmss_http_request_add_header (call->request, "Location", location);
  add_number (call, "Upload-Offset", 0);
  add_expiry (call, upload->expires);
  pmss_http_request_respond_empty (call->request, 201);
}

/* HEAD */

static void
add_metadata (PmssApiCall * call, const PmssMedium * medium)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char redundancy[8];

  pmss_redundancy_to_string (medium->redundancy, redundancy);
  pmss_tus_metadata_append (text, "name", medium->name);
  pmss_tus_metadata_append (text, "redundancy", redundancy);
  pmss_tus_metadata_append (text, "keep_original",
      medium->keep_original ? "true" : "false");
  pmss_tus_metadata_append (text, "title", medium->title);
  pmss_tus_metadata_append (text, "content_type", medium->content_type);
  pmss_http_request_add_header (call->request, "Upload-Metadata", text->str);
}

static void
head_upload (PmssApiCall * call)
{
  g_autoptr (PmssUpload) upload = NULL;
  g_autoptr (PmssMedium) medium = NULL;
  g_autoptr (GError) error = NULL;

  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  if (!check_version (call))
    return;
  upload = pmss_uploads_get (call->context->uploads, call->param, &error);
  if (upload != NULL)
    medium = pmss_catalog_get_medium_by_id (call->context->catalog,
        upload->medium, &error);
  if (medium == NULL) {
    respond_upload_error (call, error);
    return;
  }
  add_number (call, "Upload-Offset", upload->received);
  add_number (call, "Upload-Length", upload->size);
  add_metadata (call, medium);
  if (!upload->complete)
    add_expiry (call, upload->expires);
  pmss_http_request_respond_empty (call->request, 200);
}

/* PATCH */

typedef struct
{
  PmssUploadWriter *writer;
  guint64 size;                 /* of the whole upload */
} Patch;

static gboolean
check_patch (PmssApiCall * call, guint64 * offset)
{
  const char *type = pmss_http_request_get_header (call->request,
      "Content-Type");

  if (!check_version (call))
    return FALSE;
  if (g_strcmp0 (type, "application/offset+octet-stream") != 0) {
    pmss_http_request_respond_problem (call->request, 415,
        "A piece of an upload is application/offset+octet-stream");
    return FALSE;
  }
  return get_number (call, "Upload-Offset", offset);
}

static void
begin_patch (PmssApiCall * call)
{
  g_autoptr (PmssUpload) upload = NULL;
  g_autoptr (GError) error = NULL;
  guint64 offset;
  Patch *patch;

  if (!check_patch (call, &offset))
    return;
  upload = pmss_uploads_get (call->context->uploads, call->param, &error);
  if (upload == NULL) {
    respond_upload_error (call, error);
    return;
  }
  call->data = patch = g_new0 (Patch, 1);
  patch->size = upload->size;
  patch->writer = pmss_upload_writer_open (call->context->uploads, upload->id,
      offset, &error);
  if (!patch->writer)
    respond_upload_error (call, error);
  else
    pmss_http_request_accept_body (call->request, upload->size - offset);
}

static gboolean
add_data (PmssApiCall * call, const void *data, gsize length)
{
  Patch *patch = call->data;
  g_autoptr (GError) error = NULL;

  if (pmss_upload_request_write (call, patch->writer, patch->size, data, length,
          &error))
    return TRUE;
  respond_upload_error (call, error);
  return FALSE;
}

static void
finish_patch (PmssApiCall * call)
{
  Patch *patch = call->data;
  g_autoptr (GError) error = NULL;
  guint64 received;
  gint64 expires;

  if (!pmss_upload_writer_sync (patch->writer, &error)) {
    respond_upload_error (call, error);
    return;
  }
  received = pmss_upload_writer_get_received (patch->writer);
  expires = pmss_upload_writer_get_expires (patch->writer);
  /* before the answer, so that the client's next request finds the upload free */
  if (!pmss_upload_writer_close (g_steal_pointer (&patch->writer), &error)) {
    respond_upload_error (call, error);
    return;
  }
  if (received < patch->size)
    add_expiry (call, expires);
  else if (!finish_upload (call, call->param))
    return;
  add_number (call, "Upload-Offset", received);
  pmss_http_request_respond_empty (call->request, 204);
}

/* What came of a piece that broke off stays. */
static void
end_patch (PmssApiCall * call, gboolean answered)
{
  Patch *patch = call->data;
  g_autoptr (GError) error = NULL;

  if (patch != NULL && patch->writer
      && !pmss_upload_writer_close (patch->writer, &error))
    g_message ("Upload %s: %s", call->param, error->message);
  g_free (patch);
}

/* DELETE */

static void
delete_upload (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;

  if (!check_version (call))
    return;
  if (pmss_uploads_remove (call->context->uploads, call->param, &error))
    pmss_http_request_respond_empty (call->request, 204);
  else
    respond_upload_error (call, error);
}

/* GET: not tus, but for whoever wants to know what is on its way. */

static void
add_upload (PmssJsonWriter * json, const PmssUpload * upload)
{
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "id", upload->id);
  pmss_api_add_string (json, "name", upload->name);
  pmss_api_add_int (json, "size", upload->size);
  pmss_api_add_int (json, "offset", upload->received);
  pmss_api_add_time (json, "expires", upload->expires);
  pmss_api_add_string (json, "user", upload->user);
  pmss_json_writer_end_object (json);
}

static void
list_uploads (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) uploads = pmss_uploads_list (call->context->uploads,
      &error);
  g_autoptr (PmssJsonWriter) json = NULL;

  if (uploads == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "uploads");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < uploads->len; i++)
    add_upload (json, g_ptr_array_index (uploads, i));
  pmss_json_writer_end_array (json);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

const PmssRoute pmss_routes_uploads[] = {
  {"OPTIONS", "/api/v1/uploads", PMSS_ROLE_NONE, PMSS_BODY_NONE, tell_options},
  {"GET", "/api/v1/uploads", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE, list_uploads},
  {"POST", "/api/v1/uploads", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE, post_upload,
      .audit = "upload begin"},
  {"HEAD", "/api/v1/uploads/{id}", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      head_upload},
  {"PATCH", "/api/v1/uploads/{id}", PMSS_ROLE_OPERATOR, PMSS_BODY_STREAM,
      finish_patch, begin_patch, add_data, end_patch},
  {"DELETE", "/api/v1/uploads/{id}", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      delete_upload,.audit = "upload remove"},
  {NULL}
};
