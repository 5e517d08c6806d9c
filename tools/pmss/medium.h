/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <libpmss/client/pmss-client.h>

#include "cli.h"

G_BEGIN_DECLS

/* Whether a medium can be called @name; the error says it with the name. */
gboolean  pmss_medium_check_name (const char *name, GError **error);
/* "/media/films/a%20b.webm"; the name is checked first, so that a typing error is reported as
 * one. */
char     *pmss_medium_path (const char *name, GError **error);
/* The catalog's entry: protocol.md, Medium. */
JsonNode *pmss_medium_get  (PmssCli *cli, PmssClient *client, const char *name, GError **error);
/* If @error is that there is no medium called @name, adds the name of one that may be meant. */
void      pmss_medium_suggest (PmssCli *cli, PmssClient *client, const char *name, GError **error);
/* POSTs to @what of the medium, "verify?rate_limit=0". The id of the job that does it; 0 on
 * error. */
guint64   pmss_medium_start_job (PmssCli *cli, PmssClient *client, const char *name,
    const char *what, GError **error);
/* The names of all media that are ready, and that @wanted (nullable) wants. Others have no shards
 * that anybody is sure of. */
char    **pmss_medium_list_ready (PmssCli *cli, PmssClient *client,
    gboolean (*wanted) (JsonObject *medium), GError **error);
/* The entries of all media whose names begin with @prefix (nullable), by name. */
JsonArray *pmss_medium_list (PmssCli *cli, PmssClient *client, const char *prefix, GError **error);

G_END_DECLS
