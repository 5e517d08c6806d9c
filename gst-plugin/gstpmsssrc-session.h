/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The session that whoever started this process holds for it, if it is of @medium: the environment
 * has it as PMSS_SESSION="ID NAME". Given out once. Any thread.
 * Returns: (transfer full) (nullable): its id */
char *gst_pmss_take_session (const char *medium);

G_END_DECLS
