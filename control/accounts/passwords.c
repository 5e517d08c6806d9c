/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/accounts/passwords.h"

#include <sodium.h>
#include <string.h>

#include "libpmss/pmss-error.h"
#include "control/accounts/secret.h"

#define WAIT_SECONDS 10

struct _PmssPasswords
{
  GMutex lock;                  /* protects free_places */
  GCond freed;
  guint free_places;
  /* of a password that nobody knows: what an unknown user's is compared with */
  char decoy[crypto_pwhash_STRBYTES];
};

static gboolean
hash_into (char out[crypto_pwhash_STRBYTES], const char *password)
{
  return crypto_pwhash_str (out, password, strlen (password),
      crypto_pwhash_OPSLIMIT_INTERACTIVE,
      crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0;
}

PmssPasswords *
pmss_passwords_new (guint parallel)
{
  PmssPasswords *self = g_new0 (PmssPasswords, 1);
  g_autofree char *nobody_knows = pmss_secret_new ();

  g_mutex_init (&self->lock);
  g_cond_init (&self->freed);
  self->free_places = parallel;
  if (!hash_into (self->decoy, nobody_knows))
    g_error ("No memory for hashing a password");
  return self;
}

void
pmss_passwords_free (PmssPasswords * self)
{
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->freed);
  g_free (self);
}

static gboolean
enter (PmssPasswords * self, GError ** error)
{
  gint64 deadline = g_get_monotonic_time () + WAIT_SECONDS * G_USEC_PER_SEC;
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  while (self->free_places == 0) {
    if (!g_cond_wait_until (&self->freed, &self->lock, deadline)) {
      g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
          "Too many logins at once");
      return FALSE;
    }
  }
  self->free_places--;
  return TRUE;
}

static void
leave (PmssPasswords * self)
{
  g_mutex_lock (&self->lock);
  self->free_places++;
  g_cond_signal (&self->freed);
  g_mutex_unlock (&self->lock);
}

char *
pmss_passwords_hash (PmssPasswords * self, const char *password,
    GError ** error)
{
  char out[crypto_pwhash_STRBYTES];
  gboolean ok;

  if (!enter (self, error))
    return NULL;
  ok = hash_into (out, password);
  leave (self);
  if (ok)
    return g_strdup (out);
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "No memory for hashing a password");
  return NULL;
}

gboolean
pmss_passwords_check (PmssPasswords * self, const char *hash,
    const char *password, gboolean * matches, GError ** error)
{
  int result;

  if (!enter (self, error))
    return FALSE;
  result = crypto_pwhash_str_verify (hash != NULL ? hash : self->decoy,
      password, strlen (password));
  leave (self);
  *matches = hash != NULL && result == 0;
  return TRUE;
}
