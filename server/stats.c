/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's load, for heartbeats. On the main thread. */
#include "stats.h"

#include "machine.h"

/* A pair of counters that only grow. */
typedef struct
{
  gboolean known;
  guint64 first, second;
} Pair;

typedef struct
{
  gint64 time;
  Pair cpu;                     /* total, idle */
  Pair disk;                    /* read, written */
  Pair network;                 /* in, out */
} Counters;

struct _PmssStats
{
  char *folder;
  gboolean loopback;
  Counters last;
};

static void
count (PmssStats * stats, const PmssHttpdStats * httpd, Counters * now)
{
  now->time = g_get_monotonic_time ();
  now->cpu.known = pmss_machine_get_cpu (&now->cpu.first, &now->cpu.second);
  now->disk.known = pmss_machine_get_disk (stats->folder, &now->disk.first,
      &now->disk.second);
  if (stats->loopback) {
    now->network.known = TRUE;
    now->network.first = httpd->bytes_in;
    now->network.second = httpd->bytes_out;
  } else {
    now->network.known = pmss_machine_get_network (&now->network.first,
        &now->network.second);
  }
}

PmssStats *
pmss_stats_new (const char *folder, gboolean loopback)
{
  PmssStats *stats = g_new0 (PmssStats, 1);
  PmssHttpdStats none = { 0 };

  stats->folder = g_strdup (folder);
  stats->loopback = loopback;
  count (stats, &none, &stats->last);
  return stats;
}

void
pmss_stats_free (PmssStats * stats)
{
  g_free (stats->folder);
  g_free (stats);
}

/* Counters may go back, as when a card is taken out. */
static gint64
rate (guint64 now, guint64 before, gint64 elapsed)
{
  if (now < before || elapsed <= 0)
    return 0;
  return (now - before) * (double) G_TIME_SPAN_SECOND / elapsed;
}

static void
add_number (JsonBuilder * builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

/* What is not known is left out. */
static void
add_busy (JsonBuilder * builder, const Pair * now, const Pair * before)
{
  double total = (double) now->first - before->first;
  double idle = (double) now->second - before->second;

  if (!now->known || !before->known)
    return;
  json_builder_set_member_name (builder, "cpu");
  json_builder_add_double_value (builder,
      total > 0 ? CLAMP (1 - idle / total, 0, 1) : 0);
}

static void
add_rates (JsonBuilder * builder, const char *first, const char *second,
    const Pair * now, const Pair * before, gint64 elapsed)
{
  if (!now->known || !before->known)
    return;
  add_number (builder, first, rate (now->first, before->first, elapsed));
  add_number (builder, second, rate (now->second, before->second, elapsed));
}

static void
add_memory (JsonBuilder * builder)
{
  guint64 total, used;

  if (!pmss_machine_get_memory (&total, &used))
    return;
  add_number (builder, "memory", used);
  add_number (builder, "memory_total", total);
}

JsonNode *
pmss_stats_sample (PmssStats * stats, const PmssHttpdStats * httpd,
    const PmssStoreUsage * usage, guint64 network_limit)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const Counters before = stats->last;
  Counters now = { 0 };
  gint64 elapsed;

  count (stats, httpd, &now);
  stats->last = now;
  elapsed = now.time - before.time;

  json_builder_begin_object (builder);
  add_busy (builder, &now.cpu, &before.cpu);
  add_memory (builder);
  add_rates (builder, "disk_read", "disk_write", &now.disk, &before.disk,
      elapsed);
  add_rates (builder, "net_in", "net_out", &now.network, &before.network,
      elapsed);
  if (network_limit > 0)
    add_number (builder, "network_limit", network_limit);
  add_number (builder, "connections", httpd->connections);
  add_number (builder, "used", usage->used);
  add_number (builder, "free", usage->free);
  add_number (builder, "shards", usage->shards);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}
