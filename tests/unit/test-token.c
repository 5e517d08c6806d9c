/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-shard.h"
#include "libpmss/pmss-token.h"

#define CLUSTER "0123456789abcdef0123456789abcdef"
#define NOW 1769860800

/* The published test vectors of PASETO v4.public:
 * https://github.com/paseto-standard/test-vectors, v4.json (4-S-*), and those
 * of its 4-F-* whose tokens a verifier of v4.public meets: tokens of other
 * kinds and one whose signature is wrong. */
#define VECTOR_PUBLIC \
    "1eb9dbbbbc047c03fd70604e0071f0987e16b28b757225c11f00415d0e20b1a2"
#define VECTOR_SECRET \
    "b4cbfb43df4ce210727d953e4a713307fa19bb7d9f85041438d9e11b942a3774" \
    VECTOR_PUBLIC
#define VECTOR_PAYLOAD \
    "{\"data\":\"this is a signed message\"," \
    "\"exp\":\"2022-01-01T00:00:00+00:00\"}"
#define VECTOR_FOOTER \
    "{\"kid\":\"zVhMiPBP9fRf2snEcT7gFTioeA9COcNy9DfgL1W60haN\"}"

static const struct
{
  const char *name;
  const char *token;
  const char *payload;          /* NULL: has to fail */
  const char *footer;
  const char *implicit;
} vectors[] = {
  {"4-S-1",
        "v4.public.eyJkYXRhIjoidGhpcyBpcyBhIHNpZ25lZCBtZXNzYWdlIiwiZXhwIjoi"
        "MjAyMi0wMS0wMVQwMDowMDowMCswMDowMCJ9bg_XBBzds8lTZShVlwwKSgeKpLT3yu"
        "kTw6JUz3W4h_ExsQV-P0V54zemZDcAxFaSeef1QlXEFtkqxT1ciiQEDA",
      VECTOR_PAYLOAD, "", ""},
  {"4-S-2",
        "v4.public.eyJkYXRhIjoidGhpcyBpcyBhIHNpZ25lZCBtZXNzYWdlIiwiZXhwIjoi"
        "MjAyMi0wMS0wMVQwMDowMDowMCswMDowMCJ9v3Jt8mx_TdM2ceTGoqwrh4yDFn0XsH"
        "vvV_D0DtwQxVrJEBMl0F2caAdgnpKlt4p7xBnx1HcO-SPo8FPp214HDw.eyJraWQiO"
        "iJ6VmhNaVBCUDlmUmYyc25FY1Q3Z0ZUaW9lQTlDT2NOeTlEZmdMMVc2MGhhTiJ9",
      VECTOR_PAYLOAD, VECTOR_FOOTER, ""},
  {"4-S-3",
        "v4.public.eyJkYXRhIjoidGhpcyBpcyBhIHNpZ25lZCBtZXNzYWdlIiwiZXhwIjoi"
        "MjAyMi0wMS0wMVQwMDowMDowMCswMDowMCJ9NPWciuD3d0o5eXJXG5pJy-DiVEoyPY"
        "Ws1YSTwWHNJq6DZD3je5gf-0M4JR9ipdUSJbIovzmBECeaWmaqcaP0DQ.eyJraWQiO"
        "iJ6VmhNaVBCUDlmUmYyc25FY1Q3Z0ZUaW9lQTlDT2NOeTlEZmdMMVc2MGhhTiJ9",
      VECTOR_PAYLOAD, VECTOR_FOOTER, "{\"test-vector\":\"4-S-3\"}"},
  {"4-F-1",
        "v4.local.vngXfCISbnKgiP6VWGuOSlYrFYU300fy9ijW33rznDYgxHNPwWluAY2Bg"
        "b0z54CUs6aYYkIJ-bOOOmJHPuX_34Agt_IPlNdGDpRdGNnBz2MpWJvB3cttheEc1uy"
        "CEYltj7wBQQYX.YXJiaXRyYXJ5LXN0cmluZy10aGF0LWlzbid0LWpzb24",
        NULL, "arbitrary-string-that-isn't-json",
      "{\"test-vector\":\"4-F-1\"}"},
  {"4-F-2",
        "v4.public.eyJpbnZhbGlkIjoidGhpcyBzaG91bGQgbmV2ZXIgZGVjb2RlIn22Sp4g"
        "jCaUw0c7EH84ZSm_jN_Qr41MrgLNu5LIBCzUr1pn3Z-Wukg9h3ceplWigpoHaTLcwx"
        "j0NsI1vjTh67YB.eyJraWQiOiJ6VmhNaVBCUDlmUmYyc25FY1Q3Z0ZUaW9lQTlDT2N"
        "OeTlEZmdMMVc2MGhhTiJ9",
      NULL, VECTOR_FOOTER, "{\"test-vector\":\"4-F-2\"}"},
  {"4-F-3",
        "v3.local.23e_2PiqpQBPvRFKzB0zHhjmxK3sKo2grFZRRLM-U7L0a8uHxuF9RlVz3"
        "Ic6WmdUUWTxCaYycwWV1yM8gKbZB2JhygDMKvHQ7eBf8GtF0r3K0Q_gF1PXOxcOgzt"
        "ak1eD1dPe9rLVMSgR0nHJXeIGYVuVrVoLWQ.YXJiaXRyYXJ5LXN0cmluZy10aGF0LW"
        "lzbid0LWpzb24",
        NULL, "arbitrary-string-that-isn't-json",
      "{\"test-vector\":\"4-F-3\"}"},
};

