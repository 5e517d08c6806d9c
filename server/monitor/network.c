/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network interfaces, from /proc/net/dev and /sys/class/net. Any thread. */
#include "network.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "kernel-file.h"
#include "libpmss/pmss-text.h"

/* Above it are the numbers by which drivers say that they do not know. */
#define MAX_SPEED 10000000      /* Mbit/s */

/* bytes packets errs drop fifo frame compressed multicast, and of what was
 * sent bytes packets errs drop ... */
#define N_COUNTS 12

/* The kernel takes almost any byte in a name; paths and JSON do not. */
static gboolean
take_name (PmssInterface * interface, const char *name)
{
  return name[0] != '\0' && strchr (name, '/') == NULL
      && !g_str_equal (name, ".") && !g_str_equal (name, "..")
      && pmss_text_check (name, "", NULL)
      && g_strlcpy (interface->name, name, PMSS_INTERFACE_NAME_SIZE)
      < PMSS_INTERFACE_NAME_SIZE;
}

/* FALSE: that is no interface's. */
static gboolean
parse_line (char *line, PmssInterface * interface)
{
  char *colon = strchr (line, ':');
  guint64 counts[N_COUNTS];

  if (colon == NULL
      || pmss_kernel_file_parse_numbers (colon + 1, counts, N_COUNTS)
      != N_COUNTS)
    return FALSE;
  *colon = '\0';
  interface->in = counts[0];
  interface->in_errors = counts[2];
  interface->in_drops = counts[3];
  interface->out = counts[8];
  interface->out_errors = counts[10];
  interface->out_drops = counts[11];
  return take_name (interface, g_strstrip (line));
}

gboolean
pmss_network_parse (const char *text, PmssNetwork * network)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  memset (network, 0, sizeof *network);
  for (char **line = lines; *line; line++) {
    PmssInterface interface = { 0 };

    if (!parse_line (*line, &interface))
      continue;
    network->known = TRUE;
    if (!g_str_equal (interface.name, "lo")
        && network->n < PMSS_MAX_COUNTED_INTERFACES)
      network->interfaces[network->n++] = interface;
  }
  return network->known;
}

gboolean
pmss_network_read (const char *root, PmssNetwork * network)
{
  g_autofree char *text = pmss_kernel_file_read (root, "/proc/net/dev");

  return pmss_network_parse (text != NULL ? text : "", network);
}

const PmssInterface *
pmss_network_find (const PmssNetwork * network, const char *name)
{
  for (guint i = 0; i < network->n; i++)
    if (g_str_equal (network->interfaces[i].name, name))
      return &network->interfaces[i];
  return NULL;
}

/* Older kernels say 65535 where they mean -1. */
gboolean
pmss_network_parse_speed (const char *text, guint64 * speed)
{
  guint64 megabits;

  if (pmss_kernel_file_parse_numbers (text, &megabits, 1) != 1 || megabits == 0
      || megabits == G_MAXUINT16 || megabits > MAX_SPEED)
    return FALSE;
  *speed = megabits * 1000 * 1000;
  return TRUE;
}

/* A link that is down has no speed, and reading it fails. */
gboolean
pmss_network_get_speed (const char *root, const char *interface,
    guint64 * speed)
{
  g_autofree char *path = g_strdup_printf ("/sys/class/net/%s/speed",
      interface);
  g_autofree char *text = pmss_kernel_file_read (root, path);

  return text != NULL && pmss_network_parse_speed (text, speed);
}

static gboolean
has_address (const struct ifaddrs *interface, GInetAddress * address)
{
  const struct sockaddr *socket = interface->ifa_addr;
  g_autoptr (GInetAddress) own = NULL;

  if (socket != NULL && socket->sa_family == AF_INET)
    own = g_inet_address_new_from_bytes ((const guint8 *)
        &((const struct sockaddr_in *) socket)->sin_addr, G_SOCKET_FAMILY_IPV4);
  else if (socket != NULL && socket->sa_family == AF_INET6)
    own = g_inet_address_new_from_bytes ((const guint8 *)
        &((const struct sockaddr_in6 *) socket)->sin6_addr,
        G_SOCKET_FAMILY_IPV6);
  return own != NULL && g_inet_address_equal (own, address);
}

char *
pmss_network_find_interface (GInetAddress * address)
{
  struct ifaddrs *all;
  char *name = NULL;

  if (getifaddrs (&all) != 0)
    return NULL;
  for (struct ifaddrs * i = all; i != NULL && name == NULL; i = i->ifa_next)
    if (has_address (i, address))
      name = g_strdup (i->ifa_name);
  freeifaddrs (all);
  return name;
}
