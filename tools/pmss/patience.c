/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to a server that may be away for a while; the main thread. */
#include "patience.h"

#include <libpmss/pmss-error.h>

#define FIRST_INTERVAL_MS 100
#define MAX_INTERVAL_MS 1000
#define LIMIT (60 * G_USEC_PER_SEC)

gboolean
pmss_patience_is_passing (const GError * error)
{
  const PmssErrorDetails *details = pmss_error_get_details (error);
  guint status = details != NULL ? details->http_status : 0;

  return g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE) ||
      g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT) ||
      g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY) ||
      status == 500 || status == 502;
}

gboolean
pmss_patience_wait (GCancellable * cancellable, int ms, GError ** error)
{
  GPollFD fd;

  if (g_cancellable_make_pollfd (cancellable, &fd)) {
    g_poll (&fd, 1, ms);
    g_cancellable_release_fd (cancellable);
  }
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

JsonNode *
pmss_patience_get (PmssClient * client, const char *path,
    GCancellable * cancellable, GError ** error)
{
  gint64 end = g_get_monotonic_time () + LIMIT;
  int interval = FIRST_INTERVAL_MS;

  for (;;) {
    g_autoptr (GError) local = NULL;
    JsonNode *node = pmss_client_request (client, "GET", path, NULL,
        cancellable, &local);

    if (node != NULL)
      return node;
    if (!pmss_patience_is_passing (local) || g_get_monotonic_time () >= end) {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
    if (!pmss_patience_wait (cancellable, interval, error))
      return NULL;
    interval = MIN (interval * 2, MAX_INTERVAL_MS);
  }
}
