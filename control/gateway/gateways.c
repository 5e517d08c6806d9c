/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gateways: storage servers that answer plain requests for whole media. */
#include "control/gateway/gateways.h"

#include <string.h>

#include "libpmss/client/pmss-client.h"

/* Of a link whose speed is not known. */
#define USUAL_LIMIT 1e9         /* bit/s */
/* A part of its link that no gateway is to use up, if there is another one. */
#define FULL 0.9

static gboolean
is_holder (const GArray * holders, guint id)
{
  for (guint i = 0; i < holders->len; i++)
    if (g_array_index (holders, guint, i) == id)
      return TRUE;
  return FALSE;
}

/* The part of its link that is in use when the viewer is there. */
static double
get_share (const PmssGatewayState * gateway, guint64 rate)
{
  return ((double) gateway->sends + rate)
      / (gateway->limit > 0 ? (double) gateway->limit : USUAL_LIMIT);
}

/* Nobody knows of a link without a limit that it is full. */
static gboolean
has_room (const PmssGatewayState * gateway, guint64 rate)
{
  return gateway->limit == 0 || get_share (gateway, rate) <= FULL;
}

static gint
compare (gconstpointer a, gconstpointer b, gpointer data)
{
  const PmssGatewayState *one = a, *other = b;
  const guint64 *rate = data;
  gboolean room = has_room (one, *rate);
  double share = get_share (one, *rate), others = get_share (other, *rate);

  if (room != has_room (other, *rate))
    return room ? -1 : 1;
  if (room && !one->holds != !other->holds)
    return one->holds ? -1 : 1;
  if (share != others)
    return share < others ? -1 : 1;
  return one->id < other->id ? -1 : one->id > other->id;
}

void
pmss_gateways_sort (GArray * gateways, guint64 rate)
{
  g_array_sort_with_data (gateways, compare, &rate);
}

static PmssGatewayState
get_state (const PmssNodeInfo * info, const GArray * holders)
{
  const PmssNodeStats *stats = &info->stats;

  return (PmssGatewayState) {
  .id = info->node.id,.holds = is_holder (holders, info->node.id),.limit =
        isnan (stats->network_limit) ? 0 : (guint64) stats->
        network_limit,.sends =
        (isnan (stats->net_out) ? 0 : (guint64) (stats->net_out * 8)) +
        info->promised};
}

GArray *
pmss_gateways_choose (PmssNodes * nodes, const GArray * holders, guint64 rate)
{
  g_autoptr (GPtrArray) infos = pmss_nodes_list_gateways (nodes);
  g_autoptr (GArray) gateways = g_array_new (FALSE, FALSE,
      sizeof (PmssGatewayState));
  GArray *chosen = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < infos->len; i++) {
    const PmssGatewayState state =
        get_state (g_ptr_array_index (infos, i), holders);

    g_array_append_val (gateways, state);
  }
  pmss_gateways_sort (gateways, rate);
  for (guint i = 0; i < gateways->len; i++)
    g_array_append_val (chosen,
        g_array_index (gateways, PmssGatewayState, i).id);
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
