/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Many pieces of work of one kind, a few at a time, each on a thread of its own. */

typedef struct
{
  /* Does piece @i, on one of the threads. */
  gboolean (*run)  (guint i, gpointer user_data, GError **error);
  /* Piece @i is done, or failed with @error, which is to be freed. On the caller's thread. FALSE:
   * no further piece is begun. */
  gboolean (*done) (guint i, GError *error, gpointer user_data);
  /* Now and then, on the caller's thread. */
  void     (*tick) (gpointer user_data);
} PmssTransferFuncs;

/* Runs @n pieces, at most @parallel at once, and blocks until they have ended. Once @cancellable is
 * cancelled no further piece is begun. Returns how many were begun. */
guint pmss_transfers_run (guint n, guint parallel, const PmssTransferFuncs *funcs,
    gpointer user_data, GCancellable *cancellable);

G_END_DECLS
