/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-text.h"

/* What people write: each character is needed. */
static const char *const good[] = {
  "", "films/sintel.webm", "a b  c", "Übergröße", "日本語の映画",
  "Ελλάδα",
  "Привет", "שלום", "مرحبا", "한국어", "ไทย",
  "a\u00a0b", "\u3000",
  "e\u0301",                    /* not composed, but all of it shows */
  "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",   /* Persian, ZWNJ */
  "\u0dc1\u0dca\u200d\u0dbb\u0dd3",     /* Sinhala, ZWJ behind a virama */
  "\u0915\u094d\u200d\u0937",   /* Devanagari */
  "\u0628\u200d\u0628",
  "\U0001f468\u200d\U0001f469\u200d\U0001f467", /* a family */
  "\U0001f469\U0001f3fd\u200d\U0001f680",       /* an astronaut with a skin */
  "\u2764\ufe0f\u200d\U0001f525", "\U0001f3f3\ufe0f\u200d\U0001f308",
  "\U0001f642\u200d\u2194\ufe0f", "1\ufe0f\u20e3", "#\ufe0f\u20e3",
  "\u2139\ufe0f", "\u00a9\ufe0e", "\u203c\ufe0f",
  /* England's flag */
  "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
  "\u845b\U000e0100",           /* a variant of a character of a name */
  "\u2229\ufe00", "\u1820\u180b\u1820", "\u1820\u180e\u1820",
  "\u0600\u0661",               /* a sign that Unicode calls a format */
  "\ue000",                     /* private, and shows in its font */
  "\ufffd", "\U0001f1e9\U0001f1ea",
};

/* One thing is hidden in each; and what is left when it is cleaned. */
static const struct
{
  const char *text;
  const char *clean;
} bad[] = {
  {"\033[31mred", " [31mred"}, {"a\nb", "a b"}, {"a\r\nb", "a  b"},
  {"a\tb", "a b"}, {"\x7f", " "}, {"\xc2\x9b" "1m", " 1m"}, {"a\xc2\x85", "a "},
  {"a\u2028b", "a b"}, {"a\u2029b", "a b"},
  {"\u202egpj.exe", "gpj.exe"}, {"a\u202ab\u202c", "ab"}, {"\u2066x\u2069",
      "x"},
  {"\u200ea", "a"}, {"a\u200f", "a"}, {"\u061c\u0628", "\u0628"},
  {"a\u200bb", "ab"}, {"\ufeff" "a", "a"}, {"a\u00ad" "b", "ab"},
  {"a\u2060b", "ab"}, {"a\u2061b", "ab"}, {"a\u206fb", "ab"},
  {"a\u034fb", "ab"}, {"\u115f\u1160", ""}, {"\u3164", ""}, {"\uffa0", ""},
  {"a\ufff9" "b\ufffa" "c\ufffb", "abc"}, {"\U0001d173", ""},
  {"\U0001bca0", ""}, {"\ufdd0", ""}, {"\U0010ffff", ""}, {"\U000e0001", ""},
  /* joiners where there is nothing to join */
  {"a\u200db", "ab"}, {"a\u200cb", "ab"}, {"\u200d\u0628", "\u0628"},
  {"\u0628\u200c", "\u0628"}, {"\u0628\u200c\u200c\u0628", "\u0628\u0628"},
  {"\u0628\u200ca", "\u0628a"}, {"\U0001f468\u200d", "\U0001f468"},
  {"\U0001f468\u200c\U0001f469", "\U0001f468\U0001f469"},
  {"\u200d\u200d", ""}, {"\u65e5\u200d\u672c", "\u65e5\u672c"},
  /* selectors that select nothing */
  {"a\ufe0f", "a"}, {"\ufe0f", ""}, {"1\ufe0f", "1"}, {"a\U000e0100", "a"},
  {"\u2764\ufe0f\ufe0f", "\u2764\ufe0f"}, {"a\u180b", "a"}, {"\u180e", ""},
  /* tags that make no flag; one that takes another's neighbour away */
  {"a\U000e0067\U000e007f", "a"}, {"\U0001f3f4\U000e0067", "\U0001f3f4"},
  {"\U0001f3f4\U000e007f", "\U0001f3f4"},
  {"\U0001f3f4\U000e0067\U000e007f\U000e0067\U000e007f",
      "\U0001f3f4\U000e0067\U000e007f"},
  {"\u0628\u200d\u202e\u0628", "\u0628\u0628"},
  /* no UTF-8: a half of a surrogate pair, an overlong slash, a lone byte */
  {"a\xed\xa0\x80", "a\ufffd\ufffd\ufffd"}, {"\xc0\xaf", "\ufffd\ufffd"},
  {"\xff", "\ufffd"},
};

static void
test_good (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *clean = pmss_text_clean (good[i]);

    if (!pmss_text_check (good[i], "It", &error))
      g_error ("'%s': %s", good[i], error->message);
    g_assert_cmpstr (clean, ==, good[i]);
  }
}

static void
test_bad (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *clean = pmss_text_clean (bad[i].text);

    if (pmss_text_check (bad[i].text, "It", &error))
      g_error ("taken: number %u", i);
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
    g_assert_true (g_str_has_prefix (error->message, "It "));
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
    if (!g_str_equal (clean, bad[i].clean))
      g_test_message ("number %u", i);
    g_assert_cmpstr (clean, ==, bad[i].clean);
  }
}

/* What is said of the first one. */
static void
test_error (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (pmss_text_check ("ab\u202e\033", "The title", &error));
  g_assert_nonnull (strstr (error->message, "The title has the character "
          "U+202E at byte 2"));
}

static void
test_name (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_text_check_name ("\u00e9", "The name", NULL));
  g_assert_true (pmss_text_check_name ("x\u0301", "The name", NULL));
  g_assert_false (pmss_text_check_name ("e\u0301", "The name", &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "composed"));
  /* the sign for ohm is the letter omega */
  g_assert_false (pmss_text_check_name ("\u2126", "The name", NULL));
  g_assert_false (pmss_text_check_name ("a\u200b", "The name", NULL));
}

/* Each character by itself: no control, no format and nothing that GLib shows
 * without a width is let through, but for the signs and marks that do show. */
static void
test_all (void)
{
  guint shown = 0;

  for (gunichar c = 1; c < 0x110000; c++) {
    char text[7] = "";
    GUnicodeType type = g_unichar_type (c);

    if (c >= 0xd800 && c < 0xe000)
      continue;
    g_unichar_to_utf8 (c, text);
    if (!pmss_text_shows (text, text))
      continue;
    shown++;
    g_assert_cmpint (type, !=, G_UNICODE_CONTROL);
    g_assert_cmpint (type, !=, G_UNICODE_LINE_SEPARATOR);
    g_assert_cmpint (type, !=, G_UNICODE_PARAGRAPH_SEPARATOR);
    if (type == G_UNICODE_FORMAT)
      g_assert_true ((c >= 0x600 && c < 0x900) || (c >= 0x110bd
              && c <= 0x1343f));
    else if (g_unichar_iszerowidth (c))
      g_assert_true (g_unichar_ismark (c) || (c >= 0x1160 && c < 0x1200)
          || (c >= 0xd7b0 && c < 0xd800));
  }
  g_assert_cmpuint (shown, >, 1000000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/text/good", test_good);
  g_test_add_func ("/text/bad", test_bad);
  g_test_add_func ("/text/error", test_error);
  g_test_add_func ("/text/name", test_name);
  g_test_add_func ("/text/all", test_all);
  return g_test_run ();
}
