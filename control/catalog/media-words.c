/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a search. Pure. */
#include "control/catalog/media-words.h"

#include <string.h>

/* More of them narrow a search by little. */
#define MAX_TRIGRAMS 24

struct _PmssMediaWords
{
  GPtrArray *words;             /* folded */
};

/* By way of the upper case, so that both forms of a small sigma are one. */
static gunichar
fold_char (gunichar c)
{
  if (c < 0x80)
    return (gunichar) g_ascii_tolower ((gchar) c);
  return g_unichar_tolower (g_unichar_toupper (c));
}

static void
append_folded (GString * to, const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if ((guchar) * p < 0x80)
      g_string_append_c (to, g_ascii_tolower (*p));
    else
      g_string_append_unichar (to, fold_char (g_utf8_get_char (p)));
}

static void
add_word (PmssMediaWords * self, GString * word)
{
  if (word->len > 0 && self->words->len < PMSS_MAX_WORDS)
    g_ptr_array_add (self->words, g_strdup (word->str));
  g_string_truncate (word, 0);
}

static void
split (PmssMediaWords * self, const char *folded)
{
  g_autoptr (GString) word = g_string_new (NULL);

  for (const char *p = folded; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (g_unichar_isspace (c))
      add_word (self, word);
    else
      g_string_append_unichar (word, c);
  }
  add_word (self, word);
}

PmssMediaWords *
pmss_media_words_new (const char *text)
{
  g_autoptr (PmssMediaWords) self = g_new0 (PmssMediaWords, 1);
  g_autoptr (GString) folded = g_string_new (NULL);
  g_autofree char *composed = g_utf8_normalize (text, -1, G_NORMALIZE_NFC);

  self->words = g_ptr_array_new_with_free_func (g_free);
  append_folded (folded, composed != NULL ? composed : "");
  split (self, folded->str);
  return self->words->len > 0 ? g_steal_pointer (&self) : NULL;
}

void
pmss_media_words_free (PmssMediaWords * self)
{
  g_ptr_array_unref (self->words);
  g_free (self);
}

gboolean
pmss_media_words_match (const PmssMediaWords * self, const char *name,
    const char *title)
{
  g_autoptr (GString) text = g_string_sized_new (128);

  append_folded (text, name);
  /* no word has a line's end in it */
  g_string_append_c (text, '\n');
  append_folded (text, title != NULL ? title : "");
  for (guint i = 0; i < self->words->len; i++)
    if (strstr (text->str, self->words->pdata[i]) == NULL)
      return FALSE;
  return TRUE;
}

/* As a string of FTS5: a quotation mark in it is doubled. */
static void
add_trigram (GString * query, const char *at, const char *end)
{
  if (query->len > 0)
    g_string_append (query, " AND ");
  g_string_append_c (query, '"');
  for (const char *p = at; p < end; p++) {
    if (*p == '"')
      g_string_append_c (query, '"');
    g_string_append_c (query, *p);
  }
  g_string_append_c (query, '"');
}

char *
pmss_media_words_trigrams (const PmssMediaWords * self)
{
  g_autoptr (GString) query = g_string_new (NULL);
  guint n = 0;

  for (guint i = 0; i < self->words->len; i++) {
    const char *word = self->words->pdata[i];
    glong length = g_utf8_strlen (word, -1);

    for (glong at = 0; at + 3 <= length && n < MAX_TRIGRAMS; at++, n++) {
      add_trigram (query, word, g_utf8_offset_to_pointer (word, 3));
      word = g_utf8_next_char (word);
    }
  }
  return n > 0 ? g_string_free (g_steal_pointer (&query), FALSE) : NULL;
}

/* ASCII, or without upper and lower case, as Hangul and Han are. */
static gboolean
has_sure_case (const char *word)
{
  for (const char *p = word; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (c >= 0x80 && (g_unichar_toupper (c) != c || g_unichar_tolower (c) != c))
      return FALSE;
  }
  return TRUE;
}

const char *
pmss_media_words_brief (const PmssMediaWords * self)
{
  const char *longest = NULL;
  glong most = 0;

  for (guint i = 0; i < self->words->len; i++) {
    const char *word = self->words->pdata[i];
    glong length = g_utf8_strlen (word, -1);

    if (length > most && has_sure_case (word)) {
      longest = word;
      most = length;
    }
  }
  return longest;
}
