/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Text that people read: names, titles, tags. Not installed: for the parts of PMSS only. Pure; any
 * thread.
 *
 * Hidden is a character that shows nothing by itself and changes what else is seen: control
 * characters, line and paragraph separators, marks and overrides of direction, spaces without a
 * width, fillers, what Unicode gave up, and what is no character. Joiners, variation selectors and
 * tags are hidden unless they stand where a script or an emoji needs them. */

/* Whether the character at @at, somewhere in @text, shows, or stands where it is needed. What is no
 * UTF-8 does not. */
gboolean pmss_text_shows (const char *text, const char *at);

/* FALSE and PMSS_ERROR_INVALID: @text is no UTF-8, or something is hidden in it. @what: how to call
 * it in the error. */
gboolean pmss_text_check (const char *text, const char *what, GError **error);

/* The same text as anybody may see it: bytes that are no UTF-8 are U+FFFD, control characters and
 * separators of lines are spaces, all else that is hidden is gone. */
char    *pmss_text_clean (const char *text);

/* For names that are new: as pmss_text_check(), and composed (Unicode's form NFC), so that two
 * names that look the same are the same. */
gboolean pmss_text_check_name (const char *name, const char *what, GError **error);

G_END_DECLS
