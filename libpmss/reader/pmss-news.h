/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-link.h"

G_BEGIN_DECLS

/**
 * PmssNews:
 *
 * What the reader's user is to be told of the nodes, and of the start. It is collected under the
 * reader's lock, and told after that was released, because a handler may call the reader.
 *
 * Threads: all of it is the I/O thread's, but new() and free().
 */
typedef struct _PmssNews PmssNews;

/* Called in the I/O thread with no lock held. */
typedef struct
{
  void (*node_lost) (guint node, const char *peer, const GError *error,
      gpointer user_data);
  void (*node_back) (guint node, const char *peer, gpointer user_data);
  void (*degraded) (guint missing, guint spare, gpointer user_data);
  /* @start_in: ns, -1: not known. @refusal: (nullable) */
  void (*waiting) (gint64 start_in, gboolean granted, const GError *refusal,
      gpointer user_data);
} PmssNewsFuncs;

/* @destroy: of @user_data, when it is freed */
PmssNews *pmss_news_new (const PmssNewsFuncs *funcs, gpointer user_data,
    GDestroyNotify destroy);
void pmss_news_free (PmssNews *news);

/* Lock held: @link is lost, or back. It must stay until that was told: see is_about(). */
void pmss_news_add_lost (PmssNews *news, PmssLink *link, const GError *error);
void pmss_news_add_back (PmssNews *news, PmssLink *link);
/* Lock held: counts anew how many of @links are missing, of which @m may be. */
void pmss_news_count_missing (PmssNews *news, GPtrArray *links, guint m);
/* Whether something is to be told of @link. */
gboolean pmss_news_is_about (PmssNews *news, PmssLink *link);

/* Lock not held: tells what was added since the last time. */
void pmss_news_tell (PmssNews *news);
/* Lock not held: a start is waited for. */
void pmss_news_tell_waiting (PmssNews *news, gint64 start_in, gboolean granted,
    const GError *refusal);

G_END_DECLS
