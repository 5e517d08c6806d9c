/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tables of `pmss top`. Pure. */
#include "top-view.h"

#include <string.h>

#include "cli-text.h"

/* "-" where it is not known. */
static char *
make_percent (JsonObject * object, const char *name)
{
  if (!pmss_cli_json_is_number (object, name))
    return g_strdup ("-");
  return g_strdup_printf ("%.0f %%", 100 * pmss_cli_json_double (object, name));
}

static char *
make_share (JsonObject * stats, double value, const char *whole)
{
  double all = pmss_cli_json_double (stats, whole);

  return all > 0 ? g_strdup_printf ("%.0f %%", 100 * value / all)
      : g_strdup ("-");
}

static char *
make_rate (JsonObject * stats, const char *name)
{
  if (!pmss_cli_json_is_number (stats, name))
    return g_strdup ("-");
  return pmss_cli_rate ((guint64) (8 * CLAMP (pmss_cli_json_double (stats,
                  name), 0, 1e15)));
}

/* The busiest disk's. */
static char *
make_disk (JsonObject * stats)
{
  JsonArray *disks = pmss_cli_json_array (stats, "disks");
  double busy = -1;

  for (guint i = 0; disks != NULL && i < json_array_get_length (disks); i++) {
    JsonObject *disk = pmss_cli_json_element (disks, i);

    if (pmss_cli_json_is_number (disk, "busy"))
      busy = MAX (busy, pmss_cli_json_double (disk, "busy"));
  }
  return busy >= 0 ? g_strdup_printf ("%.0f %%", 100 * busy) : g_strdup ("-");
}

static void
add_node (PmssCliTable * table, JsonObject * node)
{
  gboolean down = g_strcmp0 (pmss_cli_json_string (node, "state"), "down") == 0;
  /* what it said last is of no use when it is down */
  JsonObject *stats = down ? NULL : pmss_cli_json_object (node, "stats");

  pmss_cli_table_add (table,
      g_strdup_printf ("%" G_GUINT64_FORMAT, pmss_cli_json_number (node,
              "id")), pmss_cli_escape (pmss_cli_json_string (node, "state")),
      make_percent (stats, "cpu"), make_share (stats,
          pmss_cli_json_double (stats, "memory"), "memory_total"),
      make_disk (stats), make_rate (stats, "net_in"), make_rate (stats,
          "net_out"), make_share (stats, 8 * MAX (pmss_cli_json_double (stats,
                  "net_in"), pmss_cli_json_double (stats, "net_out")),
          "network_limit"),
      down ? g_strdup ("-") : pmss_cli_size (pmss_cli_json_number (node,
              "free")));
}

static char *
make_nodes (JsonArray * nodes, guint columns)
{
  static const char *const titles[] = { ">NODE", "STATE", ">CPU", ">MEM",
    ">DISK", ">IN", ">OUT", ">LINK", ">FREE", NULL
  };
  PmssCliTable *table = pmss_cli_table_new (titles);

  for (guint i = 0; nodes != NULL && i < json_array_get_length (nodes); i++)
    add_node (table, pmss_cli_json_element (nodes, i));
  return pmss_cli_table_to_text (table, "No storage servers.", columns);
}

/* --- Streams --- */

static guint64
sum_nodes (JsonObject * session, const char *name)
{
  JsonArray *nodes = pmss_cli_json_array (session, "nodes");
  guint64 sum = 0;

  for (guint i = 0; nodes != NULL && i < json_array_get_length (nodes); i++)
    sum += pmss_cli_json_number (pmss_cli_json_element (nodes, i), name);
  return sum;
}

static void
add_session (PmssCliTable * table, JsonObject * session)
{
  gboolean told = pmss_cli_json_array (session, "nodes") != NULL;

  pmss_cli_table_add (table,
      pmss_cli_escape (pmss_cli_json_string (session, "user")),
      pmss_cli_escape (pmss_cli_json_string (session, "medium")),
      told ? pmss_cli_rate (sum_nodes (session, "rate")) : g_strdup ("-"),
      pmss_cli_json_is_number (session, "buffer_bytes") ?
      pmss_cli_size (pmss_cli_json_number (session, "buffer_bytes"))
      : g_strdup ("-"), told ? g_strdup_printf ("%" G_GUINT64_FORMAT,
          sum_nodes (session, "late") + sum_nodes (session, "rebuilt"))
      : g_strdup ("-"));
}

static char *
make_sessions (JsonArray * sessions, guint columns)
{
  static const char *const titles[] = { "USER", "MEDIUM", ">RATE", ">BUFFER",
    ">LATE", NULL
  };
  PmssCliTable *table = pmss_cli_table_new (titles);
  guint n = sessions != NULL ? json_array_get_length (sessions) : 0;

  for (guint i = 0; i < n; i++)
    add_session (table, pmss_cli_json_element (sessions, i));
  return pmss_cli_table_to_text (table, "No streams run.", columns);
}

/* --- What is wrong --- */

static void
add_line (GString * text, const char *line, guint columns)
{
  g_autofree char *cut = columns > 0 ? pmss_cli_cut (line, columns) : NULL;

  g_string_append_printf (text, "%s\n", cut != NULL ? cut : line);
}

static void
add_items (GString * text, JsonObject * health, guint columns)
{
  JsonArray *items = pmss_cli_json_array (health, "items");

  for (guint i = 0; items != NULL && i < json_array_get_length (items); i++) {
    g_autofree char *line = pmss_cli_sentence (pmss_cli_json_string
        (pmss_cli_json_element (items, i), "text"));

    add_line (text, line, columns);
  }
}

char *
pmss_top_view_make (JsonObject * overview, JsonArray * nodes,
    JsonArray * sessions, guint columns)
{
  JsonObject *health = pmss_cli_json_object (overview, "health");
  g_autofree char *sentence =
      pmss_cli_sentence (pmss_cli_json_string (health, "sentence"));
  g_autofree char *servers = make_nodes (nodes, columns);
  g_autofree char *streams = make_sessions (sessions, columns);
  GString *text = g_string_new (NULL);

  add_line (text, sentence, columns);
  add_items (text, health, columns);
  g_string_append_printf (text, "\n%s\n%s", servers, streams);
  return g_string_free (text, FALSE);
}
