/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rates from counters at two moments. */
#include "server/monitor/rates.h"

#include <math.h>
#include <string.h>

/* Counters of a machine that knows them all, two seconds apart. */
static void
make (PmssCounters * before, PmssCounters * now)
{
  static const guint64 ticks[PMSS_N_CPU_MODES] = {
    10, 10, 20, 100, 30, 5, 5, 20
  };
  PmssMachineCounters *machine = &now->machine;

  memset (before, 0, sizeof *before);
  before->time = G_USEC_PER_SEC;
  before->machine.processors.known = before->machine.process.known = TRUE;
  before->machine.disk.known = before->machine.network.known = TRUE;
  before->machine.network.n = 1;
  strcpy (before->machine.network.interfaces[0].name, "eth0");
  *now = *before;
  now->time = 3 * G_USEC_PER_SEC;
  memcpy (machine->processors.ticks, ticks, sizeof ticks);
  machine->process.cpu = 1;
  machine->disk = (PmssDiskCounters) {
  TRUE, 10, 4000, 900, 30, 8000, 1100, 0, 500, 2000};
  machine->network.interfaces[0].in = 2000;
  machine->network.interfaces[0].out = 6000;
  machine->network.interfaces[0].in_errors = 1;
  machine->network.interfaces[0].in_drops = 2;
  machine->network.interfaces[0].out_errors = 3;
  machine->network.interfaces[0].out_drops = 4;
  now->server = (PmssServerCounters) {
  200, 400, 6, 8, 10, 12, 1000};
}

static void
test_all (void)
{
  PmssCounters before, now;
  PmssRates rates;

  make (&before, &now);
  pmss_rates_compute (&before, &now, &rates);
  g_assert_cmpfloat_with_epsilon (rates.cpu, 0.35, 1e-9);
  g_assert_cmpfloat_with_epsilon (rates.user, 0.1, 1e-9);
  g_assert_cmpfloat_with_epsilon (rates.system, 0.1, 1e-9);
  g_assert_cmpfloat_with_epsilon (rates.iowait, 0.15, 1e-9);
  g_assert_cmpfloat_with_epsilon (rates.irq, 0.05, 1e-9);
  g_assert_cmpfloat_with_epsilon (rates.steal, 0.1, 1e-9);
  g_assert_cmpfloat (rates.process_cpu, ==, 0.5);
  g_assert_cmpfloat (rates.disk_read, ==, 2000);
  g_assert_cmpfloat (rates.disk_write, ==, 4000);
  g_assert_cmpfloat (rates.disk_reads, ==, 5);
  g_assert_cmpfloat (rates.disk_writes, ==, 15);
  g_assert_cmpfloat_with_epsilon (rates.disk_latency, 0.05, 1e-9);
  g_assert_cmpfloat (rates.disk_busy, ==, 0.25);
  g_assert_cmpfloat (rates.net_in, ==, 1000);
  g_assert_cmpfloat (rates.net_out, ==, 3000);
  g_assert_cmpuint (rates.n_interfaces, ==, 1);
  g_assert_cmpfloat (pmss_rates_find_interface (&rates, "eth0")->errors, ==, 5);
  g_assert_null (pmss_rates_find_interface (&rates, "eth1"));
  g_assert_cmpfloat (rates.own_in, ==, 100);
  g_assert_cmpfloat (rates.own_out, ==, 200);
  g_assert_cmpfloat (rates.requests, ==, 3);
  g_assert_cmpfloat (rates.cache_hits, ==, 4);
  g_assert_cmpfloat (rates.cache_misses, ==, 5);
  g_assert_cmpfloat (rates.late, ==, 6);
  g_assert_cmpfloat (rates.scrub, ==, 500);
}

/* A disk without requests has no latency, and one that hangs is busy. */
static void
test_still_disk (void)
{
  PmssCounters before, now;
  PmssRates rates;

  make (&before, &now);
  now.machine.disk = before.machine.disk;
  now.machine.disk.busy_time = 2003;
  pmss_rates_compute (&before, &now, &rates);
  g_assert_cmpfloat (rates.disk_reads, ==, 0);
  g_assert_cmpfloat (rates.disk_read, ==, 0);
  g_assert_true (isnan (rates.disk_latency));
  g_assert_cmpfloat (rates.disk_busy, ==, 1);
}

