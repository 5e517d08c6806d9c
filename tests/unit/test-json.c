/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "libpmss/pmss-json-writer.h"

static JsonNode *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = pmss_json_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  g_assert_nonnull (node);
  return node;
}

static void
test_accepts (void)
{
  static const char *const good[] = {
    "{}", "[]", " { } ", "0", "-1", "1.5e-3", "\"\"", "true", "null",
    "{\"a\":[1,2,{\"b\":null}],\"c\":\"d\"}", "[1,\n\t2 ,\r3]",
    "9223372036854775807", "-9223372036854775807", "\"\\u00e4\\n\\/\\\\\"",
    "\"\\ud83d\\ude00\"", "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    json_node_unref (parse (good[i]));
}

static void
test_refuses (void)
{
  static const char *const bad[] = {
    "", " ", "{", "}", "[", "[1", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}",
    "{'a':1}", "[1 2]", "{}{}", "{} x", "// c\n{}", "/* c */{}", "[/**/]",
    "var x = {};", "01", "+1", "1.", ".5", "1e", "0x10", "-", "NaN",
    "Infinity", "nul", "True", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u0000\"",
    "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83d\\u0041\"", "\"a\nb\"", "\"\x01\"",
    "9223372036854775808", "-9223372036854775808", "18446744073709551616",
    "99999999999999999999999999999999999999", "\"\xff\"", "\xef\xbb\xbf{}",
    "{\"a\":1,\"a\":2}", "{\"b\":{\"a\":1,\"a\":1}}",
    "{\"a\":1,\"\\u0061\":2}", "[{\"a\":{},\"a\":{}}]",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", bad[i]);
    g_assert_null (pmss_json_parse (bad[i], strlen (bad[i]), &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  }
  g_assert_null (pmss_json_parse ("1\0", 2, NULL));
  g_assert_null (pmss_json_parse (NULL, 0, NULL));
}

static void
test_depth (void)
{
  for (guint depth = 1; depth < 1000000; depth = depth < 40 ? depth + 1
      : depth * 10) {
    GString *text = g_string_new (NULL);
    g_autoptr (JsonNode) node = NULL;

    for (guint i = 0; i < depth; i++)
      g_string_append_c (text, '[');
    for (guint i = 0; i < depth; i++)
      g_string_append_c (text, ']');
    node = pmss_json_parse (text->str, text->len, NULL);
    g_assert_cmpint (node != NULL, ==, depth <= PMSS_JSON_MAX_DEPTH);
    g_string_free (text, TRUE);
  }
}

static char *
finish (PmssJsonWriter * json)
{
  g_autoptr (GBytes) bytes = pmss_json_writer_finish (json);

  return g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

static void
test_writes (void)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autofree char *text = NULL, *empty = NULL;

  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "a\"b");
  pmss_json_writer_begin_array (json);
  pmss_json_writer_add_int_value (json, G_MININT64);
  pmss_json_writer_add_double_value (json, 0.25);
  pmss_json_writer_add_double_value (json, 1.0 / 0.0);
  pmss_json_writer_add_boolean_value (json, TRUE);
  pmss_json_writer_begin_object (json);
  pmss_json_writer_end_object (json);
  pmss_json_writer_begin_array (json);
  pmss_json_writer_end_array (json);
  pmss_json_writer_add_json (json, "[1]x", 3);
  pmss_json_writer_end_array (json);
  pmss_json_writer_set_member_name (json, "n");
  pmss_json_writer_add_null_value (json);
  pmss_json_writer_set_member_name (json, "s");
  pmss_json_writer_add_string_value (json, NULL);
  pmss_json_writer_end_object (json);
  text = finish (json);
  g_assert_cmpstr (text, ==, "{\"a\\\"b\":[-9223372036854775808,0.25,null,"
      "true,{},[],[1]],\"n\":null,\"s\":null}");
  /* the next document is a new one */
  pmss_json_writer_add_int_value (json, 1);
  empty = finish (json);
  g_assert_cmpstr (empty, ==, "1");
}

/* Every string comes back as it was. */
static void
test_writes_strings (void)
{
  g_autoptr (GString) every = g_string_new ("Zo\u00eb \U0001f600 / ");
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;

  for (guint c = 1; c < 0x80; c++)
    g_string_append_c (every, (char) c);
  g_string_append (every, "\"\"\\\n");
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, every->str);
  pmss_json_writer_add_string_value (json, every->str);
  pmss_json_writer_end_object (json);
  text = finish (json);
  node = parse (text);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (node),
          every->str), ==, every->str);
  for (const char *c = text; *c != '\0'; c++)
    g_assert_cmpint ((guchar) * c, >=, 0x20);
}

