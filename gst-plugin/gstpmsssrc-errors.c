/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libpmss' errors as the element's. Any thread. */
#include "gstpmsssrc-errors.h"

#include <libpmss/client/pmss-busy.h>
#include <libpmss/pmss-error.h>

#include "gstpmsssrc-private.h"

#define GST_CAT_DEFAULT gst_pmss_src_debug

GstResourceError
gst_pmss_error_to_resource (const GError * error, gboolean opening)
{
  GstResourceError otherwise =
      opening ? GST_RESOURCE_ERROR_OPEN_READ : GST_RESOURCE_ERROR_READ;

  if (error->domain != PMSS_ERROR)
    return otherwise;

  switch ((PmssError) error->code) {
    case PMSS_ERROR_NOT_FOUND:
      /* once open, it is a shard that is missing, not the medium */
      return opening ? GST_RESOURCE_ERROR_NOT_FOUND : GST_RESOURCE_ERROR_READ;
    case PMSS_ERROR_NOT_AUTHORIZED:
    case PMSS_ERROR_FORBIDDEN:
      return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
    case PMSS_ERROR_BUSY:
    case PMSS_ERROR_EXISTS:
    case PMSS_ERROR_CONFLICT:
      /* the last two: HTTP 409, a medium that is not ready yet */
      return opening ? GST_RESOURCE_ERROR_BUSY : GST_RESOURCE_ERROR_READ;
    case PMSS_ERROR_RANGE:
      return GST_RESOURCE_ERROR_SEEK;
    case PMSS_ERROR_CORRUPT:
    case PMSS_ERROR_PROTOCOL:
    case PMSS_ERROR_TOO_FEW_SHARDS:
      return GST_RESOURCE_ERROR_READ;
    case PMSS_ERROR_TLS:
    case PMSS_ERROR_UNREACHABLE:
    case PMSS_ERROR_TIMED_OUT:
    case PMSS_ERROR_INVALID:
    case PMSS_ERROR_NO_SPACE:
    case PMSS_ERROR_FAILED:
    default:
      return otherwise;
  }
}

static GstStructure *
details_new (const GError * error, const char *location)
{
  const PmssErrorDetails *details = pmss_error_get_details (error);
  GstStructure *structure = gst_structure_new ("pmss-error-details",
      "domain", G_TYPE_STRING, g_quark_to_string (error->domain),
      "code", G_TYPE_INT, error->code, NULL);

  if (location != NULL)
    gst_structure_set (structure, "uri", G_TYPE_STRING, location, NULL);
  if (details == NULL)
    return structure;

  if (details->node)
    gst_structure_set (structure, "node", G_TYPE_UINT, details->node, NULL);
  if (details->peer)
    gst_structure_set (structure, "peer", G_TYPE_STRING, details->peer, NULL);
  if (details->medium)
    gst_structure_set (structure, "medium", G_TYPE_STRING, details->medium,
        NULL);
  if (details->extent >= 0)
    gst_structure_set (structure, "extent", G_TYPE_INT64, details->extent,
        NULL);
  if (details->shard >= 0)
    gst_structure_set (structure, "shard", G_TYPE_INT, details->shard, NULL);
  if (details->resource)
    gst_structure_set (structure, "resource", G_TYPE_STRING,
        details->resource, NULL);
  if (pmss_busy_get_wait (error) >= 0)
    gst_structure_set (structure, "retry-in", G_TYPE_INT64,
        pmss_busy_get_wait (error), NULL);
  if (details->http_status)
    gst_structure_set (structure, "http-status-code", G_TYPE_UINT,
        details->http_status, NULL);

  return structure;
}

void
gst_pmss_post_error (GstElement * element, const GError * error,
    gboolean opening, const char *location)
{
  GstResourceError code = gst_pmss_error_to_resource (error, opening);

  GST_INFO_OBJECT (element, "%s: %s %d: %s", GST_STR_NULL (location),
      g_quark_to_string (error->domain), error->code, error->message);

  gst_element_message_full_with_details (element, GST_MESSAGE_ERROR,
      GST_RESOURCE_ERROR, code, g_strdup (error->message),
      g_strdup_printf ("%s %s: %s (%s %d)",
          opening ? "opening" : "reading", GST_STR_NULL (location),
          error->message, g_quark_to_string (error->domain), error->code),
      __FILE__, GST_FUNCTION, __LINE__, details_new (error, location));
}
