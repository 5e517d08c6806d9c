/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Users and logins. Any thread; blocks. */
#include "control/accounts/accounts-private.h"

#include <string.h>

#include "control/accounts/login-limit.h"
#include "control/accounts/logins.h"
#include "control/accounts/passwords.h"
#include "control/accounts/secret.h"
#include "control/database/database.h"
#include "libpmss/pmss-error.h"

#define PARALLEL_PASSWORDS 2

static const char *const roles[] = {
  [PMSS_ROLE_NONE] = "none",
  [PMSS_ROLE_VIEWER] = "viewer",
  [PMSS_ROLE_OPERATOR] = "operator",
  [PMSS_ROLE_ADMIN] = "admin",
};

/* What a function on the database thread needs and gives. */
typedef struct
{
  const char *name;
  const char *password;         /* hashed */
  PmssRole role;
  gboolean one_time;
  guint8 hash[PMSS_SECRET_HASH_SIZE];
  gboolean keep;                /* the token of @hash */
  const char *address, *client; /* that log in */
  gint64 expires;
  char *stored;
  PmssUser *user;
  GPtrArray *list;
} AccountCall;

const char *
pmss_role_to_string (PmssRole role)
{
  return roles[role];
}

gboolean
pmss_role_parse (const char *text, PmssRole * role, GError ** error)
{
  for (guint i = PMSS_ROLE_VIEWER; i < G_N_ELEMENTS (roles); i++) {
    if (g_strcmp0 (text, roles[i]) == 0) {
      *role = i;
      return TRUE;
    }
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "“%s” is not a role: viewer, operator, admin", text);
  return FALSE;
}

void
pmss_user_free (PmssUser * user)
{
  g_free (user->name);
  g_free (user);
}

void
pmss_login_free (PmssLogin * login)
{
  g_free (login->token);
  g_free (login->user);
  g_free (login);
}

PmssAccounts *
pmss_accounts_new (PmssDatabase * database, guint token_lifetime)
{
  PmssAccounts *self = g_new0 (PmssAccounts, 1);

  self->database = database;
  self->token_lifetime = token_lifetime;
  self->passwords = pmss_passwords_new (PARALLEL_PASSWORDS);
  self->limit = pmss_login_limit_new ();
  self->known = pmss_known_tokens_new ();
  return self;
}

void
pmss_accounts_free (PmssAccounts * self)
{
  pmss_passwords_free (self->passwords);
  pmss_login_limit_free (self->limit);
  pmss_known_tokens_free (self->known);
  g_free (self);
}

/* Columns name, role, one_time, created. */
static PmssUser *
read_user (PmssRows * rows, GError ** error)
{
  g_autoptr (PmssUser) user = g_new0 (PmssUser, 1);

  user->name = g_strdup (pmss_rows_text (rows, 0));
  if (!pmss_role_parse (pmss_rows_text (rows, 1), &user->role, error))
    return NULL;
  user->one_time = pmss_rows_int (rows, 2) != 0;
  user->created = pmss_rows_int (rows, 3);
  return g_steal_pointer (&user);
}

static gboolean
take_user (AccountCall * call, PmssRows * rows, PmssError code,
    const char *text, GError ** error)
{
  g_autoptr (GError) local = NULL;

  if (pmss_rows_next (rows, &local)) {
    call->user = read_user (rows, error);
    return call->user != NULL;
  }
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error_literal (error, PMSS_ERROR, code, text);
  return FALSE;
}

PmssUser *
pmss_accounts_read_user (PmssDatabase * database, const char *name,
    GError ** error)
{
  AccountCall call = { 0 };
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT name, role, one_time, created FROM user WHERE name = ?1",
      PMSS_TEXT (name));

  take_user (&call, rows, PMSS_ERROR_NOT_FOUND, "There is no such user", error);
  return call.user;
}

static gboolean
get_user (PmssDatabase * database, gpointer data, GError ** error)
{
  AccountCall *call = data;

  call->user = pmss_accounts_read_user (database, call->name, error);
  return call->user != NULL;
}

PmssUser *
pmss_accounts_get_user (PmssAccounts * self, const char *name, GError ** error)
{
  AccountCall call = {.name = name };

  if (!pmss_database_read (self->database, get_user, &call, error))
    return NULL;
  return call.user;
}

static gboolean
list_users (PmssDatabase * database, gpointer data, GError ** error)
{
  AccountCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT name, role, one_time, created FROM user ORDER BY name");

  while (pmss_rows_next (rows, &local)) {
    PmssUser *user = read_user (rows, error);

    if (user == NULL)
      return FALSE;
    g_ptr_array_add (call->list, user);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GPtrArray *
pmss_accounts_list_users (PmssAccounts * self, GError ** error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_user_free);
  AccountCall call = {.list = list };

  if (!pmss_database_read (self->database, list_users, &call, error))
    return NULL;
  return g_steal_pointer (&list);
}

/* Passwords */

static gboolean
wrong_login (GError ** error)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED,
      "Wrong user or password");
  return FALSE;
}