static void
from_hex (const char *hex, guint8 * bytes)
{
  for (; *hex != '\0'; hex += 2)
    *bytes++ = g_ascii_xdigit_value (hex[0]) << 4
        | g_ascii_xdigit_value (hex[1]);
}

static void
test_vectors (void)
{
  guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE];
  guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE];

  from_hex (VECTOR_PUBLIC, public_key);
  from_hex (VECTOR_SECRET, secret_key);
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    const char *footer = vectors[i].footer, *implicit = vectors[i].implicit;
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) message = pmss_paseto_verify (public_key,
        vectors[i].token, footer, strlen (footer), implicit, strlen (implicit),
        &error);
    g_autofree char *token = NULL;

    g_test_message ("%s", vectors[i].name);
    if (vectors[i].payload == NULL) {
      g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED);
      continue;
    }
    g_assert_no_error (error);
    g_assert_cmpmem (g_bytes_get_data (message, NULL),
        g_bytes_get_size (message), vectors[i].payload,
        strlen (vectors[i].payload));
    /* Ed25519 is deterministic */
    token = pmss_paseto_sign (secret_key, vectors[i].payload,
        strlen (vectors[i].payload), footer, strlen (footer), implicit,
        strlen (implicit));
    g_assert_cmpstr (token, ==, vectors[i].token);
  }
}

/* Footer and implicit assertion are under the signature. */
static void
test_vectors_wrong_context (void)
{
  guint8 key[PMSS_TOKEN_PUBLIC_KEY_SIZE];
  const char *token = vectors[2].token;
  const char *footer = vectors[2].footer, *implicit = vectors[2].implicit;
  g_autofree char *no_footer = g_strdup (token);
  g_autofree char *dot = NULL;

  from_hex (VECTOR_PUBLIC, key);
  g_assert_null (pmss_paseto_verify (key, token, NULL, 0, implicit,
          strlen (implicit), NULL));
  g_assert_null (pmss_paseto_verify (key, token, footer, strlen (footer), NULL,
          0, NULL));
  g_assert_null (pmss_paseto_verify (key, token, footer, strlen (footer) - 1,
          implicit, strlen (implicit), NULL));
  *strrchr (no_footer, '.') = '\0';
  g_assert_null (pmss_paseto_verify (key, no_footer, footer, strlen (footer),
          implicit, strlen (implicit), NULL));
  g_assert_null (pmss_paseto_verify (key, no_footer, NULL, 0, implicit,
          strlen (implicit), NULL));
  /* an empty footer is written without its dot */
  dot = g_strconcat (vectors[0].token, ".", NULL);
  g_assert_null (pmss_paseto_verify (key, dot, NULL, 0, NULL, 0, NULL));
}

typedef struct
{
  guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE];
  guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE];
  PmssTokenClaims *claims;
} Fixture;

