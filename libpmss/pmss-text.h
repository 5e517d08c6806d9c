/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Text that people read: names, titles, tags. Not installed: for the parts of PMSS only. Pure; any
 * thread.
 *
 * A hidden character shows nothing by itself and changes how other text is seen. Hidden are control
 * characters, line and paragraph separators, marks and overrides of direction, spaces without a
 * width, and fillers. So are characters that Unicode has deprecated, and code points that are no
 * characters. Joiners, variation selectors and tags are hidden unless they stand where a script or
 * an emoji needs them. */

/* Whether the character at @at, somewhere in @text, shows, or stands where it is needed. Bytes that
 * are no UTF-8 do not. */
gboolean pmss_text_shows (const char *text, const char *at);

/* FALSE and PMSS_ERROR_INVALID: @text is no UTF-8, or has a hidden character. @what: its name in
 * the error. */
gboolean pmss_text_check (const char *text, const char *what, GError **error);

/* The same text, fit to be shown. Bytes that are no UTF-8 become U+FFFD, control characters and
 * separators of lines become spaces. Other hidden characters are removed. */
char    *pmss_text_clean (const char *text);

/* For names that are new: as pmss_text_check(), and composed (Unicode's form NFC), so that two
 * names that look the same are the same. */
gboolean pmss_text_check_name (const char *name, const char *what, GError **error);

G_END_DECLS
