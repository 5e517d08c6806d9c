/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The header Upload-Metadata of tus 1.0: "name ZmlsbXM=,is_draft". Hostile: keys are printable
 * ASCII and unique, values strict base64 of UTF-8 without NUL (a missing value is "").
 * PMSS_ERROR_INVALID otherwise. @text: (nullable). Returns a table of owned strings. */
GHashTable *pmss_tus_metadata_parse  (const char *text, GError **error);

/* Appends one pair; @value NULL: nothing is appended. */
void        pmss_tus_metadata_append (GString *text, const char *key, const char *value);

G_END_DECLS
