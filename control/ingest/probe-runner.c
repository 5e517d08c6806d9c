/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs pmss-probe on a file. On the job's thread, which it blocks. */
#include "control/ingest/probe-runner.h"

#include <errno.h>
#include <gio/gunixinputstream.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

/* A film of two days has 86,400 numbers of up to ten digits. */
#define MAX_OUTPUT (1024 * 1024)
#define MAX_ARTWORK (1024 * 1024)
#define MAX_TEXT 255            /* bytes of a content type, container or decoder */
#define MAX_TITLE 1024
#define MAX_MISSING 16

/* Parsing */

static gboolean
invalid (GError ** error, const char *what)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
      "pmss-probe said something malformed: %s", what);
  return FALSE;
}

/* A bounded string; NULL if it is anything else. The document is clean. */
static const char *
node_text (JsonNode * node, gsize max)
{
  const char *text;

  if (!JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  text = json_node_get_string (node);
  return strlen (text) <= max ? text : NULL;
}

/* @text: NULL where there is none. */
static gboolean
get_text (JsonObject * object, const char *key, gsize max, const char **text)
{
  JsonNode *node = json_object_get_member (object, key);

  *text = NULL;
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  *text = node_text (node, max);
  return *text != NULL;
}

/* "VP8 decoder, Opus decoder"; NULL: nothing is missing. */
static gboolean
get_missing (JsonObject * object, char **missing)
{
  JsonNode *node = json_object_get_member (object, "missing");
  g_autoptr (GString) text = g_string_new (NULL);
  JsonArray *array;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;
  array = json_node_get_array (node);
  if (json_array_get_length (array) > MAX_MISSING)
    return FALSE;
  for (guint i = 0; i < json_array_get_length (array); i++) {
    const char *name = node_text (json_array_get_element (array, i), MAX_TEXT);

    if (name == NULL)
      return FALSE;
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", name);
  }
  *missing = text->len > 0 ? g_strdup (text->str) : NULL;
  return TRUE;
}

/* -1: unknown */
static gboolean
get_number (JsonObject * object, const char *key, gint64 * number)
{
  JsonNode *node = json_object_get_member (object, key);

  *number = -1;
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  *number = json_node_get_int (node);
  return *number >= 0;
}

static gboolean
is_flat (JsonObject * object)
{
  g_autoptr (GList) values = json_object_get_values (object);

  for (GList * l = values; l; l = l->next)
    if (!JSON_NODE_HOLDS_VALUE (l->data) && !JSON_NODE_HOLDS_NULL (l->data))
      return FALSE;
  return TRUE;
}

static char *
get_streams (JsonObject * object)
{
  JsonNode *node = json_object_get_member (object, "streams");
  JsonArray *array;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return NULL;
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *stream = json_array_get_element (array, i);
    if (!JSON_NODE_HOLDS_OBJECT (stream)
        || !is_flat (json_node_get_object (stream)))
      return NULL;
  }
  return json_to_string (node, FALSE);
}

static char *
get_tags (JsonObject * object)
{
  JsonNode *node = json_object_get_member (object, "tags");

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node)
      || !is_flat (json_node_get_object (node)))
    return NULL;
  return json_to_string (node, FALSE);
}

/* NULL where there is none. FALSE: it is not shared out as the file is large. */
static gboolean
get_demand (JsonObject * object, gint64 size, PmssEnvelope ** envelope)
{
  JsonNode *node = json_object_get_member (object, "demand");
  g_autofree guint64 *slots = NULL;
  JsonArray *array;
  guint64 sum = 0;
  guint n;

  *envelope = NULL;
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;
  array = json_node_get_array (node);
  n = json_array_get_length (array);
  slots = g_new (guint64, n);
  for (guint i = 0; i < n; i++) {
    JsonNode *slot = json_array_get_element (array, i);

    if (!JSON_NODE_HOLDS_VALUE (slot)
        || json_node_get_value_type (slot) != G_TYPE_INT64
        || json_node_get_int (slot) < 0)
      return FALSE;
    slots[i] = (guint64) json_node_get_int (slot);
    if (!g_uint64_checked_add (&sum, sum, slots[i]))
      return FALSE;
  }
  if (size < 0 || sum != (guint64) size)
    return FALSE;
  *envelope = pmss_envelope_smooth (slots, n, pmss_envelope_buffer_for (sum,
          n));
  return TRUE;
}

