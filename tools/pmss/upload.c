/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client's side of tus 1.0.0 (https://tus.io/protocols/resumable-upload). */

#include "upload.h"

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-error.h>
#include <libpmss/pmss-types.h>
#include <libsoup/soup.h>

#include "cli-text.h"
#include "medium.h"
#include "upload-memory.h"

/* How often the connection may break without a byte of progress, and how long
 * to wait before it is made again. */
#define MAX_TRIES 6
#define FIRST_WAIT_MS 200
#define IDLE_TIMEOUT 60         /* seconds */

struct _PmssUpload
{
  PmssCli *cli;
  SoupSession *session;
  char *server;                 /* URL of the control server */
  char *token;
  char *file;
  char *memory;                 /* key of pmss_upload_memory_*() */
  char *metadata;               /* Upload-Metadata */
  char *url;                    /* of this upload, once it is made */
  guint64 size;
  guint64 job;

  PmssCliProgress *progress;    /* while it runs */
  guint64 sent;                 /* bytes of the file up to which was sent */
};

static void
append_metadata (GString * text, const char *key, const char *value)
{
  g_autofree char *encoded = NULL;

  if (!value)
    return;
  encoded = g_base64_encode ((const guchar *) value, strlen (value));
  g_string_append_printf (text, "%s%s %s", text->len ? "," : "", key, encoded);
}

static char *
make_metadata (const PmssUploadRequest * request)
{
  GString *text = g_string_new (NULL);

  append_metadata (text, "name", request->name);
  append_metadata (text, "redundancy", request->redundancy);
  append_metadata (text, "title", request->title);
  append_metadata (text, "keep_original",
      request->keep_original ? "true" : NULL);
  return g_string_free (text, FALSE);
}

static gboolean
look_at_file (PmssUpload * upload, const PmssUploadRequest * request,
    GError ** error)
{
  g_autoptr (GFile) file = g_file_new_for_path (request->file);
  g_autoptr (GDateTime) changed = NULL;
  g_autoptr (GFileInfo) info = g_file_query_info (file,
      G_FILE_ATTRIBUTE_STANDARD_SIZE "," G_FILE_ATTRIBUTE_STANDARD_TYPE ","
      G_FILE_ATTRIBUTE_TIME_MODIFIED "," G_FILE_ATTRIBUTE_TIME_MODIFIED_USEC,
      G_FILE_QUERY_INFO_NONE, upload->cli->cancellable, error);

  if (!info)
    return FALSE;
  if (g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "%s is not a regular file; only files of a known size can be uploaded",
        request->file);
    return FALSE;
  }
  upload->size = (guint64) g_file_info_get_size (info);
  changed = g_file_info_get_modification_date_time (info);
  upload->memory = pmss_upload_memory_key (upload->server, request->name,
      request->file, upload->size, !changed ? 0 :
      g_date_time_to_unix (changed) * G_USEC_PER_SEC +
      g_date_time_get_microsecond (changed));
  return TRUE;
}

static gboolean
make_session (PmssUpload * upload, GError ** error)
{
  g_autoptr (GTlsDatabase) database = NULL;

  upload->session = soup_session_new_with_options ("timeout", IDLE_TIMEOUT,
      "idle-timeout", IDLE_TIMEOUT, "user-agent", "pmss/" PMSS_VERSION, NULL);
  if (upload->cli->ca_file) {
    g_autofree char *path =
        g_canonicalize_filename (upload->cli->ca_file, NULL);

    database = g_tls_file_database_new (path, error);
    if (!database)
      return FALSE;
    soup_session_set_tls_database (upload->session, database);
  }
  return TRUE;
}

PmssUpload *
pmss_upload_new (PmssCli * cli, const PmssUploadRequest * request,
    GError ** error)
{
  g_autoptr (PmssUpload) upload = g_new0 (PmssUpload, 1);

  upload->cli = cli;
  if (!pmss_medium_check_name (request->name, error))
    return NULL;
  upload->server = pmss_cli_find_url (cli, error);
  if (!upload->server)
    return NULL;
  upload->token = pmss_cli_find_token (upload->server, error);
  if (!upload->token || !look_at_file (upload, request, error) ||
      !make_session (upload, error))
    return NULL;
  upload->file = g_strdup (request->file);
  upload->metadata = make_metadata (request);
  return g_steal_pointer (&upload);
}

guint64
pmss_upload_get_size (PmssUpload * upload)
{
  return upload->size;
}

void
pmss_upload_free (PmssUpload * upload)
{
  g_clear_object (&upload->session);
  g_free (upload->server);
  g_free (upload->token);
  g_free (upload->file);
  g_free (upload->memory);
  g_free (upload->metadata);
  g_free (upload->url);
  g_free (upload);
}

static SoupMessage *
new_message (PmssUpload * upload, const char *method, const char *url,
    GError ** error)
{
  g_autofree char *bearer = g_strconcat ("Bearer ", upload->token, NULL);
  SoupMessage *message = soup_message_new (method, url);
  SoupMessageHeaders *headers;

  if (!message) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "The control server gave '%s' as the URL of the upload, which is none",
        url);
    return NULL;
  }
  headers = soup_message_get_request_headers (message);
  soup_message_headers_replace (headers, "Authorization", bearer);
  soup_message_headers_replace (headers, "Tus-Resumable", "1.0.0");
  return message;
}

