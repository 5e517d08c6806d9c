/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "libpmss/pmss-error.h"
#include "server/access.h"

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
  f->wanted = (PmssWanted) { PMSS_TOKEN_READ, &f->claims->version, SHARD };
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

#define ADD(name, set_up, function) \
  g_test_add ("/access/" name, Fixture, NULL, set_up, function, teardown)

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
  return g_test_run ();
}
