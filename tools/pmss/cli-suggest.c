/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words that are near to what was typed; pure. */
#include "cli-suggest.h"

#include <string.h>

/* A third of a word may be wrong. */
#define SHARE 3
#define MAX_WORD 512            /* characters that are compared */

static guint
min3 (guint a, guint b, guint c)
{
  return MIN (MIN (a, b), c);
}

/* @rows: the last two before @now, and @now: distances of the first i characters of a to all beginnings of b. */
static void
fill_row (guint * rows[3], const gunichar * a, glong i, const gunichar * b,
    glong length)
{
  guint *now = rows[2], *last = rows[1];

  now[0] = (guint) i;
  for (glong j = 1; j <= length; j++) {
    now[j] = min3 (last[j] + 1, now[j - 1] + 1,
        last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
    if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
      now[j] = MIN (now[j], rows[0][j - 2] + 1);
  }
}

guint
pmss_edit_distance (const char *a, const char *b)
{
  glong n, m;
  g_autofree gunichar *from = g_utf8_to_ucs4_fast (a, -1, &n);
  g_autofree gunichar *to = g_utf8_to_ucs4_fast (b, -1, &m);
  g_autofree guint *memory = NULL;
  guint *rows[3];

  n = MIN (n, MAX_WORD);
  m = MIN (m, MAX_WORD);
  memory = g_new (guint, 3 * (gsize) (m + 1));
  for (guint i = 0; i < 3; i++)
    rows[i] = memory + i * (gsize) (m + 1);
  for (glong j = 0; j <= m; j++)
    rows[2][j] = (guint) j;
  for (glong i = 1; i <= n; i++) {
    guint *oldest = rows[0];

    rows[0] = rows[1];
    rows[1] = rows[2];
    rows[2] = oldest;
    fill_row (rows, from, i, to, m);
  }
  return rows[2][m];
}

void
pmss_suggestion_init (PmssSuggestion * suggestion, const char *typed)
{
  suggestion->typed = typed;
  suggestion->best = NULL;
  suggestion->distance = 0;
}

void
pmss_suggestion_add (PmssSuggestion * suggestion, const char *word)
{
  guint limit, distance;

  if (!g_utf8_validate (suggestion->typed, -1, NULL))
    return;
  limit = MAX ((guint) g_utf8_strlen (suggestion->typed, -1) / SHARE, 1);
  distance = pmss_edit_distance (suggestion->typed, word);
  if (distance > limit || (suggestion->best &&
          distance >= suggestion->distance))
    return;
  g_free (suggestion->best);
  suggestion->best = g_strdup (word);
  suggestion->distance = distance;
}

void
pmss_suggestion_clear (PmssSuggestion * suggestion)
{
  g_clear_pointer (&suggestion->best, g_free);
}
