/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/accounts/accounts.h"
#include "control/context.h"

G_BEGIN_DECLS

/* Links: rows of the database, of which only a hash of the secret is kept. A link is read only, and
 * has its maker's rights when it is used. It ends with its time, its maker, its medium, when its
 * maker becomes a viewer, and with another password. Threads: any; all of it blocks. */

/* A viewer's are for players of their own, and to show something to somebody. */
guint      pmss_links_get_max (PmssRole role);  /* of one user */
guint      pmss_links_get_max_lifetime (PmssRole role); /* seconds */

typedef struct
{
  gint64 id;
  char *user;                   /* who made it */
  char *medium;                 /* its present name */
  gint64 created, expires;      /* seconds since 1970 */
} PmssLink;
void       pmss_link_free (PmssLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssLink, pmss_link_free)

/* A link of @user's for the medium called @name, good for @lifetime seconds, which are not too many
 * for the role. @secret: (out) what opens it, told this once. PMSS_ERROR_NOT_FOUND: there is no
 * such medium. PMSS_ERROR_CONFLICT: it is not ready, or the user has as many as are allowed. */
PmssLink  *pmss_links_add    (PmssDatabase *database, const PmssUser *user, const char *name,
    guint lifetime, char **secret, GError **error);
/* Those of @user (nullable: of all) that are good, by id: an array that frees them. */
GPtrArray *pmss_links_list   (PmssDatabase *database, const char *user, GError **error);
/* @user: nullable: whoever made it. @medium: (out) of which it was. PMSS_ERROR_NOT_FOUND */
gboolean   pmss_links_remove (PmssDatabase *database, const char *user, gint64 id, char **medium,
    GError **error);
/* The link's maker, with no more rights than to see media. PMSS_ERROR_FORBIDDEN: @secret is no
 * link's, or not for the medium called @name, or has ended. */
PmssUser  *pmss_links_open   (PmssDatabase *database, const char *secret, const char *name,
    GError **error);

G_END_DECLS
