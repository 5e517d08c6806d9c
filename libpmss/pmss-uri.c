/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss:// and pmsss:// URIs; docs/protocol.md section 7. */

#include "pmss-uri.h"

#include <string.h>

#include "pmss-error.h"
#include "pmss-types.h"

/* the longest name, every byte of it encoded, and room for the rest */
#define MAX_URI (3 * PMSS_MAX_NAME + 2048)

G_DEFINE_BOXED_TYPE (PmssUri, pmss_uri, pmss_uri_copy, pmss_uri_free)
     static gboolean invalid (GError ** error, const char *what)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "Not a URI such as pmss://host:port/name: %s", what);
  return FALSE;
}

/* GLib's own texts quote what they stumble over: of a password with a slash in
 * it, that is the password. */
static const char *
describe_split_error (const GError * error)
{
  switch (error->code) {
    case G_URI_ERROR_BAD_SCHEME:
      return "its scheme has other characters than letters and digits";
    case G_URI_ERROR_BAD_USER:
    case G_URI_ERROR_BAD_PASSWORD:
      return "its user or password has a bad percent encoding";
    case G_URI_ERROR_BAD_HOST:
      return "its host is neither a name nor an address";
    case G_URI_ERROR_BAD_PORT:
      return "its port is not a number from 1 to 65535 (in a user or password "
          "/ ? # @ and : have to be encoded: %2F %3F %23 %40 %3A)";
    default:
      return "it has a bad percent encoding or a character that no URI has";
  }
}

static gboolean
has_controls (const char *text)
{
  for (; *text != '\0'; text++) {
    if (g_ascii_iscntrl (*text))
      return TRUE;
  }
  return FALSE;
}

/* An empty user or password counts as none. */
static gboolean
set_credential (char **to, const char *text, GError ** error)
{
  if (text == NULL || *text == '\0')
    return TRUE;
  if (has_controls (text))
    return invalid (error, "its user or password has control characters");
  *to = g_strdup (text);
  return TRUE;
}

static gboolean
set_scheme (PmssUri * uri, const char *scheme, GError ** error)
{
  uri->tls = g_ascii_strcasecmp (scheme, "pmsss") == 0;
  if (!uri->tls && g_ascii_strcasecmp (scheme, "pmss") != 0)
    return invalid (error, "it begins neither with pmss: nor with pmsss:");
  return TRUE;
}

static gboolean
set_place (PmssUri * uri, const char *host, gint port, GError ** error)
{
  if (host == NULL || *host == '\0')
    return invalid (error, "it names no host");
  uri->host = pmss_host_normalize (host);
  if (uri->host == NULL)
    return invalid (error, "its host is neither a name nor an address");
  if (port == 0)
    return invalid (error, "its port is 0");
  uri->port = port < 0 ? PMSS_CONTROL_PORT : port;
  return TRUE;
}

static gboolean
set_name (PmssUri * uri, const char *path, GError ** error)
{
  if (path[0] != '/' || path[1] == '\0')
    return invalid (error, "it names no medium");
  /* an encoded slash would be another path than the one that is written */
  uri->name = g_uri_unescape_string (path + 1, "/");
  if (uri->name == NULL)
    return invalid (error, "its path has a bad percent encoding");
  return pmss_medium_name_check (uri->name, error);
}

PmssUri *
pmss_uri_parse (const char *text, GError ** error)
{
  g_autoptr (PmssUri) uri = g_new0 (PmssUri, 1);
  g_autoptr (GError) problem = NULL;
  g_autofree char *scheme = NULL, *host = NULL, *path = NULL;
  g_autofree char *user = NULL, *password = NULL;
  g_autofree char *query = NULL, *fragment = NULL;
  gint port;

  if (strnlen (text, MAX_URI + 1) > MAX_URI) {
    invalid (error, "it is too long");
    return NULL;
  }
  if (!g_uri_split_with_user (text,
          G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED_PATH, &scheme, &user,
          &password, NULL, &host, &port, &path, &query, &fragment, &problem)) {
    invalid (error, describe_split_error (problem));
    return NULL;
  }
  if (query != NULL || fragment != NULL) {
    invalid (error, "it has a query or fragment; encode ? as %3F and # as %23");
    return NULL;
  }
  if (scheme == NULL) {
    invalid (error, "it has no scheme");
    return NULL;
  }
  if (!set_credential (&uri->user, user, error)
      || !set_credential (&uri->password, password, error)
      || !set_scheme (uri, scheme, error) || !set_place (uri, host, port, error)
      || !set_name (uri, path, error))
    return NULL;
  return g_steal_pointer (&uri);
}

PmssUri *
pmss_uri_new (gboolean tls, const char *host, guint16 port, const char *name)
{
  PmssUri *uri;

  g_return_val_if_fail (pmss_host_check (host) && port != 0
      && pmss_medium_name_check (name, NULL), NULL);

  uri = g_new0 (PmssUri, 1);
  uri->tls = tls;
  uri->host = g_strdup (host);
  uri->port = port;
  uri->name = g_strdup (name);
  return uri;
}

PmssUri *
pmss_uri_copy (const PmssUri * uri)
{
  PmssUri *copy = g_memdup2 (uri, sizeof (*uri));

  copy->host = g_strdup (uri->host);
  copy->user = g_strdup (uri->user);
  copy->password = g_strdup (uri->password);
  copy->name = g_strdup (uri->name);
  return copy;
}

void
pmss_uri_free (PmssUri * uri)
{
  if (uri == NULL)
    return;
  g_free (uri->host);
  g_free (uri->user);
  g_free (uri->password);
  g_free (uri->name);
  g_free (uri);
}

static char *
format_origin (const PmssUri * uri, const char *scheme)
{
  gboolean literal = strchr (uri->host, ':') != NULL;

  return g_strdup_printf ("%s%s://%s%s%s:%u", scheme, uri->tls ? "s" : "",
      literal ? "[" : "", uri->host, literal ? "]" : "", uri->port);
}

char *
pmss_uri_to_string (const PmssUri * uri)
{
  g_autofree char *origin = format_origin (uri, "pmss");
  g_autofree char *path = g_uri_escape_string (uri->name,
      G_URI_RESERVED_CHARS_ALLOWED_IN_PATH, FALSE);

  return g_strconcat (origin, "/", path, NULL);
}

char *
pmss_uri_get_control_url (const PmssUri * uri)
{
  return format_origin (uri, "http");
}
