/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file of the first administrator's password. Any thread. */
#include "control/accounts/admin-password.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "control/accounts/secret.h"
#include "libpmss/pmss-error.h"

/* of a secret's 43 characters, 6 bits each: 120 bits that one can still type */
#define PASSWORD_LENGTH 20

/* The file is durable before the user is: a crash in between leaves a file that the next start writes anew, never a user whose password nobody knows. */
gboolean
pmss_admin_password_create (PmssAccounts * accounts, const char *data,
    char **password, GError ** error)
{
  g_autofree char *path =
      g_build_filename (data, PMSS_ADMIN_PASSWORD_FILE, NULL);
  g_autoptr (GPtrArray) users = pmss_accounts_list_users (accounts, error);
  g_autofree char *secret = NULL, *line = NULL, *shorter = NULL;

  *password = NULL;
  if (users == NULL)
    return FALSE;
  if (users->len > 0)
    return pmss_admin_password_tidy (accounts, data, error);
  secret = pmss_secret_new ();
  shorter = g_strndup (secret, PASSWORD_LENGTH);
  line = g_strconcat (shorter, "\n", NULL);
  if (!g_file_set_contents_full (path, line, -1,
          G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
          error)
      || !pmss_accounts_add_user (accounts, PMSS_FIRST_ADMIN, shorter,
          PMSS_ROLE_ADMIN, TRUE, error))
    return FALSE;
  *password = g_steal_pointer (&shorter);
  return TRUE;
}

gboolean
pmss_admin_password_check (PmssAccounts * accounts, const char *data,
    GError ** error)
{
  g_autoptr (GPtrArray) users = pmss_accounts_list_users (accounts, error);

  if (users == NULL)
    return FALSE;
  if (users->len > 0)
    return pmss_admin_password_tidy (accounts, data, error);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "“%s” has been used by a cluster, but its catalog (catalog.db) is empty. "
      "Put it back from a backup and run pmss-control --check-restore", data);
  return FALSE;
}

gboolean
pmss_admin_password_tidy (PmssAccounts * accounts, const char *data,
    GError ** error)
{
  g_autofree char *path =
      g_build_filename (data, PMSS_ADMIN_PASSWORD_FILE, NULL);
  g_autoptr (GPtrArray) users = pmss_accounts_list_users (accounts, error);

  if (users == NULL)
    return FALSE;
  for (guint i = 0; i < users->len; i++)
    if (((PmssUser *) g_ptr_array_index (users, i))->one_time)
      return TRUE;
  if (g_unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
      "Cannot delete %s: %s", path, g_strerror (errno));
  return FALSE;
}
