/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parses JSON from strangers. Pure; any thread. */

#include "pmss-json.h"

#include <string.h>

#include "pmss-error.h"

/* Parsing: the strict grammar, without building anything: json-glib does that
 * afterwards from a text that is known to be sound. */

typedef struct
{
  const char *start, *at, *end;
  guint depth;
  const char *problem;
} Scan;

static gboolean scan_value (Scan * scan);

static gboolean
scan_fail (Scan * scan, const char *problem)
{
  if (scan->problem == NULL)
    scan->problem = problem;
  return FALSE;
}

static int
peek (Scan * scan)
{
  return scan->at < scan->end ? (guchar) * scan->at : -1;
}

static gboolean
accept (Scan * scan, char c)
{
  if (peek (scan) != c)
    return FALSE;
  scan->at++;
  return TRUE;
}

static void
skip_space (Scan * scan)
{
  while (peek (scan) == ' ' || peek (scan) == '\t' || peek (scan) == '\n'
      || peek (scan) == '\r')
    scan->at++;
}

static gboolean
scan_hex4 (Scan * scan, guint * value)
{
  *value = 0;
  for (guint i = 0; i < 4; i++, scan->at++) {
    if (peek (scan) < 0 || !g_ascii_isxdigit (*scan->at))
      return scan_fail (scan, "a bad escape");
    *value = *value << 4 | g_ascii_xdigit_value (*scan->at);
  }
  return TRUE;
}

/* after "\u" */
static gboolean
scan_unicode_escape (Scan * scan)
{
  guint high, low;

  if (!scan_hex4 (scan, &high))
    return FALSE;
  if (high == 0)
    return scan_fail (scan, "U+0000 in a string");
  if (high < 0xd800 || high > 0xdfff)
    return TRUE;
  if (high > 0xdbff || !accept (scan, '\\') || !accept (scan, 'u')
      || !scan_hex4 (scan, &low) || low < 0xdc00 || low > 0xdfff)
    return scan_fail (scan, "half a surrogate pair");
  return TRUE;
}

static gboolean
scan_string (Scan * scan)
{
  if (!accept (scan, '"'))
    return scan_fail (scan, "a string is missing");
  for (;;) {
    int c = peek (scan);

    if (c < 0x20)
      return scan_fail (scan, c < 0 ? "a string without end"
          : "a control character in a string");
    scan->at++;
    if (c == '"')
      return TRUE;
    if (c != '\\')
      continue;

    c = peek (scan);
    if (c <= 0 || strchr ("\"\\/bfnrtu", c) == NULL)
      return scan_fail (scan, "a bad escape");
    scan->at++;
    if (c == 'u' && !scan_unicode_escape (scan))
      return FALSE;
  }
}

/* Returns how many there are; @value saturates. */
static guint
scan_digits (Scan * scan, guint64 * value)
{
  guint n = 0;

  for (; peek (scan) >= '0' && peek (scan) <= '9'; n++) {
    guint digit = *scan->at++ - '0';

    if (*value > (G_MAXUINT64 - digit) / 10)
      *value = G_MAXUINT64;
    else
      *value = *value * 10 + digit;
  }
  return n;
}

static gboolean
scan_number (Scan * scan)
{
  guint64 integer = 0, ignored = 0;
  gboolean is_integer = TRUE;
  guint n;

  accept (scan, '-');
  n = peek (scan) == '0' ? (scan->at++, 1) : scan_digits (scan, &integer);
  if (n == 0)
    return scan_fail (scan, "a value is missing");
  if (accept (scan, '.')) {
    is_integer = FALSE;
    if (scan_digits (scan, &ignored) == 0)
      return scan_fail (scan, "a number without digits after its point");
  }
  if (accept (scan, 'e') || accept (scan, 'E')) {
    is_integer = FALSE;
    if (!accept (scan, '+'))
      accept (scan, '-');
    if (scan_digits (scan, &ignored) == 0)
      return scan_fail (scan, "a number without digits in its exponent");
  }
  if (is_integer && integer > G_MAXINT64)
    return scan_fail (scan, "an integer that does not fit 64 bits");
  return TRUE;
}

