/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks a node whether it answers. In the client's main context. */

#include "pmss-node-client-private.h"

#include "libpmss/pmss-error.h"

/* Whether a node answers at all. */

#define MAX_ANSWER 4096

static gboolean
is_silence (const GError * error)
{
  return error->domain != PMSS_ERROR || error->code == PMSS_ERROR_UNREACHABLE
      || error->code == PMSS_ERROR_TIMED_OUT || error->code == PMSS_ERROR_TLS;
}

static void
on_answered (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = pmss_exchange_finish (result, &error);

  if (body == NULL && is_silence (error))
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_boolean (task, TRUE);
}

void
pmss_node_client_probe_async (PmssNodeClient * self,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  g_autofree char *uri = g_strconcat (self->node.tls ? "https://" : "http://",
      self->peer, "/healthz", NULL);
  g_autoptr (SoupMessage) message =
      pmss_exchange_message_new ("GET", uri, NULL);
  const PmssExchangeOptions options = {
    .timeout = self->timeout * 1000,
    .max_body = MAX_ANSWER,
    .peer = self->peer,
  };

  if (message == NULL) {
    g_task_return_new_error (task, PMSS_ERROR, PMSS_ERROR_UNREACHABLE,
        "%s is not an address", self->peer);
    g_object_unref (task);
    return;
  }
  pmss_exchange_async (self->session, message, &options, cancellable,
      on_answered, task);
}

gboolean
pmss_node_client_probe_finish (PmssNodeClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
