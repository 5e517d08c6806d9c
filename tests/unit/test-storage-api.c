/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A storage server's requests and answers, over its listener, without its process. */
#include <glib/gstdio.h>
#include <string.h>

#include "httpd-fixture.h"
#include "libpmss/pmss-token.h"
#include "server/api.h"
#include "storage-fixture.h"

#define CLUSTER "0123456789abcdef0123456789abcdef"
#define OTHER "ffffffffffffffffffffffffffffffff"
#define NODE 3
#define PAYLOAD 300000

typedef struct
{
  StorageFixture storage;
  PmssAccess *access;
  PmssSelf *self;
  PmssMachine *machine;
  PmssStorageApi api;
  Fixture http;                 /* its port alone */
  guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE];
  guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE];
  char name[PMSS_SHARD_NAME_SIZE];      /* of a shard that is there */
  GBytes *shard;
  char *all;                    /* a token for everything */
} Api;

typedef struct
{
  PmssTokenOps ops;
  const char *cluster;          /* NULL: ours */
  guint node;                   /* 0: ours */
  const PmssVersionId *version; /* NULL: any */
  const char *shard;            /* NULL: any */
  int issued, expires;          /* seconds from now */
} Claims;

static char *
mint (Api * f, const Claims * wanted)
{
  g_autoptr (PmssTokenClaims) claims = pmss_token_claims_new ();
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  guint node = wanted->node ? wanted->node : NODE;

  claims->issued = now + wanted->issued;
  claims->expires = now + (wanted->expires ? wanted->expires : 600);
  g_free (claims->cluster);
  claims->cluster = g_strdup (wanted->cluster ? wanted->cluster : CLUSTER);
  claims->ops = wanted->ops;
  claims->any_version = wanted->version == NULL;
  if (wanted->version)
    claims->version = *wanted->version;
  if (wanted->shard) {
    g_free (claims->shard);
    claims->shard = g_strdup (wanted->shard);
  }
  pmss_token_claims_add_nodes (claims, node, node);
  return pmss_token_mint (claims, f->secret_key);
}

static void
setup (Api * f, gconstpointer unused)
{
  const PmssHttpdConfig config = {.listen = "127.0.0.1:0" };
  PmssIdentity identity = {.id = NODE,.secret = (char *) "secret",
    .cluster = (char *) CLUSTER
  };
  const Claims all = { PMSS_TOKEN_READ | PMSS_TOKEN_WRITE | PMSS_TOKEN_DELETE
        | PMSS_TOKEN_LIST
  };
  g_autoptr (GError) error = NULL;

  storage_fixture_init (&f->storage);
  pmss_token_generate_keys (f->public_key, f->secret_key);
  f->access = pmss_access_new ();
  pmss_access_set_trust (f->access, f->public_key, CLUSTER, NODE);
  f->self = pmss_self_new ();
  pmss_self_become (f->self, &identity);
  pmss_self_set_place (f->self, "192.0.2.1", 8471, FALSE);
  f->machine = pmss_machine_new ("", f->storage.folder, 0);
  pmss_storage_api_init (&f->api, f->storage.store, f->access, NULL, f->self,
      f->machine);
  f->http.httpd = pmss_httpd_start (&config, &pmss_storage_handler, &f->api,
      &error);
  g_assert_no_error (error);
  f->api.httpd = f->http.httpd;
  f->http.port = pmss_httpd_get_port (f->http.httpd);
  f->shard = storage_fixture_make (0xabc, 0, 0, PAYLOAD, f->name);
  storage_fixture_put (&f->storage, f->name, f->shard);
  f->all = mint (f, &all);
}

static void
teardown (Api * f, gconstpointer unused)
{
  pmss_httpd_stop (f->http.httpd, 5);
  pmss_storage_api_clear (&f->api);
  pmss_machine_free (f->machine);
  pmss_access_free (f->access);
  pmss_self_free (f->self);
  storage_fixture_clear (&f->storage);
  g_bytes_unref (f->shard);
  g_free (f->all);
}

/* What is heard of one request. @token: nullable. @fields: each with its line's
 * end. @body: nullable. */
