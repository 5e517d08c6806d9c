/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hashes and checks passwords. Any thread; blocks. */
#include "control/accounts/passwords.h"

#include <sodium.h>
#include <string.h>

#include "libpmss/pmss-error.h"
#include "control/accounts/secret.h"

#define WAIT_SECONDS 10
#define MAX_WAITING 16          /* of a class: what they wait for takes 0.1 s each */

struct _PmssPasswords
{
  PmssPasswordPlaces *places;
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

  self->places = pmss_password_places_new (parallel, MAX_WAITING);
  if (!hash_into (self->decoy, nobody_knows))
    g_error ("No memory for hashing a password");
  return self;
}

void
pmss_passwords_free (PmssPasswords * self)
{
  pmss_password_places_free (self->places);
  g_free (self);
}

static gboolean
enter (PmssPasswords * self, PmssPasswordClass class, GError ** error)
{
  if (pmss_password_places_enter (self->places, class,
          g_get_monotonic_time () + WAIT_SECONDS * G_USEC_PER_SEC))
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
      "Too many logins at once");
  return FALSE;
}

char *
pmss_passwords_hash (PmssPasswords * self, const char *password,
    GError ** error)
{
  char out[crypto_pwhash_STRBYTES];
  gboolean ok;

  if (!enter (self, PMSS_PASSWORD_KNOWN, error))
    return NULL;
  ok = hash_into (out, password);
  pmss_password_places_leave (self->places, PMSS_PASSWORD_KNOWN);
  if (ok)
    return g_strdup (out);
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "No memory for hashing a password");
  return NULL;
}

gboolean
pmss_passwords_check (PmssPasswords * self, const char *hash,
    const char *password, PmssPasswordClass class, gboolean * matches,
    GError ** error)
{
  int result;

  if (!enter (self, class, error))
    return FALSE;
  result = crypto_pwhash_str_verify (hash != NULL ? hash : self->decoy,
      password, strlen (password));
  pmss_password_places_leave (self->places, class);
  *matches = hash != NULL && result == 0;
  return TRUE;
}
