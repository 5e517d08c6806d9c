/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client's words about a file that it wants to upload, checked. Any thread.
 * */
#include "control/api/upload-request.h"

#include <string.h>

#include "control/events/events.h"
#include "control/nodes/nodes.h"
#include "control/policies/policies.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-text.h"

#define MAX_TITLE 1024          /* bytes */
#define MAX_TYPE 255

static gboolean
invalid (GError ** error, const char *what)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID, what);
  return FALSE;
}

static gboolean
parse_flag (const char *text, gboolean * flag, GError ** error)
{
  if (text == NULL)
    return TRUE;
  *flag = g_str_equal (text, "true");
  return *flag || g_str_equal (text, "false")
      || invalid (error, "keep_original is neither true nor false");
}

/* Bytes; absent or empty: as it is. */
static gboolean
parse_bytes (const char *text, const char *what, guint32 most, guint32 * bytes,
    GError ** error)
{
  guint64 number;

  if (text == NULL || *text == '\0')
    return TRUE;
  if (g_ascii_string_to_unsigned (text, 10, PMSS_MIN_UNIT, most, &number, NULL)) {
    *bytes = (guint32) number;
    return TRUE;
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "%s is not a number of bytes from %u to %u", what, PMSS_MIN_UNIT, most);
  return FALSE;
}

gboolean
pmss_upload_request_check_title (const char *title, GError ** error)
{
  if (strlen (title) > MAX_TITLE)
    return invalid (error, "title is longer than 1024 bytes");
  return pmss_text_check (title, "title", error);
}

/* type "/" subtype and perhaps parameters (RFC 9110, 8.3.1): it becomes a header once. */
static gboolean
check_type (const char *type, GError ** error)
{
  static const char token[] = "!#$%&'*+-.^_`|~0123456789"
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  gsize main_length = strspn (type, token), sub_length = 0;

  if (type[main_length] == '/')
    sub_length = strspn (type + main_length + 1, token);
  if (strlen (type) > MAX_TYPE || main_length == 0 || sub_length == 0)
    return invalid (error, "content_type is not like video/mp4");
  type += main_length + 1 + sub_length;
  if (*type != '\0' && *type != ';')
    return invalid (error, "content_type is not like video/mp4");
  for (; *type; type++)
    if (!g_ascii_isprint (*type))
      return invalid (error, "content_type has control characters");
  return TRUE;
}

/* Before a byte is sent that no extent could be made of. Those that are down count: they may be back before the upload is there. */
static gboolean
check_nodes (const PmssMedium * medium, const char *policy, PmssNodes * nodes,
    GError ** error)
{
  guint needed = medium->redundancy.k + medium->redundancy.m;
  guint joined = pmss_nodes_count (nodes);
  g_autofree char *why = policy != NULL ?
      g_strdup_printf (" (policy “%s”)", policy) : g_strdup ("");
  char redundancy[8];

  if (joined >= needed || medium->size == 0)
    return TRUE;
  pmss_redundancy_to_string (medium->redundancy, redundancy);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE,
      "Redundancy %s%s needs %u storage servers, and %u have joined this "
      "cluster: choose another redundancy, or add storage servers",
      redundancy, why, needed, joined);
  return FALSE;
}

static gboolean
check_texts (const PmssUploadRequest * request, GError ** error)
{
  if (!request->name)
    return invalid (error, "The medium's name is missing");
  return pmss_medium_name_check (request->name, error)
      && pmss_text_check_name (request->name, "The medium's name", error)
      && (request->title == NULL
      || pmss_upload_request_check_title (request->title, error))
      && (request->content_type == NULL || *request->content_type == '\0'
      || check_type (request->content_type, error));
}

/* How it is to be stored: what the request says goes before @choice. */
static gboolean
take_storage (const PmssUploadRequest * request, PmssPolicyChoice * choice,
    PmssMedium * medium, GError ** error)
{
  gboolean given = request->redundancy && *request->redundancy;

  medium->redundancy = choice->redundancy;
  medium->keep_original = choice->keep_original;
  medium->unit = choice->unit;
  medium->extent = choice->extent;
  if (given)
    g_clear_pointer (&choice->why_redundancy, g_free);
  return (!given || pmss_redundancy_parse (request->redundancy,
          &medium->redundancy, error))
      && parse_flag (request->keep_original, &medium->keep_original, error)
      && parse_bytes (request->unit, "unit", PMSS_MAX_UNIT, &medium->unit,
      error)
      && parse_bytes (request->extent, "extent", PMSS_MAX_EXTENT,
      &medium->extent, error)
      && (pmss_unit_check (medium->unit)
      || invalid (error, "unit is not a power of two"));
}

PmssMedium *
pmss_upload_request_check (const PmssUploadRequest * request,
    const PmssControlContext * context, GError ** error)
{
  g_autoptr (PmssMedium) medium = pmss_medium_new ();
  const PmssPolicySubject subject = {
    request->name, request->content_type, request->size
  };
  g_auto (PmssPolicyChoice) choice = { 0 };

  if (!check_texts (request, error)
      || !pmss_policies_choose (context, &subject, &choice, error)
      || !take_storage (request, &choice, medium, error))
    return NULL;
  medium->name = g_strdup (request->name);
  medium->size = request->size;
  if (!check_nodes (medium, choice.why_redundancy, context->nodes, error))
    return NULL;
  if (request->title && *request->title)
    medium->title = g_strdup (request->title);
  if (request->content_type && *request->content_type)
    medium->content_type = g_strdup (request->content_type);
  return g_steal_pointer (&medium);
}

/* To those who look on, whenever more of it is durable. */
static void
tell_progress (PmssApiCall * call, guint64 received, guint64 size)
{
  char detail[48];
  const PmssEvent event = {.action = "upload progress",.detail = detail,
    .object = call->param,.user = call->user->name
  };

  g_snprintf (detail, sizeof (detail), "%" G_GUINT64_FORMAT "/%"
      G_GUINT64_FORMAT, received, size);
  pmss_events_tell (call->context->events, &event);
}

gboolean
pmss_upload_request_write (PmssApiCall * call, PmssUploadWriter * writer,
    guint64 size, const void *data, gsize length, GError ** error)
{
  guint64 before = pmss_upload_writer_get_received (writer);

  if (!pmss_upload_writer_write (writer, data, length, error))
    return FALSE;
  if (pmss_upload_writer_get_received (writer) != before)
    tell_progress (call, pmss_upload_writer_get_received (writer), size);
  return TRUE;
}
