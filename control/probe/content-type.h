/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The MIME type that goes with the type finder's result, NULL if there is no common one. @video:
 * whether it has moving pictures. */
const char *probe_content_type_from_caps (GstCaps *caps, gboolean video);

/* The type that the file's first bytes and @name (nullable) look like; never NULL. */
char       *probe_content_type_guess     (const char *path, const char *name);

G_END_DECLS
