/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssCliProgress:
 *
 * Progress of long work on standard error: a bar on a terminal, otherwise a line every ten seconds.
 * Silent with --json. A line is cut to the terminal's width: one that wraps cannot be overwritten.
 * One thread, but for parts.
 */
typedef struct _PmssCliProgress PmssCliProgress;

PmssCliProgress *pmss_cli_progress_new    (gboolean silent);
/* @what: "uploading"; @total 0: unknown. Cheap enough to be called for every block. */
void             pmss_cli_progress_update (PmssCliProgress *progress, const char *what,
    guint64 done, guint64 total);
/* The same for work whose amount means nothing to people: per cent only. */
void             pmss_cli_progress_update_share (PmssCliProgress *progress, const char *what,
    guint64 done, guint64 total);
/* One of several transfers at once, on any one thread. It shows nothing. Its progress counts for
 * @whole, which outlives it. */
PmssCliProgress *pmss_cli_progress_new_part (PmssCliProgress *whole);
/* Shows the progress of the parts of @whole: @n_done of @n files, of @total bytes. */
void             pmss_cli_progress_update_parts (PmssCliProgress *whole, guint n_done, guint n,
    guint64 total);
gboolean         pmss_cli_progress_is_silent (PmssCliProgress *progress);
/* Ends the line of the bar, so that something else can be printed. */
void             pmss_cli_progress_clear  (PmssCliProgress *progress);
void             pmss_cli_progress_free   (PmssCliProgress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssCliProgress, pmss_cli_progress_free)

G_END_DECLS
