/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests with heads and bodies of the caller's; the caller's thread. */
#include "pmss-client-message.h"

#include "pmss-client-private.h"
#include "libpmss/pmss-error.h"
#include "pmss-exchange.h"

/* Bytes: a problem document at most. */
#define MAX_ANSWER (64u * 1024)

SoupMessage *
pmss_client_message_new (PmssClient * self, const char *method,
    const char *path, GError ** error)
{
  g_autofree char *url = g_strconcat (self->url, path, NULL);
  char *token;
  SoupMessage *message;

  g_mutex_lock (&self->lock);
  token = g_strdup (self->token);
  g_mutex_unlock (&self->lock);
  message = path[0] == '/' ? pmss_exchange_message_new (method, url, token)
      : NULL;
  pmss_secret_free (token);
  if (message == NULL)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "not the path of a request: %s", path);
  else
    g_signal_connect (message, "accept-certificate",
        G_CALLBACK (pmss_client_accept_certificate), self);
  return message;
}

static void
on_sent (GObject * source, GAsyncResult * result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

GBytes *
pmss_client_message_send (PmssClient * self, SoupMessage * message, guint idle,
    GCancellable * cancellable, GError ** error)
{
  const PmssExchangeOptions options = {
    .timeout = idle,
    .idle = TRUE,
    .max_body = MAX_ANSWER,
    .peer = self->peer,
  };
  GMainContext *context = pmss_soup_pool_enter (self->pool);
  gboolean keeps;               /* always: the context is this call's */
  SoupSession *session = pmss_soup_pool_take (self->pool, &keeps);
  g_autoptr (GBytes) body = NULL;
  GAsyncResult *result = NULL;
  guint status;

  pmss_exchange_async (session, message, &options, cancellable, on_sent,
      &result);
  while (result == NULL)
    g_main_context_iteration (context, TRUE);
  body = pmss_exchange_finish (result, error);
  /* before the context may be another thread's */
  g_clear_object (&result);
  pmss_soup_pool_give (self->pool, session);
  pmss_soup_pool_leave (self->pool, context);
  if (body == NULL)
    return NULL;
  status = soup_message_get_status (message);
  if (status >= 200 && status <= 299)
    return g_steal_pointer (&body);
  g_propagate_error (error, pmss_exchange_problem (message, body, self->peer));
  return NULL;
}
