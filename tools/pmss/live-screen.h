/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssLiveScreen:
 *
 * The whole terminal of standard output, for a text that is shown anew again and again. Free it to
 * have the terminal as it was. The main thread's; a thread of its own reads keys, where standard
 * input is a terminal, too.
 */
typedef struct _PmssLiveScreen PmssLiveScreen;

/* Whether standard output is a terminal that can move its cursor. */
gboolean        pmss_live_screen_is_possible (void);
/* @cancellable: cancelled when somebody types q. NULL and an error: the terminal does not let
 * itself be set. */
PmssLiveScreen *pmss_live_screen_new   (GCancellable *cancellable, GError **error);
void            pmss_live_screen_free  (PmssLiveScreen *screen);
/* Columns and rows, as they are now. */
void            pmss_live_screen_get_size (PmssLiveScreen *screen, guint *columns, guint *rows);
/* Lines that each fit the columns; those that there is no row for are counted in the last one. */
void            pmss_live_screen_show  (PmssLiveScreen *screen, const char *text);

G_END_DECLS
