/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hosts as texts. Any thread. */
#include "control/nodes/same-host.h"

#include <string.h>

#include <gio/gio.h>

/* Of IPv4 in IPv6, ::ffff:192.0.2.1. */
static GInetAddress *
unmap (GInetAddress * address)
{
  static const guint8 prefix[12] = {[10] = 0xff,[11] = 0xff };
  const guint8 *bytes = g_inet_address_to_bytes (address);
  GInetAddress *inner;

  if (g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6
      || memcmp (bytes, prefix, sizeof (prefix)) != 0)
    return address;
  inner = g_inet_address_new_from_bytes (bytes + sizeof (prefix),
      G_SOCKET_FAMILY_IPV4);
  g_object_unref (address);
  return inner;
}

/* NULL: it is a name. */
static GInetAddress *
parse (const char *host)
{
  gsize length = strlen (host);
  gboolean bracketed = length > 2 && host[0] == '[' && host[length - 1] == ']';
  g_autofree char *bare = bracketed ? g_strndup (host + 1, length - 2)
      : g_strdup (host);
  GInetAddress *address = g_inet_address_new_from_string (bare);

  return address != NULL ? unmap (address) : NULL;
}

/* The name of RFC 6761, which every resolver takes for loopback: it has one address of a kind. */
static gboolean
is_localhost (const char *name)
{
  return g_str_equal (name, "localhost")
      || g_str_has_suffix (name, ".localhost");
}

static gboolean
is_localhosts (GInetAddress * address)
{
  g_autoptr (GInetAddress) own =
      g_inet_address_new_loopback (g_inet_address_get_family (address));

  return g_inet_address_equal (address, own);
}

static char *
normalize (const char *name)
{
  char *normal = g_ascii_strdown (name, -1);
  gsize length = strlen (normal);

  if (length > 0 && normal[length - 1] == '.')
    normal[length - 1] = '\0';
  return normal;
}

gboolean
pmss_same_host (const char *a, const char *b)
{
  g_autoptr (GInetAddress) first = parse (a), second = parse (b);
  g_autofree char *name = normalize (a), *other = normalize (b);

  if (first != NULL && second != NULL)
    return g_inet_address_equal (first, second);
  if (first != NULL || second != NULL)
    return is_localhost (first != NULL ? other : name)
        && is_localhosts (first != NULL ? first : second);
  return g_str_equal (name, other)
      || (is_localhost (name) && is_localhost (other));
}