static gboolean
scan_word (Scan * scan, const char *word)
{
  gsize n = strlen (word);

  if ((gsize) (scan->end - scan->at) < n || memcmp (scan->at, word, n) != 0)
    return scan_fail (scan, "a word that is none");
  scan->at += n;
  return TRUE;
}

static gboolean
scan_member (Scan * scan)
{
  skip_space (scan);
  if (!scan_string (scan))
    return FALSE;
  skip_space (scan);
  if (!accept (scan, ':'))
    return scan_fail (scan, "a colon is missing");
  return scan_value (scan);
}

/* An object or array, after its bracket. */
static gboolean
scan_container (Scan * scan, char close, gboolean (*element) (Scan *))
{
  if (++scan->depth > PMSS_JSON_MAX_DEPTH)
    return scan_fail (scan, "too many levels");
  skip_space (scan);
  if (!accept (scan, close)) {
    do {
      if (!element (scan))
        return FALSE;
    } while (accept (scan, ','));
    if (!accept (scan, close))
      return scan_fail (scan, "a comma or closing bracket is missing");
  }
  scan->depth--;
  return TRUE;
}

static gboolean
scan_bare_value (Scan * scan)
{
  switch (peek (scan)) {
    case '{':
      scan->at++;
      return scan_container (scan, '}', scan_member);
    case '[':
      scan->at++;
      return scan_container (scan, ']', scan_value);
    case '"':
      return scan_string (scan);
    case 't':
      return scan_word (scan, "true");
    case 'f':
      return scan_word (scan, "false");
    case 'n':
      return scan_word (scan, "null");
    default:
      return scan_number (scan);
  }
}

static gboolean
scan_value (Scan * scan)
{
  skip_space (scan);
  if (!scan_bare_value (scan))
    return FALSE;
  skip_space (scan);
  return TRUE;
}

gboolean
pmss_json_check (const char *text, gsize length, GError ** error)
{
  /* no bytes may be no pointer */
  const char *start = length > 0 ? text : "";
  Scan scan = {.start = start,.at = start,.end = start + length };

  if (!g_utf8_validate_len (start, length, NULL)) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "Not JSON: it is not UTF-8");
    return FALSE;
  }
  if (scan_value (&scan) && scan.at < scan.end)
    scan_fail (&scan, "something follows its end");
  if (scan.problem != NULL) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "Not JSON: %s at byte %" G_GSIZE_FORMAT, scan.problem,
        (gsize) (scan.at - scan.start));
    return FALSE;
  }
  return TRUE;
}

/* A member that comes again replaces the first one: then there were more
 * members than the object has. */
typedef struct
{
  GHashTable *members;          /* of open objects: object -> count so far */
  gboolean twice;
} MemberCount;

static void
on_member (JsonParser * parser, JsonObject * object, const char *name,
    MemberCount * count)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (count->members, object));

  g_hash_table_insert (count->members, object, GUINT_TO_POINTER (n + 1));
}

static void
on_object_end (JsonParser * parser, JsonObject * object, MemberCount * count)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (count->members, object));

  if (n != json_object_get_size (object))
    count->twice = TRUE;
  g_hash_table_remove (count->members, object);
}

JsonNode *
pmss_json_parse (const char *text, gsize length, GError ** error)
{
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (GHashTable) members = NULL;
  g_autoptr (GError) problem = NULL;
  MemberCount count = { 0 };

  if (!pmss_json_check (text, length, error))
    return NULL;

  parser = json_parser_new ();
  members = count.members = g_hash_table_new (NULL, NULL);
  g_signal_connect (parser, "object-member", G_CALLBACK (on_member), &count);
  g_signal_connect (parser, "object-end", G_CALLBACK (on_object_end), &count);
  if (!json_parser_load_from_data (parser, text, length, &problem)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "Not JSON: %s",
        problem->message);
    return NULL;
  }
  if (count.twice) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "Not good JSON: a member comes twice in an object");
    return NULL;
  }
  return json_parser_steal_root (parser);
}
