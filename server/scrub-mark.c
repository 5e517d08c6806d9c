/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a pass is, in a file. */
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "scrub-private.h"

#define FILE_NAME "scrub.json"

static gboolean
get_count (JsonObject * object, const char *name, guint64 * count,
    GError ** error)
{
  gint64 value;

  if (!pmss_json_get_int (object, name, 0, G_MAXINT64, &value, error))
    return FALSE;
  *count = value;
  return TRUE;
}

static gboolean
parse (JsonNode * json, PmssScrubMark * mark, GError ** error)
{
  JsonObject *object = pmss_json_object (json, "the mark", error);
  PmssVersionId version;
  const char *after;
  guint32 extent;
  guint index;

  if (object == NULL
      || !pmss_json_get_int (object, "start", 0, G_MAXINT64, &mark->start,
          error)
      || !pmss_json_get_string (object, "after", PMSS_SHARD_NAME_SIZE - 1,
          &after, error)
      || !get_count (object, "bytes", &mark->bytes, error)
      || !get_count (object, "shards", &mark->shards, error)
      || !get_count (object, "bad", &mark->bad, error)
      || !pmss_json_get_boolean (object, "finished", &mark->finished, error))
    return FALSE;
  if (after[0] != '\0'
      && !pmss_shard_name_parse (after, &version, &extent, &index)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "after: “%s” is no shard's name", after);
    return FALSE;
  }
  g_strlcpy (mark->after, after, sizeof mark->after);
  return TRUE;
}

void
pmss_scrub_mark_load (const char *folder, PmssScrubMark * mark)
{
  g_autofree char *path = g_build_filename (folder, FILE_NAME, NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) json = NULL;
  g_autoptr (GError) error = NULL;
  const PmssScrubMark none = { 0 };
  gsize length;

  *mark = none;
  if (g_file_get_contents (path, &text, &length, &error)
      && (json = pmss_json_parse (text, length, &error))
      && parse (json, mark, &error))
    return;
  *mark = none;
  if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    g_warning ("%s: %s; scrubbing begins from the start", path, error->message);
}

static void
add_int (JsonBuilder * builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

gboolean
pmss_scrub_mark_store (const char *folder, const PmssScrubMark * mark,
    GError ** error)
{
  g_autofree char *path = g_build_filename (folder, FILE_NAME, NULL);
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  add_int (builder, "start", mark->start);
  json_builder_set_member_name (builder, "after");
  json_builder_add_string_value (builder, mark->after);
  add_int (builder, "bytes", mark->bytes);
  add_int (builder, "shards", mark->shards);
  add_int (builder, "bad", mark->bad);
  json_builder_set_member_name (builder, "finished");
  json_builder_add_boolean_value (builder, mark->finished);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  return g_file_set_contents_full (path, text, -1,
      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
      error);
}
