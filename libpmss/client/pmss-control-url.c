/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* URLs of control servers; pure. */
#include "pmss-control-url.h"

#include <gio/gio.h>
#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-types.h"

#define MAX_URL 2048

static const struct
{
  const char *scheme;
  gboolean tls;
  guint16 port;
} schemes[] = {
  {"http", FALSE, 80},
  {"https", TRUE, 443},
  {"pmss", FALSE, PMSS_CONTROL_PORT},
  {"pmsss", TRUE, PMSS_CONTROL_PORT},
};

static gboolean
refuse (const char *what, GError ** error)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "Not the URL of a control server, which is http://HOST:PORT or "
      "https://HOST:PORT and no more: %s", what);
  return FALSE;
}

/* What has no scheme is a host, with or without a port. */
static char *
complete (const char *text)
{
  if (strstr (text, "://") != NULL)
    return g_strdup (text);
  if (strchr (text, ':') != NULL && g_hostname_is_ip_address (text))
    return g_strdup_printf ("pmss://[%s]", text);
  return g_strconcat ("pmss://", text, NULL);
}

static gboolean
set_scheme (PmssControlUrl * url, const char *scheme, GError ** error)
{
  for (guint i = 0; scheme != NULL && i < G_N_ELEMENTS (schemes); i++) {
    if (g_ascii_strcasecmp (scheme, schemes[i].scheme) == 0) {
      url->tls = schemes[i].tls;
      url->port = schemes[i].port;
      return TRUE;
    }
  }
  return refuse ("it begins with none of http, https, pmss, pmsss", error);
}

static gboolean
set_place (PmssControlUrl * url, const char *host, int port, GError ** error)
{
  url->host = host != NULL ? pmss_host_normalize (host) : NULL;
  if (url->host == NULL)
    return refuse ("its host is neither a name nor an address", error);
  if (port == 0)
    return refuse ("its port is 0", error);
  if (port > 0)
    url->port = port;
  return TRUE;
}

/* Nothing is dropped in silence. */
static gboolean
check_rest (const char *userinfo, const char *path, const char *query,
    const char *fragment, GError ** error)
{
  if (userinfo != NULL)
    return refuse ("it has a user or password; 'pmss login' asks for them",
        error);
  if (query != NULL || fragment != NULL)
    return refuse ("it has a query or fragment", error);
  if (path[0] != '\0' && !g_str_equal (path, "/"))
    return refuse ("it has a path after host and port", error);
  return TRUE;
}

PmssControlUrl *
pmss_control_url_parse (const char *text, GError ** error)
{
  g_autoptr (PmssControlUrl) url = g_new0 (PmssControlUrl, 1);
  g_autofree char *full = NULL, *scheme = NULL, *userinfo = NULL;
  g_autofree char *host = NULL, *path = NULL, *query = NULL, *fragment = NULL;
  int port;

  if (strnlen (text, MAX_URL + 1) > MAX_URL) {
    refuse ("it is too long", error);
    return NULL;
  }
  full = complete (text);
  if (!g_uri_split (full, G_URI_FLAGS_ENCODED_PATH, &scheme, &userinfo, &host,
          &port, &path, &query, &fragment, NULL)) {
    refuse ("its host, port or encoding is malformed", error);
    return NULL;
  }
  if (!set_scheme (url, scheme, error)
      || !check_rest (userinfo, path, query, fragment, error)
      || !set_place (url, host, port, error))
    return NULL;
  return g_steal_pointer (&url);
}

void
pmss_control_url_free (PmssControlUrl * url)
{
  if (url == NULL)
    return;
  g_free (url->host);
  g_free (url);
}

char *
pmss_control_url_get_peer (const PmssControlUrl * url)
{
  return g_strdup_printf (strchr (url->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
      url->host, url->port);
}

char *
pmss_control_url_to_string (const PmssControlUrl * url)
{
  g_autofree char *peer = pmss_control_url_get_peer (url);

  return g_strconcat (url->tls ? "https://" : "http://", peer, NULL);
}

/* "::ffff:127.0.0.1" is this machine, too. */
static gboolean
is_mapped_loopback (GInetAddress * address)
{
  static const guint8 mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  const guint8 *bytes = g_inet_address_to_bytes (address);

  return g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6
      && memcmp (bytes, mapped, sizeof mapped) == 0
      && (bytes[12] == 127 || memcmp (bytes + 12, "\0\0\0", 4) == 0);
}

gboolean
pmss_control_url_is_local (const PmssControlUrl * url)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (url->host);

  if (address == NULL)
    return g_str_equal (url->host, "localhost")
        || g_str_has_suffix (url->host, ".localhost");
  return g_inet_address_get_is_loopback (address)
      || g_inet_address_get_is_any (address) || is_mapped_loopback (address);
}
