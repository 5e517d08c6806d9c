/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A message is cancelled at the moments that matter to libsoup, one by one. */

#include "libpmss/client/pmss-exchange.h"
#include "libpmss/client/pmss-sending.h"
#include "libpmss/reader/pmss-sockets.h"

#include "fake-peer.h"

#include <string.h>

#define ROUNDS 50
#define BODY "some bytes"

typedef enum
{
  NEVER,
  IN_HEAD,                      /* inside libsoup's reading of the head */
  AFTER_HEAD,                   /* before libsoup calls back */
  AFTER_ANSWER,
} When;

typedef struct
{
  FakePeer *peer;
  SoupSession *session;
  SoupMessage *message;
  PmssSending *sending;
  When when;
  GInputStream *body;
  GError *error;
  gboolean over;
  guint kept;                   /* cancellations between head and answer */
} Fixture;

static void
answer (const FakeRequest * request, FakeAnswer * answer, gpointer data)
{
  answer->text = fake_peer_answer ("200 OK", "text/plain", BODY);
  answer->delay = GPOINTER_TO_UINT (data);
}

static gboolean
cancel_now (gpointer user_data)
{
  Fixture *f = user_data;

  if (!f->over)
    f->kept++;
  pmss_sending_cancel (f->sending);
  return G_SOURCE_REMOVE;
}

/* The answer is there when libsoup first looks for it. Then it is handed over
 * by a source of its own, and not at once. */
static void
on_wrote_headers (SoupMessage * message, Fixture * f)
{
  g_autoptr (GSocket) socket = pmss_sockets_find (pmss_sockets_get (f->session),
      message);

  g_assert_nonnull (socket);
  g_assert_true (g_socket_condition_wait (socket, G_IO_IN, NULL, NULL));
}

/* The source is ready before libsoup's own, which hands the answer over. */
static void
on_got_headers (SoupMessage * message, Fixture * f)
{
  if (f->when == IN_HEAD)
    pmss_sending_cancel (f->sending);
  else if (f->when == AFTER_HEAD)
    g_idle_add_full (G_PRIORITY_HIGH, cancel_now, f, NULL);
}

static void
on_answer (GObject * session, GAsyncResult * result, gpointer user_data)
{
  Fixture *f = user_data;

  f->body = soup_session_send_finish (SOUP_SESSION (session), result,
      &f->error);
  pmss_sending_answered (f->sending);
  f->over = TRUE;
}

static void
send_one (Fixture * f, GCancellable * outer)
{
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u/",
      fake_peer_get_port (f->peer));

  f->over = FALSE;
  f->message = soup_message_new ("GET", url);
  g_signal_connect (f->message, "got-headers", G_CALLBACK (on_got_headers), f);
  g_signal_connect (f->message, "wrote-headers", G_CALLBACK (on_wrote_headers),
      f);
  f->sending = pmss_sending_new (f->message, outer);
  soup_session_send_async (f->session, f->message, G_PRIORITY_DEFAULT,
      pmss_sending_get_cancellable (f->sending), on_answer, f);
  while (!f->over)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
is_cancelled (Fixture * f)
{
  return g_cancellable_is_cancelled (pmss_sending_get_cancellable (f->sending));
}

/* Until the connection is free again, or gone. */
static void
end_one (Fixture * f)
{
  if (f->body != NULL)
    g_input_stream_close (f->body, NULL, NULL);
  g_clear_object (&f->body);
  g_clear_error (&f->error);
  g_clear_pointer (&f->sending, pmss_sending_free);
  g_clear_object (&f->message);
  while (g_main_context_iteration (NULL, FALSE));
}

static void
fixture_init (Fixture * f, When when, guint delay)
{
  f->peer = fake_peer_new (answer, GUINT_TO_POINTER (delay), NULL);
  f->session = soup_session_new ();
  soup_session_set_proxy_resolver (f->session, NULL);
  pmss_sockets_get (f->session);
  f->when = when;
}

static void
fixture_clear (Fixture * f)
{
  soup_session_abort (f->session);
  g_object_unref (f->session);
  fake_peer_free (f->peer);
}

/* The answer is handed over whole, and the cancellation takes effect with it. */
static void
test_after_head (void)
{
  Fixture f = { 0 };

  fixture_init (&f, AFTER_HEAD, 0);
  for (guint i = 0; i < ROUNDS; i++) {
    send_one (&f, NULL);
    g_assert_no_error (f.error);
    g_assert_nonnull (f.body);
    g_assert_true (is_cancelled (&f));
    end_one (&f);
  }
  g_assert_cmpuint (f.kept, ==, ROUNDS);
  fixture_clear (&f);
}

static void
test_in_head (void)
{
  Fixture f = { 0 };

  fixture_init (&f, IN_HEAD, 0);
  for (guint i = 0; i < ROUNDS; i++) {
    send_one (&f, NULL);
    g_assert_error (f.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    end_one (&f);
  }
  fixture_clear (&f);
}

static void
test_after_answer (void)
{
  Fixture f = { 0 };

  fixture_init (&f, AFTER_ANSWER, 0);
  send_one (&f, NULL);
  g_assert_false (is_cancelled (&f));
  pmss_sending_cancel (f.sending);
  g_assert_true (is_cancelled (&f));
  end_one (&f);
  fixture_clear (&f);
}

static void
test_outer (void)
{
  g_autoptr (GCancellable) outer = g_cancellable_new ();
  Fixture f = { 0 };

  fixture_init (&f, NEVER, 0);
  send_one (&f, outer);
  g_assert_no_error (f.error);
  end_one (&f);
  g_cancellable_cancel (outer);
  send_one (&f, outer);
  g_assert_error (f.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  end_one (&f);
  fixture_clear (&f);
}

/* A minute in which nobody runs the context, as between two comparisons of lists, and a peer that keeps its connection: libsoup's own timer, which is overdue
 * then, would end it under the next request, and that would never end. The minute is a second here where there is such a timer. */
static void
test_long_pause (void)
{
  Fixture f = { 0 };
  g_autoptr (SoupSession) session = pmss_exchange_session_new (1, 1, NULL, NULL,
      NULL);
  guint timer;

  fixture_init (&f, NEVER, 50);
  g_object_get (session, "idle-timeout", &timer, NULL);
  if (timer > 0)
    g_object_set (session, "idle-timeout", 1, NULL);
  g_set_object (&f.session, session);
  for (guint i = 0; i < 2; i++) {
    if (i > 0)
      g_usleep (1100 * 1000);
    /* the connection is free when the body has been read */
    send_one (&f, NULL);
    g_assert_no_error (f.error);
    g_assert_cmpint (g_input_stream_skip (f.body, 100, NULL, &f.error), ==,
        strlen (BODY));
    g_assert_cmpint (g_input_stream_skip (f.body, 100, NULL, &f.error), ==, 0);
    end_one (&f);
  }
  g_assert_cmpuint (fake_peer_get_connections (f.peer), ==, 1);
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sending/after-head", test_after_head);
  g_test_add_func ("/sending/in-head", test_in_head);
  g_test_add_func ("/sending/after-answer", test_after_answer);
  g_test_add_func ("/sending/outer", test_outer);
  g_test_add_func ("/sending/long-pause", test_long_pause);
  return g_test_run ();
}
