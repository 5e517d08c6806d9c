/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The speed of the interface that an address is on. On the main thread. */
#include "link-speed.h"

#include "network.h"

#define EACH (60 * G_USEC_PER_SEC)

struct _PmssLinkSpeed
{
  char *host;
  GCancellable *cancellable;
  gint64 looked;                /* monotonic: when it was looked at last */
  guint64 speed;
};

static guint64
find_speed (GList * addresses)
{
  guint64 speed;

  for (GList * l = addresses; l != NULL; l = l->next) {
    g_autofree char *name = pmss_network_find_interface (l->data);

    if (name != NULL && pmss_network_get_speed ("", name, &speed))
      return speed;
  }
  return 0;
}

static void
on_resolved (GObject * resolver, GAsyncResult * result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (resolver),
      result, &error);
  PmssLinkSpeed *link = data;

  /* then it is freed */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  link->speed = find_speed (addresses);
  g_resolver_free_addresses (addresses);
}

static void
look (PmssLinkSpeed * link)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();

  link->looked = g_get_monotonic_time ();
  g_resolver_lookup_by_name_async (resolver, link->host, link->cancellable,
      on_resolved, link);
}

PmssLinkSpeed *
pmss_link_speed_new (const char *host)
{
  PmssLinkSpeed *link = g_new0 (PmssLinkSpeed, 1);

  link->host = g_strdup (host);
  link->cancellable = g_cancellable_new ();
  look (link);
  return link;
}

void
pmss_link_speed_free (PmssLinkSpeed * link)
{
  g_cancellable_cancel (link->cancellable);
  g_object_unref (link->cancellable);
  g_free (link->host);
  g_free (link);
}

guint64
pmss_link_speed_get (PmssLinkSpeed * link)
{
  if (g_get_monotonic_time () - link->looked >= EACH)
    look (link);
  return link->speed;
}
