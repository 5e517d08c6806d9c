/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client's side of tus 1.0.0 (https://tus.io/protocols/resumable-upload). */

#include "upload.h"

#include <stdio.h>
#include <string.h>

#include <libpmss/client/pmss-client-message.h>
#include <libpmss/pmss-error.h>

#include "cli-text.h"
#include "medium.h"
#include "patience.h"
#include "upload-file.h"
#include "upload-memory.h"

/* How often the connection may break without a byte of progress, and how long
 * to wait before it is made again. */
#define MAX_TRIES 6
#define FIRST_WAIT_MS 200
#define COLLECTION "/api/v1/uploads"
#define IDLE_TIMEOUT 60000      /* ms */
/* Less than this is sent anew sooner than another run finds out how much has arrived. */
#define WORTH_REMEMBERING (1u << 20)

struct _PmssUpload
{
  PmssCli *cli;
  PmssClient *client;
  PmssUploadFile *file;
  char *memory;                 /* key of pmss_upload_memory_*() */
  char *metadata;               /* Upload-Metadata */
  char *path;                   /* of this upload on the server, once it is made */
  guint64 size;
  guint64 job;

  PmssCliProgress *progress;    /* while it runs */
  guint64 sent;                 /* bytes of the file up to which was sent */
};

static void
append_metadata (GString * text, const char *key, const char *value)
{
  g_autofree char *encoded = NULL;

  if (value == NULL)
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
  append_metadata (text, "unit", request->unit);
  append_metadata (text, "extent", request->extent);
  append_metadata (text, "keep_original", request->keep_original ? "true"
      : request->drop_original ? "false" : NULL);
  return g_string_free (text, FALSE);
}

PmssUpload *
pmss_upload_new (PmssCli * cli, PmssClient * client,
    const PmssUploadRequest * request, GError ** error)
{
  g_autoptr (PmssUpload) upload = g_new0 (PmssUpload, 1);

  upload->cli = cli;
  upload->client = g_object_ref (client);
  if (!pmss_medium_check_name (request->name, error))
    return NULL;
  upload->file = pmss_upload_file_open (request->file, request->hash,
      cli->cancellable, error);
  if (!upload->file)
    return NULL;
  upload->size = pmss_upload_file_get_size (upload->file);
  upload->memory = pmss_upload_memory_key (pmss_client_get_url (client),
      request->name, request->file, upload->size,
      pmss_upload_file_get_modified (upload->file));
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
  g_clear_object (&upload->client);
  g_clear_pointer (&upload->file, pmss_upload_file_unref);
  g_free (upload->memory);
  g_free (upload->metadata);
  g_free (upload->path);
  g_free (upload);
}

char *
pmss_upload_sum (PmssUpload * upload, GError ** error)
{
  if (!pmss_upload_file_hash_to (upload->file, upload->size,
          upload->cli->cancellable, error))
    return NULL;
  return pmss_upload_file_get_sum (upload->file);
}

static SoupMessage *
new_message (PmssUpload * upload, const char *method, const char *path,
    GError ** error)
{
  SoupMessage *message = pmss_client_message_new (upload->client, method, path,
      error);

  if (message != NULL)
    soup_message_headers_replace (soup_message_get_request_headers (message),
        "Tus-Resumable", "1.0.0");
  return message;
}

static gboolean
send_message (PmssUpload * upload, SoupMessage * message, GError ** error)
{
  g_autoptr (GBytes) body = pmss_client_message_send (upload->client, message,
      IDLE_TIMEOUT, upload->cli->cancellable, error);

  return body != NULL;
}

/* Waits before a new try; FALSE when it was cancelled meanwhile. */
static gboolean
wait_before_try (PmssUpload * upload, guint tries, GError ** error)
{
  return pmss_patience_wait (upload->cli->cancellable,
      FIRST_WAIT_MS << (tries - 1), error);
}

static void
note_job (PmssUpload * upload, SoupMessage * message)
{
  const char *job = soup_message_headers_get_one
      (soup_message_get_response_headers (message), "Pmss-Job");
  guint64 number;

  if (job != NULL
      && g_ascii_string_to_unsigned (job, 10, 1, G_MAXINT64, &number, NULL))
    upload->job = number;
}

/* What of @location, as a server wrote it, is a path on that server: the token must not be sent anywhere else. NULL: it is elsewhere. */
static char *
path_on_server (PmssUpload * upload, const char *location)
{
  const char *server = pmss_client_get_url (upload->client);
  g_autofree char *collection = g_strconcat (server, COLLECTION, NULL);
  g_autofree char *url = location != NULL ? g_uri_resolve_relative (collection,
      location, G_URI_FLAGS_ENCODED, NULL) : NULL;

  if (url == NULL || !g_str_has_prefix (url, server)
      || url[strlen (server)] != '/')
    return NULL;
  return g_strdup (url + strlen (server));
}

