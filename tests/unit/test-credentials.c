/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <libpmss/client/pmss-credentials.h>
#include <libpmss/pmss-error.h>
#include <sys/stat.h>

static char *
file_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "pmss", "credentials",
      NULL);
}

static void
store (const char *url, const char *user, const char *token,
    const char *expires)
{
  PmssCredentials credentials = {
    (char *) url, (char *) user, (char *) token, (char *) expires
  };
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_credentials_store (&credentials, &error));
  g_assert_no_error (error);
}

static char *
token_of (const char *url)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssCredentials) found = pmss_credentials_load (url, &error);

  g_assert_no_error (error);
  return found != NULL ? g_strdup (found->token) : g_strdup ("none");
}

#define assert_token(url, wanted) G_STMT_START { \
  g_autofree char *found_ = token_of (url); \
  g_assert_cmpstr (found_, ==, wanted); \
} G_STMT_END

static void
test_none (void)
{
  assert_token (NULL, "none");
  assert_token ("http://127.0.0.1:8470", "none");
}

static void
test_store (void)
{
  g_autoptr (PmssCredentials) found = NULL;

  store ("http://127.0.0.1:8470", "ann", "one", "2999-01-01T00:00:00Z");
  store ("http://[::1]:8470", "bob", "two", "2999-01-01T00:00:00Z");
  store ("https://pmss.example:443/", "cyd", "three", NULL);
  assert_token ("http://127.0.0.1:8470", "one");
  assert_token ("http://127.0.0.1:8470/", "one");
  assert_token ("http://[::1]:8470", "two");
  assert_token ("https://pmss.example:443", "three");
  assert_token ("http://127.0.0.1:8471", "none");
  /* the last one is the default */
  assert_token (NULL, "three");
  store ("http://127.0.0.1:8470", "ann", "four", "2999-01-01T00:00:00Z");
  found = pmss_credentials_load (NULL, NULL);
  g_assert_cmpstr (found->url, ==, "http://127.0.0.1:8470");
  g_assert_cmpstr (found->user, ==, "ann");
  g_assert_cmpstr (found->token, ==, "four");
  g_assert_cmpstr (found->expires, ==, "2999-01-01T00:00:00Z");
}

static void
test_ca_file (void)
{
  PmssCredentials with = {
    .url = (char *) "https://pmss.example:8470",.token = (char *) "one",
    .ca_file = (char *) "/etc/ca.pem"
  };
  g_autoptr (PmssCredentials) found = NULL, without = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_credentials_store (&with, &error));
  found = pmss_credentials_load (with.url, &error);
  g_assert_cmpstr (found->ca_file, ==, "/etc/ca.pem");
  with.ca_file = NULL;
  g_assert_true (pmss_credentials_store (&with, &error));
  without = pmss_credentials_load (with.url, &error);
  g_assert_null (without->ca_file);
}

static void
test_modes (void)
{
  g_autofree char *path = file_path ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;
  GStatBuf st;

  store ("http://a:1", "ann", "one", NULL);
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 0777, ==, 0600);
  g_assert_cmpint (g_stat (folder, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 0777, ==, 0700);

  g_assert_cmpint (g_chmod (path, 0640), ==, 0);
  g_assert_null (pmss_credentials_load ("http://a:1", &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_cmpint (g_chmod (path, 0600), ==, 0);
  assert_token ("http://a:1", "one");
}

static void
test_expired (void)
{
  store ("http://old:1", "ann", "one", "2020-01-01T00:00:00Z");
  assert_token ("http://old:1", "one");
  assert_token (NULL, "one");
}

static void
test_forget (void)
{
  g_autoptr (GError) error = NULL;

  store ("http://a:1", "ann", "one", NULL);
  store ("http://b:1", "bob", "two", NULL);
  g_assert_true (pmss_credentials_forget ("http://a:1/", &error));
  assert_token ("http://a:1", "none");
  assert_token (NULL, "two");
  g_assert_true (pmss_credentials_forget ("http://never:1", &error));
  g_assert_true (pmss_credentials_forget (NULL, &error));
  assert_token (NULL, "none");
  assert_token ("http://b:1", "none");
  g_assert_true (pmss_credentials_forget (NULL, &error));
  g_assert_no_error (error);
}

static void
test_garbage (void)
{
  g_autofree char *path = file_path ();
  g_autoptr (GError) error = NULL;

  store ("http://a:1", "ann", "one", NULL);
  g_assert_true (g_file_set_contents_full (path, "no key file\0x", 13,
          G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  g_assert_null (pmss_credentials_load (NULL, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  g_assert_cmpint (g_unlink (path), ==, 0);
  assert_token (NULL, "none");
}

/* As if nothing had ever been stored. */
static void
set_up (void)
{
  g_autofree char *path = file_path ();

  g_unlink (path);
}

#define ADD(name, func) \
  g_test_add_vtable ("/credentials/" name, 0, NULL, \
      (GTestFixtureFunc) set_up, (GTestFixtureFunc) func, \
      (GTestFixtureFunc) set_up)

int
main (int argc, char **argv)
{
  g_autofree char *config = g_dir_make_tmp ("pmss-test-XXXXXX", NULL);
  g_autofree char *folder = g_build_filename (config, "pmss", NULL);
  int result;

  g_setenv ("XDG_CONFIG_HOME", config, TRUE);
  g_test_init (&argc, &argv, NULL);
  ADD ("none", test_none);
  ADD ("store", test_store);
  ADD ("ca-file", test_ca_file);
  ADD ("modes", test_modes);
  ADD ("expired", test_expired);
  ADD ("forget", test_forget);
  ADD ("garbage", test_garbage);
  result = g_test_run ();
  g_rmdir (folder);
  g_rmdir (config);
  return result;
}
