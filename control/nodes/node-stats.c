/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The figures of a heartbeat, out of JSON and into it. Pure. */
#include "control/nodes/node-stats.h"

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "libpmss/pmss-text.h"
#include "libpmss/pmss-types.h"

/* Members of an object, those included that control does not know. */
#define MAX_MEMBERS 64

/* What no machine has more of. */
#define MAX_BYTES 0x1p60
#define MAX_RATE (PMSS_MAX_NETWORK_LIMIT / 8.0) /* bytes/s */
#define MAX_FREQUENCY 1e9       /* 1/s */
#define MAX_NUMBER 1e12
#define MAX_PROCESSORS 65536
#define MAX_LATENCY 1e6         /* s */
#define MAX_TIME 253402300799   /* the end of the year 9999 */
/* Shares of a whole that are added up may come to a little more. */
#define ROUNDING 1e-6

typedef enum
{ FRACTION, WHOLE, REAL } FigureKind;

/* Where a member of a JSON object is kept. */
typedef struct
{
  const char *name;             /* NULL: the end */
  gsize offset;
  FigureKind kind;
  double max;
} Figure;

#define IN_STATS(member) G_STRUCT_OFFSET (PmssNodeStats, member)
#define IN_DISK(member) G_STRUCT_OFFSET (PmssDiskStats, member)
#define IN_INTERFACE(member) G_STRUCT_OFFSET (PmssInterfaceStats, member)

static const Figure stats_figures[] = {
  {"cpu", IN_STATS (cpu), FRACTION, 1},
  {"processors", IN_STATS (processors), WHOLE, MAX_PROCESSORS},
  {"memory", IN_STATS (memory), WHOLE, MAX_BYTES},
  {"memory_total", IN_STATS (memory_total), WHOLE, MAX_BYTES},
  {"memory_cached", IN_STATS (memory_cached), WHOLE, MAX_BYTES},
  {"process_memory", IN_STATS (process_memory), WHOLE, MAX_BYTES},
  {"process_cpu", IN_STATS (process_cpu), REAL, MAX_PROCESSORS},
  {"disk_read", IN_STATS (disk_read), REAL, MAX_RATE},
  {"disk_write", IN_STATS (disk_write), REAL, MAX_RATE},
  {"net_in", IN_STATS (net_in), REAL, MAX_RATE},
  {"net_out", IN_STATS (net_out), REAL, MAX_RATE},
  {"network_limit", IN_STATS (network_limit), WHOLE, PMSS_MAX_NETWORK_LIMIT},
  {"connections", IN_STATS (connections), WHOLE, MAX_NUMBER},
  {"requests", IN_STATS (requests), REAL, MAX_FREQUENCY},
  {"sent", IN_STATS (sent), REAL, MAX_RATE},
  {"cache_hits", IN_STATS (cache_hits), REAL, MAX_FREQUENCY},
  {"cache_misses", IN_STATS (cache_misses), REAL, MAX_FREQUENCY},
  {"late", IN_STATS (late), REAL, MAX_FREQUENCY},
  {"used", IN_STATS (used), WHOLE, MAX_BYTES},
  {"free", IN_STATS (free), WHOLE, MAX_BYTES},
  {"shards", IN_STATS (shards), WHOLE, MAX_NUMBER},
  {"certificate", IN_STATS (certificate), WHOLE, MAX_TIME},
  {NULL}
};

static const Figure cpu_figures[] = {
  {"user", IN_STATS (cpu_user), FRACTION, 1},
  {"system", IN_STATS (cpu_system), FRACTION, 1},
  {"iowait", IN_STATS (cpu_iowait), FRACTION, 1},
  {"irq", IN_STATS (cpu_irq), FRACTION, 1},
  {"steal", IN_STATS (cpu_steal), FRACTION, 1},
  {NULL}
};

static const Figure scrub_figures[] = {
  {"progress", IN_STATS (scrub_progress), FRACTION, 1},
  {"rate", IN_STATS (scrub_rate), REAL, MAX_RATE},
  {"bad", IN_STATS (scrub_bad), WHOLE, MAX_NUMBER},
  {NULL}
};