static void
setup (Fixture * f, gconstpointer unused)
{
  static const guint nodes[] = { 9, 2, 70000 };

  pmss_token_generate_keys (f->public_key, f->secret_key);
  f->claims = pmss_token_claims_new ();
  f->claims->issued = NOW;
  f->claims->expires = NOW + 300;
  f->claims->cluster = g_strdup (CLUSTER);
  f->claims->ops = PMSS_TOKEN_READ | PMSS_TOKEN_LIST;
  pmss_version_id_generate (&f->claims->version);
  f->claims->medium = g_strdup ("films/„Süß“ & \"mehr\".webm");
  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    pmss_token_claims_add_nodes (f->claims, nodes[i], nodes[i]);
  f->claims->user = g_strdup ("anna");
  f->claims->session = g_strdup ("fedcba9876543210fedcba9876543210");
  f->claims->rate = 8000000;
}

static void
teardown (Fixture * f, gconstpointer unused)
{
  pmss_token_claims_free (f->claims);
}

static void
test_round_trip (Fixture * f, gconstpointer unused)
{
  g_autofree char *token = pmss_token_mint (f->claims, f->secret_key);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssTokenClaims) claims = pmss_token_verify (token, f->public_key,
      CLUSTER, NOW, &error);

  g_assert_no_error (error);
  g_assert_cmpint (claims->issued, ==, NOW);
  g_assert_cmpint (claims->expires, ==, NOW + 300);
  g_assert_cmpstr (claims->cluster, ==, CLUSTER);
  g_assert_cmpint (claims->ops, ==, PMSS_TOKEN_READ | PMSS_TOKEN_LIST);
  g_assert_false (claims->any_version);
  g_assert_true (pmss_version_id_equal (&claims->version, &f->claims->version));
  g_assert_cmpstr (claims->medium, ==, f->claims->medium);
  g_assert_cmpstr (claims->user, ==, "anna");
  g_assert_cmpstr (claims->session, ==, f->claims->session);
  g_assert_cmpuint (claims->rate, ==, 8000000);
  g_assert_cmpuint (claims->nodes->len, ==, 3);
  for (guint i = 0; i < claims->nodes->len; i++) {
    static const guint ascending[] = { 2, 9, 70000 };
    PmssNodeRange range = g_array_index (claims->nodes, PmssNodeRange, i);

    g_assert_cmpuint (range.first, ==, ascending[i]);
    g_assert_cmpuint (range.last, ==, ascending[i]);
  }
}

/* A gateway's URL names the page that may read it, and no other token does. */
static void
test_origin (Fixture * f, gconstpointer unused)
{
  static const struct
  {
    PmssTokenOps ops;
    const char *origin;
    gboolean valid;
  } cases[] = {
    {PMSS_TOKEN_GATEWAY, NULL, TRUE},
    {PMSS_TOKEN_GATEWAY, "http://192.0.2.7:8470", TRUE},
    {PMSS_TOKEN_GATEWAY, "https://[2001:db8::1]:8470", TRUE},
    {PMSS_TOKEN_READ, "http://192.0.2.7:8470", FALSE},
    {PMSS_TOKEN_GATEWAY | PMSS_TOKEN_READ, "http://192.0.2.7:8470", FALSE},
    {PMSS_TOKEN_GATEWAY, "", FALSE}, {PMSS_TOKEN_GATEWAY, "*", FALSE},
    {PMSS_TOKEN_GATEWAY, "null", FALSE},
    {PMSS_TOKEN_GATEWAY, "ftp://192.0.2.7", FALSE},
    {PMSS_TOKEN_GATEWAY, "http://a\r\nX-A: b", FALSE},
    {PMSS_TOKEN_GATEWAY, "http://a, http://b", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *token = NULL;
    g_autoptr (PmssTokenClaims) claims = NULL;

    f->claims->ops = cases[i].ops;
    g_free (f->claims->origin);
    f->claims->origin = g_strdup (cases[i].origin);
    token = pmss_token_mint (f->claims, f->secret_key);
    claims = pmss_token_verify (token, f->public_key, CLUSTER, NOW, NULL);
    g_assert_cmpint (claims != NULL, ==, cases[i].valid);
    if (claims != NULL)
      g_assert_cmpstr (claims->origin, ==, cases[i].origin);
  }
}

static void
test_time_and_place (Fixture * f, gconstpointer unused)
{
  static const struct
  {
    gint64 now;
    gboolean valid;
  } times[] = {
    {NOW - 61, FALSE}, {NOW - 60, TRUE}, {NOW, TRUE}, {NOW + 299, TRUE},
    {NOW + 300, FALSE}, {0, FALSE}, {G_MAXINT64, FALSE}, {G_MININT64, FALSE},
  };
  g_autofree char *token = pmss_token_mint (f->claims, f->secret_key);
  guint8 other_public[PMSS_TOKEN_PUBLIC_KEY_SIZE];
  guint8 other_secret[PMSS_TOKEN_SECRET_KEY_SIZE];

  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (PmssTokenClaims) claims = pmss_token_verify (token,
        f->public_key, CLUSTER, times[i].now, &error);

    g_assert_cmpint (claims != NULL, ==, times[i].valid);
    if (!times[i].valid)
      g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED);
  }
  g_assert_null (pmss_token_verify (token, f->public_key,
          "0123456789abcdef0123456789abcdee", NOW, NULL));
  pmss_token_generate_keys (other_public, other_secret);
  g_assert_null (pmss_token_verify (token, other_public, CLUSTER, NOW, NULL));
}

