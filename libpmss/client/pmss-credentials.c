/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logins that `pmss login` stored in a file. Any thread; blocks on the file. */

#include "pmss-credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"

#define DEFAULT_GROUP "default"
/* No file of ours is longer. */
#define MAX_FILE (1024 * 1024)

void
pmss_credentials_free (PmssCredentials * credentials)
{
  if (credentials == NULL)
    return;
  g_free (credentials->url);
  g_free (credentials->user);
  g_free (credentials->token);
  g_free (credentials->expires);
  g_free (credentials->ca_file);
  g_free (credentials);
}

static char *
folder_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "pmss", NULL);
}

static char *
file_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "pmss", "credentials",
      NULL);
}

/* A group's name in a key file cannot hold the brackets of an IPv6 address. */
static char *
group_of_url (const char *url)
{
  gsize length = strlen (url);

  while (length > 0 && url[length - 1] == '/')
    length--;
  g_autofree char *trimmed = g_strndup (url, length);

  return g_uri_escape_string (trimmed, ":/", FALSE);
}

static gboolean
fail_errno (GError ** error, int code, const char *what, const char *path)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED, "cannot %s %s: %s", what,
      path, g_strerror (code));
  return FALSE;
}

/* Whoever can read the file can act as the user: such a file is not used. */
static gboolean
check_file (int fd, const char *path, GError ** error)
{
  struct stat st;

  if (fstat (fd, &st) != 0)
    return fail_errno (error, errno, "look at", path);
  if (!S_ISREG (st.st_mode) || st.st_size > MAX_FILE) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "%s is not a credentials file", path);
    return FALSE;
  }
  if (st.st_uid != geteuid () || (st.st_mode & 077) != 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "%s can be read by others: make it yours alone (chmod 600), "
        "or remove it and log in again", path);
    return FALSE;
  }
  return TRUE;
}

static gboolean
read_all (int fd, const char *path, GString * text, GError ** error)
{
  char piece[4096];
  gssize length;

  while (text->len <= MAX_FILE) {
    length = read (fd, piece, sizeof piece);
    if (length == 0)
      return TRUE;
    if (length > 0)
      g_string_append_len (text, piece, length);
    else if (errno != EINTR)
      return fail_errno (error, errno, "read", path);
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "%s is too long", path);
  return FALSE;
}

/* An empty key file if there is none. */
static GKeyFile *
load_file (GError ** error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = file_path ();
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) local = NULL;
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  gboolean ok;

  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return g_steal_pointer (&file);
    fail_errno (error, errno, "open", path);
    return NULL;
  }
  ok = check_file (fd, path, error) && read_all (fd, path, text, error);
  close (fd);
  if (!ok)
    return NULL;
  if (text->len > 0 && !g_key_file_load_from_data (file, text->str, text->len,
          G_KEY_FILE_KEEP_COMMENTS, &local)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "%s is not a key file; remove it and log in again", path);
    return NULL;
  }
  return g_steal_pointer (&file);
}

static gboolean
save_file (GKeyFile * file, GError ** error)
{
  g_autofree char *folder = folder_path ();
  g_autofree char *path = file_path ();
  g_autoptr (GError) local = NULL;
  gsize length;
  g_autofree char *text = g_key_file_to_data (file, &length, NULL);

  if (g_mkdir_with_parents (folder, 0700) != 0 || g_chmod (folder, 0700) != 0)
    return fail_errno (error, errno, "make", folder);
  if (!g_file_set_contents_full (path, text, length,
          G_FILE_SET_CONTENTS_CONSISTENT, 0600, &local)) {
    g_set_error (error, PMSS_ERROR,
        g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOSPC)
        ? PMSS_ERROR_NO_SPACE : PMSS_ERROR_FAILED, "%s", local->message);
    return FALSE;
  }
  return TRUE;
}

PmssCredentials *
pmss_credentials_load (const char *url, GError ** error)
{
  g_autoptr (GKeyFile) file = load_file (error);
  g_autoptr (PmssCredentials) found = NULL;
  g_autofree char *default_url = NULL;
  g_autofree char *group = NULL;

  if (file == NULL)
    return NULL;
  if (url == NULL)
    url = default_url =
        g_key_file_get_string (file, DEFAULT_GROUP, "url", NULL);
  if (url == NULL)
    return NULL;
  group = group_of_url (url);
  found = g_new0 (PmssCredentials, 1);
  found->url = g_strdup (url);
  found->user = g_key_file_get_string (file, group, "user", NULL);
  found->token = g_key_file_get_string (file, group, "token", NULL);
  found->expires = g_key_file_get_string (file, group, "expires", NULL);
  found->ca_file = g_key_file_get_string (file, group, "ca-file", NULL);
  if (found->token == NULL)
    return NULL;
  return g_steal_pointer (&found);
}

gboolean
pmss_credentials_store (const PmssCredentials * credentials, GError ** error)
{
  g_autoptr (GKeyFile) file = NULL;
  g_autofree char *group = NULL;

  g_return_val_if_fail (credentials->url && credentials->token, FALSE);
  file = load_file (error);
  if (file == NULL)
    return FALSE;
  group = group_of_url (credentials->url);
  g_key_file_remove_group (file, group, NULL);
  g_key_file_set_string (file, group, "token", credentials->token);
  if (credentials->user != NULL)
    g_key_file_set_string (file, group, "user", credentials->user);
  if (credentials->expires != NULL)
    g_key_file_set_string (file, group, "expires", credentials->expires);
  if (credentials->ca_file != NULL)
    g_key_file_set_string (file, group, "ca-file", credentials->ca_file);
  g_key_file_set_string (file, DEFAULT_GROUP, "url", credentials->url);
  return save_file (file, error);
}

/* What was logged in to before goes on as the default only if it was it already. */
gboolean
pmss_credentials_forget (const char *url, GError ** error)
{
  g_autoptr (GKeyFile) file = load_file (error);
  g_autofree char *default_url = NULL;
  g_autofree char *default_group = NULL;
  g_autofree char *group = NULL;

  if (file == NULL)
    return FALSE;
  default_url = g_key_file_get_string (file, DEFAULT_GROUP, "url", NULL);
  if (url == NULL)
    url = default_url;
  if (url == NULL)
    return TRUE;
  group = group_of_url (url);
  default_group = default_url != NULL ? group_of_url (default_url) : NULL;
  if (g_strcmp0 (group, default_group) == 0)
    g_key_file_remove_group (file, DEFAULT_GROUP, NULL);
  else if (!g_key_file_has_group (file, group))
    return TRUE;
  g_key_file_remove_group (file, group, NULL);
  return save_file (file, error);
}
