/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * PmssUri:
 *
 * A parsed pmss:// or pmsss:// URI; docs/protocol.md section 7. It is immutable and owns its
 * strings, so any thread may read it.
 */
typedef struct
{
  gboolean tls;
  char *host;                   /* without brackets */
  guint16 port;                 /* never 0 */
  char *user;                   /* nullable, decoded */
  char *password;               /* nullable, decoded */
  char *name;                   /* the medium's name, decoded and checked */
} PmssUri;

#define PMSS_TYPE_URI (pmss_uri_get_type ())
GType    pmss_uri_get_type       (void);

/**
 * pmss_uri_parse:
 * @text: a URI as a user typed it
 *
 * Accepts characters that should have been encoded (a space, UTF-8). Refuses a query, a fragment,
 * an encoded slash, and a name that breaks the rules.
 *
 * Returns: (transfer full): the URI, or %NULL and #PMSS_ERROR_INVALID that names the fault
 */
PmssUri *pmss_uri_parse          (const char *text, GError **error);

/**
 * pmss_uri_new:
 * @tls: whether the control server uses TLS
 * @host: a host name or an address without brackets
 * @port: not 0
 * @name: a medium's name
 *
 * Returns: (transfer full): a URI without user and password
 */
PmssUri *pmss_uri_new            (gboolean tls, const char *host, guint16 port, const char *name);
PmssUri *pmss_uri_copy           (const PmssUri *uri);
void     pmss_uri_free           (PmssUri *uri);

/**
 * pmss_uri_to_string:
 *
 * Writes the URI in its one form, always with its port, never with user and password, so that it
 * can be shown and logged.
 *
 * Returns: (transfer full): the URI's text
 */
char    *pmss_uri_to_string      (const PmssUri *uri);

/**
 * pmss_uri_get_control_url:
 *
 * Returns: (transfer full): `http://host:port` or `https://host:port` of the control server
 */
char    *pmss_uri_get_control_url (const PmssUri *uri);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssUri, pmss_uri_free)

G_END_DECLS
