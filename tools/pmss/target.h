/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssTarget:
 *
 * Where the bytes of a medium go: standard output, a device or pipe that is there, or a file that
 * appears when it is whole.
 *
 * Until then the bytes are in a partial file beside it, FILE.pmss-SUM. SUM is of the content that
 * it will have. The file stays when the command ends early, and the next one goes on behind its
 * bytes. It belongs to one process at a time (flock), and only to its user.
 *
 * A part of a content has no checksum, which would reveal damage of the partial file by a power
 * cut. So the partial file of a part has a name that no later command finds, until
 * pmss_target_keep() has synced it.
 *
 * The main thread.
 */
typedef struct _PmssTarget PmssTarget;

/* @file: "-" is standard output; in a folder, the file is called as the last part of @name. Fails
 * if there is a file, unless @overwrite. Nothing is created yet. */
PmssTarget *pmss_target_new     (const char *file, const char *name, gboolean overwrite,
    GError **error);
/* An end before pmss_target_commit() leaves the partial file, if something is in it and it can be
 * found again: also one that was killed, save that of a part. */
void        pmss_target_free    (PmssTarget *target);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssTarget, pmss_target_free)

/* Opens it. @content: (nullable): the SHA-256 of the content to be written. With it, writing goes
 * on with a partial file of that content. @part: (nullable): which bytes of that, "0-499"; all. */
gboolean    pmss_target_open    (PmssTarget *target, const char *content, const char *part,
    GError **error);
/* Bytes that are there from earlier: the next ones are written behind them. */
guint64     pmss_target_get_kept (PmssTarget *target);
/* Bytes of the partial file. Fewer only at the end. */
GBytes     *pmss_target_read    (PmssTarget *target, guint64 offset, gsize length, GError **error);
/* Drops the bytes of the partial file. */
gboolean    pmss_target_restart (PmssTarget *target, GError **error);
/* Waits, until @cancellable, for a reader that is slow, also where the descriptor does not
 * block. */
gboolean    pmss_target_write   (PmssTarget *target, GBytes *bytes, GCancellable *cancellable,
    GError **error);
/* Gives a complete file its name. */
gboolean    pmss_target_commit  (PmssTarget *target, GError **error);
/* The written bytes are of no use: nothing stays. */
void        pmss_target_discard (PmssTarget *target);

/* The command ends early: the written bytes stay for a later command. Returns their file; NULL:
 * nothing stays. */
const char *pmss_target_keep    (PmssTarget *target);

/* NULL: standard output. */
const char *pmss_target_get_path (PmssTarget *target);

G_END_DECLS
