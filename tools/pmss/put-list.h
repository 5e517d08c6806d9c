/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One file that is to be uploaded, and the medium's name. */
typedef struct
{
  char *file;                   /* path; "-" is standard input */
  char *name;
  guint64 size;                 /* as the list was made, for the progress */
} PmssPutItem;

/**
 * Makes the list of files that `put` uploads. A medium's name is the file's last part behind the
 * prefix @name, if that ends with "/", or just @name. With @recursive a folder stands for all
 * regular files in it, and @name is a prefix. "films/" and the folder "a" that holds "b/c" give
 * "films/a/b/c". They give "films/b/c" where the folder was written with a slash at its end.
 * Symbolic links to files are followed, links to folders below an argument are not. Any thread;
 * reads folders only.
 *
 * @name: (nullable): as given
 * @skipped: (out): of char *, paths in a folder that are no regular files and are left out
 *
 * Returns: (transfer full): of PmssPutItem, in the order of the arguments, folders by name. NULL
 * and @error: a folder cannot be read, or two files would get one name.
 */
GPtrArray *pmss_put_list_make (char **files, guint n, const char *name, gboolean recursive,
    GPtrArray **skipped, GError **error);

G_END_DECLS