/* The stored hash of call->name; NULL, and still TRUE, for an unknown user. */
static gboolean
get_stored (PmssDatabase * database, gpointer data, GError ** error)
{
  AccountCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT password FROM user WHERE name = ?1", PMSS_TEXT (call->name));

  if (pmss_rows_next (rows, &local))
    call->stored = g_strdup (pmss_rows_text (rows, 0));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* A login that finds no place has not guessed. */
static gboolean
compare_password (PmssAccounts * self, const char *name, const char *stored,
    const char *password, const char *address, PmssPasswordClass class,
    gboolean * matches, GError ** error)
{
  g_autoptr (GError) local = NULL;

  if (pmss_passwords_check (self->passwords, stored, password, class, matches,
          &local))
    return TRUE;
  if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_BUSY))
    pmss_login_limit_give_back (self->limit, address, name,
        g_get_monotonic_time ());
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* @checked: what the password was compared with. */
static gboolean
check_password (PmssAccounts * self, const char *name, const char *password,
    const char *address, PmssPasswordClass class, guint * retry_after,
    char **checked, GError ** error)
{
  AccountCall call = {.name = name };
  g_autofree char *stored = NULL;
  gboolean matches;

  if (!pmss_login_limit_take (self->limit, address, name,
          g_get_monotonic_time (), retry_after)) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
        "Too many attempts to log in");
    return FALSE;
  }
  *retry_after = 1;
  if (!pmss_database_transact (self->database, get_stored, &call, error))
    return FALSE;
  stored = call.stored;
  if (!compare_password (self, name, stored, password, address, class,
          &matches, error))
    return FALSE;
  if (!matches)
    return wrong_login (error);
  pmss_login_limit_succeed (self->limit, address, name,
      g_get_monotonic_time ());
  *checked = g_steal_pointer (&stored);
  return TRUE;
}

gboolean
pmss_accounts_check_password (PmssAccounts * self, const char *name,
    const char *password, const char *address, guint * retry_after,
    GError ** error)
{
  g_autofree char *checked = NULL;

  return check_password (self, name, password, address, PMSS_PASSWORD_KNOWN,
      retry_after, &checked, error);
}

static gboolean
check_new_password (const char *password, GError ** error)
{
  gsize length = strlen (password);

  if (length >= PMSS_MIN_PASSWORD && length <= PMSS_MAX_PASSWORD)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "A password has %d to %d bytes", PMSS_MIN_PASSWORD, PMSS_MAX_PASSWORD);
  return FALSE;
}

/* Tokens */

/* Only while the password is the one that was checked: it may have been changed meanwhile, and then no login with the old one is to be left. */
static gboolean
add_token (PmssDatabase * database, gpointer data, GError ** error)
{
  AccountCall *call = data;

  if (!pmss_database_exec (database, error,
          "INSERT INTO api_token (hash, user, created, expires)"
          " SELECT ?1, name, unixepoch (), ?3 FROM user"
          " WHERE name = ?2 AND password = ?4",
          PMSS_BLOB (call->hash, sizeof (call->hash)), PMSS_TEXT (call->name),
          PMSS_INT (call->expires), PMSS_TEXT (call->stored)))
    return FALSE;
  if (pmss_database_get_changes (database) == 0)
    return wrong_login (error);
  return pmss_logins_describe (database, call->hash, call->address,
      call->client, error) && get_user (database, call, error);
}

PmssLogin *
pmss_accounts_login (PmssAccounts * self, const char *user,
    const char *password, const char *address, const char *client,
    guint * retry_after, GError ** error)
{
  AccountCall call = {.name = user,.address = address,.client = client };
  g_autofree char *checked = NULL;
  g_autoptr (PmssLogin) login = NULL;

  if (!check_password (self, user, password, address,
          pmss_login_limit_knows (self->limit, address, user) ?
          PMSS_PASSWORD_KNOWN : PMSS_PASSWORD_STRANGER, retry_after, &checked,
          error))
    return NULL;
  call.stored = checked;
  login = g_new0 (PmssLogin, 1);
  login->token = pmss_secret_new ();
  login->expires = g_get_real_time () / G_USEC_PER_SEC + self->token_lifetime;
  pmss_secret_hash (login->token, call.hash);
  call.expires = login->expires;
  if (!pmss_database_transact (self->database, add_token, &call, error)) {
    g_clear_pointer (&call.user, pmss_user_free);
    return NULL;
  }
  login->role = call.user->role;
  login->one_time = call.user->one_time;
  login->user = g_steal_pointer (&call.user->name);
  pmss_user_free (call.user);
  return g_steal_pointer (&login);
}

static gboolean
find_token (PmssDatabase * database, gpointer data, GError ** error)
{
  AccountCall *call = data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT u.name, u.role, u.one_time, u.created, t.expires"
      " FROM api_token t JOIN user u ON u.name = t.user"
      " WHERE t.hash = ?1 AND t.link = 0 AND t.expires > unixepoch ()",
      PMSS_BLOB (call->hash, sizeof (call->hash)));

  if (!take_user (call, rows, PMSS_ERROR_NOT_AUTHORIZED,
          "The token is unknown or has expired: log in again", error))
    return FALSE;
  call->expires = pmss_rows_int (rows, 4);
  return TRUE;
}

