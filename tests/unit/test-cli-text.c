/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tools/pmss/cli-text.h"

static void
check_taken (char *text, const char *expected)
{
  g_assert_cmpstr (text, ==, expected);
  g_free (text);
}

static void
test_escape (void)
{
  check_taken (pmss_cli_escape (NULL), "-");
  check_taken (pmss_cli_escape (""), "");
  check_taken (pmss_cli_escape ("films/ü 日本.webm"),
      "films/ü 日本.webm");
  check_taken (pmss_cli_escape ("\033[31mred\r\n\t"),
      "\\x1b[31mred\\x0d\\x0a\\x09");
  check_taken (pmss_cli_escape ("\x7f\xc2\x9b" "1m"), "\\x7f\\x9b1m");
  check_taken (pmss_cli_escape ("a\xff\xfe" "b\xc3"), "a\\xff\\xfeb\\xc3");
  check_taken (pmss_cli_escape ("\xe2\x80\xae" "gpj.exe"), "\\u202egpj.exe");
  check_taken (pmss_cli_escape ("\xff\u202e\xff\ufe0f"),
      "\\xff\\u202e\\xff\\ufe0f");
  check_taken (pmss_cli_escape ("a\U000e0041"), "a\\U000e0041");
  /* an emoji of several parts is one picture */
  check_taken (pmss_cli_escape ("\U0001f468\u200d\U0001f469"),
      "\U0001f468\u200d\U0001f469");
}

static void
test_numbers (void)
{
  check_taken (pmss_cli_size (0), "0 B");
  check_taken (pmss_cli_size (999), "999 B");
  check_taken (pmss_cli_size (1000), "1.0 kB");
  check_taken (pmss_cli_size (99949), "99.9 kB");
  check_taken (pmss_cli_size (99950), "100 kB");
  check_taken (pmss_cli_size (999499), "999 kB");
  check_taken (pmss_cli_size (999500), "1.0 MB");
  check_taken (pmss_cli_size (G_MAXUINT64), "18.4 EB");
  check_taken (pmss_cli_rate (8000000), "8.0 Mbit/s");
  check_taken (pmss_cli_duration (0), "0:00");
  check_taken (pmss_cli_duration (G_GUINT64_CONSTANT (59999999999)), "0:59");
  check_taken (pmss_cli_duration (G_GUINT64_CONSTANT (3723) * 1000000000),
      "1:02:03");
}

static void
test_cut (void)
{
  check_taken (pmss_cli_cut ("films", 5), "films");
  check_taken (pmss_cli_cut ("films", 4), "fil…");
  check_taken (pmss_cli_cut ("films", 1), "…");
  /* two columns each, and none */
  check_taken (pmss_cli_cut ("日本語", 5), "日本…");
  check_taken (pmss_cli_cut ("日本語", 4), "日…");
  check_taken (pmss_cli_cut ("e\xcc\x81tude", 4), "e\xcc\x81tu…");
}

static void
test_time (void)
{
  g_setenv ("TZ", "UTC-2", TRUE);
  check_taken (pmss_cli_time ("2026-01-31T23:00:59Z"), "2026-02-01 01:00");
  check_taken (pmss_cli_time ("soon\n"), "soon\\x0a");
  check_taken (pmss_cli_time (NULL), "-");
}

static void
test_age (void)
{
  check_taken (pmss_cli_age (-1), "0 s");
  check_taken (pmss_cli_age (59), "59 s");
  check_taken (pmss_cli_age (60), "1 min");
  check_taken (pmss_cli_age (12 * 60 + 59), "12 min");
  check_taken (pmss_cli_age (2 * 3600), "2 h");
  check_taken (pmss_cli_age (48 * 3600), "2 days");
  check_taken (pmss_cli_age (G_MAXINT64), "106751991167300 days");
  g_assert_null (pmss_cli_age_since (NULL));
  g_assert_null (pmss_cli_age_since ("soon"));
}

static void
test_sentence (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *today = g_date_time_format (now, "since %FT%TZ");
  g_autofree char *words = NULL;

  g_setenv ("TZ", "UTC-2", TRUE);
  check_taken (pmss_cli_sentence ("no heartbeat since 2026-01-31T23:00:59Z."),
      "no heartbeat since 2026-02-01 01:00:59.");
  check_taken (pmss_cli_sentence ("at 2026-99-31T23:00:59Z"),
      "at 2026-99-31T23:00:59Z");
  check_taken (pmss_cli_sentence ("a\033b"), "a\\x1bb");
  words = pmss_cli_sentence (today);
  g_assert_true (g_regex_match_simple ("^since \\d\\d:\\d\\d:\\d\\d$",
          words, 0, 0));
}

static void
test_shell_word (void)
{
  check_taken (pmss_cli_shell_word ("plain/name.webm"), "plain/name.webm");
  check_taken (pmss_cli_shell_word (""), "''");
  check_taken (pmss_cli_shell_word ("a b"), "'a b'");
  check_taken (pmss_cli_shell_word ("$(reboot)"), "'$(reboot)'");
}

/* Answers that are not what was expected read as nothing. */
static void
test_json (void)
{
  g_autoptr (JsonNode) node = json_from_string
      ("{\"s\": \"x\", \"n\": 7, \"d\": 1.5, \"neg\": -3, \"big\": 1e30,"
      " \"null\": null, \"o\": {}, \"a\": [1, {\"n\": 2}], \"t\": true}", NULL);
  g_autoptr (GError) error = NULL;
  JsonObject *object = pmss_cli_json_root (node, &error);
  JsonArray *array = pmss_cli_json_array (object, "a");

  g_assert_no_error (error);
  g_assert_cmpstr (pmss_cli_json_string (object, "s"), ==, "x");
  g_assert_null (pmss_cli_json_string (object, "n"));
  g_assert_null (pmss_cli_json_string (object, "null"));
  g_assert_null (pmss_cli_json_string (object, "absent"));
  g_assert_null (pmss_cli_json_string (NULL, "s"));
  g_assert_cmpuint (pmss_cli_json_number (object, "n"), ==, 7);
  g_assert_cmpuint (pmss_cli_json_number (object, "d"), ==, 1);
  g_assert_cmpuint (pmss_cli_json_number (object, "neg"), ==, 0);
  g_assert_cmpuint (pmss_cli_json_number (object, "big"), ==, 0);
  g_assert_cmpuint (pmss_cli_json_number (object, "s"), ==, 0);
  g_assert_cmpuint (pmss_cli_json_number (object, "t"), ==, 0);
  g_assert_cmpfloat (pmss_cli_json_double (object, "d"), ==, 1.5);
  g_assert_true (pmss_cli_json_boolean (object, "t"));
  g_assert_false (pmss_cli_json_boolean (object, "n"));
  g_assert_false (pmss_cli_json_boolean (object, "absent"));
  g_assert_nonnull (pmss_cli_json_object (object, "o"));
  g_assert_null (pmss_cli_json_object (object, "a"));
  g_assert_null (pmss_cli_json_element (array, 0));
  g_assert_cmpuint (pmss_cli_json_number (pmss_cli_json_element (array, 1),
          "n"), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli-text/escape", test_escape);
  g_test_add_func ("/cli-text/cut", test_cut);
  g_test_add_func ("/cli-text/numbers", test_numbers);
  g_test_add_func ("/cli-text/time", test_time);
  g_test_add_func ("/cli-text/age", test_age);
  g_test_add_func ("/cli-text/sentence", test_sentence);
  g_test_add_func ("/cli-text/shell-word", test_shell_word);
  g_test_add_func ("/cli-text/json", test_json);
  return g_test_run ();
}
