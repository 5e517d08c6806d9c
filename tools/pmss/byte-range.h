/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A part of a medium, as HTTP writes it (RFC 9110, 14.1.2): "0-499", "500-" or "-500" (the last
 * 500). Pure. */
typedef struct
{
  guint64 first;
  guint64 last;                 /* included; G_MAXUINT64: to the end */
  gboolean is_suffix;           /* `last` is a number of bytes at the end */
} PmssByteRange;

/* An error of usage if @text is no range. */
gboolean pmss_byte_range_parse   (const char *text, PmssByteRange *range, GError **error);
/* Of a medium of @size bytes: those from *@start on and before *@end. PMSS_ERROR_RANGE if there is
 * none. */
gboolean pmss_byte_range_resolve (const PmssByteRange *range, guint64 size, guint64 *start,
    guint64 *end, GError **error);

G_END_DECLS