static GBytes *
ask (Api * f, const char *method, const char *target, const char *token,
    const char *fields, GBytes * body)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GByteArray *heard = g_byte_array_new ();
  char piece[65536];
  int fd = dial (&f->http);
  gssize got;

  g_string_append_printf (text, "%s %s HTTP/1.1\r\nHost: x\r\n"
      "Connection: close\r\n%s", method, target, fields != NULL ? fields : "");
  if (token != NULL)
    g_string_append_printf (text, "Authorization: Bearer %s\r\n", token);
  if (body != NULL)
    g_string_append_printf (text, "Content-Length: %" G_GSIZE_FORMAT "\r\n",
        g_bytes_get_size (body));
  g_string_append (text, "\r\n");
  say (fd, text->str, text->len);
  if (body != NULL)
    say (fd, g_bytes_get_data (body, NULL), g_bytes_get_size (body));
  while ((got = recv (fd, piece, sizeof piece, 0)) > 0)
    g_byte_array_append (heard, (guint8 *) piece, got);
  g_assert_cmpint (got, ==, 0);
  g_close (fd, NULL);
  g_byte_array_append (heard, (const guint8 *) "", 1);
  return g_byte_array_free_to_bytes (heard);
}

static guint
status_of (GBytes * heard)
{
  const char *text = g_bytes_get_data (heard, NULL);

  g_assert_true (g_str_has_prefix (text, "HTTP/1.1 "));
  return g_ascii_strtoull (text + 9, NULL, 10);
}

static guint
get_status (Api * f, const char *method, const char *target, const char *token)
{
  g_autoptr (GBytes) heard = ask (f, method, target, token, NULL, NULL);

  return status_of (heard);
}

static char *
shard_path (const char *name)
{
  return g_strconcat ("/v1/shards/", name, NULL);
}

/* What no shard is called, and what nothing is. */
static void
test_paths (Api * f, gconstpointer unused)
{
  static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE" };
  g_autofree char *upper = g_ascii_strup (f->name, -1);
  g_autofree char *long_name = g_strnfill (5000, 'a');
  const char *const names[] = { "", "..", "../../node.json",
    "%2e%2e%2fnode.json", "x", long_name, "%30" "0000", upper
  };
  static const char *const paths[] = { "/", "/v1", "/v1/", "/v2/shards",
    "/v1/shardsx", "/healthz/", "/V1/shards"
  };
  g_autoptr (GBytes) body = g_bytes_new_static ("x", 1);

  /* the same with a digit more, or another end */
  for (guint i = 0; i < 4; i++) {
    static const char *const ends[] = { "0", ".0", "/", "%00" };
    g_autofree char *target = g_strconcat ("/v1/shards/", f->name, ends[i],
        NULL);

    g_assert_cmpuint (get_status (f, "GET", target, f->all), ==,
        i == 3 ? 400 : 404);
  }
  for (guint m = 0; m < G_N_ELEMENTS (methods); m++) {
    for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
      g_autofree char *target = shard_path (names[i]);
      g_autoptr (GBytes) heard = ask (f, methods[m], target, f->all, NULL,
          m == 2 ? body : NULL);

      g_assert_cmpuint (status_of (heard), ==, 404);
    }
    for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
      g_assert_cmpuint (get_status (f, methods[m], paths[i], f->all), ==, 404);
  }
}

static void
test_methods (Api * f, gconstpointer unused)
{
  static const struct
  {
    const char *path;           /* NULL: the shard */
    const char *allowed;
  } cases[] = {
    {NULL, "GET, HEAD, PUT, DELETE"}, {"/v1/shards", "GET, HEAD"},
    {"/healthz", "GET, HEAD"}, {"/metrics", "GET, HEAD"},
    {"/v1/identity", "GET, HEAD"},
  };
  static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE",
    "POST", "PATCH", "OPTIONS"
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = cases[i].path ? g_strdup (cases[i].path)
        : shard_path (f->name);
    g_autofree char *allow = g_strconcat ("Allow: ", cases[i].allowed, "\r\n",
        NULL);

    for (guint m = 0; m < G_N_ELEMENTS (methods); m++) {
      gboolean allowed = m < (cases[i].path ? 2 : 4);
      g_autoptr (GBytes) heard = NULL;

      if (allowed)
        continue;
      heard = ask (f, methods[m], path, f->all, NULL, NULL);
      g_assert_cmpuint (status_of (heard), ==, 405);
      g_assert_nonnull (strstr (g_bytes_get_data (heard, NULL), allow));
    }
  }
}

/* The body behind a head. */
static const char *
body_of (GBytes * heard, gsize * length)
{
  gsize size;
  const char *text = g_bytes_get_data (heard, &size);
  const char *body = g_strstr_len (text, size, "\r\n\r\n") + 4;

  *length = size - 1 - (body - text);
  return body;
}