static void
set_if_unknown (char **to, const char *value)
{
  if (!*to && value != NULL && *value)
    *to = g_strdup (value);
}

static gboolean
parse_object (JsonObject * object, PmssMedium * medium, char **missing,
    GError ** error)
{
  const char *type, *container, *title = NULL;
  gint64 duration, average, peak_1s, peak_10s;
  g_autoptr (PmssEnvelope) envelope = NULL;
  g_autofree char *streams = get_streams (object);
  g_autofree char *tags = get_tags (object);

  if (!get_text (object, "content_type", MAX_TEXT, &type)
      || !get_text (object, "container", MAX_TEXT, &container))
    return invalid (error, "content_type or container");
  if (!get_number (object, "duration_ns", &duration)
      || !get_number (object, "avg_bitrate", &average)
      || !get_number (object, "peak_bitrate_1s", &peak_1s)
      || !get_number (object, "peak_bitrate_10s", &peak_10s))
    return invalid (error, "a number");
  if (!get_demand (object, medium->size, &envelope))
    return invalid (error, "demand");
  if (streams == NULL || tags == NULL)
    return invalid (error, "streams or tags");
  if (!get_missing (object, missing))
    return invalid (error, "missing");
  /* one that is too long is no title */
  if (!get_text (json_object_get_object_member (object, "tags"), "title",
          MAX_TITLE, &title))
    title = NULL;

  set_if_unknown (&medium->content_type, type);
  set_if_unknown (&medium->title, title);
  g_free (medium->container);
  medium->container = g_strdup (container);
  medium->duration_ns = duration;
  medium->avg_bitrate = average;
  medium->peak_bitrate_1s = peak_1s;
  medium->peak_bitrate_10s = peak_10s;
  g_clear_pointer (&medium->envelope, pmss_envelope_free);
  medium->envelope = g_steal_pointer (&envelope);
  g_free (medium->streams);
  medium->streams = g_steal_pointer (&streams);
  g_free (medium->tags);
  medium->tags = g_steal_pointer (&tags);
  return TRUE;
}

gboolean
pmss_probe_parse (const char *text, gsize length, PmssMedium * medium,
    char **missing, GError ** error)
{
  g_autoptr (JsonNode) root = NULL;

  *missing = NULL;
  if (length == 0)
    return invalid (error, "nothing");
  if (!g_utf8_validate_len (text, length, NULL))
    return invalid (error, "not UTF-8");
  root = pmss_json_parse (text, length, NULL);
  if (root == NULL)
    return invalid (error, "not JSON");
  if (!JSON_NODE_HOLDS_OBJECT (root))
    return invalid (error, "not an object");
  /* what a file says of itself is for people to read, and nothing else */
  pmss_json_clean (root);
  return parse_object (json_node_get_object (root), medium, missing, error);
}

/* Running */

/* Between fork and exec: a group of its own, to be ended as a whole. */
static void
lead_group (gpointer unused)
{
  setpgid (0, 0);
}

