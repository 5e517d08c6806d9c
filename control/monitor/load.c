/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last second, told live. On the main thread. */
#include "control/monitor/load.h"

#include "control/events/events.h"
#include "control/monitor/monitor-private.h"
#include "control/monitor/packed-number.h"
#include "libpmss/pmss-json.h"

static const PmssSeries cluster_series[] = {
  PMSS_SERIES_STREAMS, PMSS_SERIES_USERS, PMSS_SERIES_CLIENTS, PMSS_SERIES_SENT
};

static const PmssSeries node_series[] = {
  PMSS_SERIES_CPU, PMSS_SERIES_MEMORY, PMSS_SERIES_MEMORY_TOTAL,
  PMSS_SERIES_DISK_BUSY, PMSS_SERIES_NET_IN, PMSS_SERIES_NET_OUT,
  PMSS_SERIES_NETWORK_LIMIT, PMSS_SERIES_CONNECTIONS, PMSS_SERIES_SENT
};

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  guint x = *(const guint *) a, y = *(const guint *) b;

  return x < y ? -1 : x > y;
}

static GArray *
list_first_locked (PmssMonitor * self)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint));
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, self->subjects);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    guint id = GPOINTER_TO_UINT (key);

    if (id != PMSS_CLUSTER_NODE)
      g_array_append_val (ids, id);
  }
  g_array_sort (ids, compare_ids);
  g_array_set_size (ids, MIN (ids->len, PMSS_LOAD_MAX_NODES));
  return ids;
}

static void
add_series_locked (PmssMonitor * self, PmssJsonWriter * json, guint node,
    const PmssSeries * series, guint n)
{
  const PmssSubject *subject = g_hash_table_lookup (self->subjects,
      GUINT_TO_POINTER (node));

  for (guint i = 0; i < n; i++) {
    pmss_json_writer_set_member_name (json,
        pmss_series_get_info (series[i])->name);
    pmss_packed_number_write (subject != NULL && subject->ring != NULL ?
        pmss_ring_get (subject->ring, series[i], self->closed) : PMSS_UNKNOWN,
        json);
  }
}

static void
add_node_locked (PmssMonitor * self, PmssJsonWriter * json, guint node)
{
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "id");
  pmss_json_writer_add_int_value (json, node);
  add_series_locked (self, json, node, node_series, G_N_ELEMENTS (node_series));
  pmss_json_writer_end_object (json);
}

/* @nodes: of guint; nullable: the first ones. */
static GBytes *
write_load (const GArray * nodes, gpointer data)
{
  PmssMonitor *self = data;
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autoptr (GArray) first = NULL;
  g_autofree char *time = NULL;

  g_mutex_lock (&self->lock);
  if (nodes == NULL)
    nodes = first = list_first_locked (self);
  time = pmss_json_format_time (self->closed + self->time.offset);
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "time");
  pmss_json_writer_add_string_value (json, time);
  pmss_json_writer_set_member_name (json, "cluster");
  pmss_json_writer_begin_object (json);
  add_series_locked (self, json, PMSS_CLUSTER_NODE, cluster_series,
      G_N_ELEMENTS (cluster_series));
  pmss_json_writer_end_object (json);
  pmss_json_writer_set_member_name (json, "nodes");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < nodes->len; i++)
    add_node_locked (self, json, g_array_index (nodes, guint, i));
  pmss_json_writer_end_array (json);
  pmss_json_writer_end_object (json);
  g_mutex_unlock (&self->lock);
  return pmss_json_writer_finish (json);
}

void
pmss_monitor_tell_load (PmssMonitor * self, PmssEvents * events)
{
  if (events != NULL)
    pmss_streams_tell_load (pmss_events_get_streams (events), write_load, self);
}
