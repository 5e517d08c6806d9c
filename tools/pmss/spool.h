/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Standard input as a file of known size. If it is no file, all of it is copied to a file without a
 * name, under TMPDIR or /var/tmp. Blocks until the input has ended. Returns a descriptor to be
 * closed, -1 on error. */
int pmss_spool_standard_input (GCancellable *cancellable, GError **error);

G_END_DECLS
