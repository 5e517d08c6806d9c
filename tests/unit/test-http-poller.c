/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets below one source: what they are ready for, and who is told. */
#include <sys/socket.h>
#include <unistd.h>

#include "httpd/pmss-http-poller.h"

typedef struct
{
  PmssHttpPoller *poller;
  PmssHttpWatch watch;
  int peer;
  guint told;
  GIOCondition again;           /* is awaited when it is told */
} Fixture;

static void
on_ready (gpointer data)
{
  Fixture *f = data;

  f->told++;
  if (f->again)
    pmss_http_watch_await (&f->watch, f->again);
}

static void
turn (void)
{
  g_main_context_iteration (NULL, FALSE);
}

static Fixture *
fixture_new (PmssHttpPoller * poller)
{
  Fixture *f = g_new0 (Fixture, 1);
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX,
          SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), ==, 0);
  f->peer = fds[0];
  f->poller = poller;
  g_assert_true (pmss_http_watch_begin (&f->watch, poller, fds[1], on_ready,
          f));
  return f;
}

static void
fixture_free (Fixture * f)
{
  pmss_http_watch_end (&f->watch);
  pmss_http_watch_end (&f->watch);
  close (f->watch.fd);
  if (f->peer >= 0)
    close (f->peer);
  g_free (f);
}

static PmssHttpPoller *
poller_new (void)
{
  g_autoptr (GError) error = NULL;
  PmssHttpPoller *poller = pmss_http_poller_new (NULL, &error);

  g_assert_no_error (error);
  return poller;
}

/* Takes what is there. */
static void
drain (Fixture * f)
{
  char bytes[100];

  while (recv (f->watch.fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0);
}

/* *INDENT-OFF* */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssHttpPoller, pmss_http_poller_free)
/* *INDENT-ON* */

static void
test_ready (void)
{
  g_autoptr (PmssHttpPoller) poller = poller_new ();
  g_autoptr (Fixture) f = fixture_new (poller);

  turn ();
  g_assert_cmpint (f->watch.ready, ==, G_IO_OUT);
  g_assert_cmpint (send (f->peer, "a", 1, 0), ==, 1);
  turn ();
  g_assert_cmpint (f->watch.ready, ==, G_IO_IN | G_IO_OUT);
  /* until its owner says otherwise */
  drain (f);
  turn ();
  g_assert_cmpint (f->watch.ready, ==, G_IO_IN | G_IO_OUT);
  pmss_http_watch_blocked (&f->watch, G_IO_IN, TRUE);
  g_assert_cmpint (f->watch.ready, ==, G_IO_OUT);
  turn ();
  g_assert_cmpint (f->watch.ready, ==, G_IO_OUT);
  g_assert_cmpuint (f->told, ==, 0);
}

/* A library may have bytes left in the socket and say that it would block. */
static void
test_not_drained (void)
{
  g_autoptr (PmssHttpPoller) poller = poller_new ();
  g_autoptr (Fixture) f = fixture_new (poller);

  g_assert_cmpint (send (f->peer, "a", 1, 0), ==, 1);
  turn ();
  pmss_http_watch_blocked (&f->watch, G_IO_IN, FALSE);
  g_assert_cmpint (f->watch.ready, ==, G_IO_IN | G_IO_OUT);
  drain (f);
  pmss_http_watch_blocked (&f->watch, G_IO_IN, FALSE);
  g_assert_cmpint (f->watch.ready, ==, G_IO_OUT);
}

static void
test_await (void)
{
  g_autoptr (PmssHttpPoller) poller = poller_new ();
  g_autoptr (Fixture) f = fixture_new (poller);

  pmss_http_watch_await (&f->watch, G_IO_IN);
  turn ();
  g_assert_cmpuint (f->told, ==, 0);
  g_assert_cmpint (send (f->peer, "a", 1, 0), ==, 1);
  turn ();
  g_assert_cmpuint (f->told, ==, 1);
  /* once */
  g_assert_cmpint (send (f->peer, "a", 1, 0), ==, 1);
  turn ();
  g_assert_cmpuint (f->told, ==, 1);
  /* what is known already has a turn of its own, unless it is taken back */
  pmss_http_watch_await (&f->watch, G_IO_IN);
  g_assert_cmpuint (f->told, ==, 1);
  pmss_http_watch_await (&f->watch, 0);
  turn ();
  g_assert_cmpuint (f->told, ==, 1);
  pmss_http_watch_await (&f->watch, G_IO_IN);
  turn ();
  g_assert_cmpuint (f->told, ==, 2);
}

