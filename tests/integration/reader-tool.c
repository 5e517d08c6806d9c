/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads a medium through PmssReader as a test wants it, compares with the
 * original, and prints what happened as one JSON object.
 *
 *   reader-tool [OPTION...] MEDIUM FILE
 *
 * The control server and the login come from PMSS_URL and PMSS_TOKEN. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libpmss/pmss.h"

static int n_random = 0;
static int seed = 1;
static int rate = 0;
static int timeout = 15;
static int max_read = 256 * 1024;
static int cancel_every = 0;
static gint64 cache_size = 0;
static gint64 read_ahead = 0;
static gboolean use_async = FALSE;
static int tail_after = 0;
static gint64 behind = 0;
static char *until = NULL;
static char *ca_file = NULL;

static const GOptionEntry entries[] = {
  {"random", 0, 0, G_OPTION_ARG_INT, &n_random,
      "Read N ranges at random places, not from start to end", "N"},
  {"seed", 0, 0, G_OPTION_ARG_INT, &seed, "Of the random places", "S"},
  {"rate", 0, 0, G_OPTION_ARG_INT, &rate,
      "Consume at this pace (bit/s) and record the longest gap", "R"},
  {"timeout", 0, 0, G_OPTION_ARG_INT, &timeout, "The reader's (s)", "T"},
  {"max-read", 0, 0, G_OPTION_ARG_INT, &max_read, "Bytes a read", "B"},
  {"cancel-every", 0, 0, G_OPTION_ARG_INT, &cancel_every,
      "Cancel every Nth read soon after it began, then repeat it", "N"},
  {"cache-size", 0, 0, G_OPTION_ARG_INT64, &cache_size, "Bytes", "B"},
  {"read-ahead", 0, 0, G_OPTION_ARG_INT64, &read_ahead, "Bytes", "B"},
  {"tail-after", 0, 0, G_OPTION_ARG_INT, &tail_after,
      "Read the first bytes, wait until N units have come, then read the last"
        " ones, for which no request may be made", "N"},
  {"behind", 0, 0, G_OPTION_ARG_INT64, &behind,
      "Read it a second time beside that, so many bytes behind, with another"
        " reader of the same client", "B"},
  {"until", 0, 0, G_OPTION_ARG_FILENAME, &until,
      "Read it again as long as there is no such file", "FILE"},
  {"ca-file", 0, 0, G_OPTION_ARG_FILENAME, &ca_file,
      "Who has to have signed the servers' certificates", "FILE"},
  {"async", 0, 0, G_OPTION_ARG_NONE, &use_async, "Use the asynchronous calls",
      NULL},
  {NULL}
};

typedef struct
{
  PmssReader *reader;
  int fd;
  guint64 size;
  guint8 *expected;
  guint64 bytes;
  guint64 reads;
  guint64 cancelled;
  gint64 longest_gap;           /* us */
  GRand *rand;
} Tool;

typedef struct
{
  GAsyncResult *result;
  GMainLoop *loop;
} Answer;

static void
answered (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->result = g_object_ref (result);
  g_main_loop_quit (answer->loop);
}

static GBytes *
read_async (Tool * tool, guint64 offset, gsize max, GCancellable * cancellable,
    GError ** error)
{
  Answer answer = { NULL, g_main_loop_new (NULL, FALSE) };
  GBytes *bytes;

  pmss_reader_read_async (tool->reader, offset, max, cancellable, answered,
      &answer);
  g_main_loop_run (answer.loop);
  bytes = pmss_reader_read_finish (tool->reader, answer.result, error);
  g_object_unref (answer.result);
  g_main_loop_unref (answer.loop);
  return bytes;
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (500);
  g_cancellable_cancel (cancellable);
  g_object_unref (cancellable);
  return NULL;
}

static GBytes *
read_once (Tool * tool, guint64 offset, gsize max, GError ** error)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GThread *canceller = NULL;
  GBytes *bytes;

  tool->reads++;
  if (cancel_every > 0 && tool->reads % cancel_every == 0)
    canceller = g_thread_new ("cancel", cancel_soon,
        g_object_ref (cancellable));
  bytes = use_async ? read_async (tool, offset, max, cancellable, error)
      : pmss_reader_read (tool->reader, offset, max, cancellable, error);
  if (canceller != NULL)
    g_thread_join (canceller);
  return bytes;
}

