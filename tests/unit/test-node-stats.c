/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which figures of a heartbeat are believed. */
#include "control/nodes/node-stats.h"

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

/* As a storage server sends them. */
static const char all[] = "{\"cpu\":0.25,\"processors\":8,"
    "\"cpu_states\":{\"user\":0.1,\"system\":0.05,\"iowait\":0.06,\"irq\":0.01,"
    "\"steal\":0.03},\"memory\":1000,\"memory_total\":4000,"
    "\"memory_cached\":500,\"process_memory\":90,\"process_cpu\":1.5,"
    "\"disk_read\":10.5,\"disk_write\":11,\"net_in\":12,\"net_out\":13,"
    "\"network_limit\":1000000000,\"connections\":3,\"requests\":4.5,"
    "\"sent\":14,\"cache_hits\":5,\"cache_misses\":6,\"late\":0,"
    "\"used\":15,\"free\":16,\"shards\":17,\"certificate\":1796069041,"
    "\"scrub\":{\"progress\":0.5,\"rate\":18,\"bad\":19},"
    "\"disks\":[{\"folder\":\"/srv/a\",\"device\":\"8:1\",\"total\":20,"
    "\"free\":21,\"read\":22,\"write\":23,\"reads\":24,\"writes\":25,"
    "\"latency\":0.01,\"busy\":0.9},{\"folder\":\"/srv/b\",\"total\":1}],"
    "\"interfaces\":[{\"name\":\"eth0\",\"speed\":1000000000,\"in\":26,"
    "\"out\":27,\"errors\":0}]}";

static gboolean
parse (const char *text, PmssNodeStats * stats, GError ** error)
{
  g_autoptr (JsonNode) node = pmss_json_parse (text, strlen (text), error);

  return node != NULL
      && pmss_node_stats_parse (json_node_get_object (node), stats, error);
}

static void
test_all (void)
{
  PmssNodeStats stats;
  g_autoptr (GError) error = NULL;

  g_assert_true (parse (all, &stats, &error));
  g_assert_no_error (error);
  g_assert_cmpfloat (stats.cpu, ==, 0.25);
  g_assert_cmpfloat (stats.cpu_steal, ==, 0.03);
  g_assert_cmpfloat (stats.process_cpu, ==, 1.5);
  g_assert_cmpfloat (stats.network_limit, ==, 1e9);
  g_assert_cmpfloat (stats.scrub_bad, ==, 19);
  g_assert_cmpfloat (stats.certificate, ==, 1796069041);
  g_assert_cmpuint (stats.n_disks, ==, 2);
  g_assert_cmpstr (stats.disks[0].device, ==, "8:1");
  g_assert_cmpfloat (stats.disks[0].latency, ==, 0.01);
  g_assert_cmpstr (stats.disks[1].folder, ==, "/srv/b");
  g_assert_cmpstr (stats.disks[1].device, ==, "");
  g_assert_true (isnan (stats.disks[1].busy));
  g_assert_cmpuint (stats.n_interfaces, ==, 1);
  g_assert_cmpfloat (stats.interfaces[0].out, ==, 27);
}

static char *
write_stats (const PmssNodeStats * stats)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autoptr (GBytes) bytes = NULL;
  gsize size;
  const char *text;

  pmss_node_stats_write (stats, json);
  bytes = pmss_json_writer_finish (json);
  text = g_bytes_get_data (bytes, &size);
  return g_strndup (text, size);
}

/* What is written is what is read. */
static void
test_write (void)
{
  PmssNodeStats stats;
  g_autofree char *first = NULL, *again = NULL;

  g_assert_true (parse (all, &stats, NULL));
  first = write_stats (&stats);
  g_assert_nonnull (strstr (first, "\"memory\":1000,"));
  g_assert_nonnull (strstr (first, "\"device\":null,"));
  g_assert_true (parse (first, &stats, NULL));
  again = write_stats (&stats);
  g_assert_cmpstr (first, ==, again);
}

static void
test_nothing (void)
{
  PmssNodeStats stats;
  g_autofree char *text = NULL;

  memset (&stats, 1, sizeof (stats));
  g_assert_true (parse ("{\"memory\":null,\"from_a_newer_one\":{\"x\":[1]}}",
          &stats, NULL));
  g_assert_true (isnan (stats.cpu) && isnan (stats.cpu_user));
  g_assert_true (isnan (stats.memory) && isnan (stats.scrub_rate));
  g_assert_cmpuint (stats.n_disks + stats.n_interfaces, ==, 0);
  text = write_stats (&stats);
  g_assert_nonnull (strstr (text, "\"cpu\":null,"));
  g_assert_nonnull (strstr (text, "\"disks\":[],\"interfaces\":[]"));
}

