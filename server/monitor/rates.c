/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rates from counters. Pure; any thread. */
#include "rates.h"

#include <math.h>

#define MS 1000.0               /* in a second */

static double
difference (guint64 before, guint64 now)
{
  return now >= before ? (double) (now - before) : NAN;
}

static double
per_second (guint64 before, guint64 now, double seconds)
{
  return difference (before, now) / seconds;
}

void
pmss_rates_clear (PmssRates * rates)
{
  *rates = (PmssRates) {
  .cpu = NAN,.user = NAN,.system = NAN,.iowait = NAN,.irq = NAN,.steal =
        NAN,.process_cpu = NAN,.disk_read = NAN,.disk_write =
        NAN,.disk_reads = NAN,.disk_writes = NAN,.disk_latency =
        NAN,.disk_busy = NAN,.net_in = NAN,.net_out = NAN,.own_in =
        NAN,.own_out = NAN,.requests = NAN,.cache_hits = NAN,.cache_misses =
        NAN,.late = NAN,.scrub = NAN,};
}

/* The kernel takes back some of what it counted as iowait now and then. That
 * is little. Where another counter goes back the sum is not to be trusted. */
static void
compute_processors (const PmssProcessors * before, const PmssProcessors * now,
    PmssRates * rates)
{
  double ticks[PMSS_N_CPU_MODES], total = 0, waited;

  if (!before->known || !now->known)
    return;
  for (guint i = 0; i < PMSS_N_CPU_MODES; i++)
    ticks[i] = difference (before->ticks[i], now->ticks[i]);
  waited = isnan (ticks[PMSS_CPU_IOWAIT]) ? 0 : ticks[PMSS_CPU_IOWAIT];
  for (guint i = 0; i < PMSS_N_CPU_MODES; i++)
    total += i == PMSS_CPU_IOWAIT ? waited : ticks[i];
  if (isnan (total) || total <= 0)
    return;
  rates->cpu = CLAMP (1 - (ticks[PMSS_CPU_IDLE] + waited) / total, 0, 1);
  rates->user = (ticks[PMSS_CPU_USER] + ticks[PMSS_CPU_NICE]) / total;
  rates->system = ticks[PMSS_CPU_SYSTEM] / total;
  rates->iowait = ticks[PMSS_CPU_IOWAIT] / total;
  rates->irq = (ticks[PMSS_CPU_IRQ] + ticks[PMSS_CPU_SOFTIRQ]) / total;
  rates->steal = ticks[PMSS_CPU_STEAL] / total;
}

static void
compute_disk (const PmssDiskCounters * before, const PmssDiskCounters * now,
    double seconds, PmssRates * rates)
{
  double reads = difference (before->reads, now->reads);
  double writes = difference (before->writes, now->writes);
  double taken = difference (before->read_time, now->read_time)
      + difference (before->write_time, now->write_time);

  if (!before->known || !now->known)
    return;
  rates->disk_read = per_second (before->read_bytes, now->read_bytes, seconds);
  rates->disk_write = per_second (before->written_bytes, now->written_bytes,
      seconds);
  rates->disk_reads = reads / seconds;
  rates->disk_writes = writes / seconds;
  if (reads + writes > 0)
    rates->disk_latency = taken / (reads + writes) / MS;
  rates->disk_busy = MIN (per_second (before->busy_time, now->busy_time,
          seconds) / MS, 1);
}

static void
compute_interface (const PmssInterface * before, const PmssInterface * now,
    double seconds, PmssInterfaceRates * rates)
{
  g_strlcpy (rates->name, now->name, sizeof rates->name);
  rates->in = per_second (before->in, now->in, seconds);
  rates->out = per_second (before->out, now->out, seconds);
  rates->errors = per_second (before->in_errors, now->in_errors, seconds)
      + per_second (before->in_drops, now->in_drops, seconds)
      + per_second (before->out_errors, now->out_errors, seconds)
      + per_second (before->out_drops, now->out_drops, seconds);
}

/* NAN only where nothing is known. */
static void
add (double *sum, double rate)
{
  if (!isnan (rate))
    *sum = isnan (*sum) ? rate : *sum + rate;
}

static void
compute_network (const PmssNetwork * before, const PmssNetwork * now,
    double seconds, PmssRates * rates)
{
  for (guint i = 0; i < now->n; i++) {
    const PmssInterface *old = pmss_network_find (before,
        now->interfaces[i].name);
    PmssInterfaceRates interface;

    if (old == NULL)
      continue;
    compute_interface (old, &now->interfaces[i], seconds, &interface);
    add (&rates->net_in, interface.in);
    add (&rates->net_out, interface.out);
    if (rates->n_interfaces < PMSS_MAX_TOLD_INTERFACES)
      rates->interfaces[rates->n_interfaces++] = interface;
  }
}

static void
compute_server (const PmssServerCounters * before,
    const PmssServerCounters * now, double seconds, PmssRates * rates)
{
  rates->own_in = per_second (before->bytes_in, now->bytes_in, seconds);
  rates->own_out = per_second (before->bytes_out, now->bytes_out, seconds);
  rates->requests = per_second (before->requests, now->requests, seconds);
  rates->cache_hits = per_second (before->cache_hits, now->cache_hits, seconds);
  rates->cache_misses = per_second (before->cache_misses, now->cache_misses,
      seconds);
  rates->late = per_second (before->late, now->late, seconds);
  rates->scrub = per_second (before->scrubbed, now->scrubbed, seconds);
}

void
pmss_rates_compute (const PmssCounters * before, const PmssCounters * now,
    PmssRates * rates)
{
  double seconds = (now->time - before->time) / (double) G_USEC_PER_SEC;
  const PmssProcess *old = &before->machine.process;
  const PmssProcess *process = &now->machine.process;

  pmss_rates_clear (rates);
  if (seconds <= 0)
    return;
  compute_processors (&before->machine.processors, &now->machine.processors,
      rates);
  if (old->known && process->known && process->cpu >= old->cpu)
    rates->process_cpu = (process->cpu - old->cpu) / seconds;
  compute_disk (&before->machine.disk, &now->machine.disk, seconds, rates);
  compute_network (&before->machine.network, &now->machine.network, seconds,
      rates);
  compute_server (&before->server, &now->server, seconds, rates);
}

const PmssInterfaceRates *
pmss_rates_find_interface (const PmssRates * rates, const char *name)
{
  for (guint i = 0; i < rates->n_interfaces; i++)
    if (g_str_equal (rates->interfaces[i].name, name))
      return &rates->interfaces[i];
  return NULL;
}
