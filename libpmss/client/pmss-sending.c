/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a message may be cancelled. On the session's thread. */

#include "pmss-sending.h"

/*
 *            head has come                 called back
 *   WAITING ───────────────▶ HANDED_OVER ───────────────▶ ANSWERED
 *      ▲                          │
 *      └──────── restarted ───────┘
 */
typedef enum
{
  WAITING,
  HANDED_OVER,                  /* a cancellation is kept */
  ANSWERED,
} State;

struct _PmssSending
{
  SoupMessage *message;
  GCancellable *cancellable;
  GCancellable *outer;          /* (nullable) */
  gulong outer_handler;
  gulong message_handlers[2];
  State state;
  GSource *kept;                /* (nullable): a cancellation */
};

static void
on_got_headers (SoupMessage * message, gpointer user_data)
{
  PmssSending *sending = user_data;

  sending->state = HANDED_OVER;
}

static void
on_restarted (SoupMessage * message, gpointer user_data)
{
  PmssSending *sending = user_data;

  sending->state = WAITING;
}

static void
on_outer_cancelled (GCancellable * outer, gpointer sending)
{
  pmss_sending_cancel (sending);
}

PmssSending *
pmss_sending_new (SoupMessage * message, GCancellable * outer)
{
  PmssSending *sending = g_new0 (PmssSending, 1);

  sending->message = g_object_ref (message);
  sending->cancellable = g_cancellable_new ();
  /* After the others': a handler that cancels by what the head says is still
   * inside libsoup's reading, where it may. */
  sending->message_handlers[0] = g_signal_connect_after (message,
      "got-headers", G_CALLBACK (on_got_headers), sending);
  sending->message_handlers[1] = g_signal_connect (message, "restarted",
      G_CALLBACK (on_restarted), sending);
  if (outer != NULL) {
    sending->outer = g_object_ref (outer);
    sending->outer_handler = g_cancellable_connect (outer,
        G_CALLBACK (on_outer_cancelled), sending, NULL);
  }
  return sending;
}

static void
drop_kept (PmssSending * sending)
{
  if (sending->kept == NULL)
    return;
  g_source_destroy (sending->kept);
  g_clear_pointer (&sending->kept, g_source_unref);
}

void
pmss_sending_free (PmssSending * sending)
{
  for (guint i = 0; i < G_N_ELEMENTS (sending->message_handlers); i++)
    g_signal_handler_disconnect (sending->message,
        sending->message_handlers[i]);
  if (sending->outer != NULL)
    g_cancellable_disconnect (sending->outer, sending->outer_handler);
  g_clear_object (&sending->outer);
  drop_kept (sending);
  g_object_unref (sending->cancellable);
  g_object_unref (sending->message);
  g_free (sending);
}

GCancellable *
pmss_sending_get_cancellable (PmssSending * sending)
{
  return sending->cancellable;
}

static gboolean
on_kept (gpointer user_data)
{
  PmssSending *sending = user_data;

  drop_kept (sending);
  g_cancellable_cancel (sending->cancellable);
  return G_SOURCE_REMOVE;
}

/* Below every priority that messages are sent with: libsoup calls back first,
 * or has gone on to something that may be cancelled, such as the body of a
 * redirection. */
void
pmss_sending_cancel (PmssSending * sending)
{
  if (sending->state != HANDED_OVER) {
    g_cancellable_cancel (sending->cancellable);
  } else if (sending->kept == NULL) {
    sending->kept = g_idle_source_new ();
    g_source_set_priority (sending->kept, G_PRIORITY_LOW);
    g_source_set_callback (sending->kept, on_kept, sending, NULL);
    g_source_attach (sending->kept, g_main_context_get_thread_default ());
  }
}

void
pmss_sending_answered (PmssSending * sending)
{
  sending->state = ANSWERED;
  if (sending->kept == NULL)
    return;
  drop_kept (sending);
  g_cancellable_cancel (sending->cancellable);
}