/* 0 was the word for it, and sums of shares may be a little more than all. */
static void
test_tolerated (void)
{
  PmssNodeStats stats;

  g_assert_true (parse ("{\"network_limit\":0,\"cpu\":1.0000000001,"
          "\"memory\":5.0}", &stats, NULL));
  g_assert_true (isnan (stats.network_limit));
  g_assert_cmpfloat (stats.cpu, ==, 1);
  g_assert_cmpfloat (stats.memory, ==, 5);
}

static void
refuse (const char *text, const char *named)
{
  PmssNodeStats stats;
  g_autoptr (GError) error = NULL;

  g_assert_false (parse (text, &stats, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  if (strstr (error->message, named) == NULL)
    g_error ("%s: %s", text, error->message);
}

static void
test_refused (void)
{
  static const char *const cases[][2] = {
    {"{\"cpu\":-0.1}", "“cpu”"},
    {"{\"cpu\":1.5}", "“cpu”"},
    {"{\"cpu\":\"much\"}", "“cpu”"},
    {"{\"cpu\":true}", "“cpu”"},
    {"{\"net_out\":1e999}", "net_out"},
    {"{\"net_out\":2e14}", "“net_out”"},
    {"{\"memory\":-1}", "“memory”"},
    {"{\"memory\":1.5}", "“memory”"},
    {"{\"memory\":[]}", "“memory”"},
    {"{\"memory\":1e19}", "“memory”"},
    {"{\"processors\":1000000}", "“processors”"},
    {"{\"network_limit\":1000000000000001}", "“network_limit”"},
    {"{\"certificate\":1e15}", "“certificate”"},
    {"{\"requests\":1e10}", "“requests”"},
    {"{\"cpu_states\":[]}", "“cpu_states”"},
    {"{\"cpu_states\":{\"user\":2}}", "cpu_states: “user”"},
    {"{\"scrub\":{\"bad\":-1}}", "scrub: “bad”"},
    {"{\"disks\":{}}", "“disks”"},
    {"{\"disks\":[1]}", "“disks”"},
    {"{\"disks\":[{}]}", "disks: “folder”"},
    {"{\"disks\":[{\"folder\":\"\"}]}", "“folder”"},
    {"{\"disks\":[{\"folder\":\"a\\u001b[1m\"}]}", "folder"},
    {"{\"disks\":[{\"folder\":\"a\",\"device\":\"b\\nc\"}]}", "device"},
    {"{\"disks\":[{\"folder\":\"a\",\"busy\":1.1}]}", "disks: “busy”"},
    {"{\"disks\":[{\"folder\":\"a\",\"latency\":1e7}]}", "“latency”"},
    {"{\"interfaces\":[{\"name\":\"a\\u202eb\"}]}", "name"},
    {"{\"interfaces\":[{\"name\":7}]}", "“name”"},
    {"{\"interfaces\":[{\"name\":"
          "\"abcdefghijklmnopqrstuvwxyz0123456789\"}]}", "“name”"},
    {"{\"interfaces\":[{\"name\":\"a\",\"errors\":-1}]}",
        "interfaces: “errors”"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    refuse (cases[i][0], cases[i][1]);
}

/* @each: with its number in place of a #. */
static char *
repeat (const char *before, const char *each, guint n, const char *after)
{
  GString *text = g_string_new (before);
  g_auto (GStrv) halves = g_strsplit (each, "#", 2);

  for (guint i = 0; i < n; i++) {
    if (i > 0)
      g_string_append_c (text, ',');
    g_string_append_printf (text, "%s%u%s", halves[0], i, halves[1]);
  }
  g_string_append (text, after);
  return g_string_free (text, FALSE);
}

static void
test_bounds (void)
{
  static const struct
  {
    const char *before, *each, *after;
    guint most;
    const char *named;
  } cases[] = {
    {"{\"disks\":[", "{\"folder\":\"f#\"}", "]}", PMSS_MAX_DISKS, "disks"},
    {"{\"interfaces\":[", "{\"name\":\"i#\"}", "]}", PMSS_MAX_INTERFACES,
        "interfaces"},
    {"{", "\"m#\":1", "}", 64, "stats"},
    {"{\"cpu_states\":{", "\"m#\":1", "}}", 64, "cpu_states"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *most = repeat (cases[i].before, cases[i].each,
        cases[i].most, cases[i].after);
    g_autofree char *over = repeat (cases[i].before, cases[i].each,
        cases[i].most + 1, cases[i].after);
    PmssNodeStats stats;

    g_assert_true (parse (most, &stats, NULL));
    refuse (over, cases[i].named);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/node-stats/all", test_all);
  g_test_add_func ("/node-stats/write", test_write);
  g_test_add_func ("/node-stats/nothing", test_nothing);
  g_test_add_func ("/node-stats/tolerated", test_tolerated);
  g_test_add_func ("/node-stats/refused", test_refused);
  g_test_add_func ("/node-stats/bounds", test_bounds);
  return g_test_run ();
}
