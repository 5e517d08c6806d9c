/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The speed of the interface that an address is on. */
#include "server/monitor/link-speed.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include "server/monitor/network.h"

/* After what is under way. */
static guint64
settle (PmssLinkSpeed * link)
{
  gint64 end = g_get_monotonic_time () + G_USEC_PER_SEC;

  while (pmss_link_speed_get (link) == 0 && g_get_monotonic_time () < end)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
  return pmss_link_speed_get (link);
}

static void
test_unknown (void)
{
  static const char *const hosts[] = {
    "127.0.0.1", "::1", "localhost", "203.0.113.77"
  };

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++) {
    PmssLinkSpeed *link = pmss_link_speed_new (hosts[i]);

    g_assert_cmpuint (settle (link), ==, 0);
    pmss_link_speed_free (link);
  }
}

/* Of this machine's interfaces, one that has an address and a speed. */
static char *
find_host (guint64 * speed)
{
  struct ifaddrs *all;
  char *host = NULL;

  g_assert_cmpint (getifaddrs (&all), ==, 0);
  for (struct ifaddrs * i = all; i != NULL && host == NULL; i = i->ifa_next) {
    g_autoptr (GSocketAddress) address = NULL;

    if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET
        || !pmss_network_get_speed ("", i->ifa_name, speed))
      continue;
    address = g_socket_address_new_from_native (i->ifa_addr,
        sizeof (struct sockaddr_in));
    host = g_inet_address_to_string (g_inet_socket_address_get_address
        (G_INET_SOCKET_ADDRESS (address)));
  }
  freeifaddrs (all);
  return host;
}

static void
test_known (void)
{
  guint64 speed;
  g_autofree char *host = find_host (&speed);
  PmssLinkSpeed *link;

  if (host == NULL) {
    g_test_skip ("no interface of this machine tells its speed");
    return;
  }
  link = pmss_link_speed_new (host);
  g_assert_cmpuint (settle (link), ==, speed);
  pmss_link_speed_free (link);
}

/* The answer comes, or does not, when nobody is there for it. */
static void
test_freed (void)
{
  static const char *const hosts[] = { "127.0.0.1", "localhost" };

  for (guint i = 0; i < 20; i++) {
    pmss_link_speed_free (pmss_link_speed_new (hosts[i % 2]));
    g_main_context_iteration (NULL, FALSE);
  }
  for (guint i = 0; i < 200; i++)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/link-speed/unknown", test_unknown);
  g_test_add_func ("/link-speed/known", test_known);
  g_test_add_func ("/link-speed/freed", test_freed);
  return g_test_run ();
}
