/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/* Builds the context, serves until SIGTERM or SIGINT, takes it down. FALSE: it could not begin. */
gboolean pmss_control_serve (PmssControlConfig *config, GError **error);

G_END_DECLS
