/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Content-Security-Policy of the pages. On handlers' threads. */
#include "control/web/page-policy.h"

#include <string.h>

#include "control/nodes/nodes.h"

/* So that the field stays below what browsers and proxies take. */
#define MAX_NODES 200

/* A source of a policy cannot name an IPv6 address: its port has to do. */
static void
add_node (GString * sources, const PmssNode * node)
{
  const char *scheme = node->tls ? "https" : "http";
  gboolean is_ipv6 = strchr (node->address, ':') != NULL;

  /* an address is checked where it comes in, and is nevertheless another server's word */
  if (strpbrk (node->address, " ;,'\"") != NULL)
    return;
  g_string_append_printf (sources, " %s://%s:%u", scheme,
      is_ipv6 ? "*" : node->address, node->port);
}

/* More storage servers than can be named: any of their kind. */
static void
add_any (GString * sources)
{
  g_string_append (sources, " http: https:");
}

static char *
list_sources (const GPtrArray * nodes)
{
  GString *sources = g_string_new (NULL);

  if (nodes != NULL && nodes->len > MAX_NODES)
    add_any (sources);
  else if (nodes != NULL)
    for (guint i = 0; i < nodes->len; i++)
      add_node (sources, &((const PmssNodeInfo *) nodes->pdata[i])->node);
  return g_string_free (sources, FALSE);
}

char *
pmss_page_policy (const GPtrArray * nodes)
{
  g_autofree char *sources = list_sources (nodes);

  return g_strdup_printf ("default-src 'none'; script-src 'self'; "
      "style-src 'self'; img-src 'self' blob:; media-src 'self' blob:%s; "
      "connect-src 'self'%s; worker-src 'self'; frame-ancestors 'none'; "
      "base-uri 'none'; form-action 'self'; "
      "require-trusted-types-for 'script'; trusted-types 'none'", sources,
      sources);
}
