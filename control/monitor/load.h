/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/monitor/monitor.h"

G_BEGIN_DECLS

/* The last second, told live: docs/monitoring.md, Live. */

/* Storage servers that one message has. */
#define PMSS_LOAD_MAX_NODES 100

/* Tells those who listen, each of its own storage servers. Once a second, behind the tick; builds
 * nothing where nobody listens. @events: nullable. */
void pmss_monitor_tell_load (PmssMonitor *monitor, PmssEvents *events);

G_END_DECLS
