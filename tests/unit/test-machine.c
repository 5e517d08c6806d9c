/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's counters: what kernels show, and what none should. */
#include "server/machine.h"

static void
test_cpu (void)
{
  static const char *const bad[] = { "", "cpu", "cpu 1 2 3 4", "cpu x",
    "intr 5 5 5 5 5 5 5 5", "cpu0 1 2 3 4 5 6 7 8"
  };
  guint64 total, idle;

  g_assert_true (pmss_machine_parse_cpu
      ("cpu  10 20 30 40 5 6 7 8 900 900\ncpu0 1 1 1 1\n", &total, &idle));
  g_assert_cmpuint (total, ==, 126);
  g_assert_cmpuint (idle, ==, 45);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (pmss_machine_parse_cpu (bad[i], &total, &idle));
}

static void
test_memory (void)
{
  static const char *const bad[] = { "", "MemTotal: 5 kB\n", "MemTotal:",
    "MemTotal: 5 kB\nMemAvailable: 6 kB\n",
    "MemTotal: 18446744073709551615 kB\nMemAvailable: 6 kB\n",
    "XMemTotal: 5 kB\nMemAvailable: 4 kB\n"
  };
  guint64 total, used;

  g_assert_true (pmss_machine_parse_memory ("MemTotal:       1000 kB\n"
          "MemFree:  10 kB\nMemAvailable:    400 kB\n", &total, &used));
  g_assert_cmpuint (total, ==, 1024000);
  g_assert_cmpuint (used, ==, 614400);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (pmss_machine_parse_memory (bad[i], &total, &used));
}

static void
test_network (void)
{
  guint64 in, out;

  g_assert_true (pmss_machine_parse_network
      ("Inter-|   Receive          |  Transmit\n"
          " face |bytes    packets errs drop fifo frame compressed multicast|"
          "bytes    packets errs drop fifo colls carrier compressed\n"
          "    lo: 900 1 0 0 0 0 0 0 900 1 0 0 0 0 0 0\n"
          "  eth0: 5 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n"
          "wlan0:50 1 0 0 0 0 0 0 70 1 0 0 0 0 0 0\n", &in, &out));
  g_assert_cmpuint (in, ==, 55);
  g_assert_cmpuint (out, ==, 77);
  g_assert_false (pmss_machine_parse_network ("", &in, &out));
  g_assert_false (pmss_machine_parse_network ("eth0: 5 6\n", &in, &out));
}

static void
test_disk (void)
{
  guint64 read, written;
  g_autofree char *source = NULL;
  const char *mounts = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "36 20 0:32 /data /srv rw,noatime shared:1 master:2 - btrfs /dev/sdb2 "
      "rw\n40 20 0:40 / /proc rw - proc proc rw\n";

  g_assert_true (pmss_machine_parse_disk ("  11 0 22 1 33 0 44 1 0 1 2\n",
          &read, &written));
  g_assert_cmpuint (read, ==, 22 * 512);
  g_assert_cmpuint (written, ==, 44 * 512);
  g_assert_false (pmss_machine_parse_disk ("1 2 3 4 5 6", &read, &written));
  source = pmss_machine_parse_source (mounts, 0, 32);
  g_assert_cmpstr (source, ==, "/dev/sdb2");
  g_assert_null (pmss_machine_parse_source (mounts, 0, 40));
  g_assert_null (pmss_machine_parse_source (mounts, 0, 99));
  g_assert_null (pmss_machine_parse_source ("36 20 0:32", 0, 32));
}

static void
test_speed (void)
{
  /* among them those of drivers that do not know */
  static const char *const bad[] = { "", "-1\n", "0\n", "65535\n",
    "4294967295\n", "99999999999999999999\n", "fast\n"
  };
  guint64 speed;

  g_assert_true (pmss_machine_parse_speed ("1000\n", &speed));
  g_assert_cmpuint (speed, ==, 1000000000);
  g_assert_true (pmss_machine_parse_speed ("10000000\n", &speed));
  g_assert_cmpuint (speed, ==, G_GUINT64_CONSTANT (10000000000000));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (pmss_machine_parse_speed (bad[i], &speed));
}

/* Loopback is an interface without a speed. */
static void
test_interface (void)
{
  g_autoptr (GInetAddress) own = g_inet_address_new_from_string ("127.0.0.1");
  g_autoptr (GInetAddress) none =
      g_inet_address_new_from_string ("203.0.113.77");
  g_autofree char *name = pmss_machine_find_interface (own);
  guint64 speed;

  g_assert_cmpstr (name, ==, "lo");
  g_assert_false (pmss_machine_get_speed (name, &speed));
  g_assert_false (pmss_machine_get_speed ("no-such", &speed));
  g_assert_null (pmss_machine_find_interface (none));
}

/* This machine's, as far as it has them. */
static void
test_here (void)
{
  guint64 first, second;

  g_assert_true (pmss_machine_get_cpu (&first, &second));
  g_assert_cmpuint (first, >=, second);
  g_assert_true (pmss_machine_get_memory (&first, &second));
  g_assert_cmpuint (first, >, second);
  g_assert_true (pmss_machine_get_network (&first, &second));
  g_assert_false (pmss_machine_get_disk ("/no/such/folder", &first, &second));
  g_assert_false (pmss_machine_get_disk ("/proc", &first, &second));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine/cpu", test_cpu);
  g_test_add_func ("/machine/memory", test_memory);
  g_test_add_func ("/machine/network", test_network);
  g_test_add_func ("/machine/disk", test_disk);
  g_test_add_func ("/machine/speed", test_speed);
  g_test_add_func ("/machine/interface", test_interface);
  g_test_add_func ("/machine/here", test_here);
  return g_test_run ();
}
