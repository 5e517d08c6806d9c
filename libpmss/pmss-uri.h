/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * PmssUri:
 *
 * A parsed pmss:// or pmsss:// URI; docs/protocol.md section 7. Immutable.
 */
typedef struct {
  gboolean tls;
  char *host;                   /* without brackets */
  guint16 port;                 /* never 0 */
  char *user;                   /* nullable, decoded */
  char *password;               /* nullable, decoded */
  char *name;                   /* the medium's name, decoded and checked */
} PmssUri;

#define PMSS_TYPE_URI (pmss_uri_get_type ())
GType    pmss_uri_get_type       (void);

PmssUri *pmss_uri_parse          (const char *text, GError **error);
PmssUri *pmss_uri_new            (gboolean tls, const char *host, guint16 port, const char *name);
PmssUri *pmss_uri_copy           (const PmssUri *uri);
void     pmss_uri_free           (PmssUri *uri);
/* Without user and password. */
char    *pmss_uri_to_string      (const PmssUri *uri);
/* "http://host:port" or "https://host:port" of the control server */
char    *pmss_uri_get_control_url (const PmssUri *uri);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssUri, pmss_uri_free)

G_END_DECLS