static const Figure disk_figures[] = {
  {"total", IN_DISK (total), WHOLE, MAX_BYTES},
  {"free", IN_DISK (free), WHOLE, MAX_BYTES},
  {"read", IN_DISK (read), REAL, MAX_RATE},
  {"write", IN_DISK (write), REAL, MAX_RATE},
  {"reads", IN_DISK (reads), REAL, MAX_FREQUENCY},
  {"writes", IN_DISK (writes), REAL, MAX_FREQUENCY},
  {"latency", IN_DISK (latency), REAL, MAX_LATENCY},
  {"busy", IN_DISK (busy), FRACTION, 1},
  {NULL}
};

static const Figure interface_figures[] = {
  {"speed", IN_INTERFACE (speed), WHOLE, PMSS_MAX_NETWORK_LIMIT},
  {"in", IN_INTERFACE (in), REAL, MAX_RATE},
  {"out", IN_INTERFACE (out), REAL, MAX_RATE},
  {"errors", IN_INTERFACE (errors), REAL, MAX_FREQUENCY},
  {NULL}
};

static void
clear_figures (const Figure * figures, gpointer into)
{
  for (const Figure * f = figures; f->name != NULL; f++)
    G_STRUCT_MEMBER (double, into, f->offset) = PMSS_UNKNOWN;
}

void
pmss_node_stats_clear (PmssNodeStats * stats)
{
  memset (stats, 0, sizeof (*stats));
  clear_figures (stats_figures, stats);
  clear_figures (cpu_figures, stats);
  clear_figures (scrub_figures, stats);
}

/* --- out of JSON --- */

static gboolean
refuse (const char *name, const char *what, GError ** error)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "“%s” %s", name,
      what);
  return FALSE;
}

static gboolean
get_figure (JsonObject * object, const Figure * figure, gpointer into,
    GError ** error)
{
  double max = figure->kind == FRACTION ? figure->max + ROUNDING : figure->max;
  double value;

  if (!pmss_json_get_double (object, figure->name, 0, max, &value, error))
    return FALSE;
  if (figure->kind == WHOLE && value != floor (value))
    return refuse (figure->name, "is not a whole number", error);
  G_STRUCT_MEMBER (double, into, figure->offset) = MIN (value, figure->max);
  return TRUE;
}

/* A figure that is absent stays as it is. */
static gboolean
get_figures (JsonObject * object, const char *what, const Figure * figures,
    gpointer into, GError ** error)
{
  if (json_object_get_size (object) > MAX_MEMBERS)
    return refuse (what, "has too many members", error);
  for (const Figure * f = figures; f->name != NULL; f++)
    if (pmss_json_has (object, f->name) && !get_figure (object, f, into, error))
      return FALSE;
  return TRUE;
}

static gboolean
get_part (JsonObject * object, const char *name, const Figure * figures,
    PmssNodeStats * stats, GError ** error)
{
  JsonObject *part;

  if (!pmss_json_has (object, name))
    return TRUE;
  if (!pmss_json_get_object (object, name, &part, error))
    return FALSE;
  if (get_figures (part, name, figures, stats, error))
    return TRUE;
  g_prefix_error (error, "%s: ", name);
  return FALSE;
}

static gboolean
get_text (JsonObject * object, const char *name, char *text, gsize size,
    GError ** error)
{
  const char *found;

  if (!pmss_json_get_string (object, name, size - 1, &found, error)
      || !pmss_text_check (found, name, error))
    return FALSE;
  if (*found == '\0')
    return refuse (name, "is empty", error);
  g_strlcpy (text, found, size);
  return TRUE;
}

static gboolean
get_disk (JsonObject * object, const char *what, gpointer data, GError ** error)
{
  PmssDiskStats *disk = data;

  clear_figures (disk_figures, disk);
  return get_text (object, "folder", disk->folder, sizeof (disk->folder), error)
      && (!pmss_json_has (object, "device")
      || get_text (object, "device", disk->device, sizeof (disk->device),
          error))
      && get_figures (object, what, disk_figures, disk, error);
}

static gboolean
get_interface (JsonObject * object, const char *what, gpointer data,
    GError ** error)
{
  PmssInterfaceStats *interface = data;

  clear_figures (interface_figures, interface);
  return get_text (object, "name", interface->name, sizeof (interface->name),
      error) && get_figures (object, what, interface_figures, interface, error);
}

