/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An answer of control that goes on, as it comes. On the caller's thread. */
#include "pmss-client-private.h"

#include "libpmss/pmss-error.h"
#include "pmss-exchange.h"

/* Of an answer that is an error. */
#define MAX_PROBLEM (64u * 1024)

typedef struct
{
  PmssClientPiece func;
  gpointer user_data;
  gint64 heard;                 /* monotonic: when the last piece came */
  guint quiet;                  /* s */
  gboolean silent;              /* too long */
  GCancellable *stop;           /* the caller's, or that it is silent */
  GAsyncResult *result;
} Follow;

static gboolean
on_piece (const guint8 * data, gsize length, gpointer user_data,
    GError ** error)
{
  Follow *follow = user_data;

  follow->heard = g_get_monotonic_time ();
  return follow->func ((const char *) data, length, follow->user_data, error);
}

static gboolean
on_second (gpointer user_data)
{
  Follow *follow = user_data;

  if (g_get_monotonic_time () - follow->heard
      < (gint64) follow->quiet * G_USEC_PER_SEC)
    return G_SOURCE_CONTINUE;
  follow->silent = TRUE;
  g_cancellable_cancel (follow->stop);
  return G_SOURCE_CONTINUE;
}

static void
on_cancelled (GCancellable * cancellable, gpointer stop)
{
  g_cancellable_cancel (stop);
}

static void
on_done (GObject * source, GAsyncResult * result, gpointer user_data)
{
  ((Follow *) user_data)->result = g_object_ref (result);
}

static SoupMessage *
make_message (PmssClient * self, const char *path, const char *last_id)
{
  g_autofree char *uri = g_strconcat (self->url, "/api/v1", path, NULL);
  SoupMessage *message;
  SoupMessageHeaders *headers;

  g_mutex_lock (&self->lock);
  message = pmss_exchange_message_new ("GET", uri, self->token);
  g_mutex_unlock (&self->lock);
  if (message == NULL)
    return NULL;
  headers = soup_message_get_request_headers (message);
  soup_message_headers_replace (headers, "Accept", "text/event-stream");
  /* it lasts as long as its connection */
  soup_message_headers_replace (headers, "Connection", "close");
  if (last_id != NULL)
    soup_message_headers_replace (headers, "Last-Event-ID", last_id);
  g_signal_connect (message, "accept-certificate",
      G_CALLBACK (pmss_client_accept_certificate), self);
  return message;
}

/* Runs @context until the exchange is over. */
static void
run (Follow * follow, GMainContext * context)
{
  GSource *seconds = g_timeout_source_new_seconds (1);

  g_source_set_callback (seconds, on_second, follow, NULL);
  g_source_attach (seconds, context);
  while (follow->result == NULL)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (seconds);
  g_source_unref (seconds);
}

static gboolean
judge (PmssClient * self, Follow * follow, SoupMessage * message,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GBytes) body = pmss_exchange_finish (follow->result, &local);

  if (follow->silent)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT,
        "%s has said nothing for %u s", self->peer, follow->quiet);
  else if (body == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else if (soup_message_get_status (message) == 200)
    return TRUE;
  else
    g_propagate_error (error, pmss_exchange_problem (message, body,
            self->peer));
  return FALSE;
}

gboolean
pmss_client_follow (PmssClient * self, const char *path, const char *last_id,
    guint quiet, PmssClientPiece func, gpointer user_data,
    GCancellable * cancellable, GError ** error)
{
  g_autoptr (GCancellable) stop = g_cancellable_new ();
  Follow follow = { func, user_data, g_get_monotonic_time (), quiet, FALSE,
    stop, NULL
  };
  const PmssExchangeOptions options = {.max_body = MAX_PROBLEM,
    .sink = on_piece,.sink_data = &follow,.peer = self->peer
  };
  g_autoptr (SoupMessage) message = NULL;
  GMainContext *context;
  SoupSession *session;
  gulong handler = 0;
  gboolean keeps, ok;

  g_return_val_if_fail (PMSS_IS_CLIENT (self), FALSE);
  message = make_message (self, path, last_id);
  if (message == NULL) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "not the path of a request: %s", path);
    return FALSE;
  }
  if (cancellable != NULL)
    handler = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled),
        stop, NULL);
  context = pmss_soup_pool_enter (self->pool);
  session = pmss_soup_pool_take (self->pool, &keeps);
  pmss_exchange_async (session, message, &options, stop, on_done, &follow);
  run (&follow, context);
  ok = judge (self, &follow, message, error);
  g_object_unref (follow.result);
  pmss_soup_pool_give (self->pool, session);
  pmss_soup_pool_leave (self->pool, context);
  g_cancellable_disconnect (cancellable, handler);
  return ok;
}
