/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gateways: storage servers that answer plain requests for whole media. */
#include "control/gateway/gateways.h"

#include <string.h>

#include "libpmss/client/pmss-client.h"

/* From memory alone. */
typedef struct
{
  guint id;
  gboolean holds;               /* shards of the medium: what it reads of its own crosses no network */
  guint64 load;                 /* bytes/s */
} Candidate;

static gboolean
is_holder (const GArray * holders, guint id)
{
  for (guint i = 0; i < holders->len; i++)
    if (g_array_index (holders, guint, i) == id)
      return TRUE;
  return FALSE;
}

/* Equally good ones take turns by their load, and then by their number. */
static gint
compare (gconstpointer a, gconstpointer b)
{
  const Candidate *one = a, *other = b;

  if (!one->holds != !other->holds)
    return one->holds ? -1 : 1;
  if (one->load != other->load)
    return one->load < other->load ? -1 : 1;
  return one->id < other->id ? -1 : one->id > other->id;
}

GArray *
pmss_gateways_choose (PmssNodes * nodes, const GArray * holders)
{
  g_autoptr (GPtrArray) gateways = pmss_nodes_list_gateways (nodes);
  g_autoptr (GArray) candidates = g_array_new (FALSE, FALSE,
      sizeof (Candidate));
  GArray *chosen = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < gateways->len; i++) {
    const PmssNodeInfo *info = g_ptr_array_index (gateways, i);
    Candidate candidate = {
      info->node.id, is_holder (holders, info->node.id), info->stats.net_out
    };

    g_array_append_val (candidates, candidate);
  }
  g_array_sort (candidates, compare);
  for (guint i = 0; i < candidates->len; i++)
    g_array_append_val (chosen, g_array_index (candidates, Candidate, i).id);
  return chosen;
}

gboolean
pmss_gateways_read_origins (PmssNodes * nodes, guint node)
{
  g_autoptr (PmssNodeInfo) info = pmss_nodes_peek (nodes, node);

  return info != NULL && info->reads_origins;
}

char *
pmss_gateways_url (PmssNodes * nodes, guint node, const char *name,
    const char *token)
{
  g_autoptr (PmssNodeInfo) info = pmss_nodes_peek (nodes, node);
  g_autofree char *path = pmss_client_encode_name (name);
  gboolean is_ipv6 = info != NULL && strchr (info->node.address, ':') != NULL;

  if (info == NULL)
    return NULL;
  return g_strdup_printf ("%s://%s%s%s:%u/v1/media/%s?t=%s",
      info->node.tls ? "https" : "http", is_ipv6 ? "[" : "",
      info->node.address, is_ipv6 ? "]" : "", info->node.port, path, token);
}
