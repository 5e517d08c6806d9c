/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which part of an object a request is for, and the fields that say so in the answer. */
#include "pmss-httpd.h"

static PmssHttpRange
get_range (PmssHttpRequest * request, const char *etag, guint64 size,
    guint64 * first, guint64 * length)
{
  const char *condition = pmss_http_request_get_header (request, "If-Range");

  *first = 0;
  *length = size;
  if (condition != NULL && !g_str_equal (condition, etag))
    return PMSS_HTTP_RANGE_NONE;
  return pmss_http_request_get_range (request, size, first, length);
}

static void
refuse_range (PmssHttpRequest * request, guint64 size)
{
  g_autofree char *text = g_strdup_printf ("bytes */%" G_GUINT64_FORMAT, size);

  pmss_http_request_add_header (request, "Content-Range", text);
  pmss_http_request_respond_problem (request, 416,
      "there are %" G_GUINT64_FORMAT " bytes", size);
}

gboolean
pmss_http_request_find_part (PmssHttpRequest * request, const char *etag,
    guint64 size, PmssHttpPart * part)
{
  part->status = 200;
  part->size = size;
  switch (get_range (request, etag, size, &part->first, &part->length)) {
    case PMSS_HTTP_RANGE_NONE:
      break;
    case PMSS_HTTP_RANGE_OK:
      part->status = 206;
      break;
    case PMSS_HTTP_RANGE_UNSATISFIABLE:
      refuse_range (request, size);
      return FALSE;
    case PMSS_HTTP_RANGE_MALFORMED:
      pmss_http_request_respond_problem (request, 400, "malformed Range");
      return FALSE;
  }
  return TRUE;
}

void
pmss_http_request_add_part (PmssHttpRequest * request, const char *etag,
    const PmssHttpPart * part)
{
  g_autofree char *text = g_strdup_printf ("bytes %" G_GUINT64_FORMAT "-%"
      G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, part->first,
      part->first + part->length - 1, part->size);

  if (part->status == 206)
    pmss_http_request_add_header (request, "Content-Range", text);
  pmss_http_request_add_header (request, "ETag", etag);
  pmss_http_request_add_header (request, "Accept-Ranges", "bytes");
}
