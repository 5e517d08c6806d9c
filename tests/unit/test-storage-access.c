/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>
#include <utime.h>

#include "libpmss/pmss-error.h"
#include "server/access.h"
#include "server/revoked.h"

#define CLUSTER "0123456789abcdef0123456789abcdef"
#define SESSION "fedcba9876543210fedcba9876543210"
#define OTHER "1123456789abcdef0123456789abcdef"
#define SHARD "00000000000000000000000000000000-00000000.0"
#define NODE 3

typedef struct
{
  PmssAccess *access;
  guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE];
  guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE];
  PmssTokenClaims *claims;      /* may read one version at NODE */
  PmssWanted wanted;            /* to read it */
} Fixture;

static void
setup (Fixture * f, gconstpointer unused)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  f->access = pmss_access_new ();
  pmss_token_generate_keys (f->public_key, f->secret_key);
  f->claims = pmss_token_claims_new ();
  f->claims->issued = now;
  f->claims->expires = now + 600;
  g_free (f->claims->cluster);
  f->claims->cluster = g_strdup (CLUSTER);
  g_free (f->claims->session);
  f->claims->session = g_strdup (SESSION);
  f->claims->ops = PMSS_TOKEN_READ;
  pmss_token_claims_add_nodes (f->claims, NODE, NODE);
  f->wanted = (PmssWanted) {
  PMSS_TOKEN_READ, &f->claims->version, SHARD};
}

static void
setup_trusting (Fixture * f, gconstpointer unused)
{
  setup (f, unused);
  pmss_access_set_trust (f->access, f->public_key, CLUSTER, NODE);
}

static void
teardown (Fixture * f, gconstpointer unused)
{
  pmss_access_free (f->access);
  pmss_token_claims_free (f->claims);
}

/* A token of the claims as they are now. */
static char *
mint (Fixture * f)
{
  return pmss_token_mint (f->claims, f->secret_key);
}

/* @code: -1 where it is allowed */
static void
assert_check (Fixture * f, const char *token, int code)
{
  g_autoptr (GError) error = NULL;
  guint64 refusals = pmss_access_get_refusals (f->access);
  gboolean allowed = pmss_access_check (f->access, token, &f->wanted, &error);

  if (code < 0) {
    g_assert_no_error (error);
    g_assert_true (allowed);
    g_assert_cmpuint (pmss_access_get_refusals (f->access), ==, refusals);
    return;
  }
  g_assert_false (allowed);
  g_assert_error (error, PMSS_ERROR, code);
}

static void
test_before_joining (Fixture * f, gconstpointer unused)
{
  g_autofree char *token = mint (f);

  assert_check (f, token, PMSS_ERROR_BUSY);
  pmss_access_set_trust (f->access, f->public_key, CLUSTER, NODE);
  assert_check (f, token, -1);
}

static void
test_no_token (Fixture * f, gconstpointer unused)
{
  g_autofree char *huge = g_strnfill (PMSS_MAX_TOKEN + 1, 'A');
  const char *const bad[] = { NULL, "", "v4.public.AAAA", huge };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_check (f, bad[i], PMSS_ERROR_NOT_AUTHORIZED);
  g_assert_cmpuint (pmss_access_get_refusals (f->access), ==,
      G_N_ELEMENTS (bad));
}

/* The second time it comes from the table. */
static void
test_allowed (Fixture * f, gconstpointer unused)
{
  g_autofree char *token = mint (f);

  assert_check (f, token, -1);
  assert_check (f, token, -1);
}

static void
test_other_operation (Fixture * f, gconstpointer unused)
{
  g_autofree char *token = mint (f);

  assert_check (f, token, -1);
  f->wanted.op = PMSS_TOKEN_DELETE;
  assert_check (f, token, PMSS_ERROR_FORBIDDEN);
  assert_check (f, token, PMSS_ERROR_FORBIDDEN);
}

static void
test_other_version (Fixture * f, gconstpointer unused)
{
  g_autofree char *token = mint (f);
  PmssVersionId other;

  memset (&other, 7, sizeof other);
  f->wanted.version = &other;
  assert_check (f, token, PMSS_ERROR_FORBIDDEN);
}

static void
test_other_node (Fixture * f, gconstpointer unused)
{
  g_autofree char *token = NULL;

  g_array_set_size (f->claims->nodes, 0);
  pmss_token_claims_add_nodes (f->claims, NODE + 1, NODE + 2);
  token = mint (f);
  assert_check (f, token, PMSS_ERROR_MISDIRECTED);
}

