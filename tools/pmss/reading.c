/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reading.h"

#include <stdio.h>

#include <libpmss/pmss-error.h>
#include <libpmss/pmss-reader.h>

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

/* Reads on to the end; what was read is hashed and goes to @sink. */
static gboolean
read_all (PmssReader * reader, PmssCli * cli, PmssCliDigest * digest,
    PmssReadingSink sink, gpointer user_data, GError ** error)
{
  g_autoptr (PmssCliProgress) progress = pmss_cli_progress_new (cli->json);
  guint64 size = pmss_reader_get_size (reader);
  guint64 offset = 0;

  while (offset < size) {
    g_autoptr (GBytes) bytes = pmss_reader_read (reader, offset, READ_MAX,
        cli->cancellable, error);

    if (!bytes)
      return FALSE;
    if (g_bytes_get_size (bytes) == 0) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
          "The medium ended after %" G_GUINT64_FORMAT " of %"
          G_GUINT64_FORMAT " bytes", offset, size);
      return FALSE;
    }
    pmss_cli_digest_push (digest, bytes);
    if (!sink (user_data, bytes, error))
      return FALSE;
    offset += g_bytes_get_size (bytes);
    pmss_cli_progress_update (progress, "fetching", offset, size);
  }
  return TRUE;
}

static gboolean
compare (const PmssReading * reading, GError ** error)
{
  if (!reading->expected ||
      g_ascii_strcasecmp (reading->expected, reading->found) == 0)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "'%s' was read whole, but its SHA-256 is %s where the catalog says %s",
      reading->name, reading->found, reading->expected);
  return FALSE;
}

/* The catalog's sum is asked for before the content, so that a medium which is
 * replaced meanwhile shows as a difference and not as agreement. */
static gboolean
load_expected (PmssReading * reading, PmssCli * cli, PmssClient * client,
    GError ** error)
{
  g_autoptr (JsonNode) node = pmss_medium_get (client, reading->name,
      cli->cancellable, error);
  JsonObject *medium = node ? pmss_cli_json_root (node, error) : NULL;

  if (!medium)
    return FALSE;
  reading->expected = g_strdup (pmss_cli_json_string (medium, "sha256"));
  return TRUE;
}

PmssReading *
pmss_reading_run (PmssCli * cli, const char *name, PmssReadingSink sink,
    gpointer user_data, GError ** error)
{
  g_autoptr (PmssReading) reading = g_new0 (PmssReading, 1);
  g_autoptr (PmssClient) client = pmss_cli_connect (cli, error);
  g_autoptr (PmssReader) reader = NULL;
  PmssCliDigest *digest;
  gint64 start = g_get_monotonic_time ();
  gboolean ok;

  reading->name = g_strdup (name);
  if (!client || !load_expected (reading, cli, client, error))
    return NULL;
  reader = pmss_reader_new (client, name);
  if (!pmss_reader_open (reader, cli->cancellable, error))
    return NULL;
  reading->size = pmss_reader_get_size (reader);
  digest = pmss_cli_digest_new ();
  ok = read_all (reader, cli, digest, sink, user_data, error);
  reading->found = pmss_cli_digest_finish (digest);
  reading->seconds = (double) (g_get_monotonic_time () - start) / 1e6;
  reading->stats = g_variant_take_ref (pmss_reader_get_stats (reader));
  pmss_reader_close (reader);
  if (!ok || !compare (reading, error))
    return NULL;
  return g_steal_pointer (&reading);
}

JsonNode *
pmss_reading_to_json (const PmssReading * reading)
{
  JsonNode *node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_string_member (object, "name", reading->name);
  json_object_set_int_member (object, "size", (gint64) reading->size);
  json_object_set_string_member (object, "sha256", reading->found);
  json_object_set_boolean_member (object, "verified",
      reading->expected != NULL);
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
