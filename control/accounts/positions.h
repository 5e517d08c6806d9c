/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/* Where viewers left off: one place for a user and medium. It follows the medium when that is
 * renamed, and goes with the user or the medium. Rows of the database. Threads: any; all of it
 * blocks. */

/* Of one user: for another one the oldest is forgotten. */
#define PMSS_MAX_POSITIONS 10000

typedef struct
{
  gint64 id;                    /* of the medium */
  char *medium;                 /* its present name */
  gint64 position_ns;
  gint64 duration_ns;           /* of the medium, -1: unknown */
  gint64 updated;               /* seconds since 1970 */
} PmssPosition;
void       pmss_position_free (PmssPosition *position);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssPosition, pmss_position_free)

/* PMSS_ERROR_NOT_FOUND: there is no medium called @name. */
gboolean   pmss_positions_set    (PmssDatabase *database, const char *user, const char *name,
    gint64 position_ns, GError **error);
/* @position_ns: (out) -1: none is known. FALSE: an error. */
gboolean   pmss_positions_get    (PmssDatabase *database, const char *user, gint64 medium,
    gint64 *position_ns, GError **error);
/* PMSS_ERROR_NOT_FOUND: there is no such medium, or nothing is known of it. */
gboolean   pmss_positions_remove (PmssDatabase *database, const char *user, const char *name,
    GError **error);
/* The newest @limit ones behind that of @after (nullable: of all): an array that frees them. @next:
 * (out) (nullable) what the next page is asked for by. PMSS_ERROR_INVALID: @after is none. */
GPtrArray *pmss_positions_list   (PmssDatabase *database, const char *user, const char *after,
    guint limit, char **next, GError **error);

G_END_DECLS
