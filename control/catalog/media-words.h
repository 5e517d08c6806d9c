/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Words that somebody looks for: each has to be somewhere in a medium's name or title. Upper and
 * lower case are the same, by Unicode's simple mappings. Pure; any thread. */
typedef struct _PmssMediaWords PmssMediaWords;

/* Bytes of a search, and words of it that count. */
#define PMSS_MAX_SEARCH 256
#define PMSS_MAX_WORDS 16

/* @text: UTF-8, words apart by white space. NULL: it has none. */
PmssMediaWords *pmss_media_words_new      (const char *text);
void            pmss_media_words_free     (PmssMediaWords *words);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssMediaWords, pmss_media_words_free)

/* @title: nullable */
gboolean        pmss_media_words_match    (const PmssMediaWords *words, const char *name,
    const char *title);
/* What asks SQLite's index of three characters in a row for all media that may match, in the
 * language of FTS5. NULL: the words are too short for it. Free with g_free(). */
char           *pmss_media_words_trigrams (const PmssMediaWords *words);
/* The longest word, where all are too short for that: what that index has of its media begins with
 * it. NULL: that is not sure, since the index may have another idea of its upper and lower case. */
const char     *pmss_media_words_brief    (const PmssMediaWords *words);

G_END_DECLS
