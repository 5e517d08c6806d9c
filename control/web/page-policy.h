/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a browser may do with a page: docs/security.md, Pages. Pure. Threads: any. */

/* The value of Content-Security-Policy. @nodes: (nullable) of #PmssNodeInfo: the storage servers
 * that the page may fetch from, besides this server. Free with g_free(). */
char *pmss_page_policy (const GPtrArray *nodes);

G_END_DECLS
