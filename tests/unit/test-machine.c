/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's counters: what kernels show, and what none should. */
#include "server/monitor/machine.h"

#include <string.h>
#include <unistd.h>

static void
test_processors (void)
{
  static const char *const bad[] = { "", "cpu", "cpu 1 2 3 4", "cpu x",
    "intr 5 5 5 5 5 5 5 5", "cpu0 1 2 3 4 5 6 7 8", "cpu -1 2 3 4 5 6 7 8"
  };
  PmssProcessors processors;

  g_assert_true (pmss_processors_parse
      ("cpu  10 20 30 40 5 6 7 8 900 900\ncpu0 1 1 1 1\ncpu1 1 1\n"
          "cpufreq 5\nintr 5\ncpu7 1\n", &processors));
  g_assert_cmpuint (processors.number, ==, 2);
  g_assert_cmpuint (processors.ticks[PMSS_CPU_USER], ==, 10);
  g_assert_cmpuint (processors.ticks[PMSS_CPU_NICE], ==, 20);
  g_assert_cmpuint (processors.ticks[PMSS_CPU_SYSTEM], ==, 30);
  g_assert_cmpuint (processors.ticks[PMSS_CPU_IDLE], ==, 40);
  g_assert_cmpuint (processors.ticks[PMSS_CPU_IOWAIT], ==, 5);
  g_assert_cmpuint (processors.ticks[PMSS_CPU_IRQ], ==, 6);
  g_assert_cmpuint (processors.ticks[PMSS_CPU_SOFTIRQ], ==, 7);
  g_assert_cmpuint (processors.ticks[PMSS_CPU_STEAL], ==, 8);
  g_assert_true (pmss_processors_parse ("cpu 1 2 3 4 5", &processors));
  g_assert_cmpuint (processors.number, ==, 0);
  g_assert_cmpuint (processors.ticks[PMSS_CPU_STEAL], ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_false (pmss_processors_parse (bad[i], &processors));
    g_assert_false (processors.known);
  }
}

static void
test_memory (void)
{
  static const char *const bad[] = { "", "MemTotal: 5 kB\n", "MemTotal:",
    "MemTotal: 5 kB\nMemAvailable: 6 kB\n",
    "MemTotal: 18446744073709551615 kB\nMemAvailable: 6 kB\n",
    "XMemTotal: 5 kB\nMemAvailable: 4 kB\n"
  };
  PmssMemory memory;

  g_assert_true (pmss_memory_parse ("MemTotal:       1000 kB\n"
          "MemFree:  10 kB\nMemAvailable:    400 kB\nSwapCached: 7 kB\n"
          "Cached: 300 kB\n", &memory));
  g_assert_cmpuint (memory.total, ==, 1024000);
  g_assert_cmpuint (memory.available, ==, 409600);
  g_assert_true (memory.cached_known);
  g_assert_cmpuint (memory.cached, ==, 307200);
  g_assert_true (pmss_memory_parse ("MemTotal: 5 kB\nMemAvailable: 5 kB\n"
          "Cached: many\n", &memory));
  g_assert_false (memory.cached_known);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_false (pmss_memory_parse (bad[i], &memory));
    g_assert_false (memory.known);
  }
}

/* A program's name may have anything in it. */
static void
test_process (void)
{
  static const char *const bad[] = { "", "1 (a) S", "1 (a", "1 (a)",
    "1 (a) S 2 3 4 -1 -1 6 7 8 9 10 11 x 15 0 0 20 0 4 0 5 600 7 8 9",
    "1 (a) S 2 3 4 -1 -1 6 7 8 9 10 150 50 0 0 20 0 4 0 5 600",
    "1 (a) S 2 3 4 -1 -1 6 7 8 9 10 150 50 0 0 20 0 4 0 5 600 -7 8 9",
    "1 (a) S 2 3 4 -1 5 6 7 8 9 10 150 50 0 0 20 0 4 0 5 600 "
        "18446744073709551615 8"
  };
  PmssProcess process;

  g_assert_true (pmss_process_parse ("12 (pmss) (x 1 2 3) S 2 3 4 -1 -1 6 7 8 "
          "9 10 150 50 0 0 -20 0 4 0 5 600 7 8 9 10\n", 4096, 100, &process));
  g_assert_cmpuint (process.resident, ==, 7 * 4096);
  g_assert_cmpfloat (process.cpu, ==, 2);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_false (pmss_process_parse (bad[i], 4096, 100, &process));
    g_assert_false (process.known);
  }
}

