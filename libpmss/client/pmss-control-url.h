/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssControlUrl:
 *
 * The place of a control server, from a text that people type. Immutable.
 */
typedef struct
{
  gboolean tls;
  char *host;                   /* pmss_host_normalize() */
  guint16 port;                 /* never 0 */
} PmssControlUrl;

/**
 * pmss_control_url_parse:
 * @text: as a user typed it: "http://HOST", "https://HOST:PORT/", "pmss://HOST", "HOST",
 * "HOST:PORT", "::1"
 *
 * Without a port, http:// means 80 and https:// 443, as everywhere. pmss://, pmsss:// and a bare
 * host mean 8470. A user, a path, a query or a fragment is refused: none of them would have an
 * effect. Errors do not repeat @text where it may hold a password.
 *
 * Returns: (transfer full): the place, or %NULL and #PMSS_ERROR_INVALID
 */
PmssControlUrl *pmss_control_url_parse     (const char *text, GError **error);
void            pmss_control_url_free      (PmssControlUrl *url);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssControlUrl, pmss_control_url_free)

/* "http://host:port" or "https://host:port": its one form, always with the port. */
char           *pmss_control_url_to_string (const PmssControlUrl *url);
/* "host:port", with brackets where they are needed. */
char           *pmss_control_url_get_peer  (const PmssControlUrl *url);
/* Whether the server is on this machine by its name or address alone: nothing is looked up. */
gboolean        pmss_control_url_is_local  (const PmssControlUrl *url);

G_END_DECLS
