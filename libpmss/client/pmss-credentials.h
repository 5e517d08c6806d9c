/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A login that `pmss login` stored in the key file "pmss/credentials" in the user's config folder,
 * mode 0600. Each control server's URL is a group with the keys user, token, expires, ca-file. The
 * group [default] has the key url: the server of the last login. The file is written to a temporary
 * name and renamed. */

typedef struct
{
  char *url;
  char *user;
  char *token;
  char *expires;                /* ISO 8601 */
  /* (nullable) absolute path: the authorities to trust there instead of the system's */
  char *ca_file;
} PmssCredentials;

void             pmss_credentials_free   (PmssCredentials *credentials);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssCredentials, pmss_credentials_free)

/* @url: NULL for the default server (there may be none). NULL without error when nothing is stored.
 * A login that may have expired is returned all the same: the clock here may be wrong, and the
 * server's answer names the remedy. */
/* URLs are compared without a trailing slash. A file that others can read is PMSS_ERROR_INVALID,
 * and is not used. Two processes that store at the same time: the later one wins. */
PmssCredentials *pmss_credentials_load   (const char *url, GError **error);
gboolean         pmss_credentials_store  (const PmssCredentials *credentials, GError **error);
gboolean         pmss_credentials_forget (const char *url, GError **error);

G_END_DECLS