static void
test_gone (void)
{
  g_autoptr (PmssHttpPoller) poller = poller_new ();
  g_autoptr (Fixture) f = fixture_new (poller);

  pmss_http_watch_await (&f->watch, G_IO_IN);
  close (f->peer);
  f->peer = -1;
  turn ();
  g_assert_cmpuint (f->told, ==, 1);
  g_assert_cmpint (f->watch.ready, ==, G_IO_IN | G_IO_OUT);
}

static gboolean
note (gpointer data)
{
  (*(guint *) data)++;
  return G_SOURCE_CONTINUE;
}

/* A socket that is always ready leaves the others their turn, and the context's
 * other sources theirs. */
static void
test_fair (void)
{
  g_autoptr (PmssHttpPoller) poller = poller_new ();
  g_autoptr (Fixture) busy = fixture_new (poller);
  g_autoptr (Fixture) other = fixture_new (poller);
  g_autoptr (GSource) source = g_timeout_source_new (0);
  guint noted = 0;

  g_source_set_callback (source, note, &noted, NULL);
  g_source_attach (source, NULL);
  busy->again = other->again = G_IO_OUT;
  pmss_http_watch_await (&busy->watch, G_IO_OUT);
  pmss_http_watch_await (&other->watch, G_IO_OUT);
  for (guint i = 0; i < 10; i++)
    turn ();
  g_source_destroy (source);
  g_assert_cmpuint (busy->told, >=, 9);
  g_assert_cmpuint (busy->told, <=, 10);
  g_assert_cmpuint (other->told, ==, busy->told);
  g_assert_cmpuint (noted, >=, 9);
}

/* What changes meanwhile is told afterwards. */
static void
test_pause (void)
{
  g_autoptr (PmssHttpPoller) poller = poller_new ();
  g_autoptr (Fixture) f = fixture_new (poller);

  turn ();
  pmss_http_watch_pause (&f->watch);
  g_assert_cmpint (send (f->peer, "a", 1, 0), ==, 1);
  turn ();
  g_assert_cmpint (f->watch.ready, ==, G_IO_OUT);
  pmss_http_watch_resume (&f->watch);
  pmss_http_watch_await (&f->watch, G_IO_IN);
  g_assert_cmpint (f->watch.ready, ==, 0);
  turn ();
  g_assert_cmpint (f->watch.ready, ==, G_IO_IN | G_IO_OUT);
  g_assert_cmpuint (f->told, ==, 1);

  drain (f);
  pmss_http_watch_pause (&f->watch);
  pmss_http_watch_resume (&f->watch);
  pmss_http_watch_await (&f->watch, G_IO_IN);
  turn ();
  g_assert_cmpint (f->watch.ready, ==, G_IO_OUT);
  g_assert_cmpuint (f->told, ==, 1);
}

/* More than one call of the kernel's tells of. */
static void
test_many (void)
{
  g_autoptr (PmssHttpPoller) poller = poller_new ();
  Fixture *all[200];
  guint told = 0;

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    all[i] = fixture_new (poller);
    pmss_http_watch_await (&all[i]->watch, G_IO_OUT);
  }
  turn ();
  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    told += all[i]->told;
    fixture_free (all[i]);
  }
  g_assert_cmpuint (told, ==, G_N_ELEMENTS (all));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http-poller/ready", test_ready);
  g_test_add_func ("/http-poller/not-drained", test_not_drained);
  g_test_add_func ("/http-poller/await", test_await);
  g_test_add_func ("/http-poller/gone", test_gone);
  g_test_add_func ("/http-poller/fair", test_fair);
  g_test_add_func ("/http-poller/pause", test_pause);
  g_test_add_func ("/http-poller/many", test_many);
  return g_test_run ();
}
