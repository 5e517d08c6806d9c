/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-players SOURCE BYTES-PER-SECOND INTERVAL-MS MOST: how many viewers at once?
 *
 * Starts one player after the other, INTERVAL-MS apart, until a buffer of any of them is late, or MOST of them run, or memory runs short. A player is a
 * process of its own, as viewers are: a pipeline of SOURCE (as of gst-launch) and a sink that takes each byte when it is due at that rate; a buffer is
 * late when it comes more than a second after that. The processes are forked from one that knows GStreamer already, so that starting them costs
 * little. Prints one JSON object; its "seconds" are those of all players together, its "memory" is the sum of the anonymous memory of all, in bytes. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gst/gst.h>

#include "pace.h"

/* For how long so many are watched when they are as many as were asked for. */
#define HOLD (10 * G_USEC_PER_SEC)

/* What a player has in hand before it begins to play. */
#define HEAD_START G_USEC_PER_SEC
/* Below this the kernel would begin to drop the page cache that is streamed. */
#define LEAST_MEMORY (1500 << 10)       /* KiB */
/* What is written to a pipe in one piece. */
#define LONGEST_REASON 256

typedef struct
{
  const char *source;
  double bytes_per_second;
  gint64 interval;              /* us */
  guint most;
  int reasons[2];               /* pipe: why it is over, from the players */
  GArray *players;              /* pid_t */
  double started;               /* sum of the times at which they were, us */
} Ramp;

/* --- A player, in its process --- */

/* Where it says why all is over. */
static int reason_fd;

static void
end_because (const char *why)
{
  gsize length = MIN (strlen (why), LONGEST_REASON);

  if (write (reason_fd, why, length) != (gssize) length)
    _exit (1);
}

static GstPadProbeReturn
take (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  gsize size = gst_buffer_get_size (GST_PAD_PROBE_INFO_BUFFER (info));

  if (bench_pace_take (user_data, size) > HEAD_START)
    end_because ("late");
  return GST_PAD_PROBE_OK;
}

static GstBusSyncReply
watch_bus (GstBus * bus, GstMessage * message, gpointer user_data)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_error (message, &error, NULL);
    end_because (error->message);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS) {
    end_because ("the file is too short");
  }
  gst_message_unref (message);
  return GST_BUS_DROP;
}

/* Until it is killed. */
G_GNUC_NORETURN static void
play (const Ramp * ramp)
{
  g_autofree char *description = g_strconcat (ramp->source,
      " ! fakesink name=sink sync=false", NULL);
  GstElement *pipeline = gst_parse_launch (description, NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");
  BenchPace pace = {.bytes_per_second = ramp->bytes_per_second };

  reason_fd = ramp->reasons[1];
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, take, &pace, NULL);
  gst_bus_set_sync_handler (gst_element_get_bus (pipeline), watch_bus, NULL,
      NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (;;)
    pause ();
}

/* --- All of them --- */

static void
start_player (Ramp * ramp)
{
  pid_t parent = getpid (), pid = fork ();

  if (pid < 0) {
    perror ("fork");
    exit (1);
  }
  if (pid == 0) {
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != parent)
      _exit (1);
    play (ramp);
  }
  g_array_append_val (ramp->players, pid);
  ramp->started += g_get_monotonic_time ();
}

/* The value of @key in a file of lines "key: N kB", in KiB; 0: there is none. */
static guint64
read_kib (const char *path, const char *key)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  line = strstr (text, key);
  return line != NULL ? g_ascii_strtoull (line + strlen (key), NULL, 10) : 0;
}

static gboolean
memory_is_short (void)
{
  return read_kib ("/proc/meminfo", "MemAvailable:") < LEAST_MEMORY;
}

static guint64
sum_memory (Ramp * ramp)
{
  guint64 sum = 0;

  for (guint i = 0; i < ramp->players->len; i++) {
    g_autofree char *path = g_strdup_printf ("/proc/%d/status",
        g_array_index (ramp->players, pid_t, i));

    sum += read_kib (path, "RssAnon:") * 1024;
  }
  return sum;
}

/* Why it is over, NULL: it is not, until @end. To be freed. */
static char *
wait_until_over (Ramp * ramp, gint64 end)
{
  struct pollfd fd = {.fd = ramp->reasons[0],.events = POLLIN };
  gint64 left = end - g_get_monotonic_time ();
  char reason[LONGEST_REASON];
  gssize length;

  if (poll (&fd, 1, (MAX (left, 0) + 999) / 1000) <= 0)
    return NULL;
  length = read (ramp->reasons[0], reason, sizeof reason);
  /* several may be late at once */
  if (length >= 4 && memcmp (reason, "late", 4) == 0)
    length = 4;
  return g_strndup (reason, MAX (0, length));
}

static char *
start_players (Ramp * ramp)
{
  gint64 next = g_get_monotonic_time ();
  char *end = NULL;

  while (end == NULL) {
    if (ramp->players->len == ramp->most) {
      end = wait_until_over (ramp, next + HOLD);
      return end != NULL ? end : g_strdup ("most");
    }
    if (memory_is_short ())
      return g_strdup ("memory");
    start_player (ramp);
    next += ramp->interval;
    end = wait_until_over (ramp, next);
  }
  return end;
}

/* Waited for, so that what they have used is known. */
static void
end_players (Ramp * ramp)
{
  for (guint i = 0; i < ramp->players->len; i++)
    kill (g_array_index (ramp->players, pid_t, i), SIGKILL);
  while (wait (NULL) > 0);
}

/* Whether SOURCE can be made at all: nobody hears what a player prints. */
static gboolean
check_source (const char *source)
{
  g_autoptr (GError) error = NULL;
  GstElement *element = gst_parse_launch (source, &error);

  if (error != NULL)
    g_printerr ("%s\n", error->message);
  if (element != NULL)
    gst_object_unref (element);
  return error == NULL;
}

int
main (int argc, char **argv)
{
  Ramp ramp = {.players = g_array_new (FALSE, FALSE, sizeof (pid_t)) };
  g_autofree char *end = NULL;
  double seconds;

  if (argc != 5) {
    g_printerr ("usage: bench-players SOURCE BYTES-PER-SECOND INTERVAL-MS "
        "MOST\n");
    return 64;
  }
  gst_init (NULL, NULL);
  ramp.source = argv[1];
  ramp.bytes_per_second = g_ascii_strtod (argv[2], NULL);
  ramp.interval = atoi (argv[3]) * 1000;
  ramp.most = atoi (argv[4]);
  if (!check_source (ramp.source) || pipe (ramp.reasons) != 0)
    return 1;
  end = start_players (&ramp);
  seconds = ((double) ramp.players->len * g_get_monotonic_time () -
      ramp.started) / G_USEC_PER_SEC;
  if (!g_str_equal (end, "late") && !g_str_equal (end, "most")
      && !g_str_equal (end, "memory")) {
    end_players (&ramp);
    g_printerr ("%s\n", end);
    return 1;
  }
  g_print ("{\"players\": %u, \"end\": \"%s\", \"seconds\": %.3f, "
      "\"memory\": %" G_GUINT64_FORMAT "}\n", ramp.players->len, end, seconds,
      sum_memory (&ramp));
  fflush (stdout);
  end_players (&ramp);
  g_array_unref (ramp.players);
  return 0;
}
