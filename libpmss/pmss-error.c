/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The errors of libpmss and their details. Any thread. */

#include "pmss-error.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

/* the name that G_DEFINE_EXTENDED_ERROR wants */
typedef PmssErrorDetails PmssErrorPrivate;

static void
pmss_error_private_init (PmssErrorPrivate * details)
{
  details->extent = -1;
  details->shard = -1;
  details->start_in = -1;
}

static void
pmss_error_private_copy (const PmssErrorPrivate * from, PmssErrorPrivate * to)
{
  *to = *from;
  to->resource = g_strdup (from->resource);
  to->peer = g_strdup (from->peer);
  to->medium = g_strdup (from->medium);
}

static void
pmss_error_private_clear (PmssErrorPrivate * details)
{
  g_free (details->resource);
  g_free (details->peer);
  g_free (details->medium);
}

G_DEFINE_EXTENDED_ERROR (PmssError, pmss_error)
     PmssErrorDetails *pmss_error_get_details (const GError * error)
{
  if (error == NULL || error->domain != PMSS_ERROR)
    return NULL;
  return pmss_error_get_private (error);
}

PmssError
pmss_error_from_status (guint status)
{
  switch (status) {
    case 400:
      return PMSS_ERROR_INVALID;
    case 401:
      return PMSS_ERROR_NOT_AUTHORIZED;
    case 403:
      return PMSS_ERROR_FORBIDDEN;
    case 404:
    case 410:
      return PMSS_ERROR_NOT_FOUND;
    case 408:
    case 504:
      return PMSS_ERROR_TIMED_OUT;
    case 409:
      return PMSS_ERROR_EXISTS;
    case 416:
      return PMSS_ERROR_RANGE;
    case 421:
      return PMSS_ERROR_MISDIRECTED;
    case 429:
    case 503:
      return PMSS_ERROR_BUSY;
    case 507:
      return PMSS_ERROR_NO_SPACE;
    default:
      return PMSS_ERROR_FAILED;
  }
}

static PmssError
code_of_io_error (int code)
{
  switch (code) {
    case G_IO_ERROR_HOST_NOT_FOUND:
    case G_IO_ERROR_HOST_UNREACHABLE:
    case G_IO_ERROR_NETWORK_UNREACHABLE:
    case G_IO_ERROR_CONNECTION_REFUSED:
    case G_IO_ERROR_CONNECTION_CLOSED:
    case G_IO_ERROR_NOT_CONNECTED:
    case G_IO_ERROR_PARTIAL_INPUT:
    case G_IO_ERROR_PROXY_FAILED:
    case G_IO_ERROR_PROXY_AUTH_FAILED:
    case G_IO_ERROR_PROXY_NEED_AUTH:
    case G_IO_ERROR_PROXY_NOT_ALLOWED:
      return PMSS_ERROR_UNREACHABLE;
    case G_IO_ERROR_TIMED_OUT:
      return PMSS_ERROR_TIMED_OUT;
    case G_IO_ERROR_NO_SPACE:
      return PMSS_ERROR_NO_SPACE;
    case G_IO_ERROR_INVALID_DATA:
      return PMSS_ERROR_PROTOCOL;
    default:
      return PMSS_ERROR_FAILED;
  }
}

static PmssError
code_of_soup_error (int code)
{
  switch (code) {
    case SOUP_SESSION_ERROR_PARSING:
    case SOUP_SESSION_ERROR_ENCODING:
    case SOUP_SESSION_ERROR_TOO_MANY_REDIRECTS:
    case SOUP_SESSION_ERROR_TOO_MANY_RESTARTS:
    case SOUP_SESSION_ERROR_REDIRECT_NO_LOCATION:
    case SOUP_SESSION_ERROR_REDIRECT_BAD_URI:
      return PMSS_ERROR_PROTOCOL;
    default:
      return PMSS_ERROR_FAILED;
  }
}

static PmssError
code_of_foreign_error (const GError * error)
{
  if (error->domain == G_IO_ERROR)
    return code_of_io_error (error->code);
  if (error->domain == G_TLS_ERROR)
    return PMSS_ERROR_TLS;
  if (error->domain == SOUP_SESSION_ERROR)
    return code_of_soup_error (error->code);
  /* NOT_FOUND is an answer, and a name that does not resolve gives none */
  if (error->domain == G_RESOLVER_ERROR)
    return PMSS_ERROR_UNREACHABLE;
  if (error->domain == JSON_PARSER_ERROR || error->domain == JSON_READER_ERROR)
    return PMSS_ERROR_PROTOCOL;
  return PMSS_ERROR_FAILED;
}

void
pmss_error_adopt (GError ** error, const char *peer)
{
  g_autoptr (GError) old = NULL;

  if (error == NULL || *error == NULL || (*error)->domain == PMSS_ERROR
      || g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  old = g_steal_pointer (error);
  if (peer == NULL) {
    *error = g_error_new_literal (PMSS_ERROR, code_of_foreign_error (old),
        old->message);
  } else {
    *error = g_error_new (PMSS_ERROR, code_of_foreign_error (old), "%s: %s",
        peer, old->message);
    pmss_error_get_details (*error)->peer = g_strdup (peer);
  }
}

char *
pmss_error_without_peer (const GError * error)
{
  PmssErrorDetails *details = pmss_error_get_details (error);
  g_autofree char *inner = NULL, *front = NULL;
  g_autoptr (GString) text = g_string_new (error->message);
  const char *found;

  if (details == NULL || details->peer == NULL)
    return g_string_free (g_steal_pointer (&text), FALSE);
  inner = g_strdup_printf ("(%s: ", details->peer);
  g_string_replace (text, inner, "(", 0);
  front = g_strdup_printf ("%s: ", details->peer);
  found = strstr (text->str, front);
  if (found != NULL && (found == text->str
          || (found - text->str >= 2 && found[-2] == ':' && found[-1] == ' ')))
    return g_strdup (found + strlen (front));
  return g_string_free (g_steal_pointer (&text), FALSE);
}
