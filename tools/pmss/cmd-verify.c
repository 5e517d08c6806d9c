/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss verify */

#include <stdio.h>

#include "cli-text.h"
#include "cli.h"
#include "reading.h"

static const PmssCliUsage usage = {
  "NAME…",
  "Reads all of each medium as a player would and compares its SHA-256.",
  "What is checked: that every byte can be had now, that each unit has its\n"
      "checksum, and that the whole has the SHA-256 of the upload. What is not:\n"
      "parity and replicas that reading does not need. A medium that fails keeps\n"
      "the others from nothing; the exit status tells of it.\n\n"
      "Examples:\n"
      "  pmss verify films/sintel.webm\n"
      "  pmss ls --names | xargs -d '\\n' pmss verify",
  1, -1
};

static void
report (const PmssReading * reading)
{
  g_autofree char *name = pmss_cli_escape (reading->name);
  g_autofree char *size = pmss_cli_size (reading->size);
  guint64 rebuilt = 0;

  g_variant_lookup (reading->stats, "rebuilt", "t", &rebuilt);
  printf ("%s: %s read whole, %s", name, size, reading->expected ?
      "SHA-256 as in the catalog" : "the catalog has no SHA-256 of it");
  if (rebuilt > 0)
    printf ("; %" G_GUINT64_FORMAT " unit%s rebuilt from parity", rebuilt,
        rebuilt == 1 ? "" : "s");
  printf ("\n");
}

/* {"name", "verified": false, "error"} */
static void
add_failure (JsonArray * results, const char *name, const GError * error)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "name", name);
  json_object_set_boolean_member (object, "verified", FALSE);
  json_object_set_string_member (object, "error", error->message);
  json_array_add_object_element (results, object);
}

static gboolean
verify (PmssCli * cli, const char *name, gpointer user_data, GError ** error)
{
  JsonArray *results = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssReading) reading =
      pmss_reading_run (cli, name, "verifying", NULL, NULL, &local);

  if (!reading) {
    add_failure (results, name, local);
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (!cli->json)
    report (reading);
  fflush (stdout);
  json_array_add_element (results, pmss_reading_to_json (reading));
  return TRUE;
}

gboolean
pmss_cmd_verify (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (JsonArray) results = json_array_new ();
  gboolean ok;

  if (!pmss_cli_parse (cli, &usage, NULL, &argc, &argv, error))
    return FALSE;
  ok = pmss_cli_for_each (cli, argv + 1, argc - 1, verify, results, error);
  if (cli->json) {
    g_autoptr (JsonNode) node = json_node_alloc ();
    g_autoptr (JsonObject) object = json_object_new ();

    json_object_set_array_member (object, "verified", json_array_ref (results));
    json_node_init_object (node, object);
    pmss_cli_json_print (node);
  }
  return ok;
}
