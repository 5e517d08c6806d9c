/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of heads alone: bytes go in, a request or a status comes out. */
#include <string.h>

#include "head-reader.h"

#define HOST "Host: x\r\n"
/* A string, NULs inside included, and its size. */
#define BYTES(text) (text), sizeof (text) - 1

typedef struct
{
  const char *bytes;
  gsize size;
  guint status;                 /* to refuse with */
} Bad;

static void
assert_status (const char *bytes, gsize size, guint status)
{
  static const gsize steps[] = { G_MAXUINT16, 1, 7 };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    g_autoptr (PmssHttpHead) head = NULL;
    guint got = read_head (bytes, size, steps[i], &head);

    if (got != status)
      g_test_message ("asked: %.300s", bytes);
    g_assert_cmpuint (got, ==, status);
    g_assert_true ((head != NULL) == (status == 0));
  }
}

static void
assert_all_refused (const Bad * bad, guint n)
{
  for (guint i = 0; i < n; i++)
    assert_status (bad[i].bytes, bad[i].size, bad[i].status);
}

static void
test_request_line (void)
{
  static const Bad bad[] = {
    {BYTES ("\r\nGET\r\n" HOST "\r\n"), 400},
    {BYTES ("GET \r\n" HOST "\r\n"), 400},
    {BYTES ("GET /\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / \r\n" HOST "\r\n"), 400},
    {BYTES ("GET  HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\t\r\n" HOST "\r\n"), 400},
    {BYTES (" GET / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET /\ta HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET /a b HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("G(T / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("G\xc3\xa4T / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / http/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1.10\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1,1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / XTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/0.9\r\n" HOST "\r\n"), 505},
    {BYTES ("GET / HTTP/1.2\r\n" HOST "\r\n"), 505},
    {BYTES ("GET / HTTP/2.0\r\n" HOST "\r\n"), 505},
    {BYTES ("PRI * HTTP/2.0\r\n\r\n"), 505},
    {BYTES ("BREW / HTTP/1.1\r\n" HOST "\r\n"), 501},
    {BYTES ("get / HTTP/1.1\r\n" HOST "\r\n"), 501},
    {BYTES ("CONNECT x:80 HTTP/1.1\r\n" HOST "\r\n"), 501},
    {BYTES ("TRACE / HTTP/1.1\r\n" HOST "\r\n"), 501},
  };
  static const char *const methods[] = {
    "GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"
  };

  assert_all_refused (bad, G_N_ELEMENTS (bad));
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++) {
    g_autofree char *text =
        g_strconcat (methods[i], " /a/b?c HTTP/1.1\r\n" HOST "\r\n", NULL);
    g_autoptr (PmssHttpHead) head = parse_head (text);

    g_assert_cmpstr (head->method, ==, methods[i]);
    g_assert_cmpstr (head->target, ==, "/a/b?c");
    g_assert_cmpstr (head->path, ==, "/a/b");
    g_assert_cmpuint (head->minor, ==, 1);
  }
}

/* Bytes that a line may not have, whatever the line is. */
static void
test_line_ends (void)
{
  static const Bad bad[] = {
    {BYTES ("\nGET / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("\rGET / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\n" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\nHost: x\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\nHost: x\r\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "\r\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "A: b\nc\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "A: b\r\n\tc: d\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n " HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST " \r\n\r\n"), 400},
    {BYTES ("\0GET / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\0\r\n" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n\0" HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\nHo\0st: x\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\nHost: x\r\0\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "\r\0\n"), 400},
  };

  assert_all_refused (bad, G_N_ELEMENTS (bad));
}

static void
test_fields (void)
{
  static const Bad bad[] = {
    {BYTES ("GET / HTTP/1.1\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "nonsense\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "A\t: b\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "A b: c\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "A\"b: c\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "\xc3\xa4: c\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "A: \x1b[1m\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "A: b\x7f\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST HOST "\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "hOST: y\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\nHost: \t \r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\nHost: x, y\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\nHost: anna@x\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.0\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST
              "Authorization: a\r\nauthorization: a\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "Range: bytes=0-1\r\n"
              "Range: bytes=0-1\r\n\r\n"), 400},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "Range: bytes=0-1,3-4\r\n\r\n"), 416},
  };
  g_autoptr (PmssHttpHead) head = parse_head ("GET / HTTP/1.1\r\nhOST:x:80\r\n"
      "A:\r\nB: \t\r\nC:\t c \t d\t \r\nD:e:f\r\nHostname: y\r\n"
      "Content-Length-Was: 1\r\n!#$%&'*+-.^_`|~9z: \xc3\xa4\xff\r\n"
      "c: again\r\n\r\n");

  assert_all_refused (bad, G_N_ELEMENTS (bad));
  g_assert_cmpuint (head->n_fields, ==, 9);
  g_assert_cmpstr (head->fields[0].name, ==, "hOST");
  g_assert_cmpstr (pmss_http_head_get_field (head, "Host"), ==, "x:80");
  g_assert_cmpstr (pmss_http_head_get_field (head, "A"), ==, "");
  g_assert_cmpstr (pmss_http_head_get_field (head, "b"), ==, "");
  g_assert_cmpstr (pmss_http_head_get_field (head, "C"), ==, "c \t d");
  g_assert_cmpstr (pmss_http_head_get_field (head, "D"), ==, "e:f");
  g_assert_cmpstr (head->fields[7].name, ==, "!#$%&'*+-.^_`|~9z");
  g_assert_cmpstr (head->fields[7].value, ==, "\xc3\xa4\xff");
  g_assert_cmpstr (head->fields[8].value, ==, "again");
  g_assert_null (pmss_http_head_get_field (head, "Hos"));
  g_assert_null (pmss_http_head_get_field (head, "E"));
}

static void
test_framing (void)
{
#define PUT "PUT / HTTP/1.1\r\n" HOST
  static const Bad bad[] = {
    {BYTES (PUT "Content-Length:\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: +3\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: -1\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: 0x3\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: 3a\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: 3.0\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: 3 3\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: 3, 3\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: 9223372036854775808\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: 18446744073709551616\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: 18446744073709551619\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: 3\r\nContent-Length: 3\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: 3\r\ncontent-length: 4\r\n\r\n"), 400},
    {BYTES (PUT "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
        400},
    {BYTES (PUT "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"),
        400},
    {BYTES (PUT "Transfer-Encoding:\r\nContent-Length: 3\r\n\r\n"), 400},
    {BYTES (PUT "Transfer-Encoding: chunked\r\n\r\n"), 411},
    {BYTES (PUT "Transfer-Encoding: cHUNKED\r\n\r\n"), 411},
    {BYTES (PUT "Transfer-Encoding:\r\n\r\n"), 501},
    {BYTES (PUT "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501},
    {BYTES (PUT "Transfer-Encoding: identity\r\n\r\n"), 501},
    {BYTES (PUT "Expect: tea\r\n\r\n"), 417},
    {BYTES (PUT "Expect:\r\n\r\n"), 417},
    {BYTES ("GET / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n"), 400},
    {BYTES ("HEAD / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n"), 400},
    {BYTES ("DELETE / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n"), 400},
  };
  static const struct
  {
    const char *text;
    gboolean has_length;
    guint64 length;
  } good[] = {
    {PUT "\r\n", FALSE, 0},
    {PUT "Content-Length: 0\r\n\r\n", TRUE, 0},
    {PUT "Content-Length:3\r\n\r\n", TRUE, 3},
    {PUT "content-LENGTH: \t007 \r\n\r\n", TRUE, 7},
    {PUT "Content-Length: 9223372036854775807\r\n\r\n", TRUE, G_MAXINT64},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", TRUE, 0},
  };

  assert_all_refused (bad, G_N_ELEMENTS (bad));
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (PmssHttpHead) head = parse_head (good[i].text);

    g_assert_cmpint (head->framing.has_length, ==, good[i].has_length);
    g_assert_cmpuint (head->framing.length, ==, good[i].length);
    g_assert_false (head->framing.expects_continue);
    g_assert_true (head->keep_alive);
  }
}

/* Which request is the last one of its connection, and which waits for leave
 * to send its body. */
static void
test_connection (void)
{
#define EXPECT "Expect: 100-Continue\r\n"
  static const struct
  {
    const char *text;
    gboolean keep_alive;
    gboolean expects_continue;
  } all[] = {
    {PUT "Connection: keep-alive\r\n\r\n", TRUE, FALSE},
    {PUT "Connection: closed\r\n\r\n", TRUE, FALSE},
    {PUT "Connection:\r\n\r\n", TRUE, FALSE},
    {PUT "Connection: close\r\n\r\n", FALSE, FALSE},
    {PUT "Connection: te,, CLOSE ,x\r\n\r\n", FALSE, FALSE},
    {PUT "Connection: te\r\nconnection: close\r\n\r\n", FALSE, FALSE},
    {PUT EXPECT "Content-Length: 1\r\n\r\n", TRUE, TRUE},
    {PUT EXPECT "Content-Length: 0\r\n\r\n", FALSE, TRUE},
    {PUT EXPECT "\r\n", FALSE, TRUE},
    {"PUT / HTTP/1.0\r\n" HOST "\r\n", FALSE, FALSE},
    {"PUT / HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n", FALSE, FALSE},
    {"PUT / HTTP/1.0\r\n" HOST EXPECT "Content-Length: 1\r\n\r\n", FALSE,
        FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    g_autoptr (PmssHttpHead) head = parse_head (all[i].text);

    g_test_message ("%s", all[i].text);
    g_assert_cmpint (head->keep_alive, ==, all[i].keep_alive);
    g_assert_cmpint (head->framing.expects_continue, ==,
        all[i].expects_continue);
  }
}

static void
assert_target (const char *target, guint status)
{
  g_autofree char *text =
      g_strdup_printf ("GET %s HTTP/1.1\r\n" HOST "\r\n", target);

  assert_status (text, strlen (text), status);
}

static void
test_targets (void)
{
  static const char *const good[] = { "/", "//", "//a/b", "/a/../b", "/.", "/?",
    "/??", "/a?b=c", "/a:b@c;d,e", "/-._~!$&'()*+,;=:@", "/%20", "/%C3%A4",
    "/%f0%9f%8e%ac", "/%2F", "/%25", "/?&&", "/?a=%26&b=%3d"
  };
  static const char *const bad[] = { "*", "a", "http://x/", "x:80", "?a", "%2f",
    "/#", "/\"", "/<", "/>", "/\\", "/^", "/`", "/{", "/|", "/[", "/\x7f",
    "/\x01", "/\xc3\xa4", "/%", "/%a", "/%zz", "/%0", "/%%", "/%00", "/a%00b",
    "/%0A", "/%0d", "/%7f", "/%C2%85", "/%ff", "/%c3", "/%c0%af",
    "/%ed%a0%80", "/?%00", "/?a=%0a", "/?a=1&a=2", "/?a=1&%61=2", "/?=&=",
    "/?a&a"
  };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    assert_target (good[i], 0);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_target (bad[i], 400);
}

static void
test_parameters (void)
{
  g_autoptr (PmssHttpHead) head =
      parse_head ("GET /a%20b?c=d%20e+f&%67=%3D?&h&i= " "HTTP/1.1\r\n" HOST
      "\r\n");
  g_autoptr (PmssHttpHead) none =
      parse_head ("GET /a HTTP/1.1\r\n" HOST "\r\n");

  g_assert_cmpstr (head->path, ==, "/a%20b");
  g_assert_cmpstr (pmss_http_head_get_parameter (head, "c"), ==, "d e+f");
  g_assert_cmpstr (pmss_http_head_get_parameter (head, "g"), ==, "=?");
  g_assert_cmpstr (pmss_http_head_get_parameter (head, "h"), ==, "");
  g_assert_cmpstr (pmss_http_head_get_parameter (head, "i"), ==, "");
  g_assert_null (pmss_http_head_get_parameter (head, "j"));
  g_assert_null (none->parameters);
  g_assert_null (pmss_http_head_get_parameter (none, "c"));
}

/* --- how large it may be --- */

/* @filler as often as it takes to @size bytes, between @before and @after. */
static GString *
fill_to (gsize size, const char *before, char filler, const char *after)
{
  GString *text = g_string_new (before);

  while (text->len + strlen (after) < size)
    g_string_append_c (text, filler);
  g_string_append (text, after);
  g_assert_cmpuint (text->len, ==, size);
  return text;
}

static void
assert_filled (gsize size, const char *before, const char *after, guint status)
{
  g_autoptr (GString) text = fill_to (size, before, 'x', after);

  assert_status (text->str, text->len, status);
}

static void
test_size (void)
{
  static const char before[] = "GET / HTTP/1.1\r\n" HOST "A: ";
  static const char after[] = "\r\n\r\n";

  g_assert_cmpuint (PMSS_HTTP_HEAD_MAX, ==, 32 * 1024);
  assert_filled (PMSS_HTTP_HEAD_MAX, before, after, 0);
  assert_filled (PMSS_HTTP_HEAD_MAX + 1, before, after, 431);
  /* one that does not end is refused all the same */
  assert_filled (PMSS_HTTP_HEAD_MAX + 1, before, "", 431);
}

/* Empty lines in front count. */
static void
test_empty_lines (void)
{
  static const char request[] = "GET /a HTTP/1.1\r\n" HOST "\r\n";
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (PmssHttpHead) head = NULL;

  while (text->len + strlen (request) + 2 <= PMSS_HTTP_HEAD_MAX)
    g_string_append (text, "\r\n");
  g_string_append (text, request);
  head = parse_head (text->str);
  g_assert_cmpstr (head->method, ==, "GET");
  g_string_prepend (text, "\r\n");
  assert_status (text->str, text->len, 431);
}

static void
assert_n_fields (guint n, const char *end, guint status)
{
  g_autoptr (GString) text = g_string_new ("GET / HTTP/1.1\r\n" HOST);

  for (guint i = 1; i < n; i++)
    g_string_append_printf (text, "A-%u: b\r\n", i);
  g_string_append (text, end);
  assert_status (text->str, text->len, status);
}

static void
assert_n_parameters (guint n, guint status)
{
  g_autoptr (GString) target = g_string_new ("/?");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (target, "%s%u=b", i > 0 ? "&" : "", i);
  assert_target (target->str, status);
}

static void
test_numbers (void)
{
  g_autoptr (GString) longest = fill_to (8000, "/", 'x', "");

  assert_n_fields (100, "\r\n", 0);
  assert_n_fields (101, "\r\n", 431);
  assert_n_fields (101, "A", 431);
  assert_n_parameters (64, 0);
  assert_n_parameters (65, 414);
  assert_target (longest->str, 0);
  g_string_append_c (longest, 'x');
  assert_target (longest->str, 414);
}

/* A request line that goes on and on tells why it is refused by what there is
 * of it. */
static void
test_endless_lines (void)
{
  assert_filled (10000, "GET /", "", 414);
  assert_filled (10000, "", "", 501);
  assert_filled (10000, "<", "", 400);
  assert_filled (10000, "(T /", "", 400);
  /* behind empty ones, too */
  assert_filled (10000, "\r\n\r\nGET /", "", 414);
}

/* --- where it ends --- */

static void
test_scan (void)
{
  static const char two[] = "\r\n\r\nGET /a HTTP/1.1\r\n" HOST "\r\n"
      "PUT /b HTTP/1.1\r\n";
  const gsize first = strstr (two, "PUT") - two;
  PmssHttpHeadScan scan = { 0 };
  const char *detail = NULL;
  PmssHttpHead *head = NULL;
  gsize size = 1;

  for (gsize come = 0; come < first; come++) {
    g_assert_cmpuint (pmss_http_head_scan (&scan, two, come, &size, &detail),
        ==, 0);
    g_assert_cmpuint (size, ==, 0);
  }
  g_assert_cmpuint (pmss_http_head_scan (&scan, two, strlen (two), &size,
          &detail), ==, 0);
  g_assert_cmpuint (size, ==, first);
  /* a whole head and nothing else */
  g_assert_cmpuint (pmss_http_head_parse (two, first - 1, &head, &detail), ==,
      400);
  g_assert_cmpuint (pmss_http_head_parse (two, first + 1, &head, &detail), ==,
      400);
  g_assert_cmpuint (pmss_http_head_parse (two, 0, &head, &detail), ==, 400);
  g_assert_null (head);
  g_assert_cmpuint (pmss_http_head_parse (two, first, &head, &detail), ==, 0);
  pmss_http_head_free (head);
}

/* Also of one that is refused, or not whole. */
static void
test_is_head (void)
{
  g_assert_true (pmss_http_head_is_head (BYTES ("HEAD ")));
  g_assert_true (pmss_http_head_is_head (BYTES ("\r\n\r\nHEAD * x")));
  g_assert_false (pmss_http_head_is_head (BYTES ("")));
  g_assert_false (pmss_http_head_is_head (BYTES ("\r\n")));
  g_assert_false (pmss_http_head_is_head ("HEAD ", 4));
  g_assert_false (pmss_http_head_is_head (BYTES ("HEADER ")));
  g_assert_false (pmss_http_head_is_head (BYTES ("head / ")));
  g_assert_false (pmss_http_head_is_head (BYTES ("GET /\r\nHEAD ")));
}

/* A head that is refused is not waited for to its end. */
static void
test_refused_early (void)
{
  static const char bad[] = "GET / HTTP/1.1\r\nA: b\nmore";
  PmssHttpHeadScan scan = { 0 };
  const char *detail = NULL;
  gsize size, at = strchr (bad, 'b') + 1 - bad;

  g_assert_cmpuint (pmss_http_head_scan (&scan, bad, at, &size, &detail), ==,
      0);
  g_assert_cmpuint (pmss_http_head_scan (&scan, bad, at + 1, &size, &detail),
      ==, 400);
  g_assert_nonnull (detail);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http-head/request-line", test_request_line);
  g_test_add_func ("/http-head/line-ends", test_line_ends);
  g_test_add_func ("/http-head/fields", test_fields);
  g_test_add_func ("/http-head/framing", test_framing);
  g_test_add_func ("/http-head/connection", test_connection);
  g_test_add_func ("/http-head/targets", test_targets);
  g_test_add_func ("/http-head/parameters", test_parameters);
  g_test_add_func ("/http-head/size", test_size);
  g_test_add_func ("/http-head/empty-lines", test_empty_lines);
  g_test_add_func ("/http-head/numbers", test_numbers);
  g_test_add_func ("/http-head/endless-lines", test_endless_lines);
  g_test_add_func ("/http-head/scan", test_scan);
  g_test_add_func ("/http-head/is-head", test_is_head);
  g_test_add_func ("/http-head/refused-early", test_refused_early);
  return g_test_run ();
}
