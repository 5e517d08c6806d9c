/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks capability tokens. Any thread. */
#include "access.h"

#include <stdatomic.h>
#include <string.h>

#include "libpmss/pmss-error.h"

/* A token is at most 4 KiB: 16 MiB at the very most. */
#define MAX_CACHED 4096
#define WAITS "this server waits for control: it does not know which sessions " \
    "have ended"
#define REVOCATIONS "revocations.json"
#define TOUCH_EVERY (10 * G_USEC_PER_SEC)

typedef struct
{
  PmssRevokedState state;
  guint64 heard;
} Settled;

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
  PmssRevoked *revoked;
  char *path;                   /* NULL: it speaks to no control server, and nothing is revoked */
  gboolean whole;               /* it is known which sessions have ended */
  guint64 heard;                /* grows with what control tells */
  Settled settled;              /* when control had told of all */
  Settled kept;                 /* the same, as the file has it, or is just given it */
  gboolean due;                 /* the file is to be written */

  /* of the thread that keeps the file */
  gint64 touched;               /* monotonic */
  gboolean unkept;              /* it could not be written, which was said */
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
  access->revoked = pmss_revoked_new ();
  access->whole = TRUE;
  return access;
}

void
pmss_access_free (PmssAccess * access)
{
  g_hash_table_unref (access->verified);
  pmss_revoked_free (access->revoked);
  g_free (access->path);
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

static gboolean
is_for_medium (const PmssTokenClaims * claims, const PmssWanted * wanted,
    GError ** error)
{
  if (wanted->medium != NULL && !g_str_equal (wanted->medium, claims->medium)) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FORBIDDEN,
        "The token is for another medium");
    return FALSE;
  }
  if (wanted->ticket != NULL)
    *wanted->ticket = g_strdup (claims->session);
  if (wanted->origin != NULL)
    *wanted->origin = g_strdup (claims->origin);
  return TRUE;
}

/* Under the lock: whether the claims allow this, and their session goes on. */
static gboolean
allows (PmssAccess * access, PmssTokenClaims * claims,
    const PmssWanted * wanted, GError ** error)
{
  if (*claims->session != '\0' && !access->whole) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY, WAITS);
    return FALSE;
  }
  if (pmss_revoked_has (access->revoked, claims, now_seconds ())) {
    if (wanted->news != NULL)
      *wanted->news = pmss_revoked_has_session (access->revoked,
          claims->session) ? PMSS_SESSION_ENDED : PMSS_SESSION_IN_DOUBT;
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED,
        "the session of this token was ended");
    return FALSE;
  }
  return pmss_token_covers (claims, wanted->op, wanted->version,
      wanted->shard, access->node, error) && is_for_medium (claims, wanted,
      error);
}

