/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hidden characters, by Unicode's categories and scripts as GLib knows them. */
#include "pmss-text.h"

#include <string.h>

#include "pmss-error.h"

#define ZWNJ 0x200c
#define ZWJ 0x200d
#define TEXT_STYLE 0xfe0e       /* variation selectors 15 */
#define EMOJI_STYLE 0xfe0f      /* and 16 */
#define BLACK_FLAG 0x1f3f4      /* the base of flags that are written in tags */
#define LAST_TAG 0xe007f
#define VIRAMA 9                /* combining class */

typedef struct
{
  gunichar first, last;
} Range;

static gboolean
is_among (gunichar c, const Range * ranges, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    if (c >= ranges[i].first && c <= ranges[i].last)
      return TRUE;
  }
  return FALSE;
}

/* Of category Cf, and yet signs that show, or that shape those beside them. */
static gboolean
is_visible_format (gunichar c)
{
  static const Range signs[] = {
    {0x0600, 0x0605}, {0x06dd, 0x06dd}, {0x070f, 0x070f}, {0x0890, 0x0891},
    {0x08e2, 0x08e2}, {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
    {0x13430, 0x1343f},
  };

  return is_among (c, signs, G_N_ELEMENTS (signs));
}

/* Of other categories, and nothing is seen of them: joiners of no effect,
 * fillers, and places that Unicode keeps for such. */
static gboolean
is_blank (gunichar c)
{
  static const Range blanks[] = {
    {0x034f, 0x034f}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x2065, 0x2065},
    {0x3164, 0x3164}, {0xfdd0, 0xfdef}, {0xffa0, 0xffa0}, {0xfff0, 0xfff8},
    {0xe0000, 0xe00ff}, {0xe01f0, 0xe0fff},
  };

  return is_among (c, blanks, G_N_ELEMENTS (blanks)) || (c & 0xfffe) == 0xfffe;
}

