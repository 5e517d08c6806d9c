/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Once, at first: what libpmss logs goes into the log of the simulation, where troubles are many
 * and meant. A warning or worse ends the process. */
void sim_log_begin (gboolean verbose);

G_END_DECLS