typedef gboolean (*GetElement) (JsonObject * object, const char *what,
    gpointer into, GError ** error);

/* @into: room for @max elements of @size bytes. */
static gboolean
get_list (JsonObject * object, const char *name, GetElement get, gpointer into,
    gsize size, guint max, guint * n, GError ** error)
{
  JsonArray *array;

  if (!pmss_json_has (object, name))
    return TRUE;
  if (!pmss_json_get_array (object, name, max, &array, error))
    return FALSE;
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *element = pmss_json_object (json_array_get_element (array, i),
        name, error);

    if (element == NULL)
      return FALSE;
    if (!get (element, name, (guint8 *) into + i * size, error)) {
      g_prefix_error (error, "%s: ", name);
      return FALSE;
    }
  }
  *n = json_array_get_length (array);
  return TRUE;
}

gboolean
pmss_node_stats_parse (JsonObject * object, PmssNodeStats * stats,
    GError ** error)
{
  pmss_node_stats_clear (stats);
  if (!get_figures (object, "stats", stats_figures, stats, error)
      || !get_part (object, "cpu_states", cpu_figures, stats, error)
      || !get_part (object, "scrub", scrub_figures, stats, error)
      || !get_list (object, "disks", get_disk, stats->disks,
          sizeof (PmssDiskStats), PMSS_MAX_DISKS, &stats->n_disks, error)
      || !get_list (object, "interfaces", get_interface, stats->interfaces,
          sizeof (PmssInterfaceStats), PMSS_MAX_INTERFACES,
          &stats->n_interfaces, error))
    return FALSE;
  /* how older nodes say that they do not know it */
  if (stats->network_limit == 0)
    stats->network_limit = PMSS_UNKNOWN;
  return TRUE;
}

/* --- into JSON --- */

static void
write_figures (const Figure * figures, gconstpointer from,
    PmssJsonWriter * json)
{
  for (const Figure * f = figures; f->name != NULL; f++) {
    double value = G_STRUCT_MEMBER (double, from, f->offset);

    pmss_json_writer_set_member_name (json, f->name);
    if (f->kind == WHOLE && !isnan (value))
      pmss_json_writer_add_int_value (json, (gint64) value);
    else
      pmss_json_writer_add_double_value (json, value);
  }
}

static void
write_part (const char *name, const Figure * figures,
    const PmssNodeStats * stats, PmssJsonWriter * json)
{
  pmss_json_writer_set_member_name (json, name);
  pmss_json_writer_begin_object (json);
  write_figures (figures, stats, json);
  pmss_json_writer_end_object (json);
}

static void
write_text (const char *name, const char *text, PmssJsonWriter * json)
{
  pmss_json_writer_set_member_name (json, name);
  pmss_json_writer_add_string_value (json, *text != '\0' ? text : NULL);
}

static void
write_disks (const PmssNodeStats * stats, PmssJsonWriter * json)
{
  pmss_json_writer_set_member_name (json, "disks");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < stats->n_disks; i++) {
    const PmssDiskStats *disk = &stats->disks[i];

    pmss_json_writer_begin_object (json);
    write_text ("folder", disk->folder, json);
    write_text ("device", disk->device, json);
    write_figures (disk_figures, disk, json);
    pmss_json_writer_end_object (json);
  }
  pmss_json_writer_end_array (json);
}

static void
write_interfaces (const PmssNodeStats * stats, PmssJsonWriter * json)
{
  pmss_json_writer_set_member_name (json, "interfaces");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < stats->n_interfaces; i++) {
    const PmssInterfaceStats *interface = &stats->interfaces[i];

    pmss_json_writer_begin_object (json);
    write_text ("name", interface->name, json);
    write_figures (interface_figures, interface, json);
    pmss_json_writer_end_object (json);
  }
  pmss_json_writer_end_array (json);
}

void
pmss_node_stats_write (const PmssNodeStats * stats, PmssJsonWriter * json)
{
  pmss_json_writer_begin_object (json);
  write_figures (stats_figures, stats, json);
  write_part ("cpu_states", cpu_figures, stats, json);
  write_part ("scrub", scrub_figures, stats, json);
  write_disks (stats, json);
  write_interfaces (stats, json);
  pmss_json_writer_end_object (json);
}
