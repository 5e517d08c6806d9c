/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Remembers unfinished uploads between two runs of `pmss put`. Each is a small file in pmss/uploads
 * of the user's state folder. Its name is made of server, medium name, path, size and time of
 * change of the file. So a changed file is another upload. */

/* The name to remember an upload under. */
char *pmss_upload_memory_key    (const char *server, const char *medium, const char *path,
    guint64 size, gint64 modified_us);
/* The URL that was stored under @key; NULL if none was. */
char *pmss_upload_memory_load   (const char *key);
/* Failing to remember is a warning only: the upload itself goes on. */
void  pmss_upload_memory_store  (const char *key, const char *url);
void  pmss_upload_memory_forget (const char *key);

G_END_DECLS
