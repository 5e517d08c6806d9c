/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "medium.h"

#include <libpmss/pmss-types.h>

char *
pmss_medium_path (const char *name, GError ** error)
{
  g_autofree char *encoded = NULL;

  if (!pmss_medium_name_check (name, error)) {
    g_prefix_error (error, "'%s' cannot be the name of a medium: ", name);
    return NULL;
  }
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