/* The detail of a problem document, else the status line's text. */
static char *
problem_text (SoupMessage * message, GBytes * body)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  gsize length;
  const char *data = g_bytes_get_data (body, &length);
  JsonNode *root = NULL;
  const char *detail = NULL;

  if (data && length < 65536 &&
      json_parser_load_from_data (parser, data, (gssize) length, NULL))
    root = json_parser_get_root (parser);
  if (root && JSON_NODE_HOLDS_OBJECT (root))
    detail = pmss_cli_json_string (json_node_get_object (root), "detail");
  if (detail)
    return g_strdup (detail);
  return g_strdup_printf ("the control server answered %u %s",
      soup_message_get_status (message),
      soup_message_get_reason_phrase (message));
}

/* Sends, and turns statuses of 400 and above into errors. */
static gboolean
send_message (PmssUpload * upload, SoupMessage * message, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GBytes) body = soup_session_send_and_read (upload->session,
      message, upload->cli->cancellable, &local);
  guint status;

  if (!body) {
    pmss_error_adopt (&local, upload->server);
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  status = soup_message_get_status (message);
  if (status >= 300) {
    g_autofree char *text = problem_text (message, body);
    PmssErrorDetails *details;

    g_set_error (&local, PMSS_ERROR, status < 400 ? PMSS_ERROR_PROTOCOL :
        pmss_error_from_status (status), "%s", text);
    details = pmss_error_get_details (local);
    if (details)
      details->http_status = status;
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  return TRUE;
}

static void
note_job (PmssUpload * upload, SoupMessage * message)
{
  const char *job = soup_message_headers_get_one
      (soup_message_get_response_headers (message), "Pmss-Job");
  guint64 number;

  if (job && g_ascii_string_to_unsigned (job, 10, 1, G_MAXINT64, &number, NULL))
    upload->job = number;
}

/* POST: makes the upload. */
static gboolean
create (PmssUpload * upload, GError ** error)
{
  g_autofree char *collection =
      g_strconcat (upload->server, "/api/v1/uploads", NULL);
  g_autofree char *size = g_strdup_printf ("%" G_GUINT64_FORMAT, upload->size);
  g_autoptr (SoupMessage) message =
      new_message (upload, "POST", collection, error);
  SoupMessageHeaders *headers;
  const char *location;

  if (!message)
    return FALSE;
  headers = soup_message_get_request_headers (message);
  soup_message_headers_replace (headers, "Upload-Length", size);
  soup_message_headers_replace (headers, "Upload-Metadata", upload->metadata);
  soup_message_headers_replace (headers, "Content-Length", "0");
  if (!send_message (upload, message, error))
    return FALSE;
  note_job (upload, message);
  location = soup_message_headers_get_one
      (soup_message_get_response_headers (message), "Location");
  if (location)
    upload->url = g_uri_resolve_relative (collection, location,
        G_URI_FLAGS_NONE, NULL);
  /* The token must not be sent anywhere else. */
  if (!upload->url || !g_str_has_prefix (upload->url, upload->server) ||
      upload->url[strlen (upload->server)] != '/') {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "The control server made an upload, but did not say where");
    return FALSE;
  }
  pmss_upload_memory_store (upload->memory, upload->url);
  return TRUE;
}

/* HEAD: how much has arrived. */
static gboolean
get_offset (PmssUpload * upload, guint64 * offset, GError ** error)
{
  g_autoptr (SoupMessage) message =
      new_message (upload, "HEAD", upload->url, error);
  const char *text;

  if (!message || !send_message (upload, message, error))
    return FALSE;
  note_job (upload, message);
  text = soup_message_headers_get_one
      (soup_message_get_response_headers (message), "Upload-Offset");
  if (text &&
      g_ascii_string_to_unsigned (text, 10, 0, upload->size, offset, NULL))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
      "The control server does not say how much of the upload it has");
  return FALSE;
}

/* Goes on with an upload of an earlier run, if there is one. */
static gboolean
find_or_create (PmssUpload * upload, guint64 * offset, GError ** error)
{
  g_autoptr (GError) local = NULL;

  *offset = 0;
  upload->url = pmss_upload_memory_load (upload->memory);
  if (upload->url && g_str_has_prefix (upload->url, upload->server) &&
      upload->url[strlen (upload->server)] == '/') {
    if (get_offset (upload, offset, &local))
      return TRUE;
    if (!g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND) &&
        !g_error_matches (local, PMSS_ERROR, PMSS_ERROR_FORBIDDEN)) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  }
  g_clear_pointer (&upload->url, g_free);
  *offset = 0;
  return create (upload, error);
}

static void
on_wrote (SoupMessage * message, guint length, gpointer user_data)
{
  PmssUpload *upload = user_data;

  upload->sent += length;
  pmss_cli_progress_update (upload->progress, "uploading", upload->sent,
      upload->size);
}

