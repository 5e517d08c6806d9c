/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reading.h"

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-error.h>
#include <libpmss/reader/pmss-reader.h>

#include "cli-digest.h"
#include "cli-progress.h"
#include "cli-text.h"
#include "medium.h"

/* The reader gives at most one unit a call, whatever is asked for. */
#define READ_MAX (4u * 1024 * 1024)

void
pmss_reading_free (PmssReading * reading)
{
  g_free (reading->name);
  g_free (reading->expected);
  g_free (reading->found);
  g_clear_pointer (&reading->stats, g_variant_unref);
  g_free (reading);
}

/* A medium on its way. */
typedef struct
{
  PmssReading *reading;
  PmssCli *cli;
  PmssClient *client;
  PmssReader *reader;
  PmssTarget *target;
  PmssCliDigest *digest;
} Fetch;

/* What is in the partial file belongs to the sum. */
static gboolean
read_kept (Fetch * fetch, PmssCliProgress * progress, GError ** error)
{
  PmssReading *reading = fetch->reading;
  guint64 kept = pmss_target_get_kept (fetch->target);
  guint64 offset = 0;

  if (kept > reading->end - reading->start)
    return pmss_target_restart (fetch->target, error);
  while (offset < kept) {
    g_autoptr (GBytes) bytes = pmss_target_read (fetch->target, offset,
        MIN (READ_MAX, kept - offset), error);

    if (bytes == NULL
        || g_cancellable_set_error_if_cancelled (fetch->cli->cancellable,
            error))
      return FALSE;
    pmss_cli_digest_push (fetch->digest, bytes);
    offset += g_bytes_get_size (bytes);
    pmss_cli_progress_update (progress, "checking what is there", offset, kept);
  }
  reading->resumed = kept;
  return TRUE;
}

/* Reads on to the end; what was read is hashed and written. */
static gboolean
read_rest (Fetch * fetch, PmssCliProgress * progress, GError ** error)
{
  PmssReading *reading = fetch->reading;
  guint64 offset = reading->start + reading->resumed;

  while (offset < reading->end) {
    g_autoptr (GBytes) bytes = pmss_reader_read (fetch->reader, offset,
        MIN (READ_MAX, reading->end - offset), fetch->cli->cancellable, error);

    if (bytes == NULL)
      return FALSE;
    if (g_bytes_get_size (bytes) == 0) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
          "The medium ended after %" G_GUINT64_FORMAT " of %"
          G_GUINT64_FORMAT " bytes", offset, reading->size);
      return FALSE;
    }
    pmss_cli_digest_push (fetch->digest, bytes);
    if (!pmss_target_write (fetch->target, bytes, fetch->cli->cancellable,
            error))
      return FALSE;
    offset += g_bytes_get_size (bytes);
    pmss_cli_progress_update (progress, "fetching", offset - reading->start,
        reading->end - reading->start);
  }
  return TRUE;
}

static gboolean
read_all (Fetch * fetch, GError ** error)
{
  g_autoptr (PmssCliProgress) progress =
      pmss_cli_progress_new (fetch->cli->json);
  gboolean done;

  fetch->reading->resumed = 0;
  fetch->digest = pmss_cli_digest_new ();
  done = read_kept (fetch, progress, error) && read_rest (fetch, progress,
      error);
  g_free (fetch->reading->found);
  fetch->reading->found = pmss_cli_digest_finish (fetch->digest);
  return done;
}

static gboolean
compare (const PmssReading * reading, GError ** error)
{
  if (!reading->expected || !reading->whole ||
      g_ascii_strcasecmp (reading->expected, reading->found) == 0)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "“%s” was read whole, but its SHA-256 is %s where the catalog says %s",
      reading->name, reading->found, reading->expected);
  return FALSE;
}

/* Bytes of an earlier run that differ, as after a power cut, are fetched again. */
static gboolean
fetch_and_compare (Fetch * fetch, GError ** error)
{
  PmssReading *reading = fetch->reading;

  if (!read_all (fetch, error))
    return FALSE;
  if (reading->resumed > 0 && !compare (reading, NULL) &&
      (!pmss_target_restart (fetch->target, error) || !read_all (fetch, error)))
    return FALSE;
  if (compare (reading, error))
    return TRUE;
  pmss_target_discard (fetch->target);
  return FALSE;
}