/* Shows nothing wherever it stands. */
static gboolean
is_hidden (gunichar c)
{
  switch (g_unichar_type (c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return TRUE;
    case G_UNICODE_FORMAT:
      return !is_visible_format (c);
    default:
      return is_blank (c);
  }
}

static gboolean
is_tag (gunichar c)
{
  return c >= 0xe0020 && c <= LAST_TAG;
}

static gboolean
is_variation (gunichar c)
{
  return (c >= 0xfe00 && c <= EMOJI_STYLE) || (c >= 0xe0100 && c <= 0xe01ef);
}

static gboolean
is_mongolian_format (gunichar c)
{
  return c >= 0x180b && c <= 0x180f;
}

/* Parts of emoji: pictures, their skin, arrows and the letter i. */
static gboolean
is_picture (gunichar c)
{
  switch (g_unichar_type (c)) {
    case G_UNICODE_OTHER_SYMBOL:
      return TRUE;
    case G_UNICODE_MODIFIER_SYMBOL:
      return c >= 0x1f3fb && c <= 0x1f3ff;
    default:
      return c == 0x203c || c == 0x2049 || c == 0x2139 || c == 0x3030
          || (c >= 0x2190 && c <= 0x21ff);
  }
}

/* Scripts whose letters join, or whose conjuncts are asked for or refused. */
static gboolean
is_joining (gunichar c)
{
  switch (g_unichar_get_script (c)) {
    case G_UNICODE_SCRIPT_ARABIC:
    case G_UNICODE_SCRIPT_SYRIAC:
    case G_UNICODE_SCRIPT_NKO:
    case G_UNICODE_SCRIPT_MONGOLIAN:
    case G_UNICODE_SCRIPT_MANDAIC:
    case G_UNICODE_SCRIPT_ADLAM:
    case G_UNICODE_SCRIPT_HANIFI_ROHINGYA:
      return g_unichar_isalpha (c) || g_unichar_ismark (c);
    default:
      return g_unichar_combining_class (c) == VIRAMA;
  }
}

static gboolean
is_letter_of (gunichar c, GUnicodeScript script)
{
  return (g_unichar_isalpha (c) || g_unichar_ismark (c))
      && g_unichar_get_script (c) == script;
}

/* Between two letters that would join, or behind a virama; a ZWJ between two
 * parts of one picture, too (RFC 5892, A.1 and A.2, and UTS #51). */
static gboolean
joiner_is_needed (gunichar joiner, gunichar before, gunichar after)
{
  if (joiner == ZWJ && is_picture (after)
      && (is_picture (before) || before == EMOJI_STYLE))
    return TRUE;
  return is_joining (before)
      && is_letter_of (after, g_unichar_get_script (before));
}

/* Behind a base that has variants. */
static gboolean
variation_is_needed (gunichar selector, gunichar before, gunichar after)
{
  if (selector == EMOJI_STYLE && after == 0x20e3)
    return before < 0x80 && (g_ascii_isdigit (before) || strchr ("#*",
            (int) before));
  if (selector == TEXT_STYLE || selector == EMOJI_STYLE)
    return is_picture (before);
  switch (g_unichar_get_script (before)) {
    case G_UNICODE_SCRIPT_HAN:
    case G_UNICODE_SCRIPT_MYANMAR:
    case G_UNICODE_SCRIPT_PHAGS_PA:
    case G_UNICODE_SCRIPT_MANICHAEAN:
      return g_unichar_isalpha (before);
    default:
      return g_unichar_type (before) == G_UNICODE_MATH_SYMBOL;
  }
}

/* 0: there is none, or it is no UTF-8. */
static gunichar
get_char (const char *at)
{
  gunichar c = at && *at ? g_utf8_get_char_validated (at, -1) : 0;

  return c == (gunichar) - 1 || c == (gunichar) - 2 ? 0 : c;
}

static gunichar
get_before (const char *text, const char *at)
{
  return at > text ? get_char (g_utf8_find_prev_char (text, at)) : 0;
}

/* A black flag, tags, and the last tag: the flag of a part of a country. */
static gboolean
tag_is_needed (const char *text, const char *at)
{
  const char *p = at;
  gunichar c;

  while (is_tag (c = get_before (text, p)) && c != LAST_TAG)
    p = g_utf8_find_prev_char (text, p);
  if (c != BLACK_FLAG || get_char (p) == LAST_TAG)
    return FALSE;
  while (is_tag (c = get_char (at)) && c != LAST_TAG)
    at = g_utf8_next_char (at);
  return c == LAST_TAG;
}

gboolean
pmss_text_shows (const char *text, const char *at)
{
  gunichar c = get_char (at), before, after;

  if (c == 0)
    return FALSE;
  if (is_tag (c))
    return tag_is_needed (text, at);
  before = get_before (text, at);
  after = get_char (g_utf8_next_char (at));
  if (c == ZWNJ || c == ZWJ)
    return before && after && joiner_is_needed (c, before, after);
  if (is_variation (c))
    return before && variation_is_needed (c, before, after);
  if (is_mongolian_format (c))
    return is_letter_of (before, G_UNICODE_SCRIPT_MONGOLIAN);
  return !is_hidden (c);
}

gboolean
pmss_text_check (const char *text, const char *what, GError ** error)
{
  if (!g_utf8_validate (text, -1, NULL)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "%s is not UTF-8",
        what);
    return FALSE;
  }
  for (const char *p = text; *p; p = g_utf8_next_char (p)) {
    if (pmss_text_shows (text, p))
      continue;
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "%s has the character U+%04X at byte %" G_GSIZE_FORMAT ", which is "
        "invisible or changes the order of others: leave it out", what,
        g_utf8_get_char (p), (gsize) (p - text));
    return FALSE;
  }
  return TRUE;
}

/* NULL: nothing is hidden in @text. */
static char *
clean_once (const char *text)
{
  GString *out = g_string_new (NULL);
  gboolean changed = FALSE;

  for (const char *p = text; *p; p = g_utf8_next_char (p)) {
    if (pmss_text_shows (text, p)) {
      g_string_append_len (out, p, g_utf8_next_char (p) - p);
      continue;
    }
    changed = TRUE;
    switch (g_unichar_type (g_utf8_get_char (p))) {
      case G_UNICODE_CONTROL:
      case G_UNICODE_LINE_SEPARATOR:
      case G_UNICODE_PARAGRAPH_SEPARATOR:
        g_string_append_c (out, ' ');
        break;
      default:
        break;
    }
  }
  if (changed)
    return g_string_free (out, FALSE);
  g_string_free (out, TRUE);
  return NULL;
}

/* What goes takes neighbours from others, which may need them. */
char *
pmss_text_clean (const char *text)
{
  char *clean = g_utf8_make_valid (text, -1);
  char *next;

  while ((next = clean_once (clean)) != NULL) {
    g_free (clean);
    clean = next;
  }
  return clean;
}

gboolean
pmss_text_check_name (const char *name, const char *what, GError ** error)
{
  g_autofree char *composed = NULL;

  if (!pmss_text_check (name, what, error))
    return FALSE;
  composed = g_utf8_normalize (name, -1, G_NORMALIZE_NFC);
  if (g_str_equal (composed, name))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "%s is not written in composed characters (Unicode NFC): another one "
      "could look the same", what);
  return FALSE;
}
