/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/* This server's figures, in Prometheus's text format 0.0.4. Waits for nothing; any thread. */
char *pmss_control_metrics (PmssControlContext *context);

G_END_DECLS
