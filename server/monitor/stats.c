/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The figures of heartbeats. On the main thread. */
#include "stats.h"

#include <math.h>

#include "rates.h"

#define LEAST_INTERVAL (G_USEC_PER_SEC / 2)
/* Asking for a link's speed may talk to its card. */
#define LOOK_EACH (10 * G_USEC_PER_SEC)

typedef struct
{
  char name[PMSS_INTERFACE_NAME_SIZE];
  guint64 speed;                /* bit/s; 0: not known */
} Link;

struct _PmssStats
{
  const PmssMachine *machine;
  gboolean loopback;
  PmssCounters before;          /* at the begin of the next interval */
  PmssRates rates;              /* of the last one */
  Link links[PMSS_MAX_TOLD_INTERFACES];
  guint n_links;
  gint64 looked;                /* monotonic us: when at the links; 0: never */
};

PmssStats *
pmss_stats_new (const PmssMachine * machine, gboolean loopback, gint64 now)
{
  PmssStats *stats = g_new0 (PmssStats, 1);

  stats->machine = machine;
  stats->loopback = loopback;
  stats->before.time = now;
  pmss_machine_count (machine, &stats->before.machine);
  pmss_rates_clear (&stats->rates);
  return stats;
}

void
pmss_stats_free (PmssStats * stats)
{
  g_free (stats);
}

static void
count (const PmssStats * stats, const PmssStatsInput * input,
    PmssCounters * now)
{
  now->time = input->now;
  pmss_machine_count (stats->machine, &now->machine);
  now->server = (PmssServerCounters) {
  .bytes_in = input->httpd.bytes_in,.bytes_out =
        input->httpd.bytes_out,.requests = input->httpd.requests,.cache_hits =
        input->reads.hits,.cache_misses = input->reads.misses,.late =
        input->reads.late,.scrubbed =
        input->scrub != NULL ? input->scrub->bytes : 0,};
}

/* --- links --- */

static gboolean
knows_all_links (const PmssStats * stats, const PmssNetwork * network, guint n)
{
  if (stats->n_links != n)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!g_str_equal (stats->links[i].name, network->interfaces[i].name))
      return FALSE;
  return TRUE;
}

static void
look_at_links (PmssStats * stats, const PmssNetwork * network, gint64 now)
{
  guint n = MIN (network->n, PMSS_MAX_TOLD_INTERFACES);

  if (stats->looked != 0 && now - stats->looked < LOOK_EACH
      && knows_all_links (stats, network, n))
    return;
  stats->looked = now;
  stats->n_links = n;
  for (guint i = 0; i < n; i++) {
    Link *link = &stats->links[i];

    g_strlcpy (link->name, network->interfaces[i].name, sizeof link->name);
    if (!pmss_machine_get_speed (stats->machine, link->name, &link->speed))
      link->speed = 0;
  }
}

/* --- as JSON --- */

static void
add_number (JsonBuilder * builder, const char *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, MIN (value, G_MAXINT64));
}

/* What is not known is left out. */
static void
add_real (JsonBuilder * builder, const char *name, double value)
{
  if (!isfinite (value))
    return;
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, value);
}

static void
add_bytes (JsonBuilder * builder, const char *name, double value)
{
  if (isfinite (value))
    add_number (builder, name, value < G_MAXINT64 ? value : G_MAXINT64);
}

