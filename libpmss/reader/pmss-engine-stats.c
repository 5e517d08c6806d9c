/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a reader tells of itself, in any thread. */
#include "libpmss/reader/pmss-engine.h"

static void
add_counters (GVariantDict * dict, const PmssLinkCounters * counters)
{
  g_variant_dict_insert (dict, "bytes", "t", counters->bytes);
  g_variant_dict_insert (dict, "units", "t", counters->units);
  g_variant_dict_insert (dict, "requests", "t", counters->requests);
  g_variant_dict_insert (dict, "rebuilt", "t", counters->rebuilt);
  g_variant_dict_insert (dict, "hedged", "t", counters->hedged);
  g_variant_dict_insert (dict, "extra", "t", counters->extra);
  g_variant_dict_insert (dict, "late", "t", counters->late);
  g_variant_dict_insert (dict, "errors", "t", counters->errors);
  g_variant_dict_insert (dict, "wasted", "t", counters->wasted);
}

static GVariant *
link_to_variant (PmssLink * link)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "node", "u", link->node.id);
  g_variant_dict_insert (&dict, "peer", "s", link->peer);
  g_variant_dict_insert (&dict, "state", "s",
      pmss_link_state_to_string (link->state));
  add_counters (&dict, &link->counters);
  g_variant_dict_insert (&dict, "rate", "t", link->rate * 8);
  g_variant_dict_insert (&dict, "rtt", "t", (guint64) link->rtt * 1000);
  return g_variant_dict_end (&dict);
}

static void
sum_counters (PmssLinkCounters * sum, const PmssLinkCounters * counters)
{
  sum->bytes += counters->bytes;
  sum->units += counters->units;
  sum->requests += counters->requests;
  sum->rebuilt += counters->rebuilt;
  sum->hedged += counters->hedged;
  sum->extra += counters->extra;
  sum->late += counters->late;
  sum->errors += counters->errors;
  sum->wasted += counters->wasted;
}

void
pmss_engine_add_stats (PmssEngine * engine, GVariantDict * dict)
{
  PmssLinkCounters sum = { 0, };
  GVariantBuilder nodes;
  guint i;

  g_variant_builder_init (&nodes, G_VARIANT_TYPE ("aa{sv}"));
  g_mutex_lock (&engine->lock);
  for (i = 0; i < engine->links.all->len; i++) {
    PmssLink *link = pmss_links_get (&engine->links, i);

    sum_counters (&sum, &link->counters);
    g_variant_builder_add_value (&nodes, link_to_variant (link));
  }
  sum.rebuilt += engine->rebuilt_lost;
  add_counters (dict, &sum);
  g_variant_dict_insert (dict, "cache-used", "t",
      (guint64) engine->rows.n_blocks * engine->rows.unit);
  g_mutex_unlock (&engine->lock);
  g_variant_dict_insert_value (dict, "nodes", g_variant_builder_end (&nodes));
}
