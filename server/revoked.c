/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Revocations, in memory and in a file. Called with the access lock held, save for what waits for the disk. */

#include "revoked.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

#define FORMAT 1
#define MAX_LIST 1000000
#define MAX_USER 255
#define ID_LENGTH 32
#define MAX_LEASE 86400

struct _PmssRevoked
{
  GHashTable *sessions;         /* id -> Entry */
  GHashTable *users;            /* name -> Entry */
};

/* Of a user: all tokens that were signed so far, and those that were signed by a clock that was ahead, once the time has come that it told:
 * before, nobody takes them. Until then the user's new tokens, which a clock signs that was set right, are good. */
typedef struct
{
  gint64 signed_until;          /* users: seconds since 1970 */
  gint64 later;                 /* users: the same, in the future; 0: no such */
  gint64 until;                 /* seconds since 1970 */
  char *owner;                  /* sessions: whose it was; NULL: control did not say */
} Entry;

#define EVERYBODY ""            /* no viewer is called so */
/* of a user, beside a cut of the future */
#define MAX_SESSIONS 64

static void
free_entry (gpointer data)
{
  Entry *entry = data;

  g_free (entry->owner);
  g_free (entry);
}

PmssRevoked *
pmss_revoked_new (void)
{
  PmssRevoked *self = g_new0 (PmssRevoked, 1);

  self->sessions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_entry);
  self->users = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_entry);
  return self;
}

void
pmss_revoked_free (PmssRevoked * self)
{
  g_hash_table_unref (self->sessions);
  g_hash_table_unref (self->users);
  g_free (self);
}

/* @name: what is revoked; @is_user: and whether that is a user. The owner is
 * the item's. */
static gboolean
read_item (JsonNode * node, const char **name, gboolean * is_user,
    Entry * entry, GError ** error)
{
  JsonObject *item = pmss_json_object (node, "revoked", error);
  const char *owner = NULL;

  if (item == NULL || (pmss_json_has (item, "owner")
          && !pmss_json_get_string (item, "owner", MAX_USER, &owner, error)))
    return FALSE;
  *entry = (Entry) {
  .owner = (char *) owner};
  *is_user = pmss_json_has (item, "user");
  if (*is_user && (!pmss_json_get_string (item, "user", MAX_USER, name, error)
          || !pmss_json_get_int (item, "signed_until", 0, G_MAXINT64,
              &entry->signed_until, error)))
    return FALSE;
  return (*is_user || pmss_json_get_string (item, "session", ID_LENGTH, name,
          error)) && pmss_json_get_int (item, "until", 0, G_MAXINT64,
      &entry->until, error);
}

static void
add_entry (GHashTable * table, const char *name, const Entry * entry)
{
  const Entry *old = g_hash_table_lookup (table, name);
  Entry both = *entry;

  if (old != NULL) {
    both.owner = entry->owner ? entry->owner : old->owner;
    both.signed_until = MAX (both.signed_until, old->signed_until);
    both.later = MAX (both.later, old->later);
    both.until = MAX (both.until, old->until);
  }
  both.owner = g_strdup (both.owner);
  g_hash_table_replace (table, g_strdup (name), g_memdup2 (&both,
          sizeof (both)));
}

static gboolean
is_of (gpointer name, gpointer entry, gpointer user)
{
  return g_strcmp0 (((Entry *) entry)->owner, user) == 0;
}

typedef struct
{
  const char *session;
  gint64 until;
} Owned;

static int
compare_ends (gconstpointer a, gconstpointer b)
{
  gint64 first = ((const Owned *) a)->until, second =
      ((const Owned *) b)->until;

  return (first < second) - (first > second);
}

/* Those that end first go: their tokens are the oldest. */
static void
drop_oldest (PmssRevoked * self, const char *user)
{
  g_autoptr (GArray) owned = g_array_new (FALSE, FALSE, sizeof (Owned));
  GHashTableIter iter;
  gpointer session, entry;

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, &session, &entry)) {
    Owned one = { session, ((Entry *) entry)->until };

    if (is_of (session, entry, (gpointer) user))
      g_array_append_val (owned, one);
  }
  g_array_sort (owned, compare_ends);
  for (guint i = MAX_SESSIONS; i < owned->len; i++)
    g_hash_table_remove (self->sessions,
        g_array_index (owned, Owned, i).session);
}

/* Those that control told before are of sessions that ended before the cut, and control makes none
 * that is before the newest of their tokens: it refuses them all. One of the future does not, yet. */
static void
drop_covered (PmssRevoked * self, const char *user, const Entry * cut)
{
  if (cut->later == 0)
    g_hash_table_foreach_remove (self->sessions, is_of, (gpointer) user);
  else
    drop_oldest (self, user);
}

static void
split (Entry * entry, gint64 now)
{
  if (entry->signed_until <= now + PMSS_TOKEN_CUT_AHEAD)
    return;
  entry->later = entry->signed_until;
  entry->signed_until = now;
}

