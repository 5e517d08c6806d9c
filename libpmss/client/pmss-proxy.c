/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proxies by the environment; pure. */
#include "pmss-proxy.h"

#include <string.h>

/* The first of @names that is set to something. */
static const char *
get_any (char **environment, const char *const *names)
{
  for (; *names != NULL; names++) {
    const char *value = g_environ_getenv (environment, *names);

    if (value != NULL && value[0] != '\0')
      return value;
  }
  return NULL;
}

/* In the form that GIO wants. GIO leaves looking up names to a SOCKS server. */
static char *
proxy_uri (const char *text)
{
  if (strstr (text, "://") == NULL)
    return g_strconcat ("http://", text, NULL);
  if (g_str_has_prefix (text, "socks5h://"))
    return g_strconcat ("socks5://", text + strlen ("socks5h://"), NULL);
  return g_strdup (text);
}

/* The hosts of no_proxy; FALSE: it means all of them. */
static gboolean
split_exceptions (const char *text, GPtrArray * hosts)
{
  g_auto (GStrv) words = g_strsplit_set (text, ", \t", -1);

  for (char **word = words; *word != NULL; word++) {
    if (g_str_equal (*word, "*"))
      return FALSE;
    if (**word != '\0')
      g_ptr_array_add (hosts, g_strdup (*word));
  }
  return TRUE;
}

GProxyResolver *
pmss_proxy_resolver_new (const PmssControlUrl * url, char **environment)
{
  static const char *const http[] =
      { "http_proxy", "all_proxy", "ALL_PROXY", NULL };
  static const char *const https[] =
      { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL };
  static const char *const none[] = { "no_proxy", "NO_PROXY", NULL };
  const char *proxy = get_any (environment, url->tls ? https : http);
  const char *exceptions = get_any (environment, none);
  g_autoptr (GPtrArray) hosts = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *uri = NULL;

  if (proxy == NULL || pmss_control_url_is_local (url)
      || !split_exceptions (exceptions != NULL ? exceptions : "", hosts))
    return NULL;
  uri = proxy_uri (proxy);
  g_ptr_array_add (hosts, NULL);
  return g_simple_proxy_resolver_new (uri, (char **) hosts->pdata);
}
