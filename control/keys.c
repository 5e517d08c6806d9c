/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The signing key and the cluster's id. On the main thread, before control
 * serves. */
#include "control/keys.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-shard.h"
#include "control/accounts/secret.h"
#include "control/folder-sync.h"

#define KEY_FILE "token.key"
#define CLUSTER_FILE "cluster"

struct _PmssKeys
{
  char *cluster;
  guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE];
  guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE];
};

static gboolean
write_private (const char *folder, const char *name, const char *text,
    GError ** error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *line = g_strconcat (text, "\n", NULL);

  return g_file_set_contents_full (path, line, -1,
      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
      error);
}

static gboolean
write_new (const char *folder, GError ** error)
{
  guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE];
  guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE];
  char hex[PMSS_TOKEN_SECRET_KEY_SIZE * 2 + 1];
  g_autofree char *cluster = pmss_secret_new_id ();
  gboolean ok;

  pmss_token_generate_keys (public_key, secret_key);
  sodium_bin2hex (hex, sizeof (hex), secret_key, sizeof (secret_key));
  ok = write_private (folder, KEY_FILE, hex, error)
      && write_private (folder, CLUSTER_FILE, cluster, error)
      && pmss_folder_sync (folder, error);
  sodium_memzero (secret_key, sizeof (secret_key));
  sodium_memzero (hex, sizeof (hex));
  return ok;
}

/* Under another name first: a crash half way must not leave a cluster with one of two files. */
static gboolean
create (const char *folder, GError ** error)
{
  g_autofree char *fresh = g_strconcat (folder, ".new", NULL);
  g_autofree char *parent = g_path_get_dirname (folder);

  if (g_mkdir_with_parents (fresh, 0700) != 0) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
        "Cannot make %s: %s", fresh, g_strerror (errno));
    return FALSE;
  }
  if (!write_new (fresh, error))
    return FALSE;
  if (g_rename (fresh, folder) != 0) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
        "Cannot make %s: %s", folder, g_strerror (errno));
    return FALSE;
  }
  return pmss_folder_sync (parent, error);
}

static char *
read_private (const char *folder, const char *name, GError ** error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  char *text;

  if (!g_file_get_contents (path, &text, NULL, error))
    return NULL;
  return g_strchomp (text);
}

/* The pair is made anew from the secret key's seed, so that a key of which a part is damaged is found out. */
static gboolean
parse_key (PmssKeys * self, const char *hex)
{
  guint8 again[PMSS_TOKEN_SECRET_KEY_SIZE];
  guint8 seed[crypto_sign_ed25519_SEEDBYTES];
  gboolean same;
  gsize length;

  if (strlen (hex) != sizeof (self->secret_key) * 2
      || sodium_hex2bin (self->secret_key, sizeof (self->secret_key), hex,
          strlen (hex), NULL, &length, NULL) != 0
      || length != sizeof (self->secret_key))
    return FALSE;
  crypto_sign_ed25519_sk_to_seed (seed, self->secret_key);
  crypto_sign_ed25519_seed_keypair (self->public_key, again, seed);
  same = sodium_memcmp (again, self->secret_key, sizeof (again)) == 0;
  sodium_memzero (seed, sizeof (seed));
  sodium_memzero (again, sizeof (again));
  return same;
}

/* Whoever reads the key can read, write and delete every shard: as sshd does, better not to serve than to go on with one that is known to others. */
static gboolean
check_private (const char *path, GError ** error)
{
  GStatBuf st;

  if (g_stat (path, &st) != 0) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
        "Cannot look at %s: %s", path, g_strerror (errno));
    return FALSE;
  }
  if ((st.st_mode & 077) == 0)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "“%s” is open to other users (mode %03o), and who has the key has all "
      "media. Find out who had access, then take it away: chmod go= “%s”",
      path, (guint) st.st_mode & 0777, path);
  return FALSE;
}

static gboolean
check_all_private (const char *folder, GError ** error)
{
  g_autofree char *key = g_build_filename (folder, KEY_FILE, NULL);

  return check_private (folder, error) && check_private (key, error);
}

PmssKeys *
pmss_keys_open (const char *folder, gboolean may_create, GError ** error)
{
  g_autofree char *hex = NULL;
  PmssKeys *self;

  if (may_create && !g_file_test (folder, G_FILE_TEST_EXISTS)
      && !create (folder, error))
    return NULL;
  if (!check_all_private (folder, error))
    return NULL;
  hex = read_private (folder, KEY_FILE, error);
  if (hex == NULL)
    return NULL;
  self = g_new0 (PmssKeys, 1);
  self->cluster = read_private (folder, CLUSTER_FILE, error);
  if (self->cluster != NULL && pmss_secret_is_id (self->cluster)
      && parse_key (self, hex)) {
    sodium_memzero (hex, strlen (hex));
    return self;
  }
  if (self->cluster != NULL)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
        "The keys in %s are damaged; restore them from a backup", folder);
  pmss_keys_free (self);
  return NULL;
}

void
pmss_keys_free (PmssKeys * self)
{
  sodium_memzero (self->secret_key, sizeof (self->secret_key));
  g_free (self->cluster);
  g_free (self);
}

const char *
pmss_keys_get_cluster (PmssKeys * self)
{
  return self->cluster;
}

const guint8 *
pmss_keys_get_public (PmssKeys * self)
{
  return self->public_key;
}

char *
pmss_keys_mint (PmssKeys * self, PmssTokenClaims * claims)
{
  g_free (claims->cluster);
  claims->cluster = g_strdup (self->cluster);
  return pmss_token_mint (claims, self->secret_key);
}

static PmssTokenClaims *
claims_for_node (guint node, PmssTokenOps ops)
{
  PmssTokenClaims *claims = pmss_token_claims_new ();

  claims->issued = g_get_real_time () / G_USEC_PER_SEC;
  claims->expires = claims->issued + PMSS_INTERNAL_TOKEN_LIFETIME;
  claims->ops = ops;
  pmss_token_claims_add_nodes (claims, node, node);
  return claims;
}

char *
pmss_keys_mint_for_shard (PmssKeys * self, guint node, PmssTokenOps ops,
    const char *shard)
{
  g_autoptr (PmssTokenClaims) claims = claims_for_node (node, ops);
  guint32 extent;
  guint index;

  if (!pmss_shard_name_parse (shard, &claims->version, &extent, &index))
    g_return_val_if_reached (NULL);
  claims->shard = g_strdup (shard);
  return pmss_keys_mint (self, claims);
}

char *
pmss_keys_mint_for_list (PmssKeys * self, guint node)
{
  g_autoptr (PmssTokenClaims) claims = claims_for_node (node, PMSS_TOKEN_LIST);

  claims->any_version = TRUE;
  return pmss_keys_mint (self, claims);
}
