/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "config.h"

G_BEGIN_DECLS

/**
 * PmssControlLink:
 *
 * The storage server's one connection to the control server: JSON goes out by POST, and JSON comes
 * back. Knows nothing of what it says. Threads: the main thread alone.
 */
typedef struct _PmssControlLink PmssControlLink;

/* The answer. @json: (nullable): NULL where it is too long or not valid. @error: (nullable): there
 * is no answer. */
typedef void (*PmssControlLinkFunc) (guint status, JsonNode *json, const GError *error,
    gpointer user_data);

/* Keeps @config. */
PmssControlLink *pmss_control_link_new     (const PmssStorageConfig *config, GError **error);
/* Cancels what is under way and waits for its end; nobody is called back. */
void             pmss_control_link_free    (PmssControlLink *link);
/* @path: below /api/v1. @secret: (nullable): in the Authorization header. @body: (transfer full).
 * @once: it is not sent again where a kept connection proves dead. */
void             pmss_control_link_post    (PmssControlLink *link, const char *path,
    const char *secret, JsonNode *body, gboolean once, PmssControlLinkFunc func,
    gpointer user_data);
/* Whether something is under way. */
gboolean         pmss_control_link_is_busy (PmssControlLink *link);

G_END_DECLS