static void
test_network (void)
{
  static const char *const bad[] = { "", "eth0: 5 6\n",
    "a/b: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n", "..: 1 1 1 1 1 1 1 1 1 1 1 1\n",
    ": 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",
    "a-name-of-sixteen: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",
    "e\x1b[m: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",
    "\xff\xfe: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"
  };
  const PmssInterface *card;
  PmssNetwork network;

  g_assert_true (pmss_network_parse
      ("Inter-|   Receive          |  Transmit\n"
          " face |bytes    packets errs drop fifo frame compressed multicast|"
          "bytes    packets errs drop fifo colls carrier compressed\n"
          "    lo: 900 1 0 0 0 0 0 0 900 1 0 0 0 0 0 0\n"
          "  eth0: 5 1 11 12 9 9 9 9 7 1 13 14 9 9 9 9\n"
          "wlan0:50 1 0 0 0 0 0 0 70 1 0 0 0 0 0 0\n", &network));
  g_assert_cmpuint (network.n, ==, 2);
  card = pmss_network_find (&network, "eth0");
  g_assert_cmpuint (card->in, ==, 5);
  g_assert_cmpuint (card->out, ==, 7);
  g_assert_cmpuint (card->in_errors, ==, 11);
  g_assert_cmpuint (card->in_drops, ==, 12);
  g_assert_cmpuint (card->out_errors, ==, 13);
  g_assert_cmpuint (card->out_drops, ==, 14);
  g_assert_cmpuint (pmss_network_find (&network, "wlan0")->out, ==, 70);
  g_assert_null (pmss_network_find (&network, "lo"));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_false (pmss_network_parse (bad[i], &network));
    g_assert_false (network.known);
  }
}

/* More than are counted, and none but loopback. */
static void
test_interfaces (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  PmssNetwork network;

  for (guint i = 0; i < 2 * PMSS_MAX_COUNTED_INTERFACES; i++)
    g_string_append_printf (text, "veth%u: %u 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n",
        i, i);
  g_assert_true (pmss_network_parse (text->str, &network));
  g_assert_cmpuint (network.n, ==, PMSS_MAX_COUNTED_INTERFACES);
  g_assert_true (pmss_network_parse
      ("lo: 9 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n", &network));
  g_assert_cmpuint (network.n, ==, 0);
}

static void
test_disk (void)
{
  static const char *const bad[] = { "", "1 2 3 4 5 6 7 8 9 10",
    "1 2 18446744073709551615 4 5 6 7 8 9 10 11", "1 2 3 4 5 6 7 8 9 10 x"
  };
  PmssDiskCounters disk;

  g_assert_true (pmss_disk_parse
      ("  11 0 22 33 44 0 55 66 7 88 99 1 1 1 1 1 1\n", &disk));
  g_assert_cmpuint (disk.reads, ==, 11);
  g_assert_cmpuint (disk.read_bytes, ==, 22 * 512);
  g_assert_cmpuint (disk.read_time, ==, 33);
  g_assert_cmpuint (disk.writes, ==, 44);
  g_assert_cmpuint (disk.written_bytes, ==, 55 * 512);
  g_assert_cmpuint (disk.write_time, ==, 66);
  g_assert_cmpuint (disk.pending, ==, 7);
  g_assert_cmpuint (disk.busy_time, ==, 88);
  g_assert_cmpuint (disk.weighted_time, ==, 99);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_false (pmss_disk_parse (bad[i], &disk));
    g_assert_false (disk.known);
  }
}

static void
test_device (void)
{
  g_autofree char *name = NULL;
  g_autofree char *source = NULL;
  const char *mounts = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "36 20 0:32 /data /srv rw,noatime shared:1 master:2 - btrfs /dev/sdb2 "
      "rw\n40 20 0:40 / /proc rw - proc proc rw\n";

  source = pmss_disk_parse_source (mounts, 0, 32);
  g_assert_cmpstr (source, ==, "/dev/sdb2");
  g_assert_null (pmss_disk_parse_source (mounts, 0, 40));
  g_assert_null (pmss_disk_parse_source (mounts, 0, 99));
  g_assert_null (pmss_disk_parse_source ("36 20 0:32", 0, 32));
  name = pmss_disk_parse_name ("MAJOR=8\nMINOR=1\nDEVNAME=sda1\nX=1\n");
  g_assert_cmpstr (name, ==, "sda1");
  g_assert_null (pmss_disk_parse_name (""));
  g_assert_null (pmss_disk_parse_name ("DEVNAME=\n"));
  g_assert_null (pmss_disk_parse_name ("DEVNAME=\xff\n"));
  g_assert_null (pmss_disk_parse_name
      ("DEVNAME=0123456789012345678901234567890123456789\n"));
}

