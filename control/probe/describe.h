/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Describes the file at @path by GstDiscoverer. The findings are the members content_type,
 * container, duration_ns, streams and tags of @object, null where it finds nothing. `missing` names
 * the decoders that it lacks, in words ("VP8 decoder").
 * @name: (nullable) the file's name, for a guess of its type. Gives up after @timeout (ns). Returns
 * whether the file plays for a time, as a film does and a picture does not. @duration: the time
 * that it claims, in ns, 0: unknown. */
gboolean probe_describe (JsonObject *object, const char *path, const char *name,
    GstClockTime timeout, GstClockTime *duration);

G_END_DECLS