/* What a storage server says of a medium that is being deleted is beside the point: the catalog knows whether it is still the one that was begun. */
static void
explain_end (Fetch * fetch, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonNode) node = NULL;
  const char *sum;

  if (error == NULL || !*error || (*error)->domain != PMSS_ERROR)
    return;
  node = pmss_medium_get (fetch->cli, fetch->client, fetch->reading->name,
      &local);
  sum = node && JSON_NODE_HOLDS_OBJECT (node) ?
      pmss_cli_json_string (json_node_get_object (node), "sha256") : NULL;
  if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)) {
    g_clear_error (error);
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "“%s” was deleted while it was read", fetch->reading->name);
    pmss_target_discard (fetch->target);
  } else if (sum != NULL && fetch->reading->expected &&
      strcmp (sum, fetch->reading->expected) != 0) {
    g_clear_error (error);
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "“%s” was replaced by another file while it was read; the same "
        "command reads that one", fetch->reading->name);
    pmss_target_discard (fetch->target);
  }
}

/* The end of a command that has left something to go on with. */
static void
tell_of_partial (Fetch * fetch, GError ** error)
{
  const char *partial = pmss_target_keep (fetch->target);

  if (error == NULL || !*error || partial == NULL)
    return;
  if (g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_clear_error (error);
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_INTERRUPTED,
        "interrupted: what has come is in %s, and the same command goes on "
        "there", partial);
  } else {
    g_autofree char *text = g_strdup_printf ("%s (what has come is in %s, "
        "and the same command goes on there)", (*error)->message, partial);

    g_free ((*error)->message);
    (*error)->message = g_steal_pointer (&text);
  }
}

static gboolean
find_range (PmssReading * reading, const PmssByteRange * range, GError ** error)
{
  reading->start = 0;
  reading->end = reading->size;
  if (range != NULL && !pmss_byte_range_resolve (range, reading->size,
          &reading->start, &reading->end, error))
    return FALSE;
  reading->whole = reading->end - reading->start == reading->size;
  return TRUE;
}

/* The session's answer names the sum of the very bytes that the reader gets: the
 * medium may have been replaced before, and may be after. */
static gboolean
open_reader (Fetch * fetch, GError ** error)
{
  PmssReading *reading = fetch->reading;

  if (!pmss_medium_check_name (reading->name, error))
    return FALSE;
  if (!pmss_reader_open (fetch->reader, fetch->cli->cancellable, error)) {
    pmss_medium_suggest (fetch->cli, fetch->client, reading->name, error);
    return FALSE;
  }
  reading->size = pmss_reader_get_size (fetch->reader);
  reading->expected =
      g_strdup (pmss_reader_get_session (fetch->reader)->sha256);
  return TRUE;
}

static gboolean
run (Fetch * fetch, const PmssByteRange * range, GError ** error)
{
  PmssReading *reading = fetch->reading;
  g_autofree char *part = NULL;
  gboolean done;

  if (!open_reader (fetch, error))
    return FALSE;
  if (!find_range (reading, range, error))
    return FALSE;
  if (!reading->whole)
    part = g_strdup_printf ("%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
        reading->start, reading->end - 1);
  if (!pmss_target_open (fetch->target, reading->expected, part, error))
    return FALSE;
  done = fetch_and_compare (fetch, error);
  if (!done) {
    explain_end (fetch, error);
    tell_of_partial (fetch, error);
  }
  return done;
}

PmssReading *
pmss_reading_run (PmssCli * cli, const char *name, const PmssByteRange * range,
    PmssTarget * target, GError ** error)
{
  g_autoptr (PmssReading) reading = g_new0 (PmssReading, 1);
  g_autoptr (PmssClient) client = pmss_cli_connect (cli, error);
  g_autoptr (PmssReader) reader = NULL;
  Fetch fetch = { reading, cli, client, NULL, target };
  gint64 start = g_get_monotonic_time ();
  gboolean done;

  reading->name = g_strdup (name);
  if (client == NULL)
    return NULL;
  fetch.reader = reader = pmss_reader_new (client, name);
  /* those who watch go before it */
  g_object_set (reader, "bulk", TRUE, NULL);
  done = run (&fetch, range, error);
  reading->seconds = (double) (g_get_monotonic_time () - start) / 1e6;
  if (done)
    reading->stats = g_variant_take_ref (pmss_reader_get_stats (reader));
  pmss_reader_close (reader);
  return done ? g_steal_pointer (&reading) : NULL;
}

