/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The output of pmss-probe --artwork, which a hostile file may have written. Pure. */
#include "control/artwork/artwork.h"

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

#define MAX_THUMBHASH 28        /* bytes */

static gboolean
invalid (GError ** error, const char *what)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
      "pmss-probe said something malformed: %s", what);
  return FALSE;
}

/* @bytes: (out) NULL: there is none. */
static gboolean
get_bytes (JsonObject * object, const char *name, gsize max, GBytes ** bytes,
    GError ** error)
{
  const char *text;
  gsize length;
  guchar *data;

  if (!pmss_json_has (object, name))
    return TRUE;
  if (!pmss_json_get_string (object, name, max / 3 * 4 + 8, &text, NULL))
    return invalid (error, name);
  data = g_base64_decode (text, &length);
  *bytes = g_bytes_new_take (data, length);
  return (length > 0 && length <= max) || invalid (error, name);
}

/* A browser is told that it is a JPEG, and takes it for nothing else. */
static gboolean
get_picture (JsonObject * object, const char *name, gsize max, GBytes ** bytes,
    GError ** error)
{
  const guint8 *data;
  gsize length;

  if (!get_bytes (object, name, max, bytes, error))
    return FALSE;
  if (*bytes == NULL)
    return TRUE;
  data = g_bytes_get_data (*bytes, &length);
  return (length > 3 && memcmp (data, "\xff\xd8\xff", 3) == 0)
      || invalid (error, name);
}

static gboolean
get_thumbhash (JsonObject * object, char **thumbhash, GError ** error)
{
  g_autoptr (GBytes) bytes = NULL;
  gsize length;
  const guint8 *data;

  if (!get_bytes (object, "thumbhash", MAX_THUMBHASH, &bytes, error))
    return FALSE;
  if (bytes == NULL)
    return TRUE;
  data = g_bytes_get_data (bytes, &length);
  *thumbhash = g_base64_encode (data, length);
  return TRUE;
}

/* Times that grow. */
static gboolean
get_tiles (JsonObject * object, char **tiles, GError ** error)
{
  JsonArray *array;
  gint64 before = -1, time;

  if (!pmss_json_has (object, "tiles"))
    return TRUE;
  if (!pmss_json_get_array (object, "tiles", PMSS_MAX_TILES, &array, NULL))
    return invalid (error, "tiles");
  for (guint i = 0; i < json_array_get_length (array); i++, before = time)
    if (!pmss_json_element_int (array, i, "tiles", before + 1, G_MAXINT64 - 1,
            &time, NULL))
      return invalid (error, "tiles");
  *tiles = json_to_string (json_object_get_member (object, "tiles"), FALSE);
  return TRUE;
}

static gboolean
is_peak (JsonNode * node)
{
  double value;

  if (!JSON_NODE_HOLDS_VALUE (node)
      || (json_node_get_value_type (node) != G_TYPE_DOUBLE
          && json_node_get_value_type (node) != G_TYPE_INT64))
    return FALSE;
  value = json_node_get_double (node);
  return value >= 0 && value <= 1;
}

static gboolean
get_peaks (JsonObject * object, char **peaks, GError ** error)
{
  JsonArray *array;

  if (!pmss_json_has (object, "peaks"))
    return TRUE;
  if (!pmss_json_get_array (object, "peaks", PMSS_N_PEAKS, &array, NULL)
      || json_array_get_length (array) != PMSS_N_PEAKS)
    return invalid (error, "peaks");
  for (guint i = 0; i < PMSS_N_PEAKS; i++)
    if (!is_peak (json_array_get_element (array, i)))
      return invalid (error, "peaks");
  *peaks = json_to_string (json_object_get_member (object, "peaks"), FALSE);
  return TRUE;
}

static gboolean
parse_object (JsonObject * object, PmssArtwork * artwork, GError ** error)
{
  return get_picture (object, "poster", PMSS_MAX_POSTER, &artwork->poster,
      error)
      && get_thumbhash (object, &artwork->thumbhash, error)
      && get_picture (object, "sprite", PMSS_MAX_SPRITE, &artwork->sprite,
      error)
      && get_tiles (object, &artwork->tiles, error)
      && get_peaks (object, &artwork->peaks, error)
      && (((artwork->sprite == NULL) == (artwork->tiles == NULL))
      || invalid (error, "a sprite without times"));
}

PmssArtwork *
pmss_artwork_parse (const char *text, gsize length, GError ** error)
{
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (PmssArtwork) artwork = g_new0 (PmssArtwork, 1);

  if (length > 0 && g_utf8_validate_len (text, length, NULL))
    root = pmss_json_parse (text, length, NULL);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)) {
    invalid (error, "no object");
    return NULL;
  }
  if (!parse_object (json_node_get_object (root), artwork, error))
    return NULL;
  return g_steal_pointer (&artwork);
}