gboolean
pmss_revoked_add (PmssRevoked * self, JsonArray * list, gint64 now,
    GError ** error)
{
  guint length = json_array_get_length (list);

  for (guint take = 0; take < 2; take++)
    for (guint i = 0; i < length; i++) {
      const char *name;
      gboolean is_user;
      Entry entry;

      if (!read_item (json_array_get_element (list, i), &name, &is_user,
              &entry, error))
        return FALSE;
      split (&entry, now);
      if (take && is_user)
        drop_covered (self, name, &entry);
      if (take)
        add_entry (is_user ? self->users : self->sessions, name, &entry);
    }
  return TRUE;
}

static gboolean
is_cut (PmssRevoked * self, const char *user, gint64 issued, gint64 now)
{
  const Entry *entry = g_hash_table_lookup (self->users, user);

  return entry && (issued <= entry->signed_until
      || (issued <= entry->later
          && now >= entry->later - PMSS_TOKEN_CUT_AHEAD));
}

gboolean
pmss_revoked_has (PmssRevoked * self, const PmssTokenClaims * claims,
    gint64 now)
{
  /* control's own are of nobody */
  return *claims->session != '\0'
      && (g_hash_table_contains (self->sessions, claims->session)
      || is_cut (self, claims->user, claims->issued, now)
      || is_cut (self, EVERYBODY, claims->issued, now));
}

gboolean
pmss_revoked_has_session (PmssRevoked * self, const char *session)
{
  return g_hash_table_contains (self->sessions, session);
}

static gboolean
is_over (gpointer name, gpointer entry, gpointer now)
{
  return ((Entry *) entry)->until <= *(gint64 *) now;
}

void
pmss_revoked_prune (PmssRevoked * self, gint64 now)
{
  g_hash_table_foreach_remove (self->sessions, is_over, &now);
  g_hash_table_foreach_remove (self->users, is_over, &now);
}

/* The file */

static void
add_int (JsonBuilder * builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
write_table (JsonBuilder * builder, GHashTable * table, gboolean is_user)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    const Entry *entry = value;

    json_builder_begin_object (builder);
    json_builder_set_member_name (builder, is_user ? "user" : "session");
    json_builder_add_string_value (builder, name);
    if (is_user)
      add_int (builder, "signed_until", MAX (entry->signed_until,
              entry->later));
    if (entry->owner) {
      json_builder_set_member_name (builder, "owner");
      json_builder_add_string_value (builder, entry->owner);
    }
    add_int (builder, "until", entry->until);
    json_builder_end_object (builder);
  }
}

char *
pmss_revoked_to_text (PmssRevoked * self, const PmssRevokedState * state)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  add_int (builder, "format", FORMAT);
  add_int (builder, "revocations", state->number);
  add_int (builder, "lease", state->lease);
  json_builder_set_member_name (builder, "revoked");
  json_builder_begin_array (builder);
  /* a cut counts for what stands before it: these are of later sessions */
  write_table (builder, self->users, TRUE);
  write_table (builder, self->sessions, FALSE);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

gboolean
pmss_revoked_store (const char *path, const char *text, GError ** error)
{
  return g_file_set_contents_full (path, text, -1,
      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
      error);
}

void
pmss_revoked_touch (const char *path)
{
  /* where that fails the server waits for control at its next start */
  utimensat (AT_FDCWD, path, NULL, 0);
}

static gboolean
read_file (PmssRevoked * self, JsonNode * json, gint64 now,
    PmssRevokedState * state, GError ** error)
{
  JsonObject *object = pmss_json_object (json, "the revocations", error);
  JsonArray *list;
  gint64 format, lease;

  if (object == NULL
      || !pmss_json_get_int (object, "format", FORMAT, FORMAT, &format, error)
      || !pmss_json_get_int (object, "revocations", 0, G_MAXINT64,
          &state->number, error)
      || !pmss_json_get_int (object, "lease", 1, MAX_LEASE, &lease, error)
      || !pmss_json_get_array (object, "revoked", MAX_LIST, &list, error))
    return FALSE;
  state->lease = lease;
  return pmss_revoked_add (self, list, now, error);
}

/* The clock may have been set back meanwhile: a file of the future proves nothing. */
static gboolean
check_age (const char *path, gint64 now, guint lease, GError ** error)
{
  struct stat status;

  if (stat (path, &status) == 0 && status.st_mtime <= now
      && now - status.st_mtime <= lease)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "%s: this server was away for more than a lease (%u s)", path, lease);
  return FALSE;
}

gboolean
pmss_revoked_load (PmssRevoked * self, const char *path, gint64 now,
    PmssRevokedState * state, GError ** error)
{
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) json = NULL;
  gsize length;

  *state = (PmssRevokedState) {
  0};
  if (!g_file_get_contents (path, &text, &length, error))
    return FALSE;
  json = pmss_json_parse (text, length, error);
  if (json == NULL || !read_file (self, json, now, state, error)) {
    g_prefix_error (error, "%s: ", path);
  } else if (check_age (path, now, state->lease, error)) {
    pmss_revoked_prune (self, now);
    return TRUE;
  }
  g_hash_table_remove_all (self->sessions);
  g_hash_table_remove_all (self->users);
  *state = (PmssRevokedState) {
  0};
  return FALSE;
}
