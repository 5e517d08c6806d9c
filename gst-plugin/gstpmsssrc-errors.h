/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * gst_pmss_error_to_resource:
 * @error: any error that libpmss gave, cancellation excepted
 * @opening: whether it came while the medium was opened
 *
 * The code in GST_RESOURCE_ERROR that names the cause; the table is in docs/element.md.
 */
GstResourceError gst_pmss_error_to_resource (const GError * error, gboolean opening);

/**
 * gst_pmss_post_error:
 * @element: the element that posts
 * @error: any error that libpmss gave, cancellation excepted
 * @opening: whether it came while the medium was opened
 * @location: (nullable): the URI that was being read, without credentials
 *
 * Posts the element error for @error. Its details have node, medium, extent, shard and HTTP status,
 * as far as known. Any thread, no lock of the element held.
 */
void gst_pmss_post_error (GstElement * element, const GError * error, gboolean opening,
    const char *location);

G_END_DECLS
