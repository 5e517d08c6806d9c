/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The environment variable PMSS_TEST_HASTE, 1 to 10, is for tests alone (docs/testing.md): what
 * waits for the silence of a node waits so many times shorter, and heartbeats come so many times
 * more often. Returns @duration divided by it, in whatever unit. Any thread. */
gint64 pmss_haste (gint64 duration);

G_END_DECLS
