/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that an unfinished upload holds. */
#include "control/uploads/uploads-private.h"

#include "libpmss/pmss-error.h"

static void
tell_holder (const PmssUpload * upload, GError ** error)
{
  g_autofree char *received = g_format_size (upload->received);
  g_autofree char *size = g_format_size (upload->size);
  g_autoptr (GDateTime) expires = g_date_time_new_from_unix_utc
      (upload->expires);
  g_autofree char *until = g_date_time_format (expires, "%F %H:%M UTC");

  g_set_error (error, PMSS_ERROR, PMSS_ERROR_EXISTS,
      "“%s” is an unfinished upload of user “%s”: %s of %s are here, kept "
      "until %s. The same 'pmss put' goes on with it, 'pmss rm' ends it",
      upload->name, upload->user, received, size, until);
}

/* The medium's upload, if it is one that has not ended. */
static PmssUpload *
find_unfinished (PmssUploads * self, const char *name)
{
  g_autoptr (PmssMedium) medium = pmss_catalog_get_medium (self->catalog, name,
      NULL);
  g_autoptr (PmssUpload) upload = medium != NULL
      && medium->state == PMSS_MEDIUM_UPLOADING ?
      pmss_uploads_get_by_medium (self, medium->id, NULL) : NULL;

  return upload != NULL && !upload->complete ? g_steal_pointer (&upload) : NULL;
}

gboolean
pmss_uploads_take_name (PmssUploads * self, const char *name, const char *user,
    GError ** error)
{
  g_autoptr (GError) taken = NULL;
  g_autoptr (PmssUpload) upload = NULL;

  if (pmss_catalog_check_name (self->catalog, name, &taken))
    return TRUE;
  if (g_error_matches (taken, PMSS_ERROR, PMSS_ERROR_EXISTS))
    upload = find_unfinished (self, name);
  if (upload == NULL) {
    g_propagate_error (error, g_steal_pointer (&taken));
    return FALSE;
  }
  /* one that somebody writes to just now cannot be removed */
  if (!g_str_equal (upload->user, user)
      || !pmss_uploads_remove (self, upload->id, NULL)) {
    tell_holder (upload, error);
    return FALSE;
  }
  g_message ("The unfinished upload of %s gives way to another of user %s",
      name, user);
  return TRUE;
}
