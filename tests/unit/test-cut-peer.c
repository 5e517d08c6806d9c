/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cable to a storage server is pulled in the middle of a shard: each way to end the request ends it, with TLS too. */

#define _GNU_SOURCE             /* RTLD_NEXT */

#include <dlfcn.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake-peer.h"
#include "libpmss/pmss-error.h"
#include "libpmss/node/pmss-node-client.h"
#include "libpmss/node/pmss-writer.h"
#include "test-certificate.h"

#define SHARD "00112233445566778899aabbccddeeff-00000007.4"
/* More than all buffers on the way hold. */
#define SIZE (32u << 20)
/* Half of the time after which the kernel itself breaks the connection, us. */
#define SOON (10 * G_USEC_PER_SEC)
/* Nothing moves for so long: the buffers are full, us. */
#define QUIET (100 * 1000)

/* LeakSanitizer crashes on the thread-local data of a module that was loaded at run time, which GLib's TLS is, in threads of GLib's pool.
 * Leaks are looked for under valgrind. */
int __lsan_is_turned_off (void);
int
__lsan_is_turned_off (void)
{
  return 1;
}

/* Of the last connection that was begun. */
static int sender = -1;         /* atomic */

int
connect (int fd, const struct sockaddr *address, socklen_t length)
{
  static int (*real_connect) (int, const struct sockaddr *, socklen_t);

  if (g_once_init_enter (&real_connect))
    g_once_init_leave (&real_connect, dlsym (RTLD_NEXT, "connect"));
  g_atomic_int_set (&sender, fd);
  return real_connect (fd, address, length);
}

typedef struct
{
  FakePeer *peer;
  char *certificate;            /* its file, read when it is needed; nullable: no TLS */
  GTlsDatabase *database;       /* nullable */
  PmssNode node;
  GBytes *shard;
  GCancellable *cancellable;
  GAsyncResult *result;
  GThread *filler;
  int filled;                   /* atomic */
  int ended;                    /* atomic: the request, which may be before the buffer is full */
} Fixture;