static void
test_other_cluster (Fixture * f, gconstpointer unused)
{
  g_autofree char *token = NULL;

  g_free (f->claims->cluster);
  f->claims->cluster = g_strdup (OTHER);
  token = mint (f);
  assert_check (f, token, PMSS_ERROR_NOT_AUTHORIZED);
}

static void
test_other_key (Fixture * f, gconstpointer unused)
{
  guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE];
  g_autofree char *token = NULL;

  pmss_token_generate_keys (public_key, f->secret_key);
  token = mint (f);
  assert_check (f, token, PMSS_ERROR_NOT_AUTHORIZED);
}

/* Control revokes SESSION until ten minutes from now, as its number 1. */
static void
revoke_session (Fixture * f)
{
  g_autofree char *text = g_strdup_printf ("[{\"session\":\"" SESSION
      "\",\"until\":%" G_GINT64_FORMAT "}]", f->claims->expires);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) list = json_from_string (text, &error);

  g_assert_no_error (error);
  g_assert_true (pmss_access_revoke (f->access, json_node_get_array (list),
          &error));
  g_assert_no_error (error);
}

/* As long ago as nobody has touched it: 100 s, longer than the lease. */
static void
age (const char *file)
{
  time_t then = g_get_real_time () / G_USEC_PER_SEC - 100;
  struct utimbuf times = { then, then };

  g_assert_cmpint (g_utime (file, &times), ==, 0);
}

static gint64
get_time (const char *file)
{
  GStatBuf st;

  g_assert_cmpint (g_stat (file, &st), ==, 0);
  return st.st_mtime;
}

static void
assert_kept (Fixture * f, const char *file, gint64 number)
{
  PmssRevoked *loaded = pmss_revoked_new ();
  PmssRevokedState state;
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_revoked_load (loaded, file,
          g_get_real_time () / G_USEC_PER_SEC + 1, &state, &error));
  g_assert_no_error (error);
  g_assert_cmpint (state.number, ==, number);
  g_assert_true (pmss_revoked_has (loaded, f->claims, f->claims->issued));
  pmss_revoked_free (loaded);
}

/* The file is kept fresh by a server that is alive, but not where it lacks what control has told:
 * after a restart it would count, and a session that has ended would be let in. */
static void
test_kept_alive (Fixture * f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("access-XXXXXX", &error);
  g_autofree char *file = g_build_filename (folder, "revocations.json", NULL);
  g_autofree char *token = mint (f);
  gint64 later = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  GLogLevelFlags fatal;

  g_assert_no_error (error);
  g_assert_cmpint (pmss_access_open_revocations (f->access, folder), ==, 0);
  assert_check (f, token, PMSS_ERROR_BUSY);
  g_assert_true (pmss_access_settle (f->access, 0, 60));
  assert_check (f, token, -1);
  pmss_access_keep (f->access, 0);
  g_assert_false (pmss_access_settle (f->access, 0, 60));

  /* told, and not in the file yet */
  revoke_session (f);
  assert_check (f, token, PMSS_ERROR_NOT_AUTHORIZED);
  age (file);
  pmss_access_keep (f->access, later);
  g_assert_cmpint (get_time (file), <, f->claims->issued - 60);

  /* now it is */
  g_assert_true (pmss_access_settle (f->access, 1, 60));
  pmss_access_keep (f->access, later);
  g_assert_cmpint (get_time (file), >=, f->claims->issued);
  assert_kept (f, file, 1);
  age (file);
  pmss_access_keep (f->access, later);
  g_assert_cmpint (get_time (file), <, f->claims->issued - 60);
  pmss_access_keep (f->access, 2 * later);
  g_assert_cmpint (get_time (file), >=, f->claims->issued);

  /* nothing is lost where it cannot be written for a while */
  g_unlink (file);
  g_assert_cmpint (g_mkdir (file, 0700), ==, 0);
  revoke_session (f);
  g_assert_true (pmss_access_settle (f->access, 2, 60));
  fatal = g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  pmss_access_keep (f->access, later);
  g_log_set_always_fatal (fatal);
  g_rmdir (file);
  pmss_access_keep (f->access, later);
  assert_kept (f, file, 2);
  g_unlink (file);
  g_rmdir (folder);
}

