/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page /metrics of a storage server. On a worker of its listener. */
#include "server/api.h"

#include "machine-metrics.h"

static void
add_listener (PmssMetrics * metrics, PmssHttpd * httpd)
{
  PmssHttpdStats stats;

  pmss_httpd_get_stats (httpd, &stats);
  pmss_metrics_single (metrics, "connections", PMSS_METRIC_GAUGE,
      "Open connections", stats.connections);
  pmss_metrics_single (metrics, "strangers", PMSS_METRIC_GAUGE,
      "Of them, those that showed no token", stats.strangers);
  pmss_metrics_single (metrics, "displaced_connections_total",
      PMSS_METRIC_COUNTER,
      "Connections without a token that were closed to make room",
      stats.displaced);
  pmss_metrics_single (metrics, "turned_away_connections_total",
      PMSS_METRIC_COUNTER, "Connections for which there was no place",
      stats.turned_away);
  pmss_metrics_single (metrics, "connections_total", PMSS_METRIC_COUNTER,
      "Accepted connections", stats.accepted);
  pmss_metrics_single (metrics, "requests_total", PMSS_METRIC_COUNTER,
      "Requests", stats.requests);
  pmss_metrics_single (metrics, "malformed_requests_total", PMSS_METRIC_COUNTER,
      "Requests refused before anyone looked at what they want", stats.refused);
  pmss_metrics_single (metrics, "cut_peers_total", PMSS_METRIC_COUNTER,
      "Connections cut because the peer was too slow", stats.cut_slow);
  pmss_metrics_single (metrics, "received_bytes_total", PMSS_METRIC_COUNTER,
      "Bytes received over TCP", stats.bytes_in);
  pmss_metrics_single (metrics, "sent_bytes_total", PMSS_METRIC_COUNTER,
      "Bytes sent over TCP", stats.bytes_out);
  if (pmss_httpd_get_certificate_end (httpd) > 0)
    pmss_metrics_single (metrics, "certificate_end_seconds", PMSS_METRIC_GAUGE,
        "When the TLS certificate ends, since 1970",
        pmss_httpd_get_certificate_end (httpd));
  pmss_metrics_family (metrics, "answers_total", PMSS_METRIC_COUNTER,
      "Answers by status");
  for (guint status = 200; status < 600; status++) {
    guint64 answers = pmss_httpd_get_answers (httpd, status);

    if (answers > 0)
      pmss_metrics_add_numbered (metrics, "status", status, answers);
  }
}

static void
add_scrub (PmssMetrics * metrics, PmssScrub * scrub)
{
  PmssScrubStats stats;

  pmss_scrub_get_stats (scrub, &stats);
  pmss_metrics_single (metrics, "scrub_bytes_total", PMSS_METRIC_COUNTER,
      "Bytes read to see whether they are good", stats.bytes);
  pmss_metrics_single (metrics, "scrub_shards_total", PMSS_METRIC_COUNTER,
      "Shards read through", stats.shards);
  pmss_metrics_single (metrics, "scrub_bad_total", PMSS_METRIC_COUNTER,
      "Shards found damaged or unreadable", stats.bad);
  pmss_metrics_single (metrics, "scrub_pass_start_seconds", PMSS_METRIC_GAUGE,
      "When the pass that reads all shards began, since 1970",
      stats.pass_start);
  pmss_metrics_family (metrics, "scrub_progress", PMSS_METRIC_GAUGE,
      "How much of the pass is done, 0..1");
  pmss_metrics_add_real (metrics, NULL, NULL, stats.progress);
}

static void
add_gateway (PmssMetrics * metrics, PmssGateway * gateway)
{
  PmssGatewayStats stats;

  pmss_gateway_get_stats (gateway, &stats);
  pmss_metrics_single (metrics, "gateway_readers", PMSS_METRIC_GAUGE,
      "Viewers' readers that the gateway has", stats.plays);
  pmss_metrics_single (metrics, "gateway_answers", PMSS_METRIC_GAUGE,
      "Answers of the gateway under way", stats.answers);
  pmss_metrics_single (metrics, "gateway_bytes_total", PMSS_METRIC_COUNTER,
      "Bytes of media that the gateway gave out", stats.bytes);
  pmss_metrics_single (metrics, "gateway_own_bytes_total", PMSS_METRIC_COUNTER,
      "Bytes of shards that the gateway read from this server's disk",
      stats.own_bytes);
  pmss_metrics_single (metrics, "gateway_cut_answers_total",
      PMSS_METRIC_COUNTER,
      "Answers that ended short because their bytes could not be had",
      stats.failed);
}

static void
add_store (PmssMetrics * metrics, PmssStore * store, const char *folder)
{
  PmssStoreUsage usage;
  PmssStoreReads reads;

  pmss_store_get_usage (store, &usage);
  pmss_metrics_single (metrics, "shards", PMSS_METRIC_GAUGE, "Shards kept",
      usage.shards);
  pmss_metrics_single (metrics, "used_bytes", PMSS_METRIC_GAUGE,
      "Bytes of shards", usage.used);
  pmss_metrics_single (metrics, "free_bytes", PMSS_METRIC_GAUGE,
      "Bytes that more shards may take, what is kept free not counted",
      usage.free);
  pmss_metrics_single (metrics, "writable", PMSS_METRIC_GAUGE,
      "0 after the disk has failed", pmss_store_is_writable (store));
  if (usage.disk_total > 0) {
    pmss_metrics_family (metrics, "filesystem_size_bytes", PMSS_METRIC_GAUGE,
        "Bytes of the data folder's file system");
    pmss_metrics_add (metrics, "folder", folder, usage.disk_total);
    pmss_metrics_family (metrics, "filesystem_avail_bytes", PMSS_METRIC_GAUGE,
        "Of them, those that this server may still write");
    pmss_metrics_add (metrics, "folder", folder, usage.disk_free);
  }
  pmss_store_get_reads (store, &reads);
  pmss_metrics_single (metrics, "cache_hits_total", PMSS_METRIC_COUNTER,
      "Requests for bytes of shards that were in memory", reads.hits);
  pmss_metrics_single (metrics, "cache_misses_total", PMSS_METRIC_COUNTER,
      "Requests for bytes of shards that had to come from the disk",
      reads.misses);
  pmss_metrics_single (metrics, "late_answers_total", PMSS_METRIC_COUNTER,
      "Of them, those that waited for the disk for more than 200 ms",
      reads.late);
}

char *
pmss_storage_metrics (PmssStorageApi * api)
{
  PmssMetrics *metrics = pmss_metrics_new ("pmss_storage_");

  /* The listener takes requests before its maker has told us of it. */
  g_mutex_lock (&api->lock);
  if (api->httpd)
    add_listener (metrics, api->httpd);
  g_mutex_unlock (&api->lock);
  add_store (metrics, api->store, pmss_machine_get_folder (api->machine));
  pmss_metrics_single (metrics, "token_refusals_total", PMSS_METRIC_COUNTER,
      "Requests refused for want of a token that covers them",
      pmss_access_get_refusals (api->access));
  if (api->scrub)
    add_scrub (metrics, api->scrub);
  if (api->gateway)
    add_gateway (metrics, api->gateway);
  pmss_machine_add_metrics (api->machine, metrics);
  return pmss_metrics_finish (metrics);
}
