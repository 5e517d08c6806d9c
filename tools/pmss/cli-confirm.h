/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/* Asks on the terminal whether to do what cannot be undone; anything but "y" or "yes" is no. FALSE:
 * not to be done, with an error of usage where nobody can be asked (@what, as "12 media would be
 * deleted", says it then) or PMSS_CLI_ERROR_INTERRUPTED for a no. */
gboolean pmss_cli_confirm (PmssCli *cli, const char *question, const char *what, GError **error);

G_END_DECLS