static gboolean
check (Tool * tool, guint64 offset, GBytes * bytes, GError ** error)
{
  gsize length = g_bytes_get_size (bytes);

  if (length == 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "nothing at byte %" G_GUINT64_FORMAT, offset);
    return FALSE;
  }
  if (pread (tool->fd, tool->expected, length, offset) != (gssize) length
      || memcmp (tool->expected, g_bytes_get_data (bytes, NULL), length) != 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
        "wrong bytes in the %" G_GSIZE_FORMAT " at %" G_GUINT64_FORMAT,
        length, offset);
    return FALSE;
  }
  tool->bytes += length;
  return TRUE;
}

/* Reads and checks @length bytes from @offset. */
static gboolean
read_range (Tool * tool, guint64 offset, guint64 length, GError ** error)
{
  while (length > 0) {
    g_autoptr (GError) failure = NULL;
    g_autoptr (GBytes) bytes = read_once (tool, offset,
        MIN (length, (guint64) max_read), &failure);

    if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
      tool->cancelled++;
      continue;
    }
    if (bytes == NULL) {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
    if (!check (tool, offset, bytes, error))
      return FALSE;
    offset += g_bytes_get_size (bytes);
    length -= g_bytes_get_size (bytes);
  }
  return TRUE;
}

static gboolean
run_random (Tool * tool, GError ** error)
{
  int i;

  for (i = 0; i < n_random; i++) {
    guint64 offset = g_rand_double (tool->rand) * tool->size;
    guint64 length = 1 + g_rand_double (tool->rand) *
        g_rand_double (tool->rand) * 2 * max_read;

    if (tool->size == 0)
      break;
    if (!read_range (tool, offset, MIN (length, tool->size - offset), error))
      return FALSE;
  }
  return TRUE;
}

/* As a player with no buffer of its own: a piece is due when the one before
 * it has been played. */
static gboolean
run_paced (Tool * tool, GError ** error)
{
  const guint64 piece = MAX (1, rate / 8 / 50);
  gint64 start = g_get_monotonic_time ();
  guint64 offset;

  for (offset = 0; offset < tool->size; offset += piece) {
    gint64 before = g_get_monotonic_time ();
    gint64 due = start + offset * 8 * G_TIME_SPAN_SECOND / rate;

    if (due > before)
      g_usleep (due - before);
    before = g_get_monotonic_time ();
    if (!read_range (tool, offset, MIN (piece, tool->size - offset), error))
      return FALSE;
    tool->longest_gap =
        MAX (tool->longest_gap, g_get_monotonic_time () - before);
  }
  return TRUE;
}

static guint64
get_counter (Tool * tool, const char *name)
{
  g_autoptr (GVariant) stats = pmss_reader_get_stats (tool->reader);
  guint64 value = 0;

  g_variant_lookup (stats, name, "t", &value);
  return value;
}

static gboolean
run_tail (Tool * tool, GError ** error)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;
  guint64 requests;

  if (!read_range (tool, 0, 100, error))
    return FALSE;
  while (get_counter (tool, "units") < (guint64) tail_after) {
    if (g_get_monotonic_time () > deadline) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT, "%"
          G_GUINT64_FORMAT " units have come", get_counter (tool, "units"));
      return FALSE;
    }
    g_usleep (1000);
  }
  requests = get_counter (tool, "requests");
  if (!read_range (tool, tool->size - 100, 100, error))
    return FALSE;
  if (get_counter (tool, "requests") == requests)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED, "the tail was asked for");
  return FALSE;
}

static PmssReader *
new_reader (PmssClient * client, const char *medium)
{
  PmssReader *reader = pmss_reader_new (client, medium);

  g_object_set (reader, "timeout", timeout, NULL);
  if (cache_size > 0)
    g_object_set (reader, "cache-size", cache_size, NULL);
  if (read_ahead > 0)
    g_object_set (reader, "read-ahead", read_ahead, NULL);
  return reader;
}

