/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The figures of heartbeats, of a machine that a folder shows. */
#include "server/monitor/stats.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "server/monitor/machine-metrics.h"

#define SECOND G_USEC_PER_SEC
#define START (1000 * SECOND)

typedef struct
{
  char *root;
  PmssMachine *machine;
  PmssStats *stats;
  PmssStatsInput input;
  PmssScrubStats scrub;
} Fixture;

static void
show (Fixture * f, const char *path, const char *text)
{
  g_autofree char *name = g_strconcat (f->root, path, NULL);
  g_autofree char *folder = g_path_get_dirname (name);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (name, text, -1, NULL));
}

static void
show_first (Fixture * f)
{
  show (f, "/proc/stat", "cpu 100 0 100 1000 100 0 0 0\ncpu0 1\ncpu1 1\n");
  show (f, "/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 400 kB\n"
      "Cached: 300 kB\n");
  show (f, "/proc/self/stat", "1 (a) S 2 3 4 -1 -1 6 7 8 9 10 100 0 0 0 20 0 4 "
      "0 5 600 7 8 9\n");
  show (f, "/proc/net/dev", "lo: 9 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0\n"
      "eth0: 1000 0 0 0 0 0 0 0 5000 0 0 0 0 0 0 0\n");
  show (f, "/sys/class/net/eth0/speed", "1000\n");
  show (f, "/sys/dev/block/8:1/stat", "10 0 100 50 20 0 200 60 0 400 500\n");
  show (f, "/sys/dev/block/8:1/uevent", "DEVNAME=sda1\n");
}

/* One second later. */
static void
show_second (Fixture * f)
{
  show (f, "/proc/stat", "cpu 150 0 100 1050 100 0 0 0\ncpu0 1\ncpu1 1\n");
  show (f, "/proc/self/stat", "1 (a) S 2 3 4 -1 -1 6 7 8 9 10 150 0 0 0 20 0 4 "
      "0 5 600 7 8 9\n");
  show (f, "/proc/net/dev", "lo: 9 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0\n"
      "eth0: 1700 0 1 0 0 0 0 0 9000 0 0 0 0 0 0 0\n");
  show (f, "/sys/dev/block/8:1/stat", "14 0 104 70 20 0 200 60 0 650 900\n");
}

static void
setup (Fixture * f, gconstpointer loopback)
{
  f->root = g_dir_make_tmp ("pmss-stats-XXXXXX", NULL);
  show_first (f);
  f->machine = pmss_machine_new (f->root, "/srv/data", makedev (8, 1));
  f->stats = pmss_stats_new (f->machine, loopback != NULL, START);
  f->scrub = (PmssScrubStats) {
  .bytes = 500,.bad = 2,.progress = 0.25};
  f->input = (PmssStatsInput) {
    .now = START + SECOND,.httpd = {.connections = 3,.requests = 9,.bytes_in =
          70,.bytes_out = 80
  },.usage =
        { TRUE, 4, 5000, 6000, 70000, 8000 },.reads = { 11, 12, 13 },.scrub =
        &f->scrub,.network_limit = 1000000,.certificate = 1900000000,};
}

