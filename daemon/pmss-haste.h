/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The environment variable PMSS_TEST_HASTE, 1 to 10, is for tests alone (docs/testing.md). It
 * divides the silences that make a node suspect or down, the time between heartbeats and between
 * looks at a disk, its silence that is told of, and how long a node leaves out figures that were
 * refused. Returns @duration divided by it, in the unit of
 * @duration. Any thread. */
gint64 pmss_haste (gint64 duration);

G_END_DECLS