static void
test_speed (void)
{
  /* among them those of drivers that do not know */
  static const char *const bad[] = { "", "-1\n", "0\n", "65535\n",
    "4294967295\n", "99999999999999999999\n", "fast\n"
  };
  guint64 speed;

  g_assert_true (pmss_network_parse_speed ("1000\n", &speed));
  g_assert_cmpuint (speed, ==, 1000000000);
  g_assert_true (pmss_network_parse_speed ("10000000\n", &speed));
  g_assert_cmpuint (speed, ==, G_GUINT64_CONSTANT (10000000000000));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (pmss_network_parse_speed (bad[i], &speed));
}

/* Loopback is an interface without a speed. */
static void
test_interface (void)
{
  g_autoptr (GInetAddress) own = g_inet_address_new_from_string ("127.0.0.1");
  g_autoptr (GInetAddress) none =
      g_inet_address_new_from_string ("203.0.113.77");
  g_autofree char *name = pmss_network_find_interface (own);
  guint64 speed;

  g_assert_cmpstr (name, ==, "lo");
  g_assert_false (pmss_network_get_speed ("", name, &speed));
  g_assert_false (pmss_network_get_speed ("", "no-such", &speed));
  g_assert_null (pmss_network_find_interface (none));
}

/* This machine's, as far as it has them. */
static void
test_here (void)
{
  const dev_t device = pmss_disk_find ("", g_get_tmp_dir ());
  g_autoptr (PmssMachine) machine = pmss_machine_new ("", g_get_tmp_dir (),
      device);
  PmssMachineCounters now;

  pmss_machine_count (machine, &now);
  g_assert_true (now.processors.known);
  g_assert_cmpuint (now.processors.number, ==,
      (guint) sysconf (_SC_NPROCESSORS_ONLN));
  g_assert_true (now.memory.known);
  g_assert_true (now.process.known);
  g_assert_cmpuint (now.process.resident, >, 100000);
  g_assert_true (now.network.known);
  g_assert_true (now.disk.known == (pmss_machine_get_device (machine) != NULL));
  g_assert_cmpuint (pmss_disk_find ("", "/no/such/folder"), ==, 0);
  g_assert_cmpuint (pmss_disk_find ("", "/proc"), ==, 0);
}

/* A container that shows nothing. */
static void
test_nowhere (void)
{
  g_autoptr (PmssMachine) machine = pmss_machine_new ("/no/such/root", "/a\xff",
      17);
  PmssMachineCounters now;
  guint64 speed;

  memset (&now, 0xff, sizeof now);
  pmss_machine_count (machine, &now);
  g_assert_false (now.processors.known);
  g_assert_false (now.memory.known);
  g_assert_false (now.process.known);
  g_assert_false (now.network.known);
  g_assert_false (now.disk.known);
  g_assert_null (pmss_machine_get_device (machine));
  g_assert_false (pmss_machine_get_speed (machine, "eth0", &speed));
  g_assert_true (g_utf8_validate (pmss_machine_get_folder (machine), -1, NULL));
}

/* Control takes 95 bytes of clean text. */
static void
test_folder (void)
{
  g_autoptr (GString) path = g_string_new ("/");
  g_autoptr (PmssMachine) machine = NULL;
  g_autoptr (PmssMachine) odd = pmss_machine_new ("", "/a\nb", 0);
  const char *label;

  g_assert_null (strchr (pmss_machine_get_folder (odd), '\n'));
  for (guint i = 0; i < 40; i++)
    g_string_append_printf (path, "é%02u/", i);
  machine = pmss_machine_new ("", path->str, 0);
  label = pmss_machine_get_folder (machine);
  g_assert_cmpuint (strlen (label), <=, 95);
  g_assert_cmpuint (strlen (label), >=, 92);
  g_assert_true (g_utf8_validate (label, -1, NULL));
  g_assert_true (g_str_has_prefix (label, "…"));
  g_assert_true (g_str_has_suffix (label, "é38/é39/"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine/processors", test_processors);
  g_test_add_func ("/machine/memory", test_memory);
  g_test_add_func ("/machine/process", test_process);
  g_test_add_func ("/machine/network", test_network);
  g_test_add_func ("/machine/interfaces", test_interfaces);
  g_test_add_func ("/machine/disk", test_disk);
  g_test_add_func ("/machine/device", test_device);
  g_test_add_func ("/machine/speed", test_speed);
  g_test_add_func ("/machine/interface", test_interface);
  g_test_add_func ("/machine/folder", test_folder);
  g_test_add_func ("/machine/here", test_here);
  g_test_add_func ("/machine/nowhere", test_nowhere);
  return g_test_run ();
}
