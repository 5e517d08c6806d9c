/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's counters for /metrics. On a worker of the listener. */
#include "machine-metrics.h"

#include <unistd.h>

static void
add_processors (PmssMetrics * metrics, const PmssProcessors * processors)
{
  double hertz = sysconf (_SC_CLK_TCK);

  if (!processors->known || hertz <= 0)
    return;
  pmss_metrics_family (metrics, "cpu_seconds_total", PMSS_METRIC_COUNTER,
      "Seconds of all processors by what they did");
  for (guint i = 0; i < PMSS_N_CPU_MODES; i++)
    pmss_metrics_add_real (metrics, "mode", pmss_processors_mode_name (i),
        processors->ticks[i] / hertz);
  if (processors->number > 0)
    pmss_metrics_single (metrics, "processors", PMSS_METRIC_GAUGE,
        "Processors that the machine uses", processors->number);
}

static void
add_memory (PmssMetrics * metrics, const PmssMemory * memory)
{
  if (!memory->known)
    return;
  pmss_metrics_single (metrics, "memory_total_bytes", PMSS_METRIC_GAUGE,
      "Bytes of memory", memory->total);
  pmss_metrics_single (metrics, "memory_available_bytes", PMSS_METRIC_GAUGE,
      "Bytes of memory that programs can still get", memory->available);
  if (memory->cached_known)
    pmss_metrics_single (metrics, "memory_cached_bytes", PMSS_METRIC_GAUGE,
        "Bytes of memory that hold what was read from disks", memory->cached);
}

static void
add_process (PmssMetrics * metrics, const PmssProcess * process)
{
  if (!process->known)
    return;
  pmss_metrics_single (metrics, "process_resident_memory_bytes",
      PMSS_METRIC_GAUGE, "Bytes of memory that this server has",
      process->resident);
  pmss_metrics_family (metrics, "process_cpu_seconds_total",
      PMSS_METRIC_COUNTER, "Seconds of processors that this server took");
  pmss_metrics_add_real (metrics, NULL, NULL, process->cpu);
}

static void
add_counted (PmssMetrics * metrics, const char *name, const char *help,
    const char *device, guint64 value)
{
  pmss_metrics_family (metrics, name, PMSS_METRIC_COUNTER, help);
  pmss_metrics_add (metrics, "device", device, value);
}

/* @value: ms */
static void
add_time (PmssMetrics * metrics, const char *name, const char *help,
    const char *device, guint64 value)
{
  pmss_metrics_family (metrics, name, PMSS_METRIC_COUNTER, help);
  pmss_metrics_add_real (metrics, "device", device, value / 1000.0);
}

static void
add_disk (PmssMetrics * metrics, const PmssDiskCounters * disk,
    const char *device)
{
  if (!disk->known || device == NULL)
    return;
  add_counted (metrics, "disk_reads_completed_total",
      "Requests to read of the data folder's disk", device, disk->reads);
  add_counted (metrics, "disk_read_bytes_total", "Bytes read from it", device,
      disk->read_bytes);
  add_time (metrics, "disk_read_time_seconds_total",
      "Seconds that these requests took, all together", device,
      disk->read_time);
  add_counted (metrics, "disk_writes_completed_total", "Requests to write",
      device, disk->writes);
  add_counted (metrics, "disk_written_bytes_total", "Bytes written to it",
      device, disk->written_bytes);
  add_time (metrics, "disk_write_time_seconds_total",
      "Seconds that these requests took, all together", device,
      disk->write_time);
  pmss_metrics_family (metrics, "disk_io_now", PMSS_METRIC_GAUGE,
      "Requests that are under way");
  pmss_metrics_add (metrics, "device", device, disk->pending);
  add_time (metrics, "disk_io_time_seconds_total",
      "Seconds in which there was any", device, disk->busy_time);
  add_time (metrics, "disk_io_time_weighted_seconds_total",
      "The same, each as often as there were requests", device,
      disk->weighted_time);
}

static const struct
{
  const char *name, *help;
  gsize offset;
} network_families[] = {
  {"network_receive_bytes_total", "Bytes received", G_STRUCT_OFFSET
        (PmssInterface, in)},
  {"network_receive_errs_total", "Packets received with errors",
      G_STRUCT_OFFSET (PmssInterface, in_errors)},
  {"network_receive_drop_total", "Packets received and dropped",
      G_STRUCT_OFFSET (PmssInterface, in_drops)},
  {"network_transmit_bytes_total", "Bytes sent", G_STRUCT_OFFSET
        (PmssInterface, out)},
  {"network_transmit_errs_total", "Packets that could not be sent",
      G_STRUCT_OFFSET (PmssInterface, out_errors)},
  {"network_transmit_drop_total", "Packets dropped in place of being sent",
      G_STRUCT_OFFSET (PmssInterface, out_drops)},
};

static void
add_network (PmssMetrics * metrics, const PmssNetwork * network)
{
  for (guint i = 0; i < G_N_ELEMENTS (network_families) && network->n > 0; i++) {
    pmss_metrics_family (metrics, network_families[i].name,
        PMSS_METRIC_COUNTER, network_families[i].help);
    for (guint j = 0; j < network->n; j++)
      pmss_metrics_add (metrics, "device", network->interfaces[j].name,
          G_STRUCT_MEMBER (guint64, &network->interfaces[j],
              network_families[i].offset));
  }
}

/* node_exporter's is in bytes a second, too. */
static void
add_speeds (PmssMetrics * metrics, const PmssMachine * machine,
    const PmssNetwork * network)
{
  gboolean begun = FALSE;
  guint64 speed;

  for (guint i = 0; i < network->n; i++) {
    if (!pmss_machine_get_speed (machine, network->interfaces[i].name, &speed))
      continue;
    if (!begun)
      pmss_metrics_family (metrics, "network_speed_bytes", PMSS_METRIC_GAUGE,
          "Bytes a second that the interface carries");
    begun = TRUE;
    pmss_metrics_add (metrics, "device", network->interfaces[i].name,
        speed / 8);
  }
}

void
pmss_machine_add_metrics (const PmssMachine * machine, PmssMetrics * metrics)
{
  PmssMachineCounters now;

  pmss_machine_count (machine, &now);
  add_processors (metrics, &now.processors);
  add_memory (metrics, &now.memory);
  add_process (metrics, &now.process);
  add_disk (metrics, &now.disk, pmss_machine_get_device (machine));
  add_network (metrics, &now.network);
  add_speeds (metrics, machine, &now.network);
}
