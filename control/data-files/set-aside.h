/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * Set aside:
 *
 * Files of data/uploads and data/originals that no row of the catalog knows. They are moved to the
 * folder "set-aside" within their folder, so that a rename suffices where the folder is a disk of
 * its own. They stay there for a grace period, and go back when a row names them after all: another
 * catalog was put back. Threads: any; one call at a time for each folder.
 */
#define PMSS_SET_ASIDE "set-aside"

/* Moves @folder/@name to @folder/set-aside, durably, and logs it. A name that is taken there gets a
 * number. */
gboolean pmss_set_aside_put    (const char *folder, const char *name, GError **error);

/* The files in @folder/set-aside; empty where there is no such folder. */
GPtrArray *pmss_set_aside_list (const char *folder);
/* The name that @aside, which lies there, had before. */
char    *pmss_set_aside_get_name (const char *aside);
/* Whether it is a regular file of @least to @most bytes. */
gboolean pmss_set_aside_fits   (const char *folder, const char *aside, guint64 least, guint64 most);
/* Moves it back to @folder/@name, durably, and logs it. Never replaces a file. */
gboolean pmss_set_aside_take   (const char *folder, const char *aside, const char *name,
    GError **error);

/* Whether a row names the file that was called @name. */
typedef gboolean (*PmssSetAsideNamed) (const char *name, gpointer user_data);
/* Deletes the files that were set aside more than @grace seconds before @now (seconds since 1970)
 * and that no row names, and logs each. @grace 0: keeps all. The process has run for @up seconds.
 * Nothing is due in its first hour (or @grace, if that is less): the clock may have been wrong when
 * it started. FALSE: a file could not be deleted; it is logged, and stays. */
gboolean pmss_set_aside_expire (const char *folder, guint grace, gint64 now, gint64 up,
    PmssSetAsideNamed named, gpointer user_data);

G_END_DECLS
