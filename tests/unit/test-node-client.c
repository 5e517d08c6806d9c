/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a node client has to bear from a peer that is no proper storage server. With a real one: integration-writer. */

#include <string.h>
#include <unistd.h>

#include "fake-peer.h"
#include "libpmss/pmss-error.h"
#include "libpmss/node/pmss-node-client.h"

#define VERSION "00112233445566778899aabbccddeeff"
#define SHARD VERSION "-00000007.4"
#define SIZE (1024 * 1024)

typedef struct
{
  FakePeer *peer;
  PmssNodeClient *client;
  GBytes *shard;
  GAsyncResult *result;
  FakeAnswer answer;
  gboolean cut_second;          /* a connection's second request is read and not answered */
  char *target;                 /* of the last request */
  char *authorization;
  char *range;                  /* nullable */
  guint64 body;                 /* its length */
} Fixture;

static void
answer (const FakeRequest * request, FakeAnswer * out, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_free (fixture->target);
  g_free (fixture->authorization);
  g_free (fixture->range);
  fixture->range = g_strdup (request->range);
  fixture->target = g_strdup_printf ("%s %s", request->method, request->target);
  fixture->authorization = g_strdup (request->authorization);
  fixture->body = request->body->len;
  if (fixture->cut_second && request->number > 1) {
    out->text = g_strdup ("");
    out->close = TRUE;
    return;
  }
  *out = fixture->answer;
  out->text = g_strdup (fixture->answer.text);
  out->body = g_memdup2 (fixture->answer.body, fixture->answer.body_length);
}

static void
open_client (Fixture * fixture, guint timeout)
{
  PmssNode node = {.id = 3,.address = (char *) "127.0.0.1",.zone = NULL };

  node.port = fake_peer_get_port (fixture->peer);
  g_clear_object (&fixture->client);
  fixture->client = pmss_node_client_new (&node, timeout, NULL);
  pmss_node_client_set_token (fixture->client, "v4.public.x");
}

static void
set_up (Fixture * fixture, gconstpointer data)
{
  guint8 *bytes = g_malloc (SIZE);

  for (gsize i = 0; i < SIZE; i++)
    bytes[i] = i * 7 + (i >> 12);
  fixture->shard = g_bytes_new_take (bytes, SIZE);
  fixture->peer = fake_peer_new (answer, fixture, NULL);
  open_client (fixture, GPOINTER_TO_UINT (data));
}

static void
tear_down (Fixture * fixture, gconstpointer data)
{
  g_clear_object (&fixture->result);
  g_object_unref (fixture->client);
  fake_peer_free (fixture->peer);
  g_bytes_unref (fixture->shard);
  g_free (fixture->answer.text);
  g_free (fixture->answer.body);
  g_free (fixture->target);
  g_free (fixture->authorization);
  g_free (fixture->range);
}

static void
keep_result (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->result = g_object_ref (result);
}

