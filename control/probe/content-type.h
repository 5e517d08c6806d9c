/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The MIME type that goes with what the type finder called the file, NULL if there is none that the
 * world knows. @video: whether it has moving pictures. */
const char *probe_content_type_from_caps (GstCaps *caps, gboolean video);

/* What the file's first bytes and @name (nullable) look like; never NULL. */
char       *probe_content_type_guess     (const char *path, const char *name);

G_END_DECLS
