/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks reports of bad shards, and writes them to the catalog. On handlers'
 * threads. */
#include "control/api/api-bad-shards.h"

#include "control/catalog/catalog-health.h"
#include "control/database/database.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

/* The storage server tells it again where this is too short. */
#define WAIT G_TIME_SPAN_SECOND

typedef struct
{
  PmssCatalog *catalog;
  GPtrArray *bad;
} AddCall;

static gboolean
get_kind (JsonObject * object, PmssBadKind * kind, GError ** error)
{
  static const PmssBadKind kinds[] = {
    PMSS_BAD_MISSING, PMSS_BAD_DAMAGED, PMSS_BAD_UNREADABLE
  };
  const char *text;

  if (!pmss_json_get_string (object, "kind", 32, &text, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if (g_str_equal (text, pmss_bad_kind_to_string (kinds[i]))) {
      *kind = kinds[i];
      return TRUE;
    }
  }
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "kind: has to be missing, damaged or unreadable");
  return FALSE;
}

/* @rows: NULL for null, which is all of them. */
static gboolean
get_rows (JsonObject * object, GArray ** rows, GError ** error)
{
  g_autoptr (GArray) list = NULL;
  JsonArray *array;

  if (!pmss_json_has (object, "rows"))
    return TRUE;
  if (!pmss_json_get_array (object, "rows", PMSS_MAX_BAD_ROWS, &array, error))
    return FALSE;
  list = g_array_new (FALSE, FALSE, sizeof (guint32));
  for (guint i = 0; i < json_array_get_length (array); i++) {
    gint64 number;
    guint32 row;

    if (!pmss_json_element_int (array, i, "a row", 0, G_MAXUINT32, &number,
            error))
      return FALSE;
    row = (guint32) number;
    g_array_append_val (list, row);
  }
  *rows = g_steal_pointer (&list);
  return TRUE;
}

static PmssBadShard *
read_bad_shard (JsonObject * object, guint node, GError ** error)
{
  static const char *const members[] = { "shard", "kind", "rows", NULL };
  g_autoptr (PmssBadShard) bad = g_new0 (PmssBadShard, 1);
  const char *name;

  bad->node = node;
  bad->state = PMSS_BAD_KNOWN;
  bad->source = PMSS_FOUND_BY_SCRUB;
  if (!pmss_json_check_members (object, members, error)
      || !pmss_json_get_string (object, "shard", PMSS_SHARD_NAME_SIZE, &name,
          error)
      || !get_kind (object, &bad->kind, error)
      || !get_rows (object, &bad->rows, error))
    return NULL;
  if (pmss_shard_name_parse (name, &bad->version, &bad->extent, &bad->shard))
    return g_steal_pointer (&bad);
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "shard: is not a shard's name");
  return NULL;
}

GPtrArray *
pmss_api_get_bad_shards (JsonObject * body, guint node, GError ** error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_bad_shard_free);
  JsonArray *array;

  if (!pmss_json_has (body, "bad_shards"))
    return g_steal_pointer (&list);
  if (!pmss_json_get_array (body, "bad_shards", PMSS_API_MAX_BAD_SHARDS,
          &array, error))
    return NULL;
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *object = pmss_json_object (json_array_get_element (array, i),
        "a bad shard", error);
    PmssBadShard *bad = object != NULL
        ? read_bad_shard (object, node, error) : NULL;

    if (bad == NULL)
      return NULL;
    g_ptr_array_add (list, bad);
  }
  return g_steal_pointer (&list);
}

static gboolean
add_all (PmssDatabase * database, gpointer data, GError ** error)
{
  AddCall *call = data;

  for (guint i = 0; i < call->bad->len; i++)
    if (!pmss_catalog_add_bad_shard (call->catalog,
            g_ptr_array_index (call->bad, i), error))
      return FALSE;
  return TRUE;
}

static void
free_add_call (gpointer data)
{
  AddCall *call = data;

  g_ptr_array_unref (call->bad);
  g_free (call);
}

gboolean
pmss_api_add_bad_shards (PmssControlContext * context, GPtrArray * bad,
    GError ** error)
{
  AddCall *call;

  if (bad->len == 0)
    return TRUE;
  call = g_new0 (AddCall, 1);
  call->catalog = context->catalog;
  call->bad = g_ptr_array_ref (bad);
  if (!pmss_database_transact_within (context->database, WAIT, add_all, call,
          free_add_call, error))
    return FALSE;
  free_add_call (call);
  return TRUE;
}
