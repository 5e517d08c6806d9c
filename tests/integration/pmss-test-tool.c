/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What integration tests need that no real tool should offer: keys, tokens of
 * any kind, shards of a file. */
#include <stdio.h>
#include <string.h>

#include "libpmss/format/pmss-striper.h"
#include "libpmss/pmss-token.h"

static void
print_hex (const guint8 * bytes, gsize length)
{
  for (gsize i = 0; i < length; i++)
    printf ("%02x", bytes[i]);
}

/* "PUBLIC SECRET" */
static gboolean
make_keys (char **arguments)
{
  guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE];
  guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE];

  pmss_token_generate_keys (public_key, secret_key);
  print_hex (public_key, sizeof public_key);
  printf (" ");
  print_hex (secret_key, sizeof secret_key);
  printf ("\n");
  return TRUE;
}

static gboolean
parse_secret (const char *text, guint8 secret[PMSS_TOKEN_SECRET_KEY_SIZE])
{
  if (strlen (text) != 2 * PMSS_TOKEN_SECRET_KEY_SIZE)
    return FALSE;
  for (guint i = 0; i < PMSS_TOKEN_SECRET_KEY_SIZE; i++)
    secret[i] = g_ascii_xdigit_value (text[2 * i]) * 16
        + g_ascii_xdigit_value (text[2 * i + 1]);
  return TRUE;
}

static PmssTokenOps
parse_ops (const char *text)
{
  PmssTokenOps ops = 0;

  ops |= strchr (text, 'r') ? PMSS_TOKEN_READ : 0;
  ops |= strchr (text, 'w') ? PMSS_TOKEN_WRITE : 0;
  ops |= strchr (text, 'd') ? PMSS_TOKEN_DELETE : 0;
  ops |= strchr (text, 'l') ? PMSS_TOKEN_LIST : 0;
  return ops;
}

static gboolean
set_claim (PmssTokenClaims * claims, const char *name, const char *value)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  if (g_str_equal (name, "cid"))
    claims->cluster = g_strdup (value);
  else if (g_str_equal (name, "ops"))
    claims->ops = parse_ops (value);
  else if (g_str_equal (name, "ver"))
    return pmss_version_id_parse (value, &claims->version);
  else if (g_str_equal (name, "sid"))
    claims->session = g_strdup (value);
  else if (g_str_equal (name, "uid"))
    claims->user = g_strdup (value);
  else if (g_str_equal (name, "nod"))
    pmss_token_claims_add_nodes (claims, g_ascii_strtoull (value, NULL, 10),
        g_ascii_strtoull (value, NULL, 10));
  else if (g_str_equal (name, "shd"))
    claims->shard = g_strdup (value);
  else if (g_str_equal (name, "issued"))
    claims->issued = now + g_ascii_strtoll (value, NULL, 10);
  else if (g_str_equal (name, "expires"))
    claims->expires = now + g_ascii_strtoll (value, NULL, 10);
  else
    return FALSE;
  return TRUE;
}

/* SECRET [cid=.. ops=rwdl ver=HEX nod=N issued=-10 expires=+60]...: times are
 * seconds from now; without ver it is any version, without nod any node. */
static gboolean
mint_token (char **arguments)
{
  g_autoptr (PmssTokenClaims) claims = pmss_token_claims_new ();
  guint8 secret[PMSS_TOKEN_SECRET_KEY_SIZE];
  g_autofree char *token = NULL;

  if (!arguments[0] || !parse_secret (arguments[0], secret))
    return FALSE;
  claims->any_version = TRUE;
  claims->issued = g_get_real_time () / G_USEC_PER_SEC;
  claims->expires = claims->issued + 3600;
  for (char **argument = arguments + 1; *argument; argument++) {
    g_auto (GStrv) parts = g_strsplit (*argument, "=", 2);

    if (!parts[0] || !parts[1] || !set_claim (claims, parts[0], parts[1]))
      return FALSE;
    if (g_str_equal (parts[0], "ver"))
      claims->any_version = FALSE;
  }
  if (claims->nodes->len == 0)
    pmss_token_claims_add_nodes (claims, 1, G_MAXUINT);
  if (!claims->cluster)
    claims->cluster = g_strdup ("");
  if (!claims->medium)
    claims->medium = g_strdup ("");
  if (!claims->user)
    claims->user = g_strdup ("");
  if (!claims->session)
    claims->session = g_strdup ("");
  token = pmss_token_mint (claims, secret);
  printf ("%s\n", token);
  return TRUE;
}

/* REDUNDANCY UNIT VERSION NUMBER FILE FOLDER: the shards of one extent, as
 * files with their names. */
static gboolean
stripe (char **arguments)
{
  PmssExtentGeometry geometry = { 0 };
  g_autoptr (PmssErasure) erasure = NULL;
  GBytes *shards[PMSS_MAX_SHARDS] = { NULL };
  g_autofree char *payload = NULL;
  gsize length;
  gboolean ok = TRUE;

  if (g_strv_length (arguments) != 6
      || !pmss_redundancy_parse (arguments[0], &geometry.redundancy, NULL)
      || !pmss_version_id_parse (arguments[2], &geometry.version)
      || !g_file_get_contents (arguments[4], &payload, &length, NULL))
    return FALSE;
  geometry.unit = g_ascii_strtoull (arguments[1], NULL, 10);
  geometry.extent = g_ascii_strtoull (arguments[3], NULL, 10);
  geometry.payload = length;
  if (!pmss_extent_geometry_check (&geometry, NULL))
    return FALSE;
  erasure = pmss_erasure_new (geometry.redundancy);
  pmss_striper_run (erasure, &geometry, (const guint8 *) payload, shards);
  for (guint i = 0; i < PMSS_MAX_SHARDS && shards[i]; i++) {
    char name[PMSS_SHARD_NAME_SIZE];
    g_autofree char *path = NULL;
    gsize size;
    const char *bytes = g_bytes_get_data (shards[i], &size);

    pmss_shard_name_write (&geometry.version, geometry.extent, i, name);
    path = g_build_filename (arguments[5], name, NULL);
    ok = ok && g_file_set_contents (path, bytes, size, NULL);
    printf ("%s\n", name);
    g_bytes_unref (shards[i]);
  }
  return ok;
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
      gboolean (*run) (char **arguments);
  } commands[] = {
    {"keys", make_keys}, {"mint", mint_token}, {"stripe", stripe},
  };

  for (guint i = 0; argc > 1 && i < G_N_ELEMENTS (commands); i++) {
    if (g_str_equal (argv[1], commands[i].name)) {
      if (commands[i].run (argv + 2))
        return 0;
      break;
    }
  }
  fprintf (stderr, "usage: pmss-test-tool keys\n"
      "       pmss-test-tool mint SECRET [CLAIM=VALUE]...\n"
      "       pmss-test-tool stripe K+M UNIT VERSION NUMBER FILE FOLDER\n");
  return 64;
}