PmssUser *
pmss_accounts_authenticate (PmssAccounts * self, const char *token,
    GError ** error)
{
  /* what the database says is at least that new */
  const gint64 generation = pmss_database_get_tally (self->database, "rights",
      "");
  const gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  AccountCall call = { 0 };
  PmssUser *user;

  pmss_secret_hash (token, call.hash);
  user = pmss_known_tokens_find (self->known, call.hash, generation, now);
  if (user != NULL)
    return user;
  if (!pmss_database_read (self->database, find_token, &call, error))
    return NULL;
  pmss_known_tokens_add (self->known, call.hash, call.user, generation,
      call.expires, now);
  return call.user;
}

static gboolean
remove_token (PmssDatabase * database, gpointer data, GError ** error)
{
  AccountCall *call = data;

  return pmss_database_exec (database, error,
      "DELETE FROM api_token WHERE hash = ?1",
      PMSS_BLOB (call->hash, sizeof (call->hash)));
}

gboolean
pmss_accounts_logout (PmssAccounts * self, const char *token, GError ** error)
{
  AccountCall call = { 0 };

  pmss_secret_hash (token, call.hash);
  return pmss_database_transact (self->database, remove_token, &call, error);
}

static gboolean
expire_tokens (PmssDatabase * database, gpointer data, GError ** error)
{
  return pmss_database_exec (database, error,
      "DELETE FROM api_token WHERE expires <= unixepoch ()");
}

void
pmss_accounts_tick (PmssAccounts * self)
{
  g_autoptr (GError) error = NULL;

  if (!pmss_database_transact (self->database, expire_tokens, NULL, &error))
    g_warning ("Cannot drop expired tokens: %s", error->message);
  pmss_logins_write_uses (self);
}

/* Users */

/* ASCII, so that no two names look the same, and none needs quoting in a log or a shell. */
static gboolean
check_user_name (const char *name, GError ** error)
{
  static const char allowed[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._@+-";
  gsize length = strlen (name);

  if (length >= 1 && length <= PMSS_MAX_USER && g_ascii_isalnum (name[0])
      && strspn (name, allowed) == length)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "A user's name has 1 to %d letters, digits and . _ @ + - and begins "
      "with a letter or digit", PMSS_MAX_USER);
  return FALSE;
}

static gboolean
add_user (PmssDatabase * database, gpointer data, GError ** error)
{
  AccountCall *call = data;

  return pmss_database_exec (database, error,
      "INSERT INTO user (name, role, password, one_time, created)"
      " VALUES (?1, ?2, ?3, ?4, unixepoch ())",
      PMSS_TEXT (call->name), PMSS_TEXT (roles[call->role]),
      PMSS_TEXT (call->password), PMSS_INT (call->one_time ? 1 : 0));
}

gboolean
pmss_accounts_add_user (PmssAccounts * self, const char *name,
    const char *password, PmssRole role, gboolean one_time, GError ** error)
{
  AccountCall call = {.name = name,.role = role,.one_time = one_time };
  g_autofree char *hash = NULL;
  g_autoptr (GError) local = NULL;

  if (!check_user_name (name, error) || !check_new_password (password, error))
    return FALSE;
  hash = pmss_passwords_hash (self->passwords, password, error);
  if (hash == NULL)
    return FALSE;
  call.password = hash;
  if (pmss_database_transact (self->database, add_user, &call, &local))
    return TRUE;
  if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_EXISTS))
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_EXISTS,
        "There is a user called “%s” already", name);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
set_password (PmssDatabase * database, gpointer data, GError ** error)
{
  AccountCall *call = data;

  if (!pmss_database_exec (database, error,
          "UPDATE user SET password = ?2, one_time = 0 WHERE name = ?1",
          PMSS_TEXT (call->name), PMSS_TEXT (call->password)))
    return FALSE;
  if (pmss_database_get_changes (database) == 0) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "There is no such user");
    return FALSE;
  }
  return pmss_database_exec (database, error,
      "DELETE FROM api_token WHERE user = ?1 AND NOT (?2 AND hash = ?3)",
      PMSS_TEXT (call->name), PMSS_INT (call->keep ? 1 : 0),
      PMSS_BLOB (call->hash, sizeof (call->hash)));
}

gboolean
pmss_accounts_set_password (PmssAccounts * self, const char *name,
    const char *password, const char *keep_token, GError ** error)
{
  AccountCall call = {.name = name,.keep = keep_token != NULL };
  g_autofree char *hash = NULL;

  if (!check_new_password (password, error))
    return FALSE;
  hash = pmss_passwords_hash (self->passwords, password, error);
  if (hash == NULL)
    return FALSE;
  call.password = hash;
  if (keep_token != NULL)
    pmss_secret_hash (keep_token, call.hash);
  return pmss_database_transact (self->database, set_password, &call, error);
}