static GSubprocess *
spawn (const char *path, const char *name, gboolean artwork, guint seconds,
    GError ** error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new
      (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  const char *probe = g_getenv ("PMSS_PROBE");
  g_autofree char *deadline = g_strdup_printf ("%u", seconds);

  g_subprocess_launcher_set_cwd (launcher, "/");
  g_subprocess_launcher_set_child_setup (launcher, lead_group, NULL, NULL);
  return g_subprocess_launcher_spawn (launcher, error,
      probe && *probe ? probe : PMSS_PROBE_PATH, "--deadline", deadline,
      "--name", name, artwork ? "--artwork" : "--", artwork ? "--" : path,
      artwork ? path : NULL, NULL);
}

/* Waits until there is something to read, the time is up, or @cancellable. */
static gboolean
wait_readable (int fd, gint64 deadline, GCancellable * cancellable,
    GError ** error)
{
  gint64 left = deadline - g_get_monotonic_time ();
  GPollFD fds[2] = { {.fd = fd,.events = G_IO_IN} };
  guint n = 1;

  if (cancellable != NULL && g_cancellable_make_pollfd (cancellable, &fds[1]))
    n = 2;
  if (left > 0)
    g_poll (fds, n, left / 1000 + 1);
  if (n == 2)
    g_cancellable_release_fd (cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (g_get_monotonic_time () < deadline)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT,
      "pmss-probe did not end in time");
  return FALSE;
}

static GByteArray *
read_output (GSubprocess * process, gsize max, gint64 deadline,
    GCancellable * cancellable, GError ** error)
{
  int fd = g_unix_input_stream_get_fd
      (G_UNIX_INPUT_STREAM (g_subprocess_get_stdout_pipe (process)));
  g_autoptr (GByteArray) output = g_byte_array_new ();
  guint8 block[4096];
  gssize n;

  for (;;) {
    if (!wait_readable (fd, deadline, cancellable, error))
      return NULL;
    n = read (fd, block, sizeof block);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (n <= 0)
      return g_steal_pointer (&output);
    if (output->len + (gsize) n > max) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
          "pmss-probe said more than it may");
      return NULL;
    }
    g_byte_array_append (output, block, n);
  }
}

/* Ends the process @pid and all that it started: before it may confine itself, GStreamer starts its plugin scanner. A group keeps its number for as long as
 * somebody is in it. */
static void
end_group (GSubprocess * process, pid_t pid)
{
  if (pid > 0)
    kill (-pid, SIGKILL);
  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, NULL);
}

/* Its last word, if it had none of its own. A process that has crashed is past being killed: its status stays that of the crash. */
static void
explain_end (GSubprocess * process, GError ** error)
{
  if (g_subprocess_get_if_signaled (process)) {
    g_clear_error (error);
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "pmss-probe ended by signal %d (%s)",
        g_subprocess_get_term_sig (process),
        g_strsignal (g_subprocess_get_term_sig (process)));
  } else if (g_subprocess_get_exit_status (process) != 0) {
    g_clear_error (error);
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "pmss-probe ended with status %d",
        g_subprocess_get_exit_status (process));
  }
}

/* One run of the program, to its end. @output: (out) all that it has said. */
typedef struct
{
  GSubprocess *process;
  GByteArray *output;
} Run;

static void
clear_run (Run * run)
{
  g_clear_object (&run->process);
  g_clear_pointer (&run->output, g_byte_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, clear_run)
     static gboolean
         run_probe (Run * run, const char *path, const char *name,
    gboolean artwork, guint seconds, GCancellable * cancellable,
    GError ** error)
{
  /* the probe keeps its own deadline, too, and says then what it knows */
  gint64 deadline = g_get_monotonic_time () + (seconds + 5) * G_USEC_PER_SEC;
  const char *pid;

  run->process = spawn (path, name, artwork, seconds, error);
  if (run->process == NULL) {
    pmss_error_adopt (error, NULL);
    return FALSE;
  }
  pid = g_subprocess_get_identifier (run->process);
  run->output = read_output (run->process, artwork ? MAX_ARTWORK : MAX_OUTPUT,
      deadline, cancellable, error);
  end_group (run->process, pid != NULL ? g_ascii_strtoll (pid, NULL, 10) : 0);
  return run->output != NULL;
}

gboolean
pmss_probe_run (const char *path, PmssMedium * medium, guint seconds,
    char **missing, GCancellable * cancellable, GError ** error)
{
  g_auto (Run) run = { NULL };

  *missing = NULL;
  if (!run_probe (&run, path, medium->name, FALSE, seconds, cancellable, error))
    return FALSE;
  if (pmss_probe_parse ((const char *) run.output->data, run.output->len,
          medium, missing, error))
    return TRUE;
  explain_end (run.process, error);
  return FALSE;
}

PmssArtwork *
pmss_probe_artwork (const char *path, const char *name, guint seconds,
    GCancellable * cancellable, GError ** error)
{
  g_auto (Run) run = { NULL };
  PmssArtwork *artwork;

  if (!run_probe (&run, path, name, TRUE, seconds, cancellable, error))
    return NULL;
  artwork = pmss_artwork_parse ((const char *) run.output->data,
      run.output->len, error);
  if (artwork == NULL)
    explain_end (run.process, error);
  return artwork;
}
