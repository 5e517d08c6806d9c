/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssCliPassword:
 *
 * A password in locked memory, overwritten when freed.
 */
typedef struct _PmssCliPassword PmssCliPassword;

/* From @file if given; else from the terminal without echo, after @prompt; else the first line of
 * standard input. */
PmssCliPassword *pmss_cli_password_get  (const char *prompt, const char *file,
    GCancellable *cancellable, GError **error);
/* The same, of a new one: on the terminal it is asked for twice. */
PmssCliPassword *pmss_cli_password_get_new (const char *file, GCancellable *cancellable,
    GError **error);
const char      *pmss_cli_password_text (PmssCliPassword *password);
void             pmss_cli_password_free (PmssCliPassword *password);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssCliPassword, pmss_cli_password_free)

/* A user's name, asked for on the terminal; an error of usage where there is none. */
char *pmss_cli_ask_user (GCancellable *cancellable, GError **error);
/* Whether a password would be asked for on the terminal: then it is asked for twice when it is a
 * new one. */
gboolean pmss_cli_password_is_asked (const char *file);

G_END_DECLS
