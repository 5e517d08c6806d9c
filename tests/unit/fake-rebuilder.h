/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-rebuilder.h"

G_BEGIN_DECLS

/* Stands in for pmss-rebuilder.c: no thread, the test decides when a row is made. Several engines
 * may share it, one after the other. */

/* The next job, if there is one. Not with the engine's lock. */
gboolean fake_rebuilder_go_on (void);

G_END_DECLS
