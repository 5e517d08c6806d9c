/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stats.h"

#include <glibtop.h>
#include <glibtop/cpu.h>
#include <glibtop/fsusage.h>
#include <glibtop/mem.h>
#include <glibtop/netlist.h>
#include <glibtop/netload.h>

/* The kernel counts disks in these, whatever their blocks are. */
#define SECTOR 512

/* Counters that only grow. */
typedef struct
{
  gint64 time;
  guint64 cpu_total, cpu_idle;
  guint64 disk_read, disk_write;
  guint64 net_in, net_out;
} Counters;

struct _PmssStats
{
  char *folder;
  gboolean loopback;
  Counters last;
};

static void
count_cards (Counters * now)
{
  glibtop_netlist list;
  char **names = glibtop_get_netlist (&list);

  for (guint i = 0; names && i < list.number; i++) {
    glibtop_netload load;

    glibtop_get_netload (&load, names[i]);
    if (load.if_flags & (1 << GLIBTOP_IF_FLAGS_LOOPBACK))
      continue;
    now->net_in += load.bytes_in;
    now->net_out += load.bytes_out;
  }
  g_strfreev (names);
}

static void
count (PmssStats * stats, const PmssHttpdStats * httpd, Counters * now)
{
  glibtop_cpu cpu;
  glibtop_fsusage disk;

  glibtop_get_cpu (&cpu);
  glibtop_get_fsusage (&disk, stats->folder);
  now->time = g_get_monotonic_time ();
  now->cpu_total = cpu.total;
  now->cpu_idle = cpu.idle + cpu.iowait;
  now->disk_read = disk.read * SECTOR;
  now->disk_write = disk.write * SECTOR;
  if (stats->loopback) {
    now->net_in = httpd->bytes_in;
    now->net_out = httpd->bytes_out;
  } else {
    count_cards (now);
  }
}

PmssStats *
pmss_stats_new (const char *folder, gboolean loopback)
{
  PmssStats *stats = g_new0 (PmssStats, 1);
  PmssHttpdStats none = { 0 };

  glibtop_init ();
  stats->folder = g_strdup (folder);
  stats->loopback = loopback;
  count (stats, &none, &stats->last);
  return stats;
}

void
pmss_stats_free (PmssStats * stats)
{
  glibtop_close ();
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

static double
busy (const Counters * now, const Counters * before)
{
  double total = (double) now->cpu_total - before->cpu_total;
  double idle = (double) now->cpu_idle - before->cpu_idle;

  return total > 0 ? CLAMP (1 - idle / total, 0, 1) : 0;
}

static void
add (JsonBuilder * builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

JsonNode *
pmss_stats_sample (PmssStats * stats, const PmssHttpdStats * httpd,
    const PmssStoreUsage * usage, guint64 network_limit)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const Counters before = stats->last;
  Counters now = { 0 };
  glibtop_mem memory;
  gint64 elapsed;

  count (stats, httpd, &now);
  stats->last = now;
  elapsed = now.time - before.time;
  glibtop_get_mem (&memory);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "cpu");
  json_builder_add_double_value (builder, busy (&now, &before));
  add (builder, "memory", memory.user);
  add (builder, "memory_total", memory.total);
  add (builder, "disk_read", rate (now.disk_read, before.disk_read, elapsed));
  add (builder, "disk_write", rate (now.disk_write, before.disk_write,
          elapsed));
  add (builder, "net_in", rate (now.net_in, before.net_in, elapsed));
  add (builder, "net_out", rate (now.net_out, before.net_out, elapsed));
  add (builder, "network_limit", network_limit);
  add (builder, "connections", httpd->connections);
  add (builder, "used", usage->used);
  add (builder, "free", usage->free);
  add (builder, "shards", usage->shards);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}
