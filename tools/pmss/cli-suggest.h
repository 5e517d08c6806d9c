/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "Did you mean": of many words the one that a user who typed @typed may have meant. Pure. */
typedef struct
{
  const char *typed;
  char *best;                   /* nullable */
  guint distance;
} PmssSuggestion;

/* @typed stays the caller's. */
void  pmss_suggestion_init  (PmssSuggestion *suggestion, const char *typed);
void  pmss_suggestion_add   (PmssSuggestion *suggestion, const char *word);
void  pmss_suggestion_clear (PmssSuggestion *suggestion);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmssSuggestion, pmss_suggestion_clear)

/* Letters to be put in, left out, changed or swapped with their neighbour (optimal string
 * alignment). */
guint pmss_edit_distance    (const char *a, const char *b);

G_END_DECLS