static void
test_decodes (void)
{
  g_autoptr (JsonNode) node = parse ("{\"s\":\"\\ud83d\\ude00\\u00e4/\\/\","
      "\"i\":-7,\"d\":2.5e2,\"t\":true,\"n\":null,\"a\":[1,2],\"o\":{},"
      "\"when\":\"2026-01-31T12:00:01Z\"}");
  JsonObject *object = pmss_json_object (node, "it", NULL);
  JsonObject *inner;
  JsonArray *array;
  const char *text;
  gint64 number;
  double real;
  gboolean yes;

  g_assert_true (pmss_json_get_string (object, "s", 100, &text, NULL));
  g_assert_cmpstr (text, ==, "😀ä//");
  g_assert_true (pmss_json_get_int (object, "i", -7, -7, &number, NULL));
  g_assert_cmpint (number, ==, -7);
  g_assert_true (pmss_json_get_double (object, "d", 0, 250, &real, NULL));
  g_assert_cmpfloat (real, ==, 250);
  g_assert_true (pmss_json_get_double (object, "i", -10, 0, &real, NULL));
  g_assert_cmpfloat (real, ==, -7);
  g_assert_true (pmss_json_get_boolean (object, "t", &yes, NULL));
  g_assert_true (yes);
  g_assert_true (pmss_json_get_array (object, "a", 2, &array, NULL));
  g_assert_true (pmss_json_element_int (array, 1, "a", 0, 9, &number, NULL));
  g_assert_cmpint (number, ==, 2);
  g_assert_true (pmss_json_get_object (object, "o", &inner, NULL));
  g_assert_true (pmss_json_get_time (object, "when", &number, NULL));
  g_assert_cmpint (number, ==, 1769860801);
  g_assert_true (pmss_json_has (object, "s"));
  g_assert_false (pmss_json_has (object, "n"));
  g_assert_false (pmss_json_has (object, "x"));
}

static void
test_types (void)
{
  static const char *const values[] = {
    "1", "1.5", "\"x\"", "true", "null", "[]", "{}", "1.0", "1e999",
  };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autofree char *text = g_strdup_printf ("{\"v\":%s}", values[i]);
    g_autoptr (JsonNode) node = parse (text);
    JsonObject *object = json_node_get_object (node);
    JsonObject *inner;
    JsonArray *array;
    const char *string;
    gint64 number;
    double real;
    gboolean yes;

    g_assert_cmpint (pmss_json_get_int (object, "v", 0, 9, &number, NULL), ==,
        i == 0);
    g_assert_cmpint (pmss_json_get_double (object, "v", 0, 9, &real, NULL),
        ==, i == 0 || i == 1 || i == 7);
    g_assert_cmpint (pmss_json_get_string (object, "v", 9, &string, NULL), ==,
        i == 2);
    g_assert_cmpint (pmss_json_get_boolean (object, "v", &yes, NULL), ==,
        i == 3);
    g_assert_cmpint (pmss_json_get_array (object, "v", 9, &array, NULL), ==,
        i == 5);
    g_assert_cmpint (pmss_json_get_object (object, "v", &inner, NULL), ==,
        i == 6);
    g_assert_false (pmss_json_get_time (object, "v", &number, NULL));
    g_assert_false (pmss_json_get_int (object, "w", 0, 9, &number, NULL));
  }
}

static void
test_limits (void)
{
  static const char *const names[] = { "i", "s", "a", NULL };
  g_autoptr (JsonNode) node = parse ("{\"i\":5,\"s\":\"abc\",\"a\":[1,2,3]}");
  JsonObject *object = json_node_get_object (node);
  g_autoptr (GError) error = NULL;
  JsonArray *array;
  const char *text;
  gint64 number;

  g_assert_false (pmss_json_get_int (object, "i", 6, 9, &number, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "“i”"));
  g_assert_false (pmss_json_get_int (object, "i", 0, 4, &number, NULL));
  g_assert_false (pmss_json_get_string (object, "s", 2, &text, NULL));
  g_assert_false (pmss_json_get_array (object, "a", 2, &array, NULL));
  g_assert_true (pmss_json_check_members (object, names, NULL));
  g_assert_false (pmss_json_check_members (object, names + 1, NULL));
}

static void
test_times (void)
{
  static const char *const bad[] = {
    "", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00+00:00",
    "2026-01-31 12:00:00Z", "2026-01-32T12:00:00Z", "2026-02-29T12:00:00Z",
    "2026-13-01T12:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z",
    "2026-01-31T12:00:60Z", "0000-01-01T00:00:00Z", "2026-01-31t12:00:00z",
    "2026-01-31T12:00:00.0Z", "+026-01-31T12:00:00Z",
  };
  static const gint64 good[] =
      { -62135596800, -42789254400, 0, 1, 951782400, 1769860800, 253402300799 };
  gint64 seconds;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (pmss_json_parse_time (bad[i], &seconds));
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autofree char *text = pmss_json_format_time (good[i]);

    g_assert_true (pmss_json_parse_time (text, &seconds));
    g_assert_cmpint (seconds, ==, good[i]);
  }
  g_assert_null (pmss_json_format_time (G_MAXINT64));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/accepts", test_accepts);
  g_test_add_func ("/json/refuses", test_refuses);
  g_test_add_func ("/json/depth", test_depth);
  g_test_add_func ("/json/writes", test_writes);
  g_test_add_func ("/json/writes-strings", test_writes_strings);
  g_test_add_func ("/json/decodes", test_decodes);
  g_test_add_func ("/json/types", test_types);
  g_test_add_func ("/json/limits", test_limits);
  g_test_add_func ("/json/times", test_times);
  return g_test_run ();
}