/* TRUE if @token is known; @allowed then says the rest. */
static gboolean
check_cached (PmssAccess * access, const char *token,
    const PmssWanted * wanted, gboolean * allowed, GError ** error)
{
  PmssTokenClaims *claims;

  g_rw_lock_reader_lock (&access->lock);
  claims = g_hash_table_lookup (access->verified, token);
  if (claims != NULL && now_seconds () >= claims->expires)
    claims = NULL;
  if (claims != NULL)
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

  if (claims == NULL)
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

gint64
pmss_access_open_revocations (PmssAccess * access, const char *data)
{
  g_autoptr (GError) error = NULL;
  gint64 number;

  g_rw_lock_writer_lock (&access->lock);
  access->path = g_build_filename (data, REVOCATIONS, NULL);
  access->whole = pmss_revoked_load (access->revoked, access->path,
      now_seconds (), &access->kept.state, &error);
  number = access->kept.state.number;
  g_rw_lock_writer_unlock (&access->lock);
  /* one that has just joined has none yet */
  if (error != NULL
      && !g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    g_message ("%s: viewers wait until control has told which sessions have "
        "ended", error->message);
  return number;
}

gboolean
pmss_access_revoke (PmssAccess * access, JsonArray * revoked, GError ** error)
{
  gboolean taken;

  g_rw_lock_writer_lock (&access->lock);
  taken = pmss_revoked_add (access->revoked, revoked, now_seconds (), error);
  access->heard += json_array_get_length (revoked) > 0;
  g_rw_lock_writer_unlock (&access->lock);
  return taken;
}

gboolean
pmss_access_settle (PmssAccess * access, gint64 number, guint lease)
{
  const PmssRevokedState *kept = &access->kept.state;
  gboolean changed, due;

  g_rw_lock_writer_lock (&access->lock);
  changed = access->heard != access->kept.heard;
  if (changed)
    pmss_revoked_prune (access->revoked, now_seconds ());
  access->due |= access->path != NULL && (changed || !access->whole
      || number != kept->number || lease != kept->lease);
  access->whole = TRUE;
  access->settled = (Settled) { {
  number, lease}
  , access->heard};
  due = access->due;
  g_rw_lock_writer_unlock (&access->lock);
  return due;
}

/* The text of the file, where it is due. What control has told since it had
 * told of all may be in it: it will be told again. */
static char *
begin_to_keep (PmssAccess * access)
{
  char *text = NULL;

  g_rw_lock_writer_lock (&access->lock);
  if (access->due) {
    text = pmss_revoked_to_text (access->revoked, &access->settled.state);
    access->kept = access->settled;
  }
  access->due = FALSE;
  g_rw_lock_writer_unlock (&access->lock);
  return text;
}

/* Where it cannot be written, another try a second costs nobody anything. */
static void
try_again (PmssAccess * access, const GError * error)
{
  if (!access->unkept)
    g_warning ("Cannot keep the revocations: %s", error->message);
  g_rw_lock_writer_lock (&access->lock);
  access->due = TRUE;
  g_rw_lock_writer_unlock (&access->lock);
}

/* A file that lacks what control has told proves nothing, and is left to age. */
static gboolean
is_proof (PmssAccess * access)
{
  gboolean proof;

  g_rw_lock_reader_lock (&access->lock);
  proof = access->path != NULL && access->whole && !access->due
      && access->heard == access->kept.heard;
  g_rw_lock_reader_unlock (&access->lock);
  return proof;
}

/* Not under the lock: no request waits for the disk. */
void
pmss_access_keep (PmssAccess * access, gint64 now)
{
  g_autofree char *text = begin_to_keep (access);
  g_autoptr (GError) error = NULL;

  if (text != NULL) {
    if (!pmss_revoked_store (access->path, text, &error))
      try_again (access, error);
    access->unkept = error != NULL;
    access->touched = now;
  } else if (is_proof (access) && now - access->touched >= TOUCH_EVERY) {
    access->touched = now;
    pmss_revoked_touch (access->path);
  }
}

gboolean
pmss_access_is_whole (PmssAccess * access)
{
  gboolean whole;

  g_rw_lock_reader_lock (&access->lock);
  whole = access->whole;
  g_rw_lock_reader_unlock (&access->lock);
  return whole;
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
  if (token == NULL || strlen (token) > PMSS_MAX_TOKEN)
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED,
        "a capability token is needed");
  else if (!check_cached (access, token, wanted, &allowed, error))
    allowed = check_new (access, token, wanted, error);
  if (!allowed)
    atomic_fetch_add (&access->refusals, 1);
  return allowed;
}

gboolean
pmss_access_check_ticket (PmssAccess * access, const char *token,
    const char *medium, char **ticket, char **origin, GError ** error)
{
  const PmssWanted wanted = {
    .op = PMSS_TOKEN_GATEWAY,.medium = medium,.ticket = ticket,.origin = origin
  };

  return pmss_access_check (access, token, &wanted, error);
}

PmssSessionNews
pmss_access_ask_session (PmssAccess * access, const char *token)
{
  PmssSessionNews news = PMSS_SESSION_GOES_ON;
  const PmssWanted wanted = {.op = PMSS_TOKEN_READ,.news = &news };
  gboolean allowed;

  if (!check_cached (access, token, &wanted, &allowed, NULL))
    check_new (access, token, &wanted, NULL);
  return news;
}

guint64
pmss_access_get_refusals (PmssAccess * access)
{
  return atomic_load (&access->refusals);
}
