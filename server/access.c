/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "access.h"

#include <stdatomic.h>
#include <string.h>

#include "libpmss/pmss-error.h"

/* A token is at most 4 KiB: 16 MiB at the very most. */
#define MAX_CACHED 4096
/* Before so many sessions were revoked nobody looks which of them are over. */
#define MIN_REVOKED 1024

struct _PmssAccess
{
  guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE];
  char *cluster;
  guint node;
  atomic_bool trusts;           /* the three above are set, and stay */
  _Atomic guint64 refusals;

  /* Protects the table, and what is in it from being freed. */
  GRWLock lock;
  GHashTable *verified;         /* token -> PmssTokenClaims */
  GHashTable *revoked;          /* session -> until when (gint64) */
  guint look_at;                /* how many are in it when they are looked through next */
};

static void
free_claims (gpointer claims)
{
  pmss_token_claims_free (claims);
}

PmssAccess *
pmss_access_new (void)
{
  PmssAccess *access = g_new0 (PmssAccess, 1);

  g_rw_lock_init (&access->lock);
  access->verified = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_claims);
  access->revoked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  access->look_at = MIN_REVOKED;
  return access;
}

void
pmss_access_free (PmssAccess * access)
{
  g_hash_table_unref (access->verified);
  g_hash_table_unref (access->revoked);
  g_rw_lock_clear (&access->lock);
  g_free (access->cluster);
  g_free (access);
}

void
pmss_access_set_trust (PmssAccess * access,
    const guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE], const char *cluster,
    guint node)
{
  g_return_if_fail (!atomic_load (&access->trusts));
  memcpy (access->public_key, public_key, PMSS_TOKEN_PUBLIC_KEY_SIZE);
  access->cluster = g_strdup (cluster);
  access->node = node;
  atomic_store (&access->trusts, TRUE);
}

static gint64
now_seconds (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* Under the lock: whether the claims allow this, and their session goes on. */
static gboolean
allows (PmssAccess * access, PmssTokenClaims * claims,
    const PmssWanted * wanted, GError ** error)
{
  if (*claims->session != '\0'
      && g_hash_table_contains (access->revoked, claims->session)) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED,
        "the session of this token was ended");
    return FALSE;
  }
  return pmss_token_covers (claims, wanted->op, wanted->version,
      wanted->shard, access->node, error);
}

/* TRUE if @token is known; @allowed then says the rest. */
static gboolean
check_cached (PmssAccess * access, const char *token,
    const PmssWanted * wanted, gboolean * allowed, GError ** error)
{
  PmssTokenClaims *claims;

  g_rw_lock_reader_lock (&access->lock);
  claims = g_hash_table_lookup (access->verified, token);
  if (claims && now_seconds () >= claims->expires)
    claims = NULL;
  if (claims)
    *allowed = allows (access, claims, wanted, error);
  g_rw_lock_reader_unlock (&access->lock);
  return claims != NULL;
}

static gboolean
is_expired (gpointer token, gpointer claims, gpointer now)
{
  return ((PmssTokenClaims *) claims)->expires <= *(gint64 *) now;
}

/* Under the lock. Takes @claims. */
static void
remember (PmssAccess * access, const char *token, PmssTokenClaims * claims)
{
  gint64 now = now_seconds ();

  if (g_hash_table_size (access->verified) >= MAX_CACHED)
    g_hash_table_foreach_remove (access->verified, is_expired, &now);
  /* All valid: begin anew, each costs one verification more. */
  if (g_hash_table_size (access->verified) >= MAX_CACHED)
    g_hash_table_remove_all (access->verified);
  g_hash_table_replace (access->verified, g_strdup (token), claims);
}

static gboolean
check_new (PmssAccess * access, const char *token, const PmssWanted * wanted,
    GError ** error)
{
  PmssTokenClaims *claims = pmss_token_verify (token, access->public_key,
      access->cluster, now_seconds (), error);
  gboolean allowed;

  if (!claims)
    return FALSE;
  g_rw_lock_writer_lock (&access->lock);
  allowed = allows (access, claims, wanted, error);
  /* one for one shard is asked with once */
  if (*claims->shard == '\0')
    remember (access, token, claims);
  else
    pmss_token_claims_free (claims);
  g_rw_lock_writer_unlock (&access->lock);
  return allowed;
}

static gboolean
is_over (gpointer session, gpointer until, gpointer now)
{
  return *(gint64 *) until <= *(gint64 *) now;
}

/* Under the lock. Not each time: everybody waits meanwhile. */
static void
forget_those_over (PmssAccess * access)
{
  gint64 now = now_seconds ();

  if (g_hash_table_size (access->revoked) < access->look_at)
    return;
  g_hash_table_foreach_remove (access->revoked, is_over, &now);
  access->look_at = MAX (MIN_REVOKED, 2 * g_hash_table_size (access->revoked));
}

void
pmss_access_revoke (PmssAccess * access, const char *session, gint64 until)
{
  g_rw_lock_writer_lock (&access->lock);
  forget_those_over (access);
  g_hash_table_replace (access->revoked, g_strdup (session),
      g_memdup2 (&until, sizeof until));
  g_rw_lock_writer_unlock (&access->lock);
}

gboolean
pmss_access_check (PmssAccess * access, const char *token,
    const PmssWanted * wanted, GError ** error)
{
  gboolean allowed = FALSE;

  if (!atomic_load (&access->trusts)) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
        "this server has not joined a cluster yet");
    return FALSE;
  }
  if (!token || strlen (token) > PMSS_MAX_TOKEN)
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED,
        "a capability token is needed");
  else if (!check_cached (access, token, wanted, &allowed, error))
    allowed = check_new (access, token, wanted, error);
  if (!allowed)
    atomic_fetch_add (&access->refusals, 1);
  return allowed;
}

guint64
pmss_access_get_refusals (PmssAccess * access)
{
  return atomic_load (&access->refusals);
}
