/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api.h"

static void
add (GString * text, const char *name, const char *type, const char *help,
    guint64 value)
{
  g_string_append_printf (text, "# HELP pmss_storage_%s %s\n"
      "# TYPE pmss_storage_%s %s\npmss_storage_%s %" G_GUINT64_FORMAT "\n",
      name, help, name, type, name, value);
}

static void
add_listener (GString * text, PmssHttpd * httpd)
{
  PmssHttpdStats stats;

  pmss_httpd_get_stats (httpd, &stats);
  add (text, "connections", "gauge", "Open connections", stats.connections);
  add (text, "strangers", "gauge", "Of them, those that showed no token",
      stats.strangers);
  add (text, "displaced_connections_total", "counter",
      "Connections without a token that were closed to make room",
      stats.displaced);
  add (text, "turned_away_connections_total", "counter",
      "Connections for which there was no place", stats.turned_away);
  add (text, "connections_total", "counter", "Accepted connections",
      stats.accepted);
  add (text, "requests_total", "counter", "Requests", stats.requests);
  add (text, "malformed_requests_total", "counter",
      "Requests refused before anyone looked at what they want", stats.refused);
  add (text, "cut_peers_total", "counter",
      "Connections cut because the peer was too slow", stats.cut_slow);
  add (text, "received_bytes_total", "counter", "Bytes received over TCP",
      stats.bytes_in);
  add (text, "sent_bytes_total", "counter", "Bytes sent over TCP",
      stats.bytes_out);
  g_string_append (text, "# HELP pmss_storage_answers_total Answers by status\n"
      "# TYPE pmss_storage_answers_total counter\n");
  for (guint status = 200; status < 600; status++) {
    guint64 answers = pmss_httpd_get_answers (httpd, status);

    if (answers > 0)
      g_string_append_printf (text,
          "pmss_storage_answers_total{status=\"%u\"} %" G_GUINT64_FORMAT "\n",
          status, answers);
  }
}

static void
add_scrub (GString * text, PmssScrub * scrub)
{
  PmssScrubStats stats;

  pmss_scrub_get_stats (scrub, &stats);
  add (text, "scrub_bytes_total", "counter",
      "Bytes read to see whether they are good", stats.bytes);
  add (text, "scrub_shards_total", "counter", "Shards read through",
      stats.shards);
  add (text, "scrub_bad_total", "counter",
      "Shards found damaged or unreadable", stats.bad);
  add (text, "scrub_pass_start_seconds", "gauge",
      "When the pass that reads all shards began, since 1970",
      stats.pass_start);
  g_string_append_printf (text,
      "# HELP pmss_storage_scrub_progress How much of the pass is done, 0..1\n"
      "# TYPE pmss_storage_scrub_progress gauge\n"
      "pmss_storage_scrub_progress %.4f\n", stats.progress);
}

char *
pmss_storage_metrics (PmssStorageApi * api)
{
  GString *text = g_string_new (NULL);
  PmssStoreUsage usage;

  /* The listener takes requests before its maker has told us of it. */
  g_mutex_lock (&api->lock);
  if (api->httpd)
    add_listener (text, api->httpd);
  g_mutex_unlock (&api->lock);
  pmss_store_get_usage (api->store, &usage);
  add (text, "shards", "gauge", "Shards kept", usage.shards);
  add (text, "used_bytes", "gauge", "Bytes of shards", usage.used);
  add (text, "free_bytes", "gauge",
      "Bytes that more shards may take, what is kept free not counted",
      usage.free);
  add (text, "writable", "gauge", "0 after the disk has failed",
      pmss_store_is_writable (api->store));
  add (text, "token_refusals_total", "counter",
      "Requests refused for want of a token that covers them",
      pmss_access_get_refusals (api->access));
  if (api->scrub)
    add_scrub (text, api->scrub);
  return g_string_free (text, FALSE);
}
