/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A reader that waits for a start: what it asks, when it reads, how it ends. */
#include "libpmss/pmss-error.h"
#include "reader-fixture.h"
#include "test-certificate.h"

#define MS G_TIME_SPAN_MILLISECOND
#define SECOND G_GUINT64_CONSTANT (1000000000)

static const char full[] =
    "{\"detail\":\"no room\",\"binds\":{\"node\":3,\"resource\":\"network\"},"
    "\"start_in_ns\":2500000000}";

/* The last news of a wait. */
typedef struct
{
  gint64 start_in;
  gboolean granted;
  gboolean refused;
  int n;                        /* atomic */
} News;

static void
on_waiting (PmssReader * reader, gint64 start_in, gboolean granted,
    const GError * refusal, News * news)
{
  news->start_in = start_in;
  news->granted = granted;
  news->refused = refusal != NULL;
  g_atomic_int_inc (&news->n);
}

static FakeCluster *
begin (void)
{
  return fake_cluster_new ((PmssRedundancy) {
      1, 0}
      , CLUSTER_UNIT);
}

static PmssReader *
begin_reader (FakeCluster * cluster, guint64 max_wait, News * news)
{
  PmssReader *reader = fake_cluster_new_reader (cluster);

  /* waiting has nothing to do with it */
  g_object_set (reader, "wait-for-admission", max_wait, "retries", 0, NULL);
  g_signal_connect (reader, "waiting", G_CALLBACK (on_waiting), news);
  return reader;
}

static gboolean
has_member (FakeCluster * cluster, const char *text)
{
  gboolean has;

  g_mutex_lock (&cluster->lock);
  has = strstr (cluster->asked, text) != NULL;
  g_mutex_unlock (&cluster->lock);
  return has;
}

/* It reads from the start on, no byte earlier, over one connection to control. */
static void
run_granted (FakeCluster * cluster, guint timeout)
{
  News news = { 0 };
  g_autoptr (PmssReader) reader = begin_reader (cluster, 60 * SECOND, &news);
  g_autoptr (GError) error = NULL;
  gint64 begun = g_get_monotonic_time ();

  cluster->deferrals = 1;
  cluster->start_in = "1200000000";
  g_object_set (reader, "timeout", timeout, NULL);
  pmss_reader_open (reader, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_get_monotonic_time () - begun, >=, 1200 * MS);
  g_assert_cmpint (g_atomic_int_get (&cluster->nodes[0].requests), ==, 0);
  g_assert_cmpint (news.n, ==, 1);
  g_assert_true (news.granted);
  g_assert_false (news.refused);
  g_assert_cmpint (news.start_in, >, 1100 * 1000 * 1000);
  g_assert_true (fake_cluster_read_all (cluster, reader, &error));
  g_assert_cmpuint (fake_peer_get_connections (cluster->control), ==, 1);
  g_assert_cmpuint (cluster->n_openings, ==, 2);
  g_assert_cmpuint (cluster->n_sessions, ==, 1);
  g_clear_object (&reader);
  g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 0);
}

static void
test_granted (void)
{
  FakeCluster *cluster = begin ();

  /* shorter than the wait, which is not part of it */
  run_granted (cluster, 1);
  fake_cluster_free (cluster);
}

G_GNUC_UNUSED static void
test_granted_tls (void)
{
  FakeCluster *cluster = begin ();
  g_autoptr (GTlsCertificate) certificate =
      g_tls_certificate_new_from_pem (TEST_CERTIFICATE, -1, NULL);

  fake_cluster_control_tls (cluster, certificate);
  run_granted (cluster, 15);
  fake_cluster_free (cluster);
}

/* The lease is kept: control is asked at each third of it. */
static void
test_lease_is_kept (void)
{
  FakeCluster *cluster = begin ();
  News news = { 0 };
  g_autoptr (PmssReader) reader = begin_reader (cluster, 60 * SECOND, &news);
  g_autoptr (GError) error = NULL;

  cluster->lease = 1;
  cluster->deferrals = 4;
  cluster->start_in = "30000000000";
  pmss_reader_open (reader, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (news.n, ==, 4);
  g_assert_cmpuint (cluster->n_sessions, ==, 1);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Asked again when it was told; what is asked for says how long is waited. */
static void
test_refused_then_opened (void)
{
  FakeCluster *cluster = begin ();
  News news = { 0 };
  g_autoptr (PmssReader) reader = begin_reader (cluster, 60 * SECOND, &news);
  g_autoptr (GError) error = NULL;
  gint64 begun = g_get_monotonic_time ();

  cluster->refusals = 1;
  cluster->refusal = full;
  cluster->retry_after = "1";
  pmss_reader_open (reader, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_get_monotonic_time () - begun, >=, 1000 * MS);
  g_assert_cmpint (news.n, ==, 1);
  g_assert_true (news.refused);
  g_assert_cmpuint (fake_peer_get_connections (cluster->control), ==, 1);
  g_assert_false (news.granted);
  g_assert_cmpint (news.start_in, >, 2400 * 1000 * 1000LL);
  g_assert_true (has_member (cluster, "\"max_wait_ns\":5"));
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

static GError *
fail_to_open (FakeCluster * cluster, guint64 max_wait)
{
  News news = { 0 };
  g_autoptr (PmssReader) reader = begin_reader (cluster, max_wait, &news);
  GError *error = NULL;

  g_assert_false (pmss_reader_open (reader, NULL, &error));
  return error;
}

/* Nobody waits: the first answer counts, and says all that it knows. */
static void
test_refused (void)
{
  FakeCluster *cluster = begin ();
  g_autoptr (GError) error = NULL;

  cluster->refusals = G_MAXUINT;
  cluster->refusal = full;
  cluster->retry_after = "1";
  error = fail_to_open (cluster, 0);
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "no room"));
  g_assert_nonnull (strstr (error->message, "network of storage server 3"));
  g_assert_nonnull (strstr (error->message, "try again in 3 s"));
  g_assert_cmpuint (cluster->n_openings, ==, 1);
  g_assert_false (has_member (cluster, "max_wait_ns"));
  fake_cluster_free (cluster);
}

/* Whatever control says of when, and for ever: the limit holds, and the error is clear. */
static void
test_lies_of_refusals (void)
{
  static const char *const refusals[][2] = {
    {"99999999999999999999999", "{}"},
    {"2999999", "{\"start_in_ns\":9e300}"},
    {"soon", "{\"start_in_ns\":-1}"},
    {"-5", "{\"start_in_ns\":\"x\",\"binds\":[]}"},
    {"0", "{\"binds\":{\"node\":-1,\"resource\":7}}"},
    {NULL, "nonsense"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
    FakeCluster *cluster = begin ();
    gint64 begun = g_get_monotonic_time ();
    g_autoptr (GError) error = NULL;

    cluster->refusals = G_MAXUINT;
    cluster->retry_after = refusals[i][0];
    cluster->refusal = refusals[i][1];
    error = fail_to_open (cluster, SECOND / 2);
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_BUSY);
    g_assert_cmpint (g_get_monotonic_time () - begun, <, 5000 * MS);
    g_assert_cmpuint (cluster->n_openings, <=, 2);
    g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 0);
    fake_cluster_free (cluster);
  }
}

