/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The field Upload-Metadata of tus. Pure. */
#include "control/api/tus-metadata.h"

#include <sodium.h>
#include <string.h>

#include "libpmss/pmss-error.h"

#define MAX_PAIRS 32

static char *
decode (const char *text, GError ** error)
{
  gsize room = strlen (text) / 4 * 3 + 1, length;
  g_autofree guchar *bytes = g_malloc (room);

  /* not g_base64_decode(), which skips over what does not belong */
  if (sodium_base642bin (bytes, room, text, strlen (text), NULL, &length, NULL,
          sodium_base64_VARIANT_ORIGINAL) != 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "Upload-Metadata: a value is not base64");
    return NULL;
  }
  if (!g_utf8_validate_len ((const char *) bytes, length, NULL)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "Upload-Metadata: a value is not UTF-8");
    return NULL;
  }
  return g_strndup ((const char *) bytes, length);
}

static gboolean
is_key (const char *key)
{
  for (const char *c = key; *c; c++)
    if (!g_ascii_isgraph (*c) || *c == ',')
      return FALSE;
  return *key != '\0';
}

static gboolean
parse_pair (GHashTable * table, char *pair, GError ** error)
{
  g_auto (GStrv) parts = g_strsplit (g_strstrip (pair), " ", 3);
  guint n = g_strv_length (parts);
  char *value;

  if (n < 1 || n > 2 || !is_key (parts[0])) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "Upload-Metadata: not a list of keys and values");
    return FALSE;
  }
  if (g_hash_table_contains (table, parts[0])) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "Upload-Metadata: %s is there twice", parts[0]);
    return FALSE;
  }
  value = decode (n == 2 ? parts[1] : "", error);
  if (value == NULL)
    return FALSE;
  g_hash_table_insert (table, g_strdup (parts[0]), value);
  return TRUE;
}

GHashTable *
pmss_tus_metadata_parse (const char *text, GError ** error)
{
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal,
      g_free, g_free);
  g_auto (GStrv) pairs = NULL;

  if (text == NULL || *text == '\0')
    return g_steal_pointer (&table);
  pairs = g_strsplit (text, ",", MAX_PAIRS + 1);
  if (g_strv_length (pairs) > MAX_PAIRS) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "Upload-Metadata: more than %d pairs", MAX_PAIRS);
    return NULL;
  }
  for (guint i = 0; pairs[i]; i++)
    if (!parse_pair (table, pairs[i], error))
      return NULL;
  return g_steal_pointer (&table);
}

void
pmss_tus_metadata_append (GString * text, const char *key, const char *value)
{
  g_autofree char *encoded = NULL;

  if (value == NULL)
    return;
  encoded = g_base64_encode ((const guchar *) value, strlen (value));
  g_string_append_printf (text, "%s%s %s", text->len > 0 ? "," : "", key,
      encoded);
}
