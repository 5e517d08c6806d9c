/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Artwork as rows. Any thread; blocks. */
#include "control/artwork/artwork.h"

#include "control/accounts/secret.h"
#include "control/database/database.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json-writer.h"

typedef struct
{
  gint64 id;
  const PmssArtwork *artwork;
  const char *version, *summary;
  const char *name;
  PmssArtPart part;
  GBytes *bytes;
  char *found_version;
} ArtworkCall;

void
pmss_artwork_free (PmssArtwork * artwork)
{
  g_free (artwork->thumbhash);
  g_clear_pointer (&artwork->poster, g_bytes_unref);
  g_clear_pointer (&artwork->sprite, g_bytes_unref);
  g_free (artwork->tiles);
  g_free (artwork->peaks);
  g_free (artwork);
}

gboolean
pmss_artwork_is_empty (const PmssArtwork * artwork)
{
  return artwork->poster == NULL && artwork->sprite == NULL
      && artwork->peaks == NULL;
}

/* --- writing --- */

static void
add_flag (PmssJsonWriter * json, const char *name, gconstpointer part)
{
  pmss_json_writer_set_member_name (json, name);
  pmss_json_writer_add_boolean_value (json, part != NULL);
}

static void
add_text (PmssJsonWriter * json, const char *name, const char *text)
{
  pmss_json_writer_set_member_name (json, name);
  pmss_json_writer_add_string_value (json, text);
}

/* The member "artwork" of a medium: what lists need, without the pictures. */
static char *
summarize (const PmssArtwork * artwork, const char *version)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autoptr (GBytes) bytes = NULL;

  pmss_json_writer_begin_object (json);
  add_flag (json, "poster", artwork->poster);
  add_text (json, "thumbhash", artwork->thumbhash);
  add_flag (json, "sprite", artwork->sprite);
  add_flag (json, "peaks", artwork->peaks);
  add_text (json, "version", version);
  pmss_json_writer_end_object (json);
  bytes = pmss_json_writer_finish (json);
  return g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

static PmssValue
nullable_blob (GBytes * bytes)
{
  return bytes != NULL ? PMSS_BLOB (g_bytes_get_data (bytes, NULL),
      g_bytes_get_size (bytes)) : PMSS_NULL;
}

static gboolean
store (PmssDatabase * database, gpointer data, GError ** error)
{
  const ArtworkCall *call = data;
  const PmssArtwork *artwork = call->artwork;

  return pmss_database_exec (database, error,
      "INSERT OR REPLACE INTO artwork (medium, version, summary, tiles, peaks,"
      " poster, sprite) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      PMSS_INT (call->id), PMSS_TEXT (call->version),
      PMSS_TEXT (call->summary), PMSS_TEXT (artwork->tiles),
      PMSS_TEXT (artwork->peaks), nullable_blob (artwork->poster),
      nullable_blob (artwork->sprite));
}

gboolean
pmss_artwork_store (PmssDatabase * database, gint64 id,
    const PmssArtwork * artwork, GError ** error)
{
  g_autofree char *version = pmss_secret_new_id ();
  g_autofree char *summary = summarize (artwork, version);
  ArtworkCall call = {
    .id = id,.artwork = artwork,.version = version,.summary = summary
  };

  return pmss_database_transact (database, store, &call, error);
}

/* --- reading --- */

static PmssRows *
query_part (PmssDatabase * database, const ArtworkCall * call)
{
#define PART(column) pmss_database_query (database, "SELECT a.version, " column \
      " FROM artwork a JOIN medium m ON m.id = a.medium" \
      " WHERE m.name = ?1 AND m.state <> 'deleting'", PMSS_TEXT (call->name))
  switch (call->part) {
    case PMSS_ART_POSTER:
      return PART ("a.poster");
    case PMSS_ART_SPRITE:
      return PART ("a.sprite");
    case PMSS_ART_TILES:
      return PART ("a.tiles");
    case PMSS_ART_PEAKS:
      return PART ("a.peaks");
  }
#undef PART
  g_assert_not_reached ();
}

static gboolean
read_part (PmssDatabase * database, gpointer data, GError ** error)
{
  ArtworkCall *call = data;
  g_autoptr (PmssRows) rows = query_part (database, call);
  g_autoptr (GError) local = NULL;

  if (pmss_rows_next (rows, &local) && !pmss_rows_is_null (rows, 1)) {
    gsize length;
    const void *bytes = pmss_rows_blob (rows, 1, &length);

    call->bytes = g_bytes_new (bytes, length);
    call->found_version = g_strdup (pmss_rows_text (rows, 0));
    return TRUE;
  }
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "There is no such picture of “%s”", call->name);
  return FALSE;
}

GBytes *
pmss_artwork_read (PmssDatabase * database, const char *name, PmssArtPart part,
    char **version, GError ** error)
{
  ArtworkCall call = {.name = name,.part = part };

  if (!pmss_database_read (database, read_part, &call, error))
    return NULL;
  *version = call.found_version;
  return call.bytes;
}