static void
wait_for_result (Fixture * fixture)
{
  while (fixture->result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static void
set_answer (Fixture * fixture, const char *text)
{
  g_free (fixture->answer.text);
  g_free (fixture->answer.body);
  fixture->answer = (FakeAnswer) {
  .text = g_strdup (text)};
  g_clear_object (&fixture->result);
}

static gboolean
put (Fixture * fixture, GError ** error)
{
  pmss_node_client_put_async (fixture->client, SHARD, fixture->shard, NULL,
      keep_result, fixture);
  wait_for_result (fixture);
  return pmss_node_client_put_finish (fixture->client, fixture->result, error);
}

static gboolean
compare (Fixture * fixture, GError ** error)
{
  pmss_node_client_compare_async (fixture->client, SHARD, fixture->shard,
      NULL, keep_result, fixture);
  wait_for_result (fixture);
  return pmss_node_client_compare_finish (fixture->client, fixture->result,
      error);
}

static void
assert_details (const GError * error, guint status)
{
  PmssErrorDetails *details = pmss_error_get_details (error);

  g_assert_cmpuint (details->node, ==, 3);
  g_assert_cmpint (details->extent, ==, 7);
  g_assert_cmpint (details->shard, ==, 4);
  g_assert_cmpuint (details->http_status, ==, status);
  g_assert_true (g_str_has_prefix (details->peer, "127.0.0.1:"));
  g_assert_nonnull (strstr (error->message, "node 3"));
  g_assert_null (strstr (error->message, "v4.public"));
}

static void
test_put (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  set_answer (fixture, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  g_assert_true (put (fixture, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (fixture->target, ==, "PUT /v1/shards/" SHARD);
  g_assert_cmpstr (fixture->authorization, ==, "Bearer v4.public.x");
  g_assert_cmpuint (fixture->body, ==, SIZE);
  /* there already */
  set_answer (fixture, "HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n");
  g_assert_true (put (fixture, &error));
  g_assert_cmpuint (fake_peer_get_connections (fixture->peer), ==, 1);
}

/* A kept connection that dies under the second shard: it goes out whole over a new one. */
static void
test_put_again (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->cut_second = TRUE;
  set_answer (fixture, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  g_assert_true (put (fixture, &error));
  g_clear_object (&fixture->result);
  fixture->body = 0;
  g_assert_true (put (fixture, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->body, ==, SIZE);
  g_assert_cmpuint (fake_peer_get_connections (fixture->peer), ==, 2);
}

static void
test_put_refused (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  set_answer (fixture, "HTTP/1.1 507 Full\r\nContent-Length: 17\r\n"
      "Content-Type: application/problem+json\r\n\r\n{\"detail\":\"full\"}");
  g_assert_false (put (fixture, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE);
  g_assert_nonnull (strstr (error->message, "full"));
  assert_details (error, 507);
  g_clear_error (&error);
  set_answer (fixture, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  g_assert_false (put (fixture, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL);
  assert_details (error, 200);
}

/* Nothing, and next to nothing, is no progress. */
static void
test_idle (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (put (fixture, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
  assert_details (error, 0);
  g_clear_error (&error);
  set_answer (fixture, "HTTP/1.1 404 Gone\r\n\r\n");
  fixture->answer.trickle = 10;
  g_assert_false (compare (fixture, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
  assert_details (error, 0);
}

/* What would go on for ever, one small step of progress after the other. */
static void
test_deadline (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GByteArray) into = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  set_answer (fixture, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n");
  fixture->answer.slow = 1400;
  pmss_node_client_get_async (fixture->client, SHARD, into, 65536, NULL,
      keep_result, fixture);
  wait_for_result (fixture);
  g_assert_false (pmss_node_client_get_finish (fixture->client, fixture->result,
          &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "not done within"));
  g_assert_cmpuint (into->len, >, 0);
}

/* A shard of @size bytes, changed at @change (-1: not), said to be @length long. */
static void
set_shard (Fixture * fixture, gsize size, gssize change, gsize length)
{
  gsize have;
  const guint8 *bytes = g_bytes_get_data (fixture->shard, &have);

  set_answer (fixture, NULL);
  fixture->answer.text = g_strdup_printf ("HTTP/1.1 200 OK\r\n"
      "Content-Length: %zu\r\n\r\n", length);
  fixture->answer.body = g_malloc0 (size);
  fixture->answer.body_length = size;
  memcpy (fixture->answer.body, bytes, MIN (size, have));
  if (change >= 0)
    fixture->answer.body[change] ^= 1;
}

static void
check_compare (Fixture * fixture, PmssError code, const char *hint)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (compare (fixture, &error));
  g_assert_error (error, PMSS_ERROR, (int) code);
  if (strstr (error->message, hint) == NULL)
    g_error ("no \"%s\" in: %s", hint, error->message);
}

static void
test_compare (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  set_shard (fixture, SIZE, -1, SIZE);
  g_assert_true (compare (fixture, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (fixture->target, ==, "GET /v1/shards/" SHARD);
  set_shard (fixture, SIZE, 0, SIZE);
  check_compare (fixture, PMSS_ERROR_CORRUPT, "differs at byte 0 of");
  set_shard (fixture, SIZE, SIZE - 1, SIZE);
  check_compare (fixture, PMSS_ERROR_CORRUPT, "differs at byte 1048575 of");
  set_shard (fixture, SIZE - 1, -1, SIZE - 1);
  check_compare (fixture, PMSS_ERROR_CORRUPT, "ends at byte 1048575 of");
  set_shard (fixture, SIZE + 1, -1, SIZE + 1);
  check_compare (fixture, PMSS_ERROR_CORRUPT, "does not end at byte 1048576");
  set_shard (fixture, SIZE, -1, 99999999999);
  fixture->answer.endless = TRUE;
  check_compare (fixture, PMSS_ERROR_CORRUPT, "does not end at byte 1048576");
  set_shard (fixture, 1000, -1, SIZE);
  fixture->answer.close = TRUE;
  check_compare (fixture, PMSS_ERROR_UNREACHABLE, "node 3");
}

/* What was had, and why no more. */
static gsize
get (Fixture * fixture, gsize max, GError ** error)
{
  g_autoptr (GByteArray) into = g_byte_array_new ();
  gsize size;
  const guint8 *bytes = g_bytes_get_data (fixture->shard, &size);
  gboolean got;

  pmss_node_client_get_async (fixture->client, SHARD, into, max, NULL,
      keep_result, fixture);
  wait_for_result (fixture);
  got = pmss_node_client_get_finish (fixture->client, fixture->result, error);
  g_assert_true (got == (*error == NULL));
  g_assert_cmpmem (into->data, into->len, bytes, MIN (into->len, size));
  return into->len;
}

static void
test_get (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  set_shard (fixture, SIZE, -1, SIZE);
  g_assert_cmpuint (get (fixture, SIZE, &error), ==, SIZE);
  g_assert_no_error (error);
  g_assert_cmpstr (fixture->target, ==, "GET /v1/shards/" SHARD);
  set_shard (fixture, 1000, -1, 1000);
  g_assert_cmpuint (get (fixture, SIZE, &error), ==, 1000);
  g_assert_no_error (error);
  set_shard (fixture, SIZE, -1, 99999999999);
  fixture->answer.endless = TRUE;
  g_assert_cmpuint (get (fixture, SIZE - 1, &error), ==, SIZE - 1);
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);
  g_clear_error (&error);
  set_shard (fixture, 1000, -1, SIZE);
  fixture->answer.close = TRUE;
  g_assert_cmpuint (get (fixture, SIZE, &error), ==, 1000);
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE);
  /* it had begun to answer */
  g_assert_cmpuint (pmss_error_get_details (error)->http_status, ==, 200);
  g_assert_null (fixture->range);
  g_clear_error (&error);
  set_answer (fixture, "HTTP/1.1 404 Gone\r\nContent-Length: 4\r\n\r\nabcd");
  g_assert_cmpuint (get (fixture, SIZE, &error), ==, 0);
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND);
  assert_details (error, 404);
}

/* What has come is not asked for again. */
static void
test_get_rest (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GByteArray) into = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  g_byte_array_append (into, (const guint8 *) "abc", 3);
  set_answer (fixture, "HTTP/1.1 206 Part\r\nContent-Length: 4\r\n\r\ndefg");
  pmss_node_client_get_async (fixture->client, SHARD, into, SIZE, NULL,
      keep_result, fixture);
  wait_for_result (fixture);
  pmss_node_client_get_finish (fixture->client, fixture->result, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (fixture->range, ==, "bytes=3-");
  g_assert_cmpmem (into->data, into->len, "abcdefg", 7);
  /* all of it would come to a wrong place */
  set_answer (fixture, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd");
  pmss_node_client_get_async (fixture->client, SHARD, into, SIZE, NULL,
      keep_result, fixture);
  wait_for_result (fixture);
  g_assert_false (pmss_node_client_get_finish (fixture->client, fixture->result,
          &error));
}

static GPtrArray *
list (Fixture * fixture, const char *after, gboolean * more, GError ** error)
{
  pmss_node_client_list_async (fixture->client, after, NULL, NULL, keep_result,
      fixture);
  wait_for_result (fixture);
  return pmss_node_client_list_finish (fixture->client, fixture->result, more,
      error);
}

static void
check_bad_list (Fixture * fixture, const char *body)
{
  g_autofree char *text = fake_peer_answer ("200 OK", "application/json",
      body);
  g_autoptr (GError) error = NULL;

  set_answer (fixture, text);
  g_assert_null (list (fixture, VERSION "-00000002.0", NULL, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL);
  g_assert_cmpuint (pmss_error_get_details (error)->node, ==, 3);
}

#define OWNER "\"node\":3,\"instance\":\"a\","
#define ITEM(rest) "{\"name\":\"" VERSION "-" rest "\",\"size\":5}"

static void
test_list (Fixture * fixture, gconstpointer data)
{
  g_autofree char *text = fake_peer_answer ("200 OK", "application/json",
      "{" OWNER "\"shards\":[" ITEM ("00000002.1") "," ITEM ("00000003.0") "],"
      "\"next\":\"" VERSION "-00000003.0\"}");
  g_autofree char *last = fake_peer_answer ("200 OK", "application/json",
      "{" OWNER "\"shards\":[],\"next\":null}");
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GPtrArray) none = NULL;
  g_autoptr (GError) error = NULL;
  gboolean more = FALSE;

  set_answer (fixture, text);
  names = list (fixture, VERSION "-00000002.0", &more, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (fixture->target, ==,
      "GET /v1/shards?after=" VERSION "-00000002.0&limit=1000");
  g_assert_cmpuint (names->len, ==, 2);
  g_assert_cmpstr (names->pdata[1], ==, VERSION "-00000003.0");
  g_assert_true (more);
  set_answer (fixture, last);
  none = list (fixture, NULL, &more, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (fixture->target, ==, "GET /v1/shards?limit=1000");
  g_assert_cmpuint (none->len, ==, 0);
  g_assert_false (more);
}

/* An address proves nothing: the list says whose it is. */
static void
test_foreign_list (Fixture * fixture, gconstpointer data)
{
  static const struct
  {
    const char *owner, *instance;
    gboolean good;
  } cases[] = {
    {"{\"node\":3,\"instance\":\"a\",", NULL, TRUE},
    {"{\"node\":3,\"instance\":\"a\",", "a", TRUE},
    {"{\"node\":3,\"instance\":\"b\",", "a", FALSE},
    {"{\"node\":4,\"instance\":\"a\",", "a", FALSE},
    {"{\"node\":4,\"instance\":\"a\",", NULL, FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *body = g_strconcat (cases[i].owner,
        "\"shards\":[],\"next\":null}", NULL);
    g_autofree char *text = fake_peer_answer ("200 OK", "application/json",
        body);
    g_autoptr (GPtrArray) names = NULL;
    g_autoptr (GError) error = NULL;

    set_answer (fixture, text);
    pmss_node_client_list_async (fixture->client, NULL, cases[i].instance,
        NULL, keep_result, fixture);
    wait_for_result (fixture);
    names = pmss_node_client_list_finish (fixture->client, fixture->result,
        NULL, &error);
    g_assert_cmpint (names != NULL, ==, cases[i].good);
    if (!cases[i].good)
      g_assert_error (error, PMSS_ERROR, PMSS_ERROR_MISDIRECTED);
  }
}

static void
test_bad_list (Fixture * fixture, gconstpointer data)
{
  check_bad_list (fixture, "x");
  check_bad_list (fixture, "[]");
  check_bad_list (fixture, "{}");
  check_bad_list (fixture, "{\"shards\":[],\"next\":null}");
  check_bad_list (fixture, "{\"node\":3,\"shards\":[],\"next\":null}");
  check_bad_list (fixture, "{" OWNER "\"shards\":{}}");
  check_bad_list (fixture, "{" OWNER "\"shards\":[7]}");
  check_bad_list (fixture,
      "{" OWNER "\"shards\":[{\"name\":\"../etc/passwd\"}]}");
  check_bad_list (fixture, "{" OWNER "\"shards\":[" ITEM ("00000002.0") "]}");
  check_bad_list (fixture, "{" OWNER "\"shards\":[" ITEM ("00000003.0") ","
      ITEM ("00000003.0") "]}");
  check_bad_list (fixture, "{" OWNER "\"shards\":[" ITEM ("00000003.1") ","
      ITEM ("00000003.0") "]}");
  check_bad_list (fixture, "{" OWNER "\"shards\":[],\"next\":\"" SHARD "\"}");
}

/* The head comes, its body does not, on a connection that has served before: each ends, whatever its status. */
static void
test_head_alone (Fixture * fixture, gconstpointer data)
{
  static const char *const statuses[] = {
    "200 OK", "206 Partial", "301 Elsewhere", "307 Elsewhere", "400 Bad",
    "401 Who", "404 Nothing", "407 Proxy", "416 Range", "421 Other",
    "500 Oh", "503 Busy",
  };
  g_autofree char *good = fake_peer_answer ("200 OK", "application/json",
      "{" OWNER "\"shards\":[],\"next\":null}");

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++) {
    g_autofree char *head = g_strdup_printf ("HTTP/1.1 %s\r\n"
        "Location: /v1/elsewhere\r\nContent-Length: 100\r\n\r\n",
        statuses[i]);
    g_autoptr (GPtrArray) names = NULL;
    g_autoptr (GError) first = NULL, error = NULL;

    set_answer (fixture, good);
    names = list (fixture, NULL, NULL, &first);
    g_assert_no_error (first);
    set_answer (fixture, head);
    fixture->answer.trickle = 100000;
    g_test_message ("%s", statuses[i]);
    g_assert_null (list (fixture, NULL, NULL, &error));
    g_assert_nonnull (error);
    g_test_message ("%s", error->message);
  }
}

static void
test_delete (Fixture * fixture, gconstpointer data)
{
  static const char *const answers[] = {
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++) {
    g_autoptr (GError) error = NULL;

    set_answer (fixture, answers[i]);
    pmss_node_client_delete_async (fixture->client, SHARD, NULL, keep_result,
        fixture);
    wait_for_result (fixture);
    g_assert_true (pmss_node_client_delete_finish (fixture->client,
            fixture->result, &error) == (i < 2));
    if (i == 2)
      g_assert_error (error, PMSS_ERROR, PMSS_ERROR_FORBIDDEN);
  }
  g_assert_cmpstr (fixture->target, ==, "DELETE /v1/shards/" SHARD);
}

static gboolean
probe (Fixture * fixture, GError ** error)
{
  pmss_node_client_probe_async (fixture->client, NULL, keep_result, fixture);
  wait_for_result (fixture);
  return pmss_node_client_probe_finish (fixture->client, fixture->result,
      error);
}

/* Any answer is one; one that does not end is none. */
static void
test_probe (Fixture * fixture, gconstpointer data)
{
  g_autofree char *endless = g_strconcat ("HTTP/1.1 200 OK\r\n",
      "Content-Length: 4000\r\n\r\n", NULL);
  g_autoptr (GError) error = NULL;

  set_answer (fixture, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  g_assert_true (probe (fixture, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (fixture->target, ==, "GET /healthz");
  g_assert_null (fixture->authorization);
  set_answer (fixture, "HTTP/1.1 503 Not now\r\nContent-Length: 0\r\n\r\n");
  g_assert_true (probe (fixture, &error));
  set_answer (fixture, "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n");
  g_assert_true (probe (fixture, &error));
  set_answer (fixture, endless);
  open_client (fixture, 1);
  g_assert_false (probe (fixture, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
}

static void
test_cancel (Fixture * fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  pmss_node_client_put_async (fixture->client, SHARD, fixture->shard,
      cancellable, keep_result, fixture);
  while (fake_peer_get_connections (fixture->peer) == 0)
    g_main_context_iteration (NULL, TRUE);
  g_cancellable_cancel (cancellable);
  wait_for_result (fixture);
  g_assert_false (pmss_node_client_put_finish (fixture->client,
          fixture->result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

#define ADD(name, func, timeout) \
  g_test_add ("/node-client/" name, Fixture, GUINT_TO_POINTER (timeout), \
      set_up, func, tear_down)

int
main (int argc, char **argv)
{
  alarm (600);
  g_test_init (&argc, &argv, NULL);
  ADD ("put", test_put, 30);
  ADD ("put-again", test_put_again, 30);
  ADD ("put-refused", test_put_refused, 30);
  ADD ("idle", test_idle, 1);
  ADD ("deadline", test_deadline, 2);
  ADD ("compare", test_compare, 30);
  ADD ("get", test_get, 30);
  ADD ("get-rest", test_get_rest, 30);
  ADD ("list", test_list, 30);
  ADD ("bad-list", test_bad_list, 30);
  ADD ("foreign-list", test_foreign_list, 30);
  ADD ("head-alone", test_head_alone, 1);
  ADD ("delete", test_delete, 30);
  ADD ("probe", test_probe, 30);
  ADD ("cancel", test_cancel, 30);
  return g_test_run ();
}