/* @code: -1 where it is allowed */
static void
assert_ticket (Fixture * f, const char *medium, int code)
{
  g_autofree char *token = mint (f), *ticket = NULL;
  g_autoptr (GError) error = NULL;

  /* the second time it comes from the table */
  for (guint i = 0; i < 2; i++) {
    gboolean allowed;

    g_clear_error (&error);
    g_clear_pointer (&ticket, g_free);
    allowed = pmss_access_check_ticket (f->access, token, medium, &ticket,
        NULL, &error);
    g_assert_cmpint (allowed, ==, code < 0);
    g_assert_cmpstr (ticket, ==, code < 0 ? SESSION : NULL);
    if (code >= 0)
      g_assert_error (error, PMSS_ERROR, code);
  }
}

/* It opens one medium at one gateway, until it expires, and nothing else. */
static void
test_ticket (Fixture * f, gconstpointer unused)
{
  g_autofree char *token = NULL;
  gint64 now = f->claims->issued;

  f->claims->medium = g_strdup ("film");
  assert_ticket (f, "film", PMSS_ERROR_FORBIDDEN);
  f->claims->any_version = TRUE;
  assert_ticket (f, "film", PMSS_ERROR_FORBIDDEN);
  f->claims->ops = PMSS_TOKEN_GATEWAY;
  assert_ticket (f, "film", -1);
  assert_ticket (f, "other", PMSS_ERROR_FORBIDDEN);
  token = mint (f);
  assert_check (f, token, PMSS_ERROR_FORBIDDEN);
  f->claims->expires = now;
  assert_ticket (f, "film", PMSS_ERROR_NOT_AUTHORIZED);
  f->claims->expires = now + 600;
  f->claims->issued = now + 2 * PMSS_TOKEN_CLOCK_TOLERANCE;
  assert_ticket (f, "film", PMSS_ERROR_NOT_AUTHORIZED);
  f->claims->issued = now;
  g_array_set_size (f->claims->nodes, 0);
  pmss_token_claims_add_nodes (f->claims, NODE + 1, NODE + 1);
  assert_ticket (f, "film", PMSS_ERROR_MISDIRECTED);
}

#define ADD(name, set_up, function) \
  g_test_add ("/access/" name, Fixture, NULL, set_up, function, teardown)

