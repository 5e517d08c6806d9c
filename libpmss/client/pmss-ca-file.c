/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Authorities of one's own, from a file; any thread. */
#include "pmss-ca-file.h"

#include "libpmss/pmss-error.h"

static gboolean
check (const char *path, GError ** error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) local = NULL;
  GList *certificates;

  /* GLib's own text does name the file, but not always as it was given */
  if (!g_file_get_contents (path, &text, NULL, &local)) {
    g_propagate_prefixed_error (error, g_steal_pointer (&local),
        "The certificates “%s” cannot be read: ", path);
    return FALSE;
  }
  certificates = g_tls_certificate_list_new_from_file (path, &local);
  if (certificates != NULL) {
    g_list_free_full (certificates, g_object_unref);
    return TRUE;
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "“%s” holds no PEM certificate%s%s", path, local != NULL ? ": " : "",
      local != NULL ? local->message : "");
  return FALSE;
}

GTlsDatabase *
pmss_ca_file_open (const char *path, GError ** error)
{
  /* GIO wants an absolute path */
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autoptr (GError) local = NULL;
  GTlsDatabase *database;

  if (!check (absolute, error))
    return NULL;
  database = g_tls_file_database_new (absolute, &local);
  if (database == NULL)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "The certificates “%s” cannot be used: %s", absolute,
        local->message);
  return database;
}
