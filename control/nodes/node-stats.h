/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <math.h>

#include "libpmss/pmss-json-writer.h"

G_BEGIN_DECLS

/**
 * PmssNodeStats:
 *
 * The figures that a storage server sends with a heartbeat (docs/monitoring.md). A plain value.
 * Fractions are 0..1, rates bytes/s or 1/s, sizes bytes, times seconds. A figure that the node does
 * not know is PMSS_UNKNOWN: test it with isnan().
 */
#define PMSS_UNKNOWN NAN

#define PMSS_MAX_DISKS 8
#define PMSS_MAX_INTERFACES 16
#define PMSS_FOLDER_SIZE 96     /* of its path, shortened at the beginning */
#define PMSS_DEVICE_SIZE 32

typedef struct
{
  char folder[PMSS_FOLDER_SIZE];
  char device[PMSS_DEVICE_SIZE];        /* "": not known */
  double total, free;           /* of the file system */
  double read, write;           /* bytes/s */
  double reads, writes;         /* 1/s */
  double latency;               /* s, mean of the last interval */
  double busy;                  /* 0..1 */
} PmssDiskStats;

typedef struct
{
  char name[PMSS_DEVICE_SIZE];
  double speed;                 /* bit/s */
  double in, out;               /* bytes/s */
  double errors;                /* errors and drops, 1/s */
} PmssInterfaceStats;

typedef struct
{
  double cpu, cpu_user, cpu_system, cpu_iowait, cpu_irq, cpu_steal;
  double processors;
  double memory, memory_total, memory_cached;
  double process_memory, process_cpu;
  double disk_read, disk_write, net_in, net_out;
  double network_limit;         /* bit/s */
  double connections, requests, sent;
  double cache_hits, cache_misses, late;
  double used, free, shards;
  double scrub_progress, scrub_rate, scrub_bad;
  double certificate;           /* seconds since 1970 at which it ends */
  guint n_disks, n_interfaces;
  PmssDiskStats disks[PMSS_MAX_DISKS];
  PmssInterfaceStats interfaces[PMSS_MAX_INTERFACES];
} PmssNodeStats;

/* All figures PMSS_UNKNOWN, no lists. */
void     pmss_node_stats_clear (PmssNodeStats *stats);
/* Of the member `stats` of a heartbeat. Hostile input: PMSS_ERROR_INVALID names the member whose
 * value no machine has. Pure. */
gboolean pmss_node_stats_parse (JsonObject *object, PmssNodeStats *stats, GError **error);
/* The same as an object, for the API: null where a figure is not known. */
void     pmss_node_stats_write (const PmssNodeStats *stats, PmssJsonWriter *json);

G_END_DECLS
