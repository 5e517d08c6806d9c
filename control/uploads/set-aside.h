/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * Set aside:
 *
 * Files of data/uploads and data/originals that no row of the catalog knows. They are moved to the
 * folder "set-aside" within their folder, so that a rename suffices where the folder is a disk of its
 * own. They stay there for a grace period. Threads: any; one call at a time for each folder.
 */
#define PMSS_SET_ASIDE "set-aside"

/* Moves @folder/@name to @folder/set-aside, durably, and logs it. A name that is taken there gets a
 * number. */
gboolean pmss_set_aside_put    (const char *folder, const char *name, GError **error);

/* Deletes what was set aside more than @grace seconds before @now (seconds since 1970), and logs each.
 * @grace 0: keeps all. Nothing is due in the first hour of the process (or @grace, if that is less), which has
 * run for @up seconds: the clock may have been wrong when it started. What cannot be deleted is logged and
 * stays. */
void     pmss_set_aside_expire (const char *folder, guint grace, gint64 now, gint64 up);

G_END_DECLS