static GInputStream *
open_at (PmssUpload * upload, guint64 offset, GError ** error)
{
  g_autoptr (GFile) file = g_file_new_for_path (upload->file);
  g_autoptr (GFileInputStream) stream =
      g_file_read (file, upload->cli->cancellable, error);

  if (!stream || !g_seekable_seek (G_SEEKABLE (stream), (goffset) offset,
          G_SEEK_SET, upload->cli->cancellable, error))
    return NULL;
  return G_INPUT_STREAM (g_steal_pointer (&stream));
}

/* PATCH: sends all from @offset on. @careful: asks before sending, so that a
 * refusal is heard and not only seen as a broken connection. */
static gboolean
send_from (PmssUpload * upload, guint64 offset, gboolean careful,
    GError ** error)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, offset);
  g_autoptr (SoupMessage) message =
      new_message (upload, "PATCH", upload->url, error);
  g_autoptr (GInputStream) stream = NULL;
  SoupMessageHeaders *headers;

  if (!message)
    return FALSE;
  stream = open_at (upload, offset, error);
  if (!stream)
    return FALSE;
  headers = soup_message_get_request_headers (message);
  soup_message_headers_replace (headers, "Upload-Offset", text);
  if (careful)
    soup_message_headers_set_expectations (headers, SOUP_EXPECTATION_CONTINUE);
  soup_message_set_request_body (message, "application/offset+octet-stream",
      stream, (gssize) (upload->size - offset));
  upload->sent = offset;
  g_signal_connect (message, "wrote-body-data", G_CALLBACK (on_wrote), upload);
  if (!send_message (upload, message, error))
    return FALSE;
  note_job (upload, message);
  return TRUE;
}

/* The server has more of the upload than it said: a connection of before that
 * broke was still being taken in. */
static gboolean
is_behind (const GError * error)
{
  PmssErrorDetails *details = pmss_error_get_details (error);

  return details && details->http_status == SOUP_STATUS_CONFLICT;
}

/* What a new connection, or asking anew how much has arrived, may help
 * against. */
static gboolean
is_passing (const GError * error)
{
  return is_behind (error) ||
      g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE) ||
      g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT) ||
      g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY) ||
      (error->domain == PMSS_ERROR && error->code == PMSS_ERROR_FAILED);
}

/* Waits before a new try; FALSE when it was cancelled meanwhile. */
static gboolean
wait_before_try (PmssUpload * upload, guint tries, GError ** error)
{
  GPollFD fd;

  if (g_cancellable_make_pollfd (upload->cli->cancellable, &fd)) {
    g_poll (&fd, 1, FIRST_WAIT_MS << (tries - 1));
    g_cancellable_release_fd (upload->cli->cancellable);
  }
  return !g_cancellable_set_error_if_cancelled (upload->cli->cancellable,
      error);
}

/* Makes the connection again and asks how much has arrived. @local: why it
 * broke; replaced by what ends the upload for good. */
static gboolean
reconnect (PmssUpload * upload, guint64 * offset, guint * tries,
    GError ** local)
{
  do {
    if (!is_passing (*local) || ++*tries > MAX_TRIES)
      return FALSE;
    g_clear_error (local);
    if (!wait_before_try (upload, *tries, local))
      return FALSE;
  } while (!get_offset (upload, offset, local));
  return TRUE;
}

/* All was sent, only the answer was lost: the server has taken the upload in
 * and does not know it as one any more. The catalog tells the rest. */
static gboolean
was_taken_in (PmssUpload * upload, const GError * error)
{
  return upload->sent == upload->size &&
      g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND);
}

static gboolean
send_all (PmssUpload * upload, guint64 offset, GError ** error)
{
  guint tries = 0;

  for (;;) {
    guint64 before = offset;
    g_autoptr (GError) local = NULL;

    if (send_from (upload, offset, tries > 0, &local))
      return TRUE;
    if (!reconnect (upload, &offset, &tries, &local)) {
      if (was_taken_in (upload, local))
        return TRUE;
      g_propagate_prefixed_error (error, g_steal_pointer (&local),
          "The upload stopped at byte %" G_GUINT64_FORMAT
          " ('pmss put' again goes on there): ", offset);
      return FALSE;
    }
    if (offset > before)
      tries = 1;
  }
}

gboolean
pmss_upload_run (PmssUpload * upload, PmssCliProgress * progress,
    guint64 * job, GError ** error)
{
  guint64 offset;

  upload->progress = progress;
  if (!find_or_create (upload, &offset, error))
    return FALSE;
  if (offset > 0 && !upload->cli->json) {
    g_autofree char *from = pmss_cli_size (offset);

    printf ("Going on with an earlier upload, from %s on.\n", from);
    fflush (stdout);
  }
  /* An empty file is whole from the beginning. */
  if (upload->job == 0 && !send_all (upload, offset, error))
    return FALSE;
  pmss_upload_memory_forget (upload->memory);
  *job = upload->job;
  return TRUE;
}