static void
assert_range (Api * f, const char *range, guint64 first, guint64 last)
{
  g_autofree char *path = shard_path (f->name);
  g_autofree char *field = g_strdup_printf ("Range: %s\r\n", range);
  g_autofree char *told = g_strdup_printf ("\r\nContent-Range: bytes %"
      G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GSIZE_FORMAT "\r\n", first,
      last, g_bytes_get_size (f->shard));
  g_autoptr (GBytes) heard = ask (f, "GET", path, f->all, field, NULL);
  const char *shard = g_bytes_get_data (f->shard, NULL);
  gsize length;
  const char *body = body_of (heard, &length);

  g_assert_cmpuint (status_of (heard), ==, 206);
  g_assert_nonnull (strstr (g_bytes_get_data (heard, NULL), told));
  g_assert_cmpmem (body, length, shard + first, last - first + 1);
}

static void
test_ranges (Api * f, gconstpointer unused)
{
  guint64 size = g_bytes_get_size (f->shard);
  GRand *rand = g_rand_new_with_seed (7);
  static const struct
  {
    const char *range;
    guint status;
  } others[] = {
    {"bytes=-0", 416}, {"bytes=3-2", 400}, {"bytes=x-", 400},
    {"bytes=1-2x", 400}, {"bytes=0-1,2-3", 416}, {"pages=1-2", 200},
    {"bytes=99999999-", 416}, {"bytes=", 400}, {"bytes=-", 400},
  };
  g_autofree char *path = shard_path (f->name);

  for (guint i = 0; i < 100; i++) {
    guint64 a = g_rand_int_range (rand, 0, size);
    guint64 b = g_rand_int_range (rand, 0, size);
    g_autofree char *range = g_strdup_printf ("bytes=%" G_GUINT64_FORMAT "-%"
        G_GUINT64_FORMAT, MIN (a, b), MAX (a, b));

    assert_range (f, range, MIN (a, b), MAX (a, b));
  }
  g_rand_free (rand);
  assert_range (f, "bytes=0-0", 0, 0);
  assert_range (f, "bytes=5-", 5, size - 1);
  assert_range (f, "bytes=-5", size - 5, size - 1);
  assert_range (f, "bytes=-99999999", 0, size - 1);
  assert_range (f, "bytes=7-99999999", 7, size - 1);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    g_autofree char *field = g_strdup_printf ("Range: %s\r\n",
        others[i].range);
    g_autoptr (GBytes) heard = ask (f, "GET", path, f->all, field, NULL);

    g_assert_cmpuint (status_of (heard), ==, others[i].status);
  }
}

/* The shard is the one that was meant, or all of it is sent. */
static void
test_if_range (Api * f, gconstpointer unused)
{
  g_autofree char *path = shard_path (f->name);
  g_autofree char *same = g_strdup_printf ("Range: bytes=1-2\r\n"
      "If-Range: \"%s\"\r\n", f->name);
  g_autoptr (GBytes) part = ask (f, "GET", path, f->all, same, NULL);
  g_autoptr (GBytes) all = ask (f, "GET", path, f->all, "Range: bytes=1-2\r\n"
      "If-Range: \"other\"\r\n", NULL);
  g_autoptr (GBytes) head = ask (f, "HEAD", path, f->all,
      "Range: bytes=1-2\r\n", NULL);
  gsize length;

  g_assert_cmpuint (status_of (part), ==, 206);
  g_assert_cmpuint (status_of (all), ==, 200);
  body_of (all, &length);
  g_assert_cmpuint (length, ==, g_bytes_get_size (f->shard));
  g_assert_cmpuint (status_of (head), ==, 206);
  g_assert_nonnull (strstr (g_bytes_get_data (head, NULL),
          "\r\nContent-Length: 2\r\n"));
  body_of (head, &length);
  g_assert_cmpuint (length, ==, 0);
}