static void
answer (const FakeRequest * request, FakeAnswer * out, gpointer user_data)
{
  out->text = g_strdup ("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
}

static int
unsent (void)
{
  int bytes = 0;

  ioctl (g_atomic_int_get (&sender), SIOCOUTQ, &bytes);
  return bytes;
}

/* Waits until the sender's buffer is full and sees to it that no byte more will fit: a retransmission may make room for some. */
static gpointer
fill_buffer (gpointer user_data)
{
  Fixture *f = user_data;
  int smallest = 1, before;

  do {
    before = unsent ();
    g_usleep (QUIET);
  } while (!g_atomic_int_get (&f->ended)
      && (before < 65536 || before != unsent ()));
  setsockopt (g_atomic_int_get (&sender), SOL_SOCKET, SO_SNDBUF, &smallest,
      sizeof smallest);
  g_atomic_int_set (&f->filled, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
trust_test_certificate (Fixture * f)
{
  g_autoptr (GError) error = NULL;

  f->certificate = g_build_filename (g_get_tmp_dir (), "pmss-test-cut-XXXXXX",
      NULL);
  close (g_mkstemp (f->certificate));
  g_assert_true (g_file_set_contents (f->certificate, TEST_CERTIFICATE, -1,
          NULL));
  f->database = g_tls_file_database_new (f->certificate, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture * f, gconstpointer tls)
{
  g_autoptr (GTlsCertificate) certificate = NULL;

  if (tls) {
    certificate = g_tls_certificate_new_from_pem (TEST_CERTIFICATE, -1, NULL);
    trust_test_certificate (f);
  }
  f->peer = fake_peer_new (answer, f, certificate);
  f->node = (PmssNode) {
  .id = 3,.address = (char *) "127.0.0.1",.tls = tls != NULL,.port =
        fake_peer_get_port (f->peer)};
  f->shard = g_bytes_new_take (g_malloc0 (SIZE), SIZE);
  f->cancellable = g_cancellable_new ();
  g_atomic_int_set (&sender, -1);
  f->filler = g_thread_new ("fill", fill_buffer, f);
  fake_peer_cut_at_body (f->peer);
}

static void
tear_down (Fixture * f, gconstpointer tls)
{
  g_atomic_int_set (&f->ended, TRUE);
  g_thread_join (f->filler);
  g_clear_object (&f->result);
  g_clear_object (&f->database);
  if (f->certificate != NULL)
    unlink (f->certificate);
  g_free (f->certificate);
  g_object_unref (f->cancellable);
  g_bytes_unref (f->shard);
  fake_peer_free (f->peer);
}

static void
keep_result (GObject * source, GAsyncResult * result, gpointer user_data)
{
  ((Fixture *) user_data)->result = g_object_ref (result);
}

/* How the request ends, which has to be soon after @since. */
static void
check_end (Fixture * f, PmssNodeClient * client, gint64 since,
    GQuark domain, int code)
{
  g_autoptr (GError) error = NULL;

  while (f->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (g_get_monotonic_time () - since, <, SOON);
  g_assert_false (pmss_node_client_put_finish (client, f->result, &error));
  g_assert_error (error, domain, code);
}

static void
test_idle (Fixture * f, gconstpointer tls)
{
  g_autoptr (PmssNodeClient) client =
      pmss_node_client_new (&f->node, 1, f->database);

  pmss_node_client_put_async (client, SHARD, f->shard, NULL, keep_result, f);
  check_end (f, client, g_get_monotonic_time (), PMSS_ERROR,
      PMSS_ERROR_TIMED_OUT);
}

static gpointer
cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancel (Fixture * f, gconstpointer tls)
{
  g_autoptr (PmssNodeClient) client =
      pmss_node_client_new (&f->node, 60, f->database);
  gint64 since;

  pmss_node_client_put_async (client, SHARD, f->shard, f->cancellable,
      keep_result, f);
  while (!g_atomic_int_get (&f->filled))
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (f->result);
  since = g_get_monotonic_time ();
  g_thread_join (g_thread_new ("cancel", cancel, f->cancellable));
  check_end (f, client, since, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static gboolean
place (guint32 extent, PmssNode * nodes, gpointer f, GError ** error)
{
  nodes[0] = ((Fixture *) f)->node;
  return TRUE;
}

static gboolean
replace (guint32 extent, guint index, const PmssNode * failed,
    const GError * reason, PmssNode * node, gpointer user_data, GError ** error)
{
  g_propagate_error (error, g_error_copy (reason));
  return FALSE;
}

static gboolean
durable (guint32 extent, gpointer user_data, GError ** error)
{
  g_assert_not_reached ();
}

static char *
get_token (const PmssNode * node, const char *shard, gpointer user_data)
{
  return NULL;
}

/* A writer that is given up while it waits. */
static void
test_writer (Fixture * f, gconstpointer tls)
{
  static const PmssWriterFuncs funcs = { place, replace, get_token, durable };
  static const PmssVersionId version = { {1} };
  PmssWriter *writer = pmss_writer_new (&version, SIZE, (PmssRedundancy) {
        1, 0
      }, 1u << 20, SIZE, 0, &funcs, f);
  g_autoptr (GError) error = NULL;
  gint64 since;

  g_object_set (writer, "timeout", 1, "tls-database", f->database, NULL);
  since = g_get_monotonic_time ();
  g_assert_true (pmss_writer_write (writer, g_bytes_get_data (f->shard, NULL),
          SIZE, NULL, &error));
  g_assert_false (pmss_writer_finish (writer, NULL, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
  g_object_unref (writer);
  g_assert_cmpint (g_get_monotonic_time () - since, <, SOON);
}

int
main (int argc, char **argv)
{
  alarm (100);
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/cut-peer/idle/plain", Fixture, NULL, set_up, test_idle,
      tear_down);
  g_test_add ("/cut-peer/idle/tls", Fixture, "", set_up, test_idle, tear_down);
  g_test_add ("/cut-peer/cancel/plain", Fixture, NULL, set_up, test_cancel,
      tear_down);
  g_test_add ("/cut-peer/cancel/tls", Fixture, "", set_up, test_cancel,
      tear_down);
  g_test_add ("/cut-peer/writer/plain", Fixture, NULL, set_up, test_writer,
      tear_down);
  g_test_add ("/cut-peer/writer/tls", Fixture, "", set_up, test_writer,
      tear_down);
  return g_test_run ();
}
