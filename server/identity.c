/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The identity that this server got when it joined, in a file. On the main
 * thread. */
#include "identity.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

#define FILE_NAME "node.json"
#define MAX_SECRET 256

void
pmss_identity_free (PmssIdentity * identity)
{
  g_free (identity->secret);
  g_free (identity->cluster);
  g_free (identity);
}

gboolean
pmss_identity_parse_key (const char *text,
    guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE], GError ** error)
{
  g_autofree char *digits = g_strstrip (g_strdup (text));
  gsize length = strlen (digits);
  gboolean ok = length == 2 * PMSS_TOKEN_PUBLIC_KEY_SIZE;

  for (gsize i = 0; ok && i < length; i += 2) {
    int high = g_ascii_xdigit_value (digits[i]);
    int low = g_ascii_xdigit_value (digits[i + 1]);

    ok = high >= 0 && low >= 0;
    if (ok)
      public_key[i / 2] = high * 16 + low;
  }
  if (!ok)
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "a public key has to be 64 hex digits");
  return ok;
}

PmssIdentity *
pmss_identity_parse (JsonNode * json, GError ** error)
{
  g_autoptr (PmssIdentity) identity = g_new0 (PmssIdentity, 1);
  JsonObject *object = pmss_json_object (json, "the identity", error);
  const char *secret, *cluster, *key;
  PmssVersionId check;
  gint64 id;

  if (object == NULL
      || !pmss_json_get_int (object, "id", 1, G_MAXINT, &id, error)
      || !pmss_json_get_string (object, "secret", MAX_SECRET, &secret, error)
      || !pmss_json_get_string (object, "cluster", 32, &cluster, error)
      || !pmss_json_get_string (object, "public_key", 64, &key, error)
      || !pmss_identity_parse_key (key, identity->public_key, error))
    return NULL;
  if (!pmss_version_id_parse (cluster, &check)) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "a cluster's id has to be 32 hex digits");
    return NULL;
  }
  identity->id = id;
  identity->secret = g_strdup (secret);
  identity->cluster = g_strdup (cluster);
  return g_steal_pointer (&identity);
}

PmssIdentity *
pmss_identity_load (const char *data, GError ** error)
{
  g_autofree char *path = g_build_filename (data, FILE_NAME, NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) json = NULL;
  g_autoptr (GError) missing = NULL;
  PmssIdentity *identity;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, &missing)) {
    if (!g_error_matches (missing, G_FILE_ERROR, G_FILE_ERROR_NOENT))
      g_propagate_error (error, g_steal_pointer (&missing));
    return NULL;
  }
  json = pmss_json_parse (text, length, error);
  identity = json != NULL ? pmss_identity_parse (json, error) : NULL;
  if (identity == NULL)
    g_prefix_error (error, "%s: ", path);
  return identity;
}

gboolean
pmss_identity_store (const PmssIdentity * identity, const char *data,
    GError ** error)
{
  g_autofree char *path = g_build_filename (data, FILE_NAME, NULL);
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GString) key = g_string_new (NULL);
  g_autofree char *text = NULL;

  for (guint i = 0; i < PMSS_TOKEN_PUBLIC_KEY_SIZE; i++)
    g_string_append_printf (key, "%02x", identity->public_key[i]);
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "id");
  json_builder_add_int_value (builder, identity->id);
  json_builder_set_member_name (builder, "secret");
  json_builder_add_string_value (builder, identity->secret);
  json_builder_set_member_name (builder, "cluster");
  json_builder_add_string_value (builder, identity->cluster);
  json_builder_set_member_name (builder, "public_key");
  json_builder_add_string_value (builder, key->str);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  return g_file_set_contents_full (path, text, -1,
      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
      error);
}
