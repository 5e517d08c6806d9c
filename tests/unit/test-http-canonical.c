/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The head that an engine gets in place of a peer's: the same request, and one
 * reading of it. */
#include <string.h>

#include "head-reader.h"

#define HOST "Host: x\r\n"
#define EXPECT "Expect: 100-Continue\r\n"

static void
test_canonical (void)
{
  static const struct
  {
    const char *text;
    const char *canonical;
  } all[] = {
    {"\r\nGET /a%2fb?c=d HTTP/1.1\r\nHost:y:1\r\nRange: bytes=0-1\r\n"
          "Accept-Encoding: gzip\r\nUpgrade: h2c\r\nTE: trailers\r\n"
          "Connection: Upgrade, TE\r\nContent-Length: 0\r\n\r\n",
        "GET /a%2fb?c=d HTTP/1.1\r\nHost: pmss\r\n\r\n"},
    {"PUT / HTTP/1.1\r\n" HOST EXPECT "content-length: 007\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: pmss\r\n\r\n"},
    {"PUT / HTTP/1.1\r\n" HOST EXPECT "\r\n",
        "PUT / HTTP/1.1\r\nHost: pmss\r\nConnection: close\r\n\r\n"},
    {"GET / HTTP/1.0\r\nHost: y\r\nConnection: keep-alive\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: pmss\r\nConnection: close\r\n\r\n"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    g_autoptr (PmssHttpHead) head = parse_head (all[i].text);
    g_autofree char *canonical = write_head (head);

    g_assert_cmpstr (canonical, ==, all[i].canonical);
  }
}

static const char *
any_of (const char *const *strings, guint n)
{
  return strings[g_test_rand_int_range (0, n)];
}

static void
append_fields (GString * text)
{
  static const char *const fields[] = { "Connection: close", "connection:x , y",
    "Content-Length: 0", "content-length:12", "Content-Length: +1", "A: b",
    "Expect: 100-continue", "Expect: 200-ok", "Range: bytes=0-", "B:\t\xff ",
    "Range: bytes=0-1,2-3", "Transfer-Encoding: chunked", "A: \x01", " A: b",
    "Cookie: a=b", "Authorization: Bearer c", "Accept: */*", "no field"
  };
  guint n = g_test_rand_int_range (0, 4);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s\r\n", any_of (fields,
            G_N_ELEMENTS (fields)));
}

static GString *
make_head (void)
{
  static const char *const methods[] = { "GET", "HEAD", "PUT", "POST", "PATCH",
    "DELETE", "OPTIONS", "put", "B(D"
  };
  static const char *const parts[] = { "/", "a", "%20", "%C3%A4", "%2f", "?",
    "&", "=", "b", "+", ";", ":@", "~", "..", "%00", "#", "%", " "
  };
  static const char *const versions[] = { "1.1", "1.1", "1.1", "1.0", "2.0" };
  static const char *const hosts[] = { HOST, HOST, "host:[::1]:80\r\n", "",
    "HOST: \t127.0.0.1 \r\n", "Host: ?\r\n"
  };
  GString *text = g_string_new (g_test_rand_bit ()? "" : "\r\n");
  /* most are good: the bad parts are at the tables' ends */
  guint n = g_test_rand_int_range (0, 8), all = G_N_ELEMENTS (parts) - 4;

  if (g_test_rand_int_range (0, 4) == 0)
    all += 4;
  g_string_append_printf (text, "%s /", any_of (methods,
          g_test_rand_bit ()? 7 : G_N_ELEMENTS (methods)));
  for (guint i = 0; i < n; i++)
    g_string_append (text, any_of (parts, all));
  g_string_append_printf (text, " HTTP/%s\r\n", any_of (versions,
          G_N_ELEMENTS (versions)));
  append_fields (text);
  g_string_append (text, any_of (hosts, G_N_ELEMENTS (hosts)));
  append_fields (text);
  g_string_append (text, "\r\n");
  return text;
}

/* Changes a byte, or adds one, or takes one away. */
static void
spoil (GString * text)
{
  static const char bytes[] = "\r\n\0 \t:%,/?\x7f\x80" "a1";
  char byte = bytes[g_test_rand_int_range (0, sizeof bytes - 1)];
  gsize at = g_test_rand_int_range (0, text->len);

  switch (g_test_rand_int_range (0, 3)) {
    case 0:
      text->str[at] = byte;
      break;
    case 1:
      g_string_insert_c (text, at, byte);
      break;
    default:
      g_string_erase (text, at, 1);
  }
}

/* Returns whether it is a head. */
static gboolean
assert_one_reading (const GString * text)
{
  static const guint statuses[] = { 400, 411, 414, 416, 417, 431, 501, 505 };
  g_autoptr (PmssHttpHead) head = NULL, split = NULL;
  guint status = read_head (text->str, text->len, text->len, &head);
  gsize step = g_test_rand_int_range (1, text->len);
  gboolean known = status == 0;

  g_assert_cmpuint (read_head (text->str, text->len, step, &split), ==, status);
  g_assert_true ((head != NULL) == (split != NULL));
  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    known |= status == statuses[i];
  g_assert_true (known);
  if (head == NULL)
    return FALSE;
  assert_canonical (head);
  assert_canonical (split);
  return TRUE;
}

static void
test_any (void)
{
  guint heads = 0;

  for (guint i = 0; i < 3000; i++) {
    g_autoptr (GString) text = make_head ();

    heads += assert_one_reading (text);
    spoil (text);
    heads += assert_one_reading (text);
  }
  /* else little of it was tried */
  g_assert_cmpuint (heads, >, 300);
  g_assert_cmpuint (heads, <, 5700);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http-canonical/canonical", test_canonical);
  g_test_add_func ("/http-canonical/any", test_any);
  return g_test_run ();
}
