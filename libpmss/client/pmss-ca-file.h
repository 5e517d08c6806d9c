/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A file of PEM certificates that servers' certificates are checked against, instead of the
 * system's. Every error names @path: G_FILE_ERROR where it cannot be read, PMSS_ERROR_INVALID where
 * it holds no certificate. Any thread; blocks on the file. */
GTlsDatabase *pmss_ca_file_open (const char *path, GError **error);

G_END_DECLS