static void
add_text (JsonBuilder * builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_processors (JsonBuilder * builder, const PmssProcessors * processors,
    const PmssRates * rates)
{
  if (processors->number > 0)
    add_number (builder, "processors", processors->number);
  if (!isfinite (rates->cpu))
    return;
  add_real (builder, "cpu", rates->cpu);
  json_builder_set_member_name (builder, "cpu_states");
  json_builder_begin_object (builder);
  add_real (builder, "user", rates->user);
  add_real (builder, "system", rates->system);
  add_real (builder, "iowait", rates->iowait);
  add_real (builder, "irq", rates->irq);
  add_real (builder, "steal", rates->steal);
  json_builder_end_object (builder);
}

static void
add_memory (JsonBuilder * builder, const PmssMemory * memory,
    const PmssProcess * process, const PmssRates * rates)
{
  if (memory->known) {
    add_number (builder, "memory", memory->total - memory->available);
    add_number (builder, "memory_total", memory->total);
  }
  if (memory->cached_known)
    add_number (builder, "memory_cached", memory->cached);
  if (process->known)
    add_number (builder, "process_memory", process->resident);
  add_real (builder, "process_cpu", rates->process_cpu);
}

static void
add_disk (JsonBuilder * builder, const PmssMachine * machine,
    const PmssStoreUsage * usage, const PmssRates * rates)
{
  const char *device = pmss_machine_get_device (machine);

  json_builder_begin_object (builder);
  add_text (builder, "folder", pmss_machine_get_folder (machine));
  if (device != NULL)
    add_text (builder, "device", device);
  if (usage->disk_total > 0) {
    add_number (builder, "total", usage->disk_total);
    add_number (builder, "free", usage->disk_free);
  }
  add_bytes (builder, "read", rates->disk_read);
  add_bytes (builder, "write", rates->disk_write);
  add_real (builder, "reads", rates->disk_reads);
  add_real (builder, "writes", rates->disk_writes);
  add_real (builder, "latency", rates->disk_latency);
  add_real (builder, "busy", rates->disk_busy);
  json_builder_end_object (builder);
}

/* A server has one data folder. */
static void
add_disks (JsonBuilder * builder, const PmssMachine * machine,
    const PmssStoreUsage * usage, const PmssRates * rates)
{
  json_builder_set_member_name (builder, "disks");
  json_builder_begin_array (builder);
  add_disk (builder, machine, usage, rates);
  json_builder_end_array (builder);
  add_bytes (builder, "disk_read", rates->disk_read);
  add_bytes (builder, "disk_write", rates->disk_write);
}

static void
add_interface (JsonBuilder * builder, const Link * link,
    const PmssInterfaceRates * rates)
{
  json_builder_begin_object (builder);
  add_text (builder, "name", link->name);
  if (link->speed > 0)
    add_number (builder, "speed", link->speed);
  if (rates != NULL) {
    add_bytes (builder, "in", rates->in);
    add_bytes (builder, "out", rates->out);
    add_real (builder, "errors", rates->errors);
  }
  json_builder_end_object (builder);
}

static void
add_network (JsonBuilder * builder, PmssStats * stats,
    const PmssStatsInput * input, const PmssNetwork * network)
{
  const PmssRates *rates = &stats->rates;

  if (network->known) {
    look_at_links (stats, network, input->now);
    json_builder_set_member_name (builder, "interfaces");
    json_builder_begin_array (builder);
    for (guint i = 0; i < stats->n_links; i++)
      add_interface (builder, &stats->links[i],
          pmss_rates_find_interface (rates, stats->links[i].name));
    json_builder_end_array (builder);
  }
  add_bytes (builder, "net_in", stats->loopback ? rates->own_in
      : rates->net_in);
  add_bytes (builder, "net_out", stats->loopback ? rates->own_out
      : rates->net_out);
  if (input->network_limit > 0)
    add_number (builder, "network_limit", input->network_limit);
}

static void
add_server (JsonBuilder * builder, const PmssStatsInput * input,
    const PmssRates * rates)
{
  add_number (builder, "connections", input->httpd.connections);
  add_real (builder, "requests", rates->requests);
  add_bytes (builder, "sent", rates->own_out);
  add_real (builder, "cache_hits", rates->cache_hits);
  add_real (builder, "cache_misses", rates->cache_misses);
  add_real (builder, "late", rates->late);
  add_number (builder, "used", input->usage.used);
  add_number (builder, "free", input->usage.free);
  add_number (builder, "shards", input->usage.shards);
  if (input->certificate > 0)
    add_number (builder, "certificate", input->certificate);
}

static void
add_scrub (JsonBuilder * builder, const PmssScrubStats * scrub,
    const PmssRates * rates)
{
  json_builder_set_member_name (builder, "scrub");
  json_builder_begin_object (builder);
  add_real (builder, "progress", scrub->progress);
  add_bytes (builder, "rate", rates->scrub);
  add_number (builder, "bad", scrub->bad);
  json_builder_end_object (builder);
}

JsonNode *
pmss_stats_sample (PmssStats * stats, const PmssStatsInput * input)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  PmssCounters now;

  count (stats, input, &now);
  if (now.time - stats->before.time >= LEAST_INTERVAL) {
    pmss_rates_compute (&stats->before, &now, &stats->rates);
    stats->before = now;
  }
  json_builder_begin_object (builder);
  add_processors (builder, &now.machine.processors, &stats->rates);
  add_memory (builder, &now.machine.memory, &now.machine.process,
      &stats->rates);
  add_disks (builder, stats->machine, &input->usage, &stats->rates);
  add_network (builder, stats, input, &now.machine.network);
  add_server (builder, input, &stats->rates);
  if (input->scrub != NULL)
    add_scrub (builder, input->scrub, &stats->rates);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}