/* Each counter by itself: the others go on. */
static void
test_backwards (void)
{
  PmssCounters before, now;
  PmssRates rates;

  make (&before, &now);
  before.machine.processors.ticks[PMSS_CPU_IDLE] = 101;
  before.machine.process.cpu = 2;
  before.machine.disk.read_bytes = 4001;
  before.machine.disk.write_time = 1101;
  before.machine.network.interfaces[0].in = 2001;
  before.machine.network.interfaces[0].out_drops = 5;
  before.server.requests = 7;
  pmss_rates_compute (&before, &now, &rates);
  g_assert_true (isnan (rates.cpu) && isnan (rates.user)
      && isnan (rates.steal));
  g_assert_true (isnan (rates.process_cpu));
  g_assert_true (isnan (rates.disk_read) && isnan (rates.disk_latency));
  g_assert_cmpfloat (rates.disk_write, ==, 4000);
  g_assert_true (isnan (rates.net_in) && isnan (rates.interfaces[0].errors));
  g_assert_cmpfloat (rates.net_out, ==, 3000);
  g_assert_true (isnan (rates.requests));
  g_assert_cmpfloat (rates.own_in, ==, 100);
}

/* Kernels take some of it back; the rest is right. */
static void
test_iowait (void)
{
  PmssCounters before, now;
  PmssRates rates;

  make (&before, &now);
  before.machine.processors.ticks[PMSS_CPU_IOWAIT] = 31;
  pmss_rates_compute (&before, &now, &rates);
  g_assert_true (isnan (rates.iowait));
  g_assert_cmpfloat_with_epsilon (rates.cpu, 70 / 170.0, 1e-9);
  g_assert_cmpfloat_with_epsilon (rates.user, 20 / 170.0, 1e-9);
}

/* What a card had counted before it came is no traffic. */
static void
test_cards (void)
{
  PmssCounters before, now;
  PmssNetwork *network = &now.machine.network;
  PmssRates rates;

  make (&before, &now);
  network->n = 2;
  network->interfaces[1] = network->interfaces[0];
  strcpy (network->interfaces[1].name, "eth1");
  pmss_rates_compute (&before, &now, &rates);
  g_assert_cmpfloat (rates.net_in, ==, 1000);
  g_assert_cmpuint (rates.n_interfaces, ==, 1);
  network->n = 0;
  pmss_rates_compute (&before, &now, &rates);
  g_assert_true (isnan (rates.net_in));
}

static void
test_many_cards (void)
{
  PmssCounters before, now;
  PmssRates rates;

  make (&before, &now);
  for (guint i = 0; i < PMSS_MAX_COUNTED_INTERFACES; i++) {
    PmssInterface *interface = &now.machine.network.interfaces[i];

    g_snprintf (interface->name, sizeof interface->name, "veth%u", i);
    before.machine.network.interfaces[i] = *interface;
    before.machine.network.interfaces[i].in = 0;
    interface->in = 20;
  }
  before.machine.network.n = PMSS_MAX_COUNTED_INTERFACES;
  now.machine.network.n = PMSS_MAX_COUNTED_INTERFACES;
  pmss_rates_compute (&before, &now, &rates);
  g_assert_cmpuint (rates.n_interfaces, ==, PMSS_MAX_TOLD_INTERFACES);
  g_assert_cmpfloat (rates.net_in, ==, 10 * PMSS_MAX_COUNTED_INTERFACES);
}

static void
test_unknown (void)
{
  PmssCounters before, now;
  PmssRates rates;

  make (&before, &now);
  memset (&before.machine, 0, sizeof before.machine);
  pmss_rates_compute (&before, &now, &rates);
  g_assert_true (isnan (rates.cpu) && isnan (rates.process_cpu)
      && isnan (rates.disk_read) && isnan (rates.disk_busy)
      && isnan (rates.net_in));
  g_assert_cmpfloat (rates.requests, ==, 3);
  make (&before, &now);
  now.time = before.time;
  pmss_rates_compute (&before, &now, &rates);
  g_assert_true (isnan (rates.cpu) && isnan (rates.requests));
  g_assert_cmpuint (rates.n_interfaces, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rates/all", test_all);
  g_test_add_func ("/rates/still-disk", test_still_disk);
  g_test_add_func ("/rates/backwards", test_backwards);
  g_test_add_func ("/rates/iowait", test_iowait);
  g_test_add_func ("/rates/cards", test_cards);
  g_test_add_func ("/rates/many-cards", test_many_cards);
  g_test_add_func ("/rates/unknown", test_unknown);
  return g_test_run ();
}