/* POST: makes the upload. */
static gboolean
create_once (PmssUpload * upload, GError ** error)
{
  g_autofree char *size = g_strdup_printf ("%" G_GUINT64_FORMAT, upload->size);
  g_autofree char *url = NULL;
  g_autoptr (SoupMessage) message =
      new_message (upload, "POST", COLLECTION, error);
  SoupMessageHeaders *headers;

  if (message == NULL)
    return FALSE;
  headers = soup_message_get_request_headers (message);
  soup_message_headers_replace (headers, "Upload-Length", size);
  soup_message_headers_replace (headers, "Upload-Metadata", upload->metadata);
  soup_message_headers_replace (headers, "Content-Length", "0");
  /* An empty file is whole with this. */
  if ((upload->size == 0 && !pmss_upload_file_check (upload->file, error)) ||
      !send_message (upload, message, error))
    return FALSE;
  note_job (upload, message);
  upload->path = path_on_server (upload, soup_message_headers_get_one
      (soup_message_get_response_headers (message), "Location"));
  if (!upload->path) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "The control server made an upload, but did not say where");
    return FALSE;
  }
  url = g_strconcat (pmss_client_get_url (upload->client), upload->path, NULL);
  if (upload->size >= WORTH_REMEMBERING &&
      !pmss_upload_file_is_input (upload->file))
    pmss_upload_memory_store (upload->memory, url);
  return TRUE;
}

/* Somebody answered, but in the place of the server: a proxy. A server that does not answer at all is told at once. */
static gboolean
is_stand_in (const GError * error)
{
  const PmssErrorDetails *details = pmss_error_get_details (error);

  return details && details->http_status >= 502 && details->http_status <= 504;
}

static gboolean
create (PmssUpload * upload, GError ** error)
{
  for (guint tries = 1;; tries++) {
    g_autoptr (GError) local = NULL;

    if (create_once (upload, &local))
      return TRUE;
    if (tries > MAX_TRIES || !is_stand_in (local)) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    if (!wait_before_try (upload, tries, error))
      return FALSE;
  }
}

/* HEAD: how much has arrived. */
static gboolean
get_offset (PmssUpload * upload, guint64 * offset, GError ** error)
{
  g_autoptr (SoupMessage) message =
      new_message (upload, "HEAD", upload->path, error);
  const char *text;

  if (message == NULL || !send_message (upload, message, error))
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

/* Where an earlier run left off. FALSE: there is no such upload any more, or @local. */
static gboolean
find_earlier (PmssUpload * upload, guint64 * offset, GError ** local)
{
  g_autofree char *url = pmss_upload_file_is_input (upload->file) ? NULL :
      pmss_upload_memory_load (upload->memory);
  guint tries = 0;

  g_free (upload->path);
  upload->path = url != NULL ? path_on_server (upload, url) : NULL;
  if (!upload->path)
    return FALSE;
  while (!get_offset (upload, offset, local)) {
    if (!is_stand_in (*local) || ++tries > MAX_TRIES) {
      if (g_error_matches (*local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND) ||
          g_error_matches (*local, PMSS_ERROR, PMSS_ERROR_FORBIDDEN))
        g_clear_error (local);
      return FALSE;
    }
    g_clear_error (local);
    if (!wait_before_try (upload, tries, local))
      return FALSE;
  }
  return TRUE;
}

/* Goes on with an upload of an earlier run, if there is one. */
static gboolean
find_or_create (PmssUpload * upload, guint64 * offset, GError ** error)
{
  g_autoptr (GError) local = NULL;

  *offset = 0;
  if (find_earlier (upload, offset, &local))
    return TRUE;
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  g_clear_pointer (&upload->path, g_free);
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

/* PATCH: sends all from @offset on. @careful: asks before sending, so that a
 * refusal is heard and not only seen as a broken connection. */
static gboolean
send_from (PmssUpload * upload, guint64 offset, gboolean careful,
    GError ** error)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, offset);
  g_autoptr (SoupMessage) message =
      new_message (upload, "PATCH", upload->path, error);
  g_autoptr (GInputStream) stream = NULL;
  SoupMessageHeaders *headers;

  /* What is there already belongs to the sum. */
  if (message == NULL || !pmss_upload_file_check (upload->file, error) ||
      !pmss_upload_file_hash_to (upload->file, offset, upload->cli->cancellable,
          error))
    return FALSE;
  stream = pmss_upload_file_stream (upload->file, offset);
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
  return is_behind (error) || pmss_patience_is_passing (error) ||
      (error->domain == PMSS_ERROR && error->code == PMSS_ERROR_FAILED);
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
  const PmssErrorDetails *details = pmss_error_get_details (error);

  return upload->sent == upload->size && details != NULL
      && details->http_status != 0
      && g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND);
}

/* DELETE: nothing is to become of what was sent. The server may still be taking in what came last. */
static void
give_up (PmssUpload * upload)
{
  for (guint tries = 1; tries <= MAX_TRIES; tries++) {
    g_autoptr (GError) local = NULL;
    g_autoptr (SoupMessage) message =
        new_message (upload, "DELETE", upload->path, NULL);
    const PmssErrorDetails *details;

    if (message == NULL || send_message (upload, message, &local))
      break;
    details = pmss_error_get_details (local);
    if (details == NULL || details->http_status != SOUP_STATUS_LOCKED ||
        !wait_before_try (upload, tries, NULL))
      break;
  }
  pmss_upload_memory_forget (upload->memory);
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
    /* before anything else is thought of it: the reason why the request broke off may be here */
    if (!pmss_upload_file_check (upload->file, error)) {
      give_up (upload);
      return FALSE;
    }
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
  if (offset > 0 && !pmss_cli_progress_is_silent (progress)) {
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