static void
teardown (Fixture * f, gconstpointer unused)
{
  const char *const words[] = { "rm", "-r", f->root, NULL };

  pmss_stats_free (f->stats);
  pmss_machine_free (f->machine);
  g_assert_true (g_spawn_sync (NULL, (char **) words, NULL,
          G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
  g_free (f->root);
}

/* The text: as it goes over the network. */
static JsonObject *
sample (Fixture * f)
{
  g_autoptr (JsonNode) node = pmss_stats_sample (f->stats, &f->input);
  g_autofree char *text = json_to_string (node, FALSE);
  g_autoptr (JsonNode) parsed = json_from_string (text, NULL);

  g_assert_nonnull (parsed);
  g_assert_null (g_strstr_len (text, -1, "nan"));
  g_assert_null (g_strstr_len (text, -1, "inf"));
  return json_object_ref (json_node_get_object (parsed));
}

static double
number (JsonObject * object, const char *name)
{
  g_assert_true (json_object_has_member (object, name));
  return json_object_get_double_member (object, name);
}

static JsonObject *
only (JsonObject * object, const char *name)
{
  JsonArray *array = json_object_get_array_member (object, name);

  g_assert_cmpuint (json_array_get_length (array), ==, 1);
  return json_array_get_object_element (array, 0);
}

static void
check_machine (JsonObject * stats)
{
  JsonObject *states = json_object_get_object_member (stats, "cpu_states");

  g_assert_cmpfloat (number (stats, "cpu"), ==, 0.5);
  g_assert_cmpfloat (number (states, "user"), ==, 0.5);
  g_assert_cmpfloat (number (states, "system"), ==, 0);
  g_assert_cmpfloat (number (states, "iowait"), ==, 0);
  g_assert_cmpfloat (number (states, "irq"), ==, 0);
  g_assert_cmpfloat (number (states, "steal"), ==, 0);
  g_assert_cmpfloat (number (stats, "processors"), ==, 2);
  g_assert_cmpfloat (number (stats, "memory"), ==, 600 * 1024);
  g_assert_cmpfloat (number (stats, "memory_total"), ==, 1000 * 1024);
  g_assert_cmpfloat (number (stats, "memory_cached"), ==, 300 * 1024);
  g_assert_cmpfloat (number (stats, "process_memory"), >=, 7 * 4096);
  g_assert_cmpfloat (number (stats, "process_cpu"), ==, 0.5);
}

static void
check_disk (JsonObject * stats)
{
  JsonObject *disk = only (stats, "disks");

  g_assert_cmpstr (json_object_get_string_member (disk, "folder"), ==,
      "/srv/data");
  g_assert_cmpstr (json_object_get_string_member (disk, "device"), ==, "sda1");
  g_assert_cmpfloat (number (disk, "total"), ==, 70000);
  g_assert_cmpfloat (number (disk, "free"), ==, 8000);
  g_assert_cmpfloat (number (disk, "read"), ==, 4 * 512);
  g_assert_cmpfloat (number (disk, "write"), ==, 0);
  g_assert_cmpfloat (number (disk, "reads"), ==, 4);
  g_assert_cmpfloat (number (disk, "writes"), ==, 0);
  g_assert_cmpfloat (number (disk, "latency"), ==, 0.005);
  g_assert_cmpfloat (number (disk, "busy"), ==, 0.25);
  g_assert_cmpfloat (number (stats, "disk_read"), ==, 4 * 512);
  g_assert_cmpfloat (number (stats, "disk_write"), ==, 0);
}

static void
check_server (JsonObject * stats)
{
  JsonObject *scrub = json_object_get_object_member (stats, "scrub");

  g_assert_cmpfloat (number (stats, "network_limit"), ==, 1000000);
  g_assert_cmpfloat (number (stats, "connections"), ==, 3);
  g_assert_cmpfloat (number (stats, "requests"), ==, 9);
  g_assert_cmpfloat (number (stats, "sent"), ==, 80);
  g_assert_cmpfloat (number (stats, "cache_hits"), ==, 11);
  g_assert_cmpfloat (number (stats, "cache_misses"), ==, 12);
  g_assert_cmpfloat (number (stats, "late"), ==, 13);
  g_assert_cmpfloat (number (stats, "used"), ==, 5000);
  g_assert_cmpfloat (number (stats, "free"), ==, 6000);
  g_assert_cmpfloat (number (stats, "shards"), ==, 4);
  g_assert_cmpfloat (number (stats, "certificate"), ==, 1900000000);
  g_assert_cmpfloat (number (scrub, "progress"), ==, 0.25);
  g_assert_cmpfloat (number (scrub, "rate"), ==, 500);
  g_assert_cmpfloat (number (scrub, "bad"), ==, 2);
}

static void
test_all (Fixture * f, gconstpointer unused)
{
  g_autoptr (JsonObject) stats = NULL;
  JsonObject *card;

  show_second (f);
  stats = sample (f);
  check_machine (stats);
  check_disk (stats);
  check_server (stats);
  card = only (stats, "interfaces");
  g_assert_cmpstr (json_object_get_string_member (card, "name"), ==, "eth0");
  g_assert_cmpfloat (number (card, "speed"), ==, 1e9);
  g_assert_cmpfloat (number (card, "in"), ==, 700);
  g_assert_cmpfloat (number (card, "out"), ==, 4000);
  g_assert_cmpfloat (number (card, "errors"), ==, 1);
  g_assert_cmpfloat (number (stats, "net_in"), ==, 700);
  g_assert_cmpfloat (number (stats, "net_out"), ==, 4000);
}

/* No card sees what a server on loopback sends. */
static void
test_loopback (Fixture * f, gconstpointer unused)
{
  g_autoptr (JsonObject) stats = NULL;

  show_second (f);
  stats = sample (f);
  g_assert_cmpfloat (number (stats, "net_in"), ==, 70);
  g_assert_cmpfloat (number (stats, "net_out"), ==, 80);
  g_assert_cmpfloat (number (only (stats, "interfaces"), "in"), ==, 700);
}

/* A heartbeat at once after another: the rates of the last interval. */
static void
test_at_once (Fixture * f, gconstpointer unused)
{
  g_autoptr (JsonObject) first = NULL;
  g_autoptr (JsonObject) second = NULL;
  g_autoptr (JsonObject) third = NULL;
  g_autoptr (JsonObject) fourth = NULL;

  f->input.now = START + SECOND / 10;
  first = sample (f);
  g_assert_false (json_object_has_member (first, "cpu"));
  g_assert_false (json_object_has_member (first, "requests"));
  g_assert_false (json_object_has_member (only (first, "interfaces"), "in"));
  g_assert_cmpfloat (number (first, "memory"), ==, 600 * 1024);
  show_second (f);
  f->input.now = START + SECOND;
  second = sample (f);
  g_assert_cmpfloat (number (second, "cpu"), ==, 0.5);
  show (f, "/proc/stat", "cpu 160 0 100 1050 100 0 0 0\ncpu0 1\ncpu1 1\n");
  f->input.now += SECOND / 2 - 1;
  f->input.httpd.connections = 4;
  third = sample (f);
  g_assert_cmpfloat (number (third, "cpu"), ==, 0.5);
  g_assert_cmpfloat (number (third, "net_in"), ==, 700);
  g_assert_cmpfloat (number (third, "connections"), ==, 4);
  /* the time in between is not lost */
  show (f, "/proc/stat", "cpu 160 0 100 1090 100 0 0 0\ncpu0 1\ncpu1 1\n");
  f->input.now += SECOND / 2 + 1;
  fourth = sample (f);
  g_assert_cmpfloat_with_epsilon (number (fourth, "cpu"), 0.2, 1e-9);
  g_assert_cmpfloat (number (fourth, "net_in"), ==, 0);
}

/* A container that shows nothing, a server without scrub and TLS. */
static void
test_nothing (Fixture * f, gconstpointer unused)
{
  static const char *const absent[] = {
    "cpu", "cpu_states", "processors", "memory", "memory_total",
    "memory_cached", "process_memory", "process_cpu", "disk_read", "disk_write",
    "interfaces", "net_in", "net_out", "network_limit", "scrub", "certificate"
  };
  g_autoptr (PmssMachine) machine = pmss_machine_new ("/no/such/root",
      "/srv/data", 0);
  g_autoptr (JsonObject) stats = NULL;

  pmss_stats_free (f->stats);
  f->stats = pmss_stats_new (machine, FALSE, START);
  f->input.network_limit = f->input.certificate = 0;
  f->input.scrub = NULL;
  f->input.usage.disk_total = 0;
  stats = sample (f);
  for (guint i = 0; i < G_N_ELEMENTS (absent); i++)
    g_assert_false (json_object_has_member (stats, absent[i]));
  g_assert_cmpuint (json_object_get_size (only (stats, "disks")), ==, 1);
  g_assert_cmpfloat (number (stats, "requests"), ==, 9);
}

/* A card that comes is listed at once, and measured from then on. */
static void
test_new_card (Fixture * f, gconstpointer unused)
{
  g_autoptr (JsonObject) stats = NULL;
  JsonArray *cards;
  JsonObject *card;

  show (f, "/proc/net/dev", "eth0: 1700 0 1 0 0 0 0 0 9000 0 0 0 0 0 0 0\n"
      "eth1: 900000 0 1 0 0 0 0 0 9000 0 0 0 0 0 0 0\n");
  stats = sample (f);
  cards = json_object_get_array_member (stats, "interfaces");
  g_assert_cmpuint (json_array_get_length (cards), ==, 2);
  card = json_array_get_object_element (cards, 1);
  g_assert_cmpstr (json_object_get_string_member (card, "name"), ==, "eth1");
  g_assert_cmpuint (json_object_get_size (card), ==, 1);
  g_assert_cmpfloat (number (stats, "net_in"), ==, 700);
}

static void
assert_line (const char *text, const char *line)
{
  g_autofree char *whole = g_strconcat ("\n", line, "\n", NULL);

  if (strstr (text, whole) == NULL)
    g_error ("“%s” is not in %s", line, text);
}

static void
test_metrics (Fixture * f, gconstpointer unused)
{
  PmssMetrics *metrics = pmss_metrics_new ("x_");
  g_autofree char *text = NULL;

  show_second (f);
  pmss_machine_add_metrics (f->machine, metrics);
  text = pmss_metrics_finish (metrics);
  assert_line (text, "x_cpu_seconds_total{mode=\"user\"} 1.5000");
  assert_line (text, "x_cpu_seconds_total{mode=\"idle\"} 10.5000");
  assert_line (text, "x_processors 2");
  assert_line (text, "x_memory_total_bytes 1024000");
  assert_line (text, "x_memory_available_bytes 409600");
  assert_line (text, "x_memory_cached_bytes 307200");
  assert_line (text, "x_process_cpu_seconds_total 1.5000");
  assert_line (text, "x_disk_reads_completed_total{device=\"sda1\"} 14");
  assert_line (text, "x_disk_read_bytes_total{device=\"sda1\"} 53248");
  assert_line (text, "x_disk_read_time_seconds_total{device=\"sda1\"} 0.0700");
  assert_line (text, "x_disk_written_bytes_total{device=\"sda1\"} 102400");
  assert_line (text, "x_disk_io_time_seconds_total{device=\"sda1\"} 0.6500");
  assert_line (text, "x_network_receive_bytes_total{device=\"eth0\"} 1700");
  assert_line (text, "x_network_receive_errs_total{device=\"eth0\"} 1");
  assert_line (text, "x_network_transmit_bytes_total{device=\"eth0\"} 9000");
  assert_line (text, "x_network_speed_bytes{device=\"eth0\"} 125000000");
}

static void
test_no_metrics (Fixture * f, gconstpointer unused)
{
  g_autoptr (PmssMachine) machine = pmss_machine_new ("/no/such/root", "/", 0);
  PmssMetrics *metrics = pmss_metrics_new ("x_");
  g_autofree char *text = NULL;

  pmss_machine_add_metrics (machine, metrics);
  text = pmss_metrics_finish (metrics);
  g_assert_cmpstr (text, ==, "");
}

int
main (int argc, char **argv)
{
  const struct
  {
    const char *path;
    void (*run) (Fixture *, gconstpointer);
    gconstpointer loopback;
  } tests[] = {
    {"/stats/all", test_all, NULL},
    {"/stats/loopback", test_loopback, "yes"},
    {"/stats/at-once", test_at_once, NULL},
    {"/stats/nothing", test_nothing, NULL},
    {"/stats/new-card", test_new_card, NULL},
    {"/stats/metrics", test_metrics, NULL},
    {"/stats/no-metrics", test_no_metrics, NULL},
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, tests[i].loopback, setup, tests[i].run,
        teardown);
  return g_test_run ();
}
