/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/**
 * Identity of the catalog:
 *
 * The cluster of the catalog, and how often control was started with it. The number of starts is
 * kept twice, in the catalog and in the file "starts" of the data folder. A catalog that counts
 * fewer is an older copy that was put back. Used by main() before control serves.
 */
typedef struct
{
  /* 32 hex digits; NULL: the catalog is from before it had an identity */
  char *cluster;
  guint64 starts;
  gint64 started;               /* the last start with it, seconds since 1970; 0: none */
  /* when it was restored; unknown shards and files are kept since; 0: it was not */
  gint64 restored;
} PmssIdentity;

gboolean pmss_identity_read  (PmssDatabase *database, PmssIdentity *identity, GError **error);
void     pmss_identity_clear (PmssIdentity *identity);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmssIdentity, pmss_identity_clear)

/* How often control was started on @folder; 0 where nothing says so. */
gboolean pmss_identity_read_starts (const char *folder, guint64 *starts, GError **error);

/* Refuses a catalog of another cluster than @cluster. */
gboolean pmss_identity_check_cluster (const PmssIdentity *identity, const char *cluster,
    GError **error);
/* Refuses a catalog that is older than a folder that was started @starts times. */
gboolean pmss_identity_check_age (const PmssIdentity *identity, guint64 starts, GError **error);
/* Counts one more start, first in the catalog, then in @folder. */
gboolean pmss_identity_count_start (PmssDatabase *database, const char *cluster,
    const char *folder, GError **error);

/* In a transaction: the catalog, of any age, is the one that counts in @folder from now on, and was
 * restored @now. */
gboolean pmss_identity_restore (PmssDatabase *database, const char *cluster, guint64 starts,
    gint64 now, GError **error);
/* In a transaction: unknown shards and files need not be kept any more. */
gboolean pmss_identity_end_restore (PmssDatabase *database, GError **error);

G_END_DECLS
