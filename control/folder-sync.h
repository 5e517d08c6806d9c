/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Makes creations in, renames into and unlinks from the folder at @path durable.
 * PMSS_ERROR_NO_SPACE for a full disk or quota, else PMSS_ERROR_FAILED. Blocks; any thread. */
gboolean pmss_folder_sync (const char *path, GError **error);

G_END_DECLS