/* Each operation is tried with a token that is good but for one thing. */
static void
test_tokens (Api * f, gconstpointer unused)
{
  PmssVersionId version, other;
  g_autofree char *path = shard_path (f->name);
  char sibling[PMSS_SHARD_NAME_SIZE];
  const struct
  {
    PmssTokenOps op;
    const char *method, *target;
    guint good;
  } asks[] = {
    {PMSS_TOKEN_READ, "GET", path, 200}, {PMSS_TOKEN_READ, "HEAD", path, 200},
    {PMSS_TOKEN_WRITE, "PUT", path, 411},
    {PMSS_TOKEN_LIST, "GET", "/v1/shards", 200},
    {PMSS_TOKEN_DELETE, "DELETE", path, 204},
  };
  guint32 extent;
  guint index;

  g_assert_true (pmss_shard_name_parse (f->name, &version, &extent, &index));
  g_assert_true (pmss_version_id_parse (OTHER, &other));
  pmss_shard_name_write (&version, extent, 1, sibling);
  for (guint i = 0; i < G_N_ELEMENTS (asks); i++) {
    PmssTokenOps ops = asks[i].op;
    gboolean list = ops == PMSS_TOKEN_LIST;
    const PmssVersionId *own = list ? NULL : &version;
    const struct
    {
      Claims claims;
      guint status;
    } cases[] = {
      {{ops,.cluster = OTHER,.version = own}, 401},
      {{ops,.version = own,.expires = -1}, 401},
      {{ops,.version = own,.issued = 600,.expires = 1200}, 401},
      {{ops,.node = 4,.version = own}, 421},
      {{ops ^ 15,.version = own}, 403},
      {{ops,.version = &other}, 403},
      {{ops,.version = own,.shard = list ? NULL : sibling},
          list ? 200 : 403},
      {{ops,.version = own,.shard = list ? NULL : f->name}, asks[i].good},
    };

    g_assert_cmpuint (get_status (f, asks[i].method, asks[i].target, NULL), ==,
        401);
    for (guint c = 0; c < G_N_ELEMENTS (cases); c++) {
      g_autofree char *token = mint (f, &cases[c].claims);
      guint got = get_status (f, asks[i].method, asks[i].target, token);

      if (got != cases[c].status)
        g_test_message ("%s, case %u", asks[i].method, c);
      g_assert_cmpuint (got, ==, cases[c].status);
    }
  }
  g_assert_cmpuint (pmss_access_get_refusals (f->access), >, 20);
}

/* Nothing is told without a token: not even whether a shard is there. */
static void
test_stranger (Api * f, gconstpointer unused)
{
  g_autofree char *path = shard_path (f->name);
  g_autoptr (GBytes) there = ask (f, "GET", path, NULL, NULL, NULL);
  g_autoptr (GBytes) missing = NULL;
  static const char *const schemes[] = { "Basic ", "Bearer\t", "", "Bearer: " };

  g_assert_cmpuint (status_of (there), ==, 401);
  g_assert_nonnull (strstr (g_bytes_get_data (there, NULL),
          "\r\nWWW-Authenticate: Bearer\r\n"));
  path[strlen (path) - 1] = '1';
  missing = ask (f, "GET", path, NULL, NULL, NULL);
  g_assert_cmpuint (status_of (missing), ==, 401);
  path[strlen (path) - 1] = '0';
  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++) {
    g_autofree char *field = g_strdup_printf ("Authorization: %s%s\r\n",
        schemes[i], f->all);
    g_autoptr (GBytes) heard = ask (f, "GET", path, NULL, field, NULL);

    g_assert_cmpuint (status_of (heard), ==, 401);
  }
}

static void
test_queries (Api * f, gconstpointer unused)
{
  static const char *const bad[] = { "/v1/shards?limit=0",
    "/v1/shards?limit=10001", "/v1/shards?limit=x", "/v1/shards?limit=-1",
    "/v1/shards?limit=+1", "/v1/shards?after=x", "/v1/shards?after=..%2f..",
    "/v1/shards?limit=1&limit=2", "/v1/identity", "/v1/identity?nonce=x",
    "/v1/identity?nonce=0123456789abcdef0123456789abcdef&address=192.0.2.1",
    "/v1/identity?nonce=0123456789ABCDEF0123456789abcdef&address=a&port=1",
    "/v1/identity?nonce=0123456789abcdef0123456789abcdef&address=a&port=0",
  };
  g_autoptr (GBytes) list = NULL, identity = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_cmpuint (get_status (f, "GET", bad[i], f->all), ==, 400);
  list = ask (f, "GET", "/v1/shards?limit=1", f->all, NULL, NULL);
  g_assert_cmpuint (status_of (list), ==, 200);
  g_assert_nonnull (strstr (g_bytes_get_data (list, NULL), f->name));
  g_assert_nonnull (strstr (g_bytes_get_data (list, NULL), "\"node\":3"));
  identity = ask (f, "GET", "/v1/identity?address=192.0.2.1&port=8471&tls=0"
      "&nonce=0123456789abcdef0123456789abcdef", NULL, NULL, NULL);
  g_assert_cmpuint (status_of (identity), ==, 200);
  g_assert_nonnull (strstr (g_bytes_get_data (identity, NULL), "\"proof\":"));
  g_assert_cmpuint (get_status (f, "GET", "/v1/identity?address=192.0.2.2"
          "&port=8471&nonce=0123456789abcdef0123456789abcdef", NULL), ==, 421);
}

