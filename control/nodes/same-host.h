/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * pmss_same_host:
 *
 * Whether two hosts are one, by their texts alone. Names are compared without case and the dot at
 * the end, numbers by their value, `localhost` by its addresses. Names are not resolved: a resolver
 * may block, differs between control and viewers, and may lie. For two names of one host the proof
 * decides (docs/protocol.md, 8). Pure; any thread.
 */
gboolean pmss_same_host (const char *a, const char *b);

G_END_DECLS
