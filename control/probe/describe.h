/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* What GstDiscoverer finds in the file at @path, as the members content_type, container,
 * duration_ns, streams and tags of @object (null where it finds nothing), and as `missing` what it
 * would need to know more, in words ("VP8 decoder").
 * @name: (nullable) what the file is called, for a guess of its type. Gives up after @timeout (ns).
 * Returns whether the file plays for a time, as a film does and a picture does not; @duration: what
 * it claims for that, in ns, 0: unknown. */
gboolean probe_describe (JsonObject *object, const char *path, const char *name,
    GstClockTime timeout, GstClockTime *duration);

G_END_DECLS
