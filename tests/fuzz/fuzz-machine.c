/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel shows of the machine: two looks at it, with a line "----" between them. */

#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "libpmss/pmss-text.h"
#include "server/monitor/rates.h"

#define BETWEEN "\n----\n"

static void
check_network (const PmssNetwork * network)
{
  g_assert_cmpuint (network->n, <=, PMSS_MAX_COUNTED_INTERFACES);
  for (guint i = 0; i < network->n; i++) {
    const char *name = network->interfaces[i].name;

    g_assert_true (name[0] != '\0' && strchr (name, '/') == NULL);
    g_assert_cmpuint (strlen (name), <, PMSS_INTERFACE_NAME_SIZE);
    g_assert_true (pmss_text_check (name, "It", NULL));
  }
}

static void
parse (const char *text, PmssMachineCounters * counters)
{
  pmss_processors_parse (text, &counters->processors);
  pmss_memory_parse (text, &counters->memory);
  pmss_process_parse (text, 4096, 100, &counters->process);
  pmss_disk_parse (text, &counters->disk);
  pmss_network_parse (text, &counters->network);
  g_assert_cmpuint (counters->memory.available, <=,
      counters->memory.known ? counters->memory.total : G_MAXUINT64);
  if (counters->process.known)
    g_assert_true (isfinite (counters->process.cpu));
  check_network (&counters->network);
}

static void
parse_rest (const char *text)
{
  g_autofree char *name = pmss_disk_parse_name (text);
  g_autofree char *source = pmss_disk_parse_source (text, 0, 32);
  guint64 speed;

  if (name != NULL)
    g_assert_cmpuint (strlen (name), <, PMSS_DISK_NAME_SIZE);
  if (source != NULL)
    g_assert_true (source[0] == '/');
  if (pmss_network_parse_speed (text, &speed))
    g_assert_cmpuint (speed, >=, 1000000);
}

static void
check (double rate, double max)
{
  g_assert_true (isnan (rate) || (isfinite (rate) && rate >= 0 && rate <= max));
}

static void
check_rates (const PmssRates * rates)
{
  const double fractions[] = {
    rates->cpu, rates->user, rates->system, rates->iowait, rates->irq,
    rates->steal, rates->disk_busy
  };
  const double others[] = {
    rates->process_cpu, rates->disk_read, rates->disk_write, rates->disk_reads,
    rates->disk_writes, rates->disk_latency, rates->net_in, rates->net_out
  };

  for (guint i = 0; i < G_N_ELEMENTS (fractions); i++)
    check (fractions[i], 1 + 1e-9);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    check (others[i], G_MAXDOUBLE);
  for (guint i = 0; i < rates->n_interfaces; i++) {
    check (rates->interfaces[i].in, G_MAXDOUBLE);
    check (rates->interfaces[i].out, G_MAXDOUBLE);
    check (rates->interfaces[i].errors, G_MAXDOUBLE);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  char *second = strstr (text, BETWEEN);
  PmssCounters before = {.time = 1 }, now = {.time = 1 + G_USEC_PER_SEC / 2 };
  PmssRates rates;

  if (second != NULL)
    *second = '\0';
  parse (text, &before.machine);
  parse_rest (text);
  parse (second != NULL ? second + strlen (BETWEEN) : text, &now.machine);
  pmss_rates_compute (&before, &now, &rates);
  check_rates (&rates);
  return 0;
}