/* A start in a year, or before now; one that is later than is waited for is given back. */
static void
test_lies_of_starts (void)
{
  static const struct
  {
    const char *start_in;
    PmssError code;
  } cases[] = {
    {"31536000000000000", PMSS_ERROR_PROTOCOL},
    {"-1", PMSS_ERROR_PROTOCOL},
    {"\"soon\"", PMSS_ERROR_PROTOCOL},
    {"3600000000000", PMSS_ERROR_BUSY},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    FakeCluster *cluster = begin ();
    g_autoptr (GError) error = NULL;

    cluster->deferrals = G_MAXUINT;
    cluster->start_in = cases[i].start_in;
    error = fail_to_open (cluster, 10 * SECOND);
    g_assert_error (error, PMSS_ERROR, (int) cases[i].code);
    if (cases[i].code == PMSS_ERROR_BUSY) {
      g_assert_nonnull (strstr (error->message, "try again in 1 h 0 min"));
      g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 0);
    }
    fake_cluster_free (cluster);
  }
}

/* 0 is no wait: the session has to be there. */
static void
test_start_now (void)
{
  FakeCluster *cluster = begin ();
  g_autoptr (GError) error = NULL;

  cluster->deferrals = G_MAXUINT;
  cluster->start_in = "0";
  error = fail_to_open (cluster, 10 * SECOND);
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL);
  fake_cluster_free (cluster);
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (50 * MS);
  g_cancellable_cancel (cancellable);
  return NULL;
}

/* Who cancels waits no longer, and the place is kept: who opens again goes on waiting. Closed, it is
 * given back. */
static void
test_cancelled (void)
{
  FakeCluster *cluster = begin ();
  News news = { 0 };
  g_autoptr (PmssReader) reader = begin_reader (cluster, 3600 * SECOND, &news);
  gint64 begun = g_get_monotonic_time ();

  cluster->deferrals = G_MAXUINT;
  cluster->start_in = "600000000000";
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    g_autoptr (GError) error = NULL;
    GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);

    g_assert_false (pmss_reader_open (reader, cancellable, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_thread_join (thread);
  }
  g_assert_cmpuint (cluster->n_openings, ==, 1);
  g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 1);
  pmss_reader_close (reader);
  g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 0);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 5000 * MS);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

static void
test_bulk (void)
{
  FakeCluster *cluster = begin ();
  g_autoptr (PmssReader) reader = fake_cluster_open (cluster, "bulk", TRUE,
      "session", "00112233445566778899aabbccddeeff", NULL);

  g_assert_true (has_member (cluster, "\"class\":\"bulk\""));
  g_assert_true (has_member (cluster,
          "\"id\":\"00112233445566778899aabbccddeeff\""));
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reader/admission/granted", test_granted);
  /* neither sanitizer survives that GLib's TLS module is unloaded */
#if !defined (__SANITIZE_THREAD__) && !defined (__SANITIZE_ADDRESS__)
  g_test_add_func ("/reader/admission/granted-tls", test_granted_tls);
#endif
  g_test_add_func ("/reader/admission/lease-is-kept", test_lease_is_kept);
  g_test_add_func ("/reader/admission/refused-then-opened",
      test_refused_then_opened);
  g_test_add_func ("/reader/admission/refused", test_refused);
  g_test_add_func ("/reader/admission/lies-of-refusals", test_lies_of_refusals);
  g_test_add_func ("/reader/admission/lies-of-starts", test_lies_of_starts);
  g_test_add_func ("/reader/admission/start-now", test_start_now);
  g_test_add_func ("/reader/admission/cancelled", test_cancelled);
  g_test_add_func ("/reader/admission/bulk", test_bulk);
  return g_test_run ();
}