/* The second reader opens when the first one has come that far. */
static gboolean
run_behind (Tool * tool, GError ** error)
{
  g_autoptr (PmssClient) client = NULL;
  g_autofree char *medium = NULL;
  g_autoptr (PmssReader) reader = NULL;
  Tool second = *tool;
  guint64 offset, end = tool->size + behind;

  g_object_get (tool->reader, "client", &client, "medium", &medium, NULL);
  second.reader = reader = new_reader (client, medium);
  for (offset = 0; offset < end; offset += max_read) {
    if (offset < tool->size && !read_range (tool, offset,
            MIN ((guint64) max_read, tool->size - offset), error))
      return FALSE;
    if (offset == (guint64) behind && !pmss_reader_open (reader, NULL, error))
      return FALSE;
    if (offset >= (guint64) behind && !read_range (&second, offset - behind,
            MIN ((guint64) max_read, end - offset), error))
      return FALSE;
  }
  tool->bytes += second.bytes;
  return TRUE;
}

static gboolean
run (Tool * tool, GError ** error)
{
  if (!pmss_reader_open (tool->reader, NULL, error))
    return FALSE;
  tool->size = pmss_reader_get_size (tool->reader);
  if ((guint64) lseek (tool->fd, 0, SEEK_END) != tool->size) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT, "wrong size");
    return FALSE;
  }
  if (behind > 0)
    return run_behind (tool, error);
  if (tail_after > 0)
    return run_tail (tool, error);
  if (n_random > 0)
    return run_random (tool, error);
  if (rate > 0)
    return run_paced (tool, error);
  do {
    if (!read_range (tool, 0, tool->size, error))
      return FALSE;
  } while (until != NULL && !g_file_test (until, G_FILE_TEST_EXISTS));
  return TRUE;
}

static void
print_result (Tool * tool, const GError * error, double seconds)
{
  g_autoptr (GVariant) stats = pmss_reader_get_stats (tool->reader);
  g_autofree char *json = json_gvariant_serialize_data (stats, NULL);
  g_autofree char *message =
      g_strescape (error != NULL ? error->message : "", "");

  printf ("{\"ok\":%s,\"error\":\"%s\",\"code\":%d,\"bytes\":%"
      G_GUINT64_FORMAT ",\"reads\":%" G_GUINT64_FORMAT ",\"cancelled\":%"
      G_GUINT64_FORMAT ",\"longest_gap\":%.6f,\"seconds\":%.3f,\"stats\":%s}\n",
      error != NULL ? "false" : "true", message,
      error != NULL ? error->code : -1, tool->bytes, tool->reads,
      tool->cancelled, tool->longest_gap / 1e6, seconds, json);
}

static void
use_authority (PmssClient * client)
{
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GError) error = NULL;

  if (ca_file == NULL)
    return;
  database = g_tls_file_database_new (ca_file, &error);
  if (database == NULL)
    g_error ("%s", error->message);
  g_object_set (client, "tls-database", database, NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) options = g_option_context_new ("MEDIUM FILE");
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GError) error = NULL;
  Tool tool = { 0, };
  gint64 start;
  gboolean ok;

  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error) || argc != 3) {
    fprintf (stderr, "%s\n",
        error != NULL ? error->message : "MEDIUM and FILE wanted");
    return 2;
  }
  client = pmss_client_new (g_getenv ("PMSS_URL"), &error);
  if (client == NULL)
    g_error ("%s", error->message);
  pmss_client_find_credentials (client, NULL, NULL);
  use_authority (client);
  tool.fd = open (argv[2], O_RDONLY | O_CLOEXEC);
  if (tool.fd < 0)
    g_error ("%s cannot be opened", argv[2]);
  tool.expected = g_malloc (max_read);
  tool.rand = g_rand_new_with_seed (seed);
  tool.reader = new_reader (client, argv[1]);

  start = g_get_monotonic_time ();
  ok = run (&tool, &error);
  print_result (&tool, error, (g_get_monotonic_time () - start) / 1e6);
  g_object_unref (tool.reader);
  close (tool.fd);
  g_rand_free (tool.rand);
  g_free (tool.expected);
  return ok ? 0 : 1;
}
