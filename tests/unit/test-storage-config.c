/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a storage server makes of its settings, before it starts. */
#include <glib/gstdio.h>
#include <string.h>
#include <sysexits.h>

#include "libpmss/pmss-error.h"
#include "server/config.h"

static GString *said;           /* on stderr */

static void
keep (const char *text)
{
  g_string_append (said, text);
}

/* @arguments: separated by spaces, that are none of theirs. */
static PmssStorageConfig *
load (const char *arguments, int *status)
{
  g_autofree char *line = g_strconcat ("pmss-storage ", arguments, NULL);
  g_auto (GStrv) argv = g_strsplit (g_strchomp (line), " ", -1);
  GPrintFunc before = g_set_printerr_handler (keep);
  PmssStorageConfig *config;

  g_string_truncate (said, 0);
  config = pmss_storage_config_load (g_strv_length (argv), argv, status);
  g_set_printerr_handler (before);
  return config;
}

#define ALONE " --public-key=k --cluster=c --node-id=1"
#define DATA "--data=/d"

static void
test_wrong (void)
{
  static const struct
  {
    const char *arguments;
    int status;
    const char *says;
  } cases[] = {
    {"--nonsense", EX_USAGE, "nonsense"}, {"x", EX_USAGE, "“x”"},
    {"", EX_CONFIG, "data:"},
    {DATA ALONE " --log-level=loud", EX_CONFIG, "loud"},
    {DATA ALONE " --min-free=lots", EX_CONFIG, "min-free: "},
    {DATA ALONE " --min-free=101%", EX_CONFIG, "101%"},
    {DATA ALONE " --min-free=-1%", EX_CONFIG, "-1%"},
    {DATA ALONE " --min-free=%", EX_CONFIG, "min-free: "},
    {DATA ALONE " --min-free=5x%", EX_CONFIG, "5x%"},
    {DATA ALONE " --network-limit=1X", EX_CONFIG, "network-limit: "},
    {DATA ALONE " --max-connections=0", EX_CONFIG, "max-connections: "},
    {DATA ALONE " --max-connections=+1", EX_CONFIG, "max-connections: "},
    {DATA ALONE " --head-timeout=0", EX_CONFIG, "head-timeout: "},
    {DATA ALONE " --min-rate=0", EX_CONFIG, "min-rate: "},
    {DATA ALONE " --min-rate-window=3601", EX_CONFIG, "min-rate-window: "},
    {DATA ALONE " --threads=1025", EX_CONFIG, "threads: "},
    {DATA ALONE " --scrub-period=x", EX_CONFIG, "scrub-period: "},
    {DATA ALONE " --advertise=a..b", EX_CONFIG, "a..b"},
    {DATA ALONE " --advertise=a:b", EX_CONFIG, "advertise: "},
    {DATA ALONE " --zone=\xe4", EX_CONFIG, "zone: the value is not UTF-8"},
    {DATA ALONE " --control=http://h:1", EX_CONFIG, "public-key"},
    {DATA " --control=ftp://host", EX_CONFIG, "control: "},
    {DATA " --control=http://host/api", EX_CONFIG, "path"},
    {DATA " --control=http://u@host", EX_CONFIG, "control: "},
    {DATA " --public-key=k --cluster=c", EX_CONFIG, "node-id"},
    {DATA " --public-key=k --node-id=1", EX_CONFIG, "belong together"},
    {DATA " --cluster=c", EX_CONFIG, "belong together"},
    {DATA ALONE " --tls-certificate=x", EX_CONFIG, "tls-key"},
    {DATA ALONE " --tls-key=x", EX_CONFIG, "tls-certificate"},
    {"--config=/nonexistent", EX_CONFIG, "/nonexistent"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    int status;
    PmssStorageConfig *config = load (cases[i].arguments, &status);

    if (config != NULL || status != cases[i].status || !strstr (said->str,
            cases[i].says))
      g_error ("%s: %d, %s", cases[i].arguments, status, said->str);
    g_assert_true (g_str_has_prefix (said->str, "pmss-storage: "));
  }
}

static void
test_defaults (void)
{
  int status;
  g_autoptr (PmssStorageConfig) config = load (DATA ALONE, &status);

  g_assert_cmpint (status, ==, EX_OK);
  g_assert_cmpstr (said->str, ==, "");
  g_assert_cmpstr (config->listen, ==, "[::]:8471");
  g_assert_cmpstr (config->data, ==, "/d");
  g_assert_cmpstr (config->zone, ==, "");
  g_assert_null (config->advertise.host);
  g_assert_null (config->control);
  g_assert_null (config->metrics_token);
  g_assert_cmpuint (config->reserve.bytes, ==, 1 << 30);
  g_assert_cmpfloat (config->reserve.fraction, ==, 0.05);
  g_assert_cmpuint (config->network_limit, ==, 0);
  g_assert_cmpuint (config->scrub_period, ==, 7 * 86400);
  g_assert_cmpuint (config->max_connections, ==, 8192);
  g_assert_cmpuint (config->head_timeout, ==, 10);
  g_assert_cmpuint (config->node_id, ==, 1);
}

static void
test_values (void)
{
  int status;
  g_autoptr (PmssStorageConfig) config = load ("--data=/d/../e "
      "--control=HTTPS://Control.Example.:9 --advertise=[2001:DB8::1]:5 "
      "--min-free=10MiB --network-limit=1G --zone=Größe --log-level=debug",
      &status);

  g_assert_cmpint (status, ==, EX_OK);
  g_assert_cmpstr (config->data, ==, "/e");
  g_assert_cmpstr (config->control, ==, "https://control.example:9");
  g_assert_cmpstr (config->advertise.host, ==, "2001:db8::1");
  g_assert_cmpuint (config->advertise.port, ==, 5);
  g_assert_cmpuint (config->reserve.bytes, ==, 10 << 20);
  g_assert_cmpfloat (config->reserve.fraction, ==, 0);
  g_assert_cmpuint (config->network_limit, ==, 1000000000);
  g_assert_cmpstr (config->zone, ==, "Größe");
}

static void
test_reserve (void)
{
  PmssStoreReserve reserve;

  g_assert_true (pmss_storage_parse_reserve ("2.5%", &reserve, NULL));
  g_assert_cmpfloat (reserve.fraction, ==, 0.025);
  g_assert_cmpuint (reserve.bytes, ==, 0);
  g_assert_true (pmss_storage_parse_reserve ("100%", &reserve, NULL));
  g_assert_true (pmss_storage_parse_reserve ("0%", &reserve, NULL));
  g_assert_true (pmss_storage_parse_reserve ("0", &reserve, NULL));
  g_assert_true (pmss_storage_parse_reserve ("64 MiB", &reserve, NULL));
  g_assert_cmpuint (reserve.bytes, ==, 64 << 20);
  g_assert_cmpfloat (reserve.fraction, ==, 0);
}

/* With a key file of @text. */
static PmssStorageConfig *
load_file (const char *text, const char *arguments, int *status)
{
  g_autofree char *path = NULL, *line = NULL;
  PmssStorageConfig *config;
  int fd = g_file_open_tmp ("pmss-config-XXXXXX", &path, NULL);

  g_assert_true (g_close (fd, NULL));
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  line = g_strdup_printf ("--config=%s %s", path, arguments);
  config = load (line, status);
  g_unlink (path);
  return config;
}

/* The command line wins, and what is empty is not there. */
static void
test_key_file (void)
{
  int status;
  g_autoptr (PmssStorageConfig) config = load_file ("[storage]\n"
      "listen=127.0.0.1:0\ndata=/f\npublic-key=k\ncluster=c\nnode-id=7\n"
      "min-free=10 MiB\njoin-token=\nzone=\nadvertise=\n", "--node-id=8",
      &status);

  g_assert_cmpstr (said->str, ==, "");
  g_assert_cmpint (status, ==, EX_OK);
  g_assert_cmpstr (config->data, ==, "/f");
  g_assert_cmpuint (config->node_id, ==, 8);
  g_assert_cmpuint (config->reserve.bytes, ==, 10 << 20);
  g_assert_null (config->join_token);
  g_assert_null (config->advertise.host);
}

static void
test_key_file_wrong (void)
{
  static const struct
  {
    const char *text;
    const char *says;
  } cases[] = {
    {"[storage]\nlissen=x\n", "lissen"}, {"[control]\nlisten=x\n", "storage"},
    {"garbage", "pmss-config-"}, {"", "storage"},
    {"[storage]\ndata=/d\nthreads=x\n", "threads: "},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    int status;

    g_assert_null (load_file (cases[i].text, "", &status));
    g_assert_cmpint (status, ==, EX_CONFIG);
    g_assert_nonnull (strstr (said->str, cases[i].says));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  said = g_string_new (NULL);
  g_test_add_func ("/storage-config/wrong", test_wrong);
  g_test_add_func ("/storage-config/defaults", test_defaults);
  g_test_add_func ("/storage-config/values", test_values);
  g_test_add_func ("/storage-config/reserve", test_reserve);
  g_test_add_func ("/storage-config/key-file", test_key_file);
  g_test_add_func ("/storage-config/key-file-wrong", test_key_file_wrong);
  return g_test_run ();
}
