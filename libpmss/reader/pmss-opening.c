/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/pmss-head.h"
#include "libpmss/reader/pmss-engine.h"
#include "libpmss/reader/pmss-wait.h"

/* A film's first bytes come from control, with the session: who plays from
 * afar can look what it is, and make ready for it, while the connections to the
 * storage servers are being made and the first units are on their way. Those are
 * asked for all the same; should the head not come, nothing is lost. */

static void
head_came (GObject * client, GAsyncResult * result, gpointer user_data)
{
  PmssEngine *engine = user_data;
  g_autoptr (GError) error = NULL;
  GBytes *head = pmss_client_get_head_finish (PMSS_CLIENT (client), result,
      &error);

  g_mutex_lock (&engine->lock);
  if (head == NULL)
    g_debug ("%s: no head: %s", engine->medium, error->message);
  engine->head = head;
  pmss_opening_check_head (engine);
  pmss_wait_check (engine, g_get_monotonic_time ());
  g_mutex_unlock (&engine->lock);
  pmss_engine_release (engine);
}

void
pmss_opening_ask_head (PmssEngine * engine)
{
  pmss_engine_hold (engine);
  pmss_client_get_head_async (engine->client, engine->medium,
      engine->cancellable, head_came, engine);
}

void
pmss_opening_check_head (PmssEngine * engine)
{
  g_autoptr (GBytes) head = NULL;
  g_autoptr (GError) error = NULL;
  PmssLayout *layout;

  if (engine->head == NULL || engine->session == NULL)
    return;
  head = g_steal_pointer (&engine->head);
  layout = engine->session->layout;
  engine->first_bytes = pmss_head_parse (head, pmss_layout_get_version (layout),
      pmss_layout_get_size (layout), &error);
  if (engine->first_bytes == NULL)
    g_message ("%s: %s", engine->medium, error->message);
}

GBytes *
pmss_opening_get_bytes (PmssEngine * engine, guint64 offset, gsize max)
{
  gsize length = engine->first_bytes == NULL ? 0 :
      g_bytes_get_size (engine->first_bytes);

  if (offset >= length)
    return NULL;
  return g_bytes_new_from_bytes (engine->first_bytes, offset, MIN (max,
          length - offset));
}