static void
test_put (Api * f, gconstpointer unused)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GBytes) shard = storage_fixture_make (2, 0, 1, 20000, name);
  g_autoptr (GBytes) part = g_bytes_new_from_bytes (shard, 0, 500);
  g_autoptr (GBytes) refused = NULL, large = NULL, stored = NULL, twice = NULL;
  g_autofree char *path = shard_path (name);
  g_autofree char *etag = g_strdup_printf ("\r\nETag: \"%s\"\r\n", name);
  g_autofree char *replace = g_strconcat (path, "?replace=2", NULL);

  refused = ask (f, "PUT", path, f->all, NULL, part);
  g_assert_cmpuint (status_of (refused), ==, 400);
  large = ask (f, "PUT", path, f->all,
      "Expect: 100-continue\r\nContent-Length: 9999999999\r\n", NULL);
  g_assert_cmpuint (status_of (large), ==, 413);
  g_assert_cmpuint (get_status (f, "PUT", path, f->all), ==, 411);
  stored = ask (f, "PUT", path, f->all, NULL, shard);
  g_assert_cmpuint (status_of (stored), ==, 201);
  g_assert_nonnull (strstr (g_bytes_get_data (stored, NULL), etag));
  twice = ask (f, "PUT", path, f->all, NULL, shard);
  g_assert_cmpuint (status_of (twice), ==, 409);
  g_assert_cmpuint (get_status (f, "PUT", replace, f->all), ==, 400);
  g_assert_cmpuint (get_status (f, "DELETE", path, f->all), ==, 204);
  g_assert_cmpuint (get_status (f, "DELETE", path, f->all), ==, 404);
}

/* What asks for no bytes is none of them. */
static void
test_counts (Api * f, gconstpointer unused)
{
  g_autofree char *path = shard_path (f->name);
  PmssStoreReads reads;

  g_assert_cmpuint (get_status (f, "HEAD", path, f->all), ==, 200);
  g_assert_cmpuint (get_status (f, "GET", path, NULL), ==, 401);
  pmss_store_get_reads (f->storage.store, &reads);
  g_assert_cmpuint (reads.hits + reads.misses, ==, 0);
  g_assert_cmpuint (get_status (f, "GET", path, f->all), ==, 200);
  g_assert_cmpuint (get_status (f, "GET", path, f->all), ==, 200);
  pmss_store_get_reads (f->storage.store, &reads);
  g_assert_cmpuint (reads.hits + reads.misses, ==, 2);
  g_assert_cmpuint (reads.hits, >=, 1);
  g_assert_cmpuint (reads.late, <=, reads.misses);
}

/* Before it has joined. */
static void
test_nobody (void)
{
  const PmssHttpdConfig config = {.listen = "127.0.0.1:0" };
  Api f = { 0 };

  storage_fixture_init (&f.storage);
  f.access = pmss_access_new ();
  f.self = pmss_self_new ();
  f.machine = pmss_machine_new ("", f.storage.folder, 0);
  pmss_storage_api_init (&f.api, f.storage.store, f.access, NULL, f.self,
      f.machine);
  f.http.httpd = pmss_httpd_start (&config, &pmss_storage_handler, &f.api,
      NULL);
  f.api.httpd = f.http.httpd;
  f.http.port = pmss_httpd_get_port (f.http.httpd);
  g_assert_cmpuint (get_status (&f, "GET", "/healthz", NULL), ==, 503);
  g_assert_cmpuint (get_status (&f, "GET", "/v1/shards", "x"), ==, 503);
  g_assert_cmpuint (get_status (&f, "GET", "/v1/identity?address=a&port=1"
          "&nonce=0123456789abcdef0123456789abcdef", NULL), ==, 503);
  g_assert_cmpuint (get_status (&f, "GET", "/metrics", NULL), ==, 200);
  pmss_httpd_stop (f.http.httpd, 5);
  pmss_storage_api_clear (&f.api);
  pmss_machine_free (f.machine);
  pmss_access_free (f.access);
  pmss_self_free (f.self);
  storage_fixture_clear (&f.storage);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) \
  g_test_add ("/storage-api/" name, Api, NULL, setup, function, teardown)
  ADD ("paths", test_paths);
  ADD ("methods", test_methods);
  ADD ("ranges", test_ranges);
  ADD ("if-range", test_if_range);
  ADD ("tokens", test_tokens);
  ADD ("stranger", test_stranger);
  ADD ("queries", test_queries);
  ADD ("put", test_put);
  ADD ("counts", test_counts);
  g_test_add_func ("/storage-api/nobody", test_nobody);
  return g_test_run ();
}
