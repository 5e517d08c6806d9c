/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The route for an upload with one PUT. On handlers' threads. */
#include "control/api/api-media.h"
#include "control/api/upload-request.h"
#include "control/config.h"
#include "control/ingest/ingest.h"
#include "control/jobs/deletion.h"
#include "control/uploads/uploads.h"
#include "libpmss/pmss-error.h"

/* How media come and go in one request: PUT with the file as its body, and DELETE. */

typedef struct
{
  char *upload;                 /* id, NULL once it is the ingest's */
  PmssUploadWriter *writer;
  guint64 size;
} Put;

static PmssUpload *
create_upload (PmssApiCall * call, guint64 size)
{
  PmssHttpRequest *request = call->request;
  const PmssUploadRequest wanted = {
    .name = call->param,
    .redundancy = pmss_http_request_get_query (request, "redundancy"),
    .keep_original = pmss_http_request_get_query (request, "keep_original"),
    .title = pmss_http_request_get_query (request, "title"),
    .content_type = pmss_http_request_get_query (request, "content_type"),
    .unit = pmss_http_request_get_query (request, "unit"),
    .extent = pmss_http_request_get_query (request, "extent"),
    .size = size,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssMedium) medium =
      pmss_upload_request_check (&wanted, call->context, &error);
  PmssUpload *upload =
      medium != NULL ? pmss_uploads_create (call->context->uploads,
      medium, PMSS_UPLOAD_PUT, call->user->name, &error) : NULL;

  if (upload == NULL)
    pmss_http_request_respond_error (request, error);
  return upload;
}

static void
begin_put (PmssApiCall * call)
{
  guint64 size, max = call->context->config->max_upload;
  g_autoptr (PmssUpload) upload = NULL;
  g_autoptr (GError) error = NULL;
  Put *put;

  if (!pmss_http_request_get_content_length (call->request, &size)) {
    pmss_http_request_respond_problem (call->request, 411,
        "An upload has to say its Content-Length");
    return;
  }
  if (size > max) {
    pmss_http_request_respond_problem (call->request, 413,
        "A file may have up to %" G_GUINT64_FORMAT " bytes here", max);
    return;
  }
  upload = create_upload (call, size);
  if (upload == NULL)
    return;
  call->data = put = g_new0 (Put, 1);
  put->upload = g_strdup (upload->id);
  put->size = size;
  put->writer = pmss_upload_writer_open (call->context->uploads, upload->id, 0,
      &error);
  if (!put->writer)
    pmss_http_request_respond_error (call->request, error);
  else
    pmss_http_request_accept_body (call->request, max);
}

static gboolean
add_data (PmssApiCall * call, const void *data, gsize length)
{
  Put *put = call->data;
  g_autoptr (GError) error = NULL;

  if (pmss_upload_request_write (call, put->writer, put->size, data, length,
          &error))
    return TRUE;
  pmss_http_request_respond_error (call->request, error);
  return FALSE;
}

static void
respond_accepted (PmssApiCall * call, gint64 job)
{
  g_autoptr (PmssJsonWriter) json = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssMedium) medium = pmss_catalog_get_medium
      (call->context->catalog, call->param, &error);

  if (medium == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "medium");
  pmss_api_add_medium (json, medium);
  pmss_api_add_int (json, "job", job);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 202, json);
}

static void
finish_put (PmssApiCall * call)
{
  Put *put = call->data;
  g_autoptr (GError) error = NULL;
  gint64 job = 0;

  if (pmss_upload_writer_close (g_steal_pointer (&put->writer), &error))
    job = pmss_ingest_start (call->context, put->upload, call->user->name,
        &error);
  if (job == 0) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  g_clear_pointer (&put->upload, g_free);
  respond_accepted (call, job);
}

/* What was cut off frees name and file. */
static void
end_put (PmssApiCall * call, gboolean answered)
{
  Put *put = call->data;
  g_autoptr (GError) error = NULL;

  if (put == NULL)
    return;
  g_clear_pointer (&put->writer, pmss_upload_writer_abandon);
  if (put->upload && !pmss_uploads_remove (call->context->uploads, put->upload,
          &error)
      && !g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND))
    g_warning ("Cannot remove upload %s: %s", put->upload, error->message);
  g_free (put->upload);
  g_free (put);
}

static void
delete_medium (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;

  if (!pmss_api_check_medium_name (call))
    return;
  if (pmss_deletion_start (call->context, call->param, call->user->name,
          &error) != 0)
    pmss_http_request_respond_empty (call->request, 204);
  else
    pmss_http_request_respond_error (call->request, error);
}

const PmssRoute pmss_routes_ingest[] = {
  {"PUT", "/api/v1/media/{name+}", PMSS_ROLE_OPERATOR, PMSS_BODY_STREAM,
      finish_put, begin_put, add_data, end_put,.audit = "media put"},
  {"DELETE", "/api/v1/media/{name+}", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      delete_medium,.audit = "media delete"},
  {NULL}
};