static gboolean
covers (const PmssTokenClaims * claims, PmssTokenOps op,
    const PmssVersionId * version, guint extent, guint node)
{
  char name[PMSS_SHARD_NAME_SIZE];

  if (version == NULL)
    return pmss_token_covers (claims, op, NULL, NULL, node, NULL);
  pmss_shard_name_write (version, extent, 1, name);
  return pmss_token_covers (claims, op, version, name, node, NULL);
}

static void
test_covers (Fixture * f, gconstpointer unused)
{
  PmssTokenClaims *claims = f->claims;
  const PmssVersionId *own = &claims->version;
  PmssVersionId other;
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GError) error = NULL;

  pmss_version_id_generate (&other);
  pmss_shard_name_write (own, 0, 1, name);
  g_assert_true (covers (claims, PMSS_TOKEN_READ, own, 0, 9));
  g_assert_false (pmss_token_covers (claims, PMSS_TOKEN_WRITE, own, name, 9,
          &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_FORBIDDEN);
  g_assert_false (covers (claims, PMSS_TOKEN_READ | PMSS_TOKEN_DELETE, own, 0,
          9));
  g_assert_false (covers (claims, PMSS_TOKEN_READ, &other, 0, 9));
  g_assert_false (covers (claims, PMSS_TOKEN_LIST, NULL, 0, 9));
  g_clear_error (&error);
  g_assert_false (pmss_token_covers (claims, PMSS_TOKEN_READ, own, name, 3,
          &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_MISDIRECTED);

  claims->any_version = TRUE;
  g_assert_true (covers (claims, PMSS_TOKEN_LIST, NULL, 0, 9));
  g_assert_true (covers (claims, PMSS_TOKEN_READ, &other, 0, 9));
  g_array_set_size (claims->nodes, 0);
  g_assert_false (covers (claims, PMSS_TOKEN_READ, &other, 0, 3));
}

/* Control's for its own work: one shard at one node. */
static void
test_covers_one_shard (Fixture * f, gconstpointer unused)
{
  PmssTokenClaims *claims = f->claims;
  g_autoptr (PmssTokenClaims) read = NULL;
  g_autofree char *token = NULL;
  char name[PMSS_SHARD_NAME_SIZE];

  claims->ops = PMSS_TOKEN_DELETE;
  pmss_shard_name_write (&claims->version, 5, 1, name);
  claims->shard = g_strdup (name);
  token = pmss_token_mint (claims, f->secret_key);
  read = pmss_token_verify (token, f->public_key, CLUSTER, NOW, NULL);
  g_assert_nonnull (read);
  g_assert_true (covers (read, PMSS_TOKEN_DELETE, &claims->version, 5, 9));
  g_assert_false (covers (read, PMSS_TOKEN_DELETE, &claims->version, 6, 9));
  g_assert_false (covers (read, PMSS_TOKEN_READ, &claims->version, 5, 9));
  g_assert_false (covers (read, PMSS_TOKEN_DELETE, &claims->version, 5, 8));
  g_assert_false (covers (read, PMSS_TOKEN_LIST, NULL, 0, 9));
}

/* Whatever the order in which ids come, one set of them has one form. */
static void
test_node_sets (Fixture * f, gconstpointer unused)
{
  GRand *rand = g_rand_new_with_seed (7);

  for (guint round = 0; round < 200; round++) {
    g_autoptr (PmssTokenClaims) claims = pmss_token_claims_new ();
    gboolean in[66] = { FALSE };

    for (guint i = 0; i < 20; i++) {
      guint first = g_rand_int_range (rand, 1, 60);
      guint last = first + g_rand_int_range (rand, 0, 5);

      pmss_token_claims_add_nodes (claims, first, last);
      for (guint id = first; id <= last; id++)
        in[id] = TRUE;
    }
    claims->any_version = TRUE;
    claims->ops = PMSS_TOKEN_LIST;
    for (guint id = 1; id < G_N_ELEMENTS (in); id++)
      g_assert_cmpint (covers (claims, PMSS_TOKEN_LIST, NULL, 0, id), ==,
          in[id]);
    for (guint i = 1; i < claims->nodes->len; i++)
      g_assert_cmpuint (g_array_index (claims->nodes, PmssNodeRange,
              i - 1).last + 1, <, g_array_index (claims->nodes, PmssNodeRange,
              i).first);
  }
  g_rand_free (rand);
}

static void
test_too_long (Fixture * f, gconstpointer unused)
{
  g_autofree char *token = NULL;

  for (guint i = 0; i < 1000; i++)
    pmss_token_claims_add_nodes (f->claims, 100000 + 2 * i, 100000 + 2 * i);
  g_assert_null (pmss_token_mint (f->claims, f->secret_key));
  /* as many in one row fit */
  pmss_token_claims_add_nodes (f->claims, 1, G_MAXUINT);
  token = pmss_token_mint (f->claims, f->secret_key);
  g_assert_nonnull (token);
}

#define CLAIM_TIMES \
    "\"iat\":\"2026-01-31T12:00:00Z\",\"exp\":\"2026-01-31T13:00:00Z\","
#define CLAIM_IDS "\"cid\":\"" CLUSTER "\",\"sid\":\"\","
#define CLAIM_WHAT "\"ops\":\"r\",\"ver\":\"*\",\"shd\":\"\",\"med\":\"\","
#define CLAIM_WHO "\"nod\":\"1-2,4\",\"uid\":\"\","
#define CLAIM_RATE "\"rate\":0"

#define OTHER "1123456789abcdef0123456789abcdef"
#define BAD_NODES(nodes) "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHAT \
    "\"nod\":\"" nodes "\",\"uid\":\"\"," CLAIM_RATE "}"
#define BAD_SHARD(version, shard) "{" CLAIM_TIMES CLAIM_IDS \
    "\"ops\":\"r\",\"ver\":\"" version "\",\"shd\":\"" shard \
    "\",\"med\":\"\"," CLAIM_WHO CLAIM_RATE "}"

/* Claims that control would never sign: right signature, wrong content. */
static void
test_refuses_claims (Fixture * f, gconstpointer unused)
{
  static const char *const bad[] = {
    "", "[]", "{}", "null", "\"x\"",
    "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHAT CLAIM_WHO CLAIM_RATE,
    "{" CLAIM_IDS CLAIM_WHAT CLAIM_WHO CLAIM_RATE "}",
    "{" CLAIM_TIMES CLAIM_WHAT CLAIM_WHO CLAIM_RATE "}",
    "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHO CLAIM_RATE "}",
    "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHAT CLAIM_RATE "}",
    "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHAT CLAIM_WHO "\"x\":0}",
    "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHAT CLAIM_WHO CLAIM_RATE ",\"nbf\":1}",
    "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHAT CLAIM_WHO CLAIM_RATE ",\"rate\":0}",
    "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHAT CLAIM_WHO "\"rate\":-1}",
    "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHAT CLAIM_WHO "\"rate\":1.5}",
    "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHAT CLAIM_WHO "\"rate\":\"1\"}",
    "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHAT CLAIM_WHO CLAIM_RATE "} x",
    "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHAT "\"nod\":[1,2],\"uid\":\"\","
        CLAIM_RATE "}",
    BAD_NODES ("2,1"), BAD_NODES ("1,1"), BAD_NODES ("1,2"), BAD_NODES ("0"),
    BAD_NODES ("1-1"), BAD_NODES ("2-1"), BAD_NODES ("1-2,3"),
    BAD_NODES ("01"), BAD_NODES ("+1"), BAD_NODES (" 1"), BAD_NODES ("1 "),
    BAD_NODES ("1,"), BAD_NODES (",1"), BAD_NODES ("1-"), BAD_NODES ("-1"),
    BAD_NODES ("1-3-5"), BAD_NODES ("*"), BAD_NODES (""), BAD_NODES ("1x"),
    BAD_NODES ("4294967296"), BAD_NODES ("18446744073709551617"),
    BAD_NODES ("3-5,1-9"),
    BAD_SHARD ("*", CLUSTER "-00000001.2"), BAD_SHARD (CLUSTER, "00000001.2"),
    BAD_SHARD (CLUSTER, OTHER "-00000001.2"), BAD_SHARD (CLUSTER, CLUSTER),
    BAD_SHARD (CLUSTER, CLUSTER "-00000001.99"),
    "{" CLAIM_TIMES CLAIM_IDS
        "\"ops\":\"rr\",\"ver\":\"*\",\"shd\":\"\",\"med\":\"\"," CLAIM_WHO
        CLAIM_RATE "}",
    "{" CLAIM_TIMES CLAIM_IDS
        "\"ops\":\"x\",\"ver\":\"*\",\"shd\":\"\",\"med\":\"\"," CLAIM_WHO
        CLAIM_RATE "}",
    "{" CLAIM_TIMES CLAIM_IDS
        "\"ops\":\"r\",\"ver\":\"\",\"shd\":\"\",\"med\":\"\"," CLAIM_WHO
        CLAIM_RATE "}",
    "{" CLAIM_TIMES CLAIM_IDS
        "\"ops\":\"r\",\"ver\":\"*\",\"shd\":\"\",\"med\":\"../x\"," CLAIM_WHO
        CLAIM_RATE "}",
    "{" CLAIM_TIMES "\"cid\":\"\",\"sid\":\"\"," CLAIM_WHAT CLAIM_WHO CLAIM_RATE
        "}",
    "{" CLAIM_TIMES "\"cid\":\"" CLUSTER "\",\"sid\":\"1\"," CLAIM_WHAT
        CLAIM_WHO CLAIM_RATE "}",
    "{\"iat\":1769860800,\"exp\":\"2026-01-31T13:00:00Z\"," CLAIM_IDS CLAIM_WHAT
        CLAIM_WHO CLAIM_RATE "}",
    "{\"iat\":\"2026-01-31T12:00:00+00:00\",\"exp\":\"2026-01-31T13:00:00Z\","
        CLAIM_IDS CLAIM_WHAT CLAIM_WHO CLAIM_RATE "}",
  };
  static const char good[] =
      "{" CLAIM_TIMES CLAIM_IDS CLAIM_WHAT CLAIM_WHO CLAIM_RATE "}";
  g_autofree char *token = pmss_paseto_sign (f->secret_key, good,
      strlen (good), NULL, 0, NULL, 0);
  g_autoptr (PmssTokenClaims) claims = pmss_token_verify (token,
      f->public_key, CLUSTER, NOW, NULL);
  g_autofree char *footed = pmss_paseto_sign (f->secret_key, good,
      strlen (good), "f", 1, NULL, 0);

  g_assert_nonnull (claims);
  g_assert_null (pmss_token_verify (footed, f->public_key, CLUSTER, NOW, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree char *forged = pmss_paseto_sign (f->secret_key, bad[i],
        strlen (bad[i]), NULL, 0, NULL, 0);
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", bad[i]);
    g_assert_null (pmss_token_verify (forged, f->public_key, CLUSTER, NOW,
            &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED);
  }
}

static void
test_refuses_text (Fixture * f, gconstpointer unused)
{
  g_autofree char *token = pmss_token_mint (f->claims, f->secret_key);
  g_autofree char *filler = g_strnfill (5000, 'A');
  g_autofree char *padded = g_strconcat (token, "=", NULL);
  g_autofree char *spaced = g_strconcat (token, " ", NULL);
  g_autofree char *newline = g_strconcat (token, "\n", NULL);
  g_autofree char *dotted = g_strconcat (token, ".", NULL);
  g_autofree char *footed = g_strconcat (token, ".eyJ9", NULL);
  g_autofree char *longer = g_strconcat (token, "AAAA", NULL);
  g_autofree char *huge = g_strconcat ("v4.public.", filler, NULL);
  const char *const bad[] = {
    "", "v4", "v4.public", "v4.public.", "v4.public..", "v4.public.A",
    "v4.public.AAAA", "V4.public.AAAA", "v2.public.AAAA", "v4.local.AAAA",
    "Bearer v4.public.AAAA", padded, spaced, newline, dotted, footed, longer,
    huge, token + 1,
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (pmss_token_verify (bad[i], f->public_key, CLUSTER, NOW,
            &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED);
  }
}

/* Of the characters that may stand last, only the one whose left over bits
 * are 0 is taken. */
static void
test_canonical_base64 (Fixture * f, gconstpointer unused)
{
  static const char alphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

  for (guint length = 1; length <= 3; length++) {
    g_autofree char *token = pmss_paseto_sign (f->secret_key, "xyz", length,
        NULL, 0, NULL, 0);
    char *last = token + strlen (token) - 1;
    guint accepted = 0;

    for (const char *c = alphabet; *c != '\0'; c++) {
      g_autoptr (GBytes) message = NULL;

      *last = *c;
      message = pmss_paseto_verify (f->public_key, token, NULL, 0, NULL, 0,
          NULL);
      accepted += message != NULL;
    }
    g_assert_cmpuint (accepted, ==, 1);
  }
}

/* libsodium's decoder by itself takes some bytes above 127. */
static void
test_high_bytes (Fixture * f, gconstpointer unused)
{
  g_autofree char *token = pmss_token_mint (f->claims, f->secret_key);

  for (char *at = token; *at != '\0'; at++) {
    char original = *at;

    for (guint byte = 128; byte < 256; byte++) {
      *at = byte;
      g_assert_null (pmss_token_verify (token, f->public_key, CLUSTER, NOW,
              NULL));
    }
    *at = original;
  }
}

static void
mutate (GString * token, GRand * rand)
{
  gsize at = g_rand_int_range (rand, 0, token->len);

  switch (g_rand_int_range (rand, 0, 6)) {
    case 0:
      token->str[at] ^= 1 << g_rand_int_range (rand, 0, 7);
      break;
    case 1:
      token->str[at] = g_rand_int_range (rand, 1, 256);
      break;
    case 2:
      g_string_erase (token, at, 1);
      break;
    case 3:
      g_string_insert_c (token, at, g_rand_int_range (rand, 1, 128));
      break;
    case 4:
      g_string_truncate (token, at);
      break;
    default:
      token->str[at] = token->str[g_rand_int_range (rand, 0, token->len)];
      break;
  }
}

/* Each costs the check of a signature. The seed is another one each time. */
#if defined (__SANITIZE_ADDRESS__) || defined (__SANITIZE_THREAD__)
#define MUTATIONS 20000
#else
#define MUTATIONS 200000
#endif

static void
test_mutations (Fixture * f, gconstpointer unused)
{
  guint32 seed = g_test_rand_int ();
  GRand *rand = g_rand_new_with_seed (seed);
  g_autofree char *token = pmss_token_mint (f->claims, f->secret_key);
  GString *mutant = g_string_new (NULL);

  for (guint i = 0; i < MUTATIONS; i++) {
    PmssTokenClaims *claims;

    g_string_assign (mutant, token);
    for (int n = g_rand_int_range (rand, 1, 4); n > 0 && mutant->len > 0; n--)
      mutate (mutant, rand);
    if (strcmp (mutant->str, token) == 0)
      continue;
    claims = pmss_token_verify (mutant->str, f->public_key, CLUSTER, NOW, NULL);
    if (claims != NULL)
      g_error ("accepted with seed %u: %s", seed, mutant->str);
  }
  g_string_free (mutant, TRUE);
  g_rand_free (rand);
}

#define ADD(name, function) \
    g_test_add (name, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/token/vectors", test_vectors);
  g_test_add_func ("/token/vectors-wrong-context", test_vectors_wrong_context);
  ADD ("/token/round-trip", test_round_trip);
  ADD ("/token/origin", test_origin);
  ADD ("/token/time-and-place", test_time_and_place);
  ADD ("/token/covers", test_covers);
  ADD ("/token/covers-one-shard", test_covers_one_shard);
  ADD ("/token/node-sets", test_node_sets);
  ADD ("/token/too-long", test_too_long);
  ADD ("/token/refuses-claims", test_refuses_claims);
  ADD ("/token/refuses-text", test_refuses_text);
  ADD ("/token/canonical-base64", test_canonical_base64);
  ADD ("/token/high-bytes", test_high_bytes);
  ADD ("/token/mutations", test_mutations);
  return g_test_run ();
}
