/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "medium.h"

#include <libpmss/pmss-types.h>

gboolean
pmss_medium_check_name (const char *name, GError ** error)
{
  if (pmss_medium_name_check (name, error))
    return TRUE;
  g_prefix_error (error, "'%s': ", name);
  return FALSE;
}

char *
pmss_medium_path (const char *name, GError ** error)
{
  g_autofree char *encoded = NULL;

  if (!pmss_medium_check_name (name, error))
    return NULL;
  encoded = pmss_client_encode_name (name);
  return g_strconcat ("/media/", encoded, NULL);
}

JsonNode *
pmss_medium_get (PmssClient * client, const char *name,
    GCancellable * cancellable, GError ** error)
{
  g_autofree char *path = pmss_medium_path (name, error);

  if (!path)
    return NULL;
  return pmss_client_request (client, "GET", path, NULL, cancellable, error);
}