JsonNode *
pmss_reading_to_json (const PmssReading * reading)
{
  JsonNode *node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_string_member (object, "name", reading->name);
  json_object_set_int_member (object, "size", (gint64) reading->size);
  json_object_set_int_member (object, "first", (gint64) reading->start);
  json_object_set_int_member (object, "length",
      (gint64) (reading->end - reading->start));
  json_object_set_int_member (object, "resumed", (gint64) reading->resumed);
  json_object_set_string_member (object, "sha256", reading->found);
  json_object_set_boolean_member (object, "verified",
      reading->whole && reading->expected != NULL);
  json_object_set_double_member (object, "seconds", reading->seconds);
  json_object_set_member (object, "stats",
      json_gvariant_serialize (reading->stats));
  json_node_init_object (node, object);
  return node;
}

static guint64
counter (GVariant * dict, const char *key)
{
  guint64 value = 0;

  g_variant_lookup (dict, key, "t", &value);
  return value;
}

static char *
count_text (GVariant * dict, const char *key)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT, counter (dict, key));
}

static void
add_node (PmssCliTable * table, GVariant * node)
{
  guint id = 0;
  const char *peer = NULL, *state = NULL;

  g_variant_lookup (node, "node", "u", &id);
  g_variant_lookup (node, "peer", "&s", &peer);
  g_variant_lookup (node, "state", "&s", &state);
  pmss_cli_table_add (table, g_strdup_printf ("%u", id),
      pmss_cli_escape (peer), pmss_cli_escape (state),
      pmss_cli_size (counter (node, "bytes")), count_text (node, "requests"),
      count_text (node, "errors"), pmss_cli_rate (counter (node, "rate")));
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  guint ids[2] = { 0, 0 };

  g_variant_lookup (*(GVariant * const *) a, "node", "u", &ids[0]);
  g_variant_lookup (*(GVariant * const *) b, "node", "u", &ids[1]);
  return ids[0] < ids[1] ? -1 : ids[0] > ids[1];
}

/* The entries of "nodes" in the order of their ids. */
static GPtrArray *
sorted_nodes (GVariant * stats)
{
  GPtrArray *sorted =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_autoptr (GVariant) nodes =
      g_variant_lookup_value (stats, "nodes", G_VARIANT_TYPE ("aa{sv}"));
  gsize i;

  for (i = 0; nodes && i < g_variant_n_children (nodes); i++)
    g_ptr_array_add (sorted, g_variant_get_child_value (nodes, i));
  g_ptr_array_sort (sorted, compare_ids);
  return sorted;
}

void
pmss_reading_print_stats (GVariant * stats, double seconds)
{
  const char *const columns[] = { ">NODE", "ADDRESS", "STATE", ">BYTES",
    ">REQUESTS", ">ERRORS", ">RATE", NULL
  };
  PmssCliTable *table = pmss_cli_table_new (columns);
  g_autoptr (GPtrArray) nodes = sorted_nodes (stats);
  guint64 bytes = counter (stats, "bytes");
  guint64 rebuilt = counter (stats, "rebuilt");
  g_autofree char *size = pmss_cli_size (bytes);
  g_autofree char *rate = pmss_cli_size (seconds > 0 ?
      (guint64) ((double) bytes / seconds) : 0);
  guint i;

  for (i = 0; i < nodes->len; i++)
    add_node (table, g_ptr_array_index (nodes, i));
  pmss_cli_table_print (table, "No storage server was asked.");
  printf ("In all %s in %.2f s: %s/s", size, seconds, rate);
  printf ("; %" G_GUINT64_FORMAT " unit%s rebuilt from parity.\n",
      rebuilt, rebuilt == 1 ? "" : "s");
}
