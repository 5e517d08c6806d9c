/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/* Asks on the terminal whether to do something that cannot be undone. Anything but "y" or "yes" is
 * no. FALSE: not to be done. The error is PMSS_CLI_ERROR_INTERRUPTED for a no. Without a terminal
 * it is an error of usage, in which @what tells the effect, as "12 media would be deleted". */
gboolean pmss_cli_confirm (PmssCli *cli, const char *question, const char *what, GError **error);

G_END_DECLS