/* However it is changed, it is no token any more; and the good one goes on. */
static void
test_mutations (Fixture * f, gconstpointer unused)
{
  static const char letters[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_.";
  guint number = g_test_thorough ()? 200000 : 20000;
  g_autofree char *token = mint (f);
  GRand *rand = g_rand_new_with_seed (7);

  for (guint i = 0; i < number; i++) {
    g_autoptr (GString) text = g_string_new (token);
    g_autoptr (GError) error = NULL;

    for (guint n = g_rand_int_range (rand, 1, 4); n > 0; n--) {
      gsize at = g_rand_int_range (rand, 0, text->len);
      char letter = letters[g_rand_int_range (rand, 0, sizeof letters - 1)];

      switch (g_rand_int_range (rand, 0, 3)) {
        case 0:
          text->str[at] = letter;
          break;
        case 1:
          g_string_erase (text, at, 1);
          break;
        default:
          g_string_insert_c (text, at, letter);
          break;
      }
    }
    if (g_str_equal (text->str, token))
      continue;
    g_assert_false (pmss_access_check (f->access, text->str, &f->wanted,
            &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED);
  }
  g_rand_free (rand);
  assert_check (f, token, -1);
}

static void
revoke_user (PmssRevoked * revoked, const char *user, gint64 signed_until,
    gint64 now)
{
  g_autofree char *text = g_strdup_printf ("[{\"user\":\"%s\","
      "\"signed_until\":%" G_GINT64_FORMAT ",\"until\":100000}]", user,
      signed_until);
  g_autoptr (JsonNode) json = json_from_string (text, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_revoked_add (revoked, json_node_get_array (json), now,
          &error));
  g_assert_no_error (error);
}

static gboolean
is_refused (PmssRevoked * revoked, const char *user, gint64 issued, gint64 now)
{
  g_autoptr (PmssTokenClaims) claims = pmss_token_claims_new ();

  g_free (claims->user);
  claims->user = g_strdup (user);
  g_free (claims->session);
  claims->session = g_strdup (SESSION);
  claims->issued = issued;
  return pmss_revoked_has (revoked, claims, now);
}

static void
revoke_session_of (PmssRevoked * revoked, const char *id, const char *owner)
{
  g_autofree char *text = g_strdup_printf ("[{\"session\":\"%s\","
      "\"owner\":\"%s\",\"until\":99999999999}]", id, owner);
  g_autoptr (JsonNode) json = json_from_string (text, NULL);

  g_assert_true (pmss_revoked_add (revoked, json_node_get_array (json), 1000,
          NULL));
}

static gboolean
names (PmssRevoked * revoked, const char *id)
{
  PmssRevokedState state = { 7, 60 };
  g_autofree char *text = pmss_revoked_to_text (revoked, &state);

  return strstr (text, id) != NULL;
}

/* What a user's entry refuses needs no entries of its own, however many sessions
 * the user ends; that goes for the file, too. */
static void
test_covered (Fixture * f, gconstpointer unused)
{
  PmssRevoked *revoked = pmss_revoked_new ();
  PmssRevoked *loaded = pmss_revoked_new ();
  PmssRevokedState state = { 7, 60 };
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("access-XXXXXX", &error);
  g_autofree char *file = g_build_filename (folder, "revocations.json", NULL);
  g_autofree char *text = NULL;

  revoke_session_of (revoked, "aaaa", "anna");
  revoke_session_of (revoked, "bbbb", "berta");
  /* the cut of a clock that was ahead does not refuse them yet */
  revoke_user (revoked, "anna", 5000, 1000);
  g_assert_true (names (revoked, "aaaa"));
  revoke_user (revoked, "anna", 1000, 1000);
  g_assert_false (names (revoked, "aaaa"));
  g_assert_true (names (revoked, "bbbb"));
  g_assert_true (is_refused (revoked, "anna", 1000, 1000));
  /* this one ended after it */
  revoke_session_of (revoked, "cccc", "anna");
  text = pmss_revoked_to_text (revoked, &state);
  g_assert_true (pmss_revoked_store (file, text, &error));
  g_assert_true (pmss_revoked_load (loaded, file,
          g_get_real_time () / G_USEC_PER_SEC + 1, &state, &error));
  g_assert_true (names (loaded, "cccc"));
  g_assert_true (names (loaded, "bbbb"));
  pmss_revoked_free (revoked);
  pmss_revoked_free (loaded);
  g_unlink (file);
  g_rmdir (folder);
}

static void
revoke_sessions_of (PmssRevoked * revoked, const char *owner, guint first,
    guint last)
{
  for (guint i = first; i <= last; i++) {
    g_autofree char *id = g_strdup_printf ("%s%03u", owner, i);
    g_autofree char *text = g_strdup_printf ("[{\"session\":\"%s\","
        "\"owner\":\"%s\",\"until\":%u}]", id, owner, 90000 + i);
    g_autoptr (JsonNode) json = json_from_string (text, NULL);

    g_assert_true (pmss_revoked_add (revoked, json_node_get_array (json), 1000,
            NULL));
  }
}

/* Beside a cut of the future there are as many as control knows of a user at a time: those whose tokens last longest. */
static void
test_bounded_ahead (Fixture * f, gconstpointer unused)
{
  PmssRevoked *revoked = pmss_revoked_new ();

  revoke_sessions_of (revoked, "berta", 0, 99);
  for (guint i = 0; i < 5; i++) {
    revoke_sessions_of (revoked, "anna", 64 * i, 64 * i + 63);
    revoke_user (revoked, "anna", 5000 + i, 1000);
  }
  g_assert_false (names (revoked, "anna255"));
  g_assert_true (names (revoked, "anna256"));
  g_assert_true (names (revoked, "anna319"));
  g_assert_true (names (revoked, "berta000"));
  revoke_user (revoked, "anna", 1000, 1000);
  g_assert_false (names (revoked, "anna319"));
  pmss_revoked_free (revoked);
}

/* Control's clock was two minutes ahead when it revoked a user's tokens, and was set right: what was signed before is refused, what is signed now is not, and what
 * the wrong clock signed is refused as soon as anybody would take it for more than a moment. */
static void
test_cut_ahead (Fixture * f, gconstpointer unused)
{
  PmssRevoked *revoked = pmss_revoked_new ();

  revoke_user (revoked, "anna", 1120, 1000);
  g_assert_true (is_refused (revoked, "anna", 1000, 1000));
  g_assert_false (is_refused (revoked, "anna", 1001, 1001));
  g_assert_false (is_refused (revoked, "anna", 1089, 1089));
  g_assert_true (is_refused (revoked, "anna", 1089, 1090));
  g_assert_true (is_refused (revoked, "anna", 1120, 1090));
  /* what control signs after the cut then is not too far ahead for anybody */
  g_assert_false (is_refused (revoked, "anna", 1121, 1090));
  g_assert_cmpint (1121 - 1090, <, PMSS_TOKEN_CLOCK_TOLERANCE);
  g_assert_true (is_refused (revoked, "anna", 1120, 5000));
  g_assert_false (is_refused (revoked, "berta", 1000, 1000));
  /* a cut of a clock that is right counts at once */
  revoke_user (revoked, "berta", 1010, 1000);
  g_assert_true (is_refused (revoked, "berta", 1010, 1000));
  g_assert_false (is_refused (revoked, "berta", 1011, 1000));
  pmss_revoked_free (revoked);
}

/* A catalog was restored that does not know who has opened what since: all tokens of viewers, and none of control's own. */
static void
test_everybody (Fixture * f, gconstpointer unused)
{
  PmssRevoked *revoked = pmss_revoked_new ();
  g_autoptr (PmssTokenClaims) own = pmss_token_claims_new ();

  revoke_user (revoked, "", 1000, 1000);
  g_assert_true (is_refused (revoked, "anna", 1000, 1000));
  g_assert_true (is_refused (revoked, "unknown", 900, 1000));
  g_assert_false (is_refused (revoked, "anna", 1001, 1001));
  own->issued = 1000;
  own->session = g_strdup ("");
  g_assert_false (pmss_revoked_has (revoked, own, 1000));
  pmss_revoked_prune (revoked, 100000);
  g_assert_false (is_refused (revoked, "anna", 1000, 1000));
  pmss_revoked_free (revoked);
}

static void
revoke_all_of (Fixture * f, const char *user)
{
  g_autofree char *text =
      g_strdup_printf ("[{\"user\":\"%s\",\"signed_until\":%" G_GINT64_FORMAT
      ",\"until\":%" G_GINT64_FORMAT "}]", user,
      f->claims->issued, f->claims->expires);
  g_autoptr (JsonNode) list = json_from_string (text, NULL);
  g_autoptr (GError) error = NULL;

  pmss_access_revoke (f->access, json_node_get_array (list), &error);
  g_assert_no_error (error);
}

/* A gateway asks about the sessions that it reads for: whatever node their tokens are for, and
 * without a refusal. */
static void
test_session_news (Fixture * f, gconstpointer unused)
{
  g_autofree char *token = NULL, *elsewhere = NULL;

  g_free (f->claims->user);
  f->claims->user = g_strdup ("anna");
  token = mint (f);
  g_array_set_size (f->claims->nodes, 0);
  pmss_token_claims_add_nodes (f->claims, NODE + 1, NODE + 1);
  elsewhere = mint (f);
  g_assert_cmpint (pmss_access_ask_session (f->access, token), ==,
      PMSS_SESSION_GOES_ON);
  g_assert_cmpint (pmss_access_ask_session (f->access, elsewhere), ==,
      PMSS_SESSION_GOES_ON);
  revoke_all_of (f, "berta");
  g_assert_cmpint (pmss_access_ask_session (f->access, token), ==,
      PMSS_SESSION_GOES_ON);
  revoke_all_of (f, "anna");
  g_assert_cmpint (pmss_access_ask_session (f->access, token), ==,
      PMSS_SESSION_IN_DOUBT);
  revoke_session (f);
  g_assert_cmpint (pmss_access_ask_session (f->access, token), ==,
      PMSS_SESSION_ENDED);
  g_assert_cmpint (pmss_access_ask_session (f->access, elsewhere), ==,
      PMSS_SESSION_ENDED);
  g_assert_cmpint (pmss_access_ask_session (f->access, "x"), ==,
      PMSS_SESSION_GOES_ON);
  g_assert_cmpuint (pmss_access_get_refusals (f->access), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("before-joining", setup, test_before_joining);
  ADD ("no-token", setup_trusting, test_no_token);
  ADD ("allowed", setup_trusting, test_allowed);
  ADD ("other-operation", setup_trusting, test_other_operation);
  ADD ("other-version", setup_trusting, test_other_version);
  ADD ("other-node", setup_trusting, test_other_node);
  ADD ("other-cluster", setup_trusting, test_other_cluster);
  ADD ("other-key", setup_trusting, test_other_key);
  ADD ("ticket", setup_trusting, test_ticket);
  ADD ("session-news", setup_trusting, test_session_news);
  ADD ("kept-alive", setup_trusting, test_kept_alive);
  ADD ("mutations", setup_trusting, test_mutations);
  ADD ("cut-ahead", setup, test_cut_ahead);
  ADD ("bounded-ahead", setup, test_bounded_ahead);
  ADD ("everybody", setup, test_everybody);
  ADD ("covered", setup, test_covered);
  return g_test_run ();
}
