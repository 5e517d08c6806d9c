/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The default redundancy, "k+m", of a cluster of @nodes storage servers, at least one: k+m is never
 * more than there are. From six on it is control's own default. Pure. */
const char *pmss_local_redundancy (guint nodes);

G_END_DECLS
