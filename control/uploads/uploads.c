/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Uploads: their rows and files. Any thread; blocks. */
#include "control/uploads/uploads-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "control/accounts/secret.h"
#include "control/data-files/data-files.h"
#include "control/originals/originals.h"
#include "libpmss/pmss-error.h"

#define ASIDE_EVERY (60 * G_USEC_PER_SEC)
/* What could not be deleted is not told every minute. */
#define ASIDE_AGAIN (3600 * (gint64) G_USEC_PER_SEC)

static gint64
now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

void
pmss_upload_free (PmssUpload * upload)
{
  g_free (upload->id);
  g_free (upload->name);
  g_free (upload->user);
  g_free (upload);
}

void
pmss_uploads_set_errno (GError ** error, int code, const char *what)
{
  gboolean full = code == ENOSPC || code == EDQUOT || code == EFBIG;

  /* clients may read the first, and @what is perhaps a path */
  if (full)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE,
        "The disk of the uploads is full: %s", g_strerror (code));
  else
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED, "%s: %s", what,
        g_strerror (code));
}

gboolean
pmss_uploads_check_space (PmssUploads * self, guint64 bytes, guint64 announced,
    GError ** error)
{
  const char *folder = pmss_data_files_get_folder (self->files);
  struct statvfs disk;
  g_autofree char *need = NULL, *have = NULL, *others = NULL, *keep = NULL;
  guint64 available, kept = self->config->min_free, wanted = bytes;

  if (statvfs (folder, &disk) != 0) {
    pmss_uploads_set_errno (error, errno, folder);
    return FALSE;
  }
  available = (guint64) disk.f_bavail * disk.f_frsize;
  if (self->reserve != NULL)
    kept += pmss_disk_reserve_get_missing (self->reserve);
  if (g_uint64_checked_add (&wanted, wanted, kept)
      && g_uint64_checked_add (&wanted, wanted, announced)
      && available >= wanted)
    return TRUE;
  need = g_format_size (bytes);
  have = g_format_size (available);
  others = g_format_size (announced);
  keep = g_format_size (kept);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE,
      "The control server's disk has no room for %s more: %s are free, of "
      "which other uploads have announced %s and %s stay free (min-free). End "
      "uploads, delete media, or make room on its disk", need, have, others,
      keep);
  return FALSE;
}

static guint64
get_unsynced (PmssUploads * self, const char *id)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  const guint64 *bytes = g_hash_table_lookup (self->writing, id);

  return bytes != NULL ? *bytes : 0;
}

gboolean
pmss_uploads_get_announced (PmssUploads * self, PmssDatabase * database,
    guint64 * bytes, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT id, size - received FROM upload WHERE state = 'receiving'");

  *bytes = 0;
  while (pmss_rows_next (rows, &local)) {
    guint64 left = (guint64) pmss_rows_int (rows, 1);

    *bytes += left - MIN (left, get_unsynced (self, pmss_rows_text (rows, 0)));
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_uploads_take (PmssUploads * self, const char *id)
{
  gboolean taken;

  g_mutex_lock (&self->lock);
  taken = !g_hash_table_contains (self->writing, id);
  if (taken)
    g_hash_table_insert (self->writing, g_strdup (id), g_new0 (guint64, 1));
  g_mutex_unlock (&self->lock);
  return taken;
}

void
pmss_uploads_give_back (PmssUploads * self, const char *id)
{
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->writing, id);
  g_mutex_unlock (&self->lock);
}

void
pmss_uploads_set_unsynced (PmssUploads * self, const char *id, guint64 bytes)
{
  guint64 *unsynced;

  g_mutex_lock (&self->lock);
  unsynced = g_hash_table_lookup (self->writing, id);
  *unsynced = bytes;
  g_mutex_unlock (&self->lock);
}

void
pmss_uploads_set_reserve (PmssUploads * self, PmssDiskReserve * reserve)
{
  self->reserve = reserve;
}

void
pmss_uploads_set_keep_unknown (PmssUploads * self, gboolean keep)
{
  self->keep_unknown = keep;
}

char *
pmss_uploads_get_path (PmssUploads * self, const char *id)
{
  return pmss_data_files_get_path (self->files, id);
}

/* Rows */

typedef struct
{
  PmssUploads *self;
  const char *id;               /* nullable: then by medium */
  gint64 medium;
  gboolean expired;             /* only if it still is, where that is asked */
  PmssUpload *upload;
} Get;

static gboolean
get_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Get *get = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = get->id ?
      pmss_database_query (database, "SELECT " PMSS_UPLOAD_COLUMNS
      " WHERE upload.id = ?1", PMSS_TEXT (get->id)) :
      pmss_database_query (database, "SELECT " PMSS_UPLOAD_COLUMNS
      " WHERE upload.medium = ?1", PMSS_INT (get->medium));

  if (pmss_rows_next (rows, &local)) {
    get->upload = pmss_upload_read (rows);
    return TRUE;
  }
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND, "No such upload");
  return FALSE;
}

PmssUpload *
pmss_uploads_get (PmssUploads * self, const char *id, GError ** error)
{
  Get get = { self, id };

  if (!pmss_database_transact (self->database, get_row, &get, error))
    return NULL;
  if (!get.upload->complete && get.upload->expires <= now ()) {
    pmss_upload_free (get.upload);
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "The upload has expired");
    return NULL;
  }
  return get.upload;
}

PmssUpload *
pmss_uploads_get_by_medium (PmssUploads * self, gint64 medium, GError ** error)
{
  Get get = { self, NULL, medium };

  pmss_database_transact (self->database, get_row, &get, error);
  return get.upload;
}

typedef struct
{
  gboolean expired;             /* only those */
  gboolean put;                 /* only plain PUTs */
  GPtrArray *uploads;
} List;

static gboolean
list_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  List *list = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " PMSS_UPLOAD_COLUMNS " WHERE upload.state = 'receiving'"
      " AND (?1 = 0 OR upload.expires <= ?2)"
      " AND (?3 = 0 OR upload.kind = 'put') ORDER BY upload.id",
      PMSS_INT (list->expired), PMSS_INT (now ()), PMSS_INT (list->put));

  while (pmss_rows_next (rows, &local))
    g_ptr_array_add (list->uploads, pmss_upload_read (rows));
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  return TRUE;
}

static GPtrArray *
list_uploads (PmssUploads * self, gboolean expired, gboolean put,
    GError ** error)
{
  g_autoptr (GPtrArray) uploads =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_upload_free);
  List list = { expired, put, uploads };

  if (!pmss_database_transact (self->database, list_rows, &list, error))
    return NULL;
  return g_steal_pointer (&uploads);
}

GPtrArray *
pmss_uploads_list (PmssUploads * self, GError ** error)
{
  return list_uploads (self, FALSE, FALSE, error);
}

/* Creation */

typedef struct
{
  PmssUploads *self;
  PmssMedium *medium;
  PmssUpload *upload;
} Create;

/* Rows are made one after the other, so what is announced is reserved by the row: no two uploads count on the same bytes. */
static gboolean
create_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Create *create = user_data;
  PmssUpload *upload = create->upload;
  guint64 announced;

  if (!pmss_uploads_get_announced (create->self, database, &announced, error)
      || !pmss_catalog_add_medium (create->self->catalog, create->medium, error)
      || !pmss_uploads_check_space (create->self, upload->size, announced,
          error))
    return FALSE;
  upload->medium = create->medium->id;
  return pmss_database_exec (database, error,
      "INSERT INTO upload (id, medium, user, kind, state, size, created, "
      "expires, unit, extent) "
      "VALUES (?1, ?2, ?3, ?4, 'receiving', ?5, ?6, ?7, ?8, ?9)",
      PMSS_TEXT (upload->id), PMSS_INT (upload->medium),
      PMSS_TEXT (upload->user),
      PMSS_TEXT (upload->kind == PMSS_UPLOAD_TUS ? "tus" : "put"),
      PMSS_INT (upload->size), PMSS_INT (upload->created),
      PMSS_INT (upload->expires), PMSS_INT (upload->unit),
      PMSS_INT (upload->extent));
}

PmssUpload *
pmss_uploads_create (PmssUploads * self, PmssMedium * medium,
    PmssUploadKind kind, const char *user, GError ** error)
{
  g_autoptr (PmssUpload) upload = g_new0 (PmssUpload, 1);
  Create create = { self, medium, upload };

  upload->id = pmss_secret_new_id ();
  upload->name = g_strdup (medium->name);
  upload->user = g_strdup (user);
  upload->kind = kind;
  upload->size = medium->size;
  upload->unit = medium->unit;
  upload->extent = medium->extent;
  upload->created = now ();
  upload->expires = upload->created + self->config->upload_lifetime;
  medium->state = PMSS_MEDIUM_UPLOADING;

  /* A name that is taken is the reason to tell, even where there is no room. */
  if (!pmss_uploads_take_name (self, upload->name, user, error)
      || !pmss_uploads_check_space (self, upload->size, 0, error)
      || !pmss_upload_files_make (self, upload->id, error))
    return NULL;
  if (!pmss_database_transact (self->database, create_rows, &create, error)) {
    pmss_upload_files_unmake (self, upload->id);
    return NULL;
  }
  return g_steal_pointer (&upload);
}

/* Removal */

static gboolean
remove_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Get *get = user_data;

  if (!get_row (database, get, error))
    return FALSE;
  if (get->upload->complete) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "The upload is complete: cancel its job, or delete the medium");
    return FALSE;
  }
  /* somebody may have written since it was listed */
  if (get->expired && get->upload->expires > now ()) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT, "The upload goes on");
    return FALSE;
  }
  return pmss_uploads_drop (get->self, get->upload->medium, error)
      && pmss_catalog_mark_deleting (get->self->catalog, get->upload->medium,
      error)
      && pmss_catalog_remove_medium (get->self->catalog, get->upload->medium,
      error);
}

static gboolean
remove_upload (PmssUploads * self, const char *id, gboolean expired,
    GError ** error)
{
  Get get = {.self = self,.id = id,.expired = expired };
  gboolean removed;

  if (!pmss_uploads_take (self, id)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_BUSY,
        "Somebody is writing to this upload");
    return FALSE;
  }

  removed = pmss_database_transact (self->database, remove_rows, &get, error);
  if (removed)
    pmss_uploads_delete_files (self);
  g_clear_pointer (&get.upload, pmss_upload_free);

  pmss_uploads_give_back (self, id);
  return removed;
}

gboolean
pmss_uploads_remove (PmssUploads * self, const char *id, GError ** error)
{
  return remove_upload (self, id, FALSE, error);
}

static gboolean
remove_listed (PmssUploads * self, gboolean expired, gboolean put,
    GError ** error)
{
  g_autoptr (GPtrArray) uploads = list_uploads (self, expired, put, error);

  for (guint i = 0; uploads && i < uploads->len; i++) {
    PmssUpload *upload = g_ptr_array_index (uploads, i);
    g_autoptr (GError) local = NULL;

    if (remove_upload (self, upload->id, expired, &local))
      g_message ("Removed the unfinished upload of %s", upload->name);
    else if (!g_error_matches (local, PMSS_ERROR, PMSS_ERROR_BUSY)
        && !g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)
        && !g_error_matches (local, PMSS_ERROR, PMSS_ERROR_CONFLICT)) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  }
  return uploads != NULL;
}

gboolean
pmss_uploads_expire (PmssUploads * self, GError ** error)
{
  gint64 monotonic = g_get_monotonic_time ();

  if (!self->keep_unknown && monotonic >= self->aside_at) {
    guint grace = self->config->set_aside_grace;
    gint64 up = (monotonic - self->opened) / G_USEC_PER_SEC;
    gboolean all = pmss_data_files_expire (self->files, grace, now (), up);

    all = pmss_originals_expire (self->originals, grace, now (), up) && all;
    self->aside_at = monotonic + (all ? ASIDE_EVERY : ASIDE_AGAIN);
  }
  return remove_listed (self, TRUE, FALSE, error);
}

/* Parts of larger transactions */

typedef struct
{
  PmssUploads *self;
  gint64 medium;
} Drop;

static gboolean
finish_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Get *get = user_data;

  if (!get_row (database, get, error)
      || !pmss_database_exec (database, error,
          "UPDATE upload SET state = 'complete' WHERE id = ?1 "
          "AND state = 'receiving' AND received = size", PMSS_TEXT (get->id)))
    return FALSE;
  if (pmss_database_get_changes (database) != 1) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "The upload is not there as a whole, or was complete before");
    return FALSE;
  }
  return pmss_catalog_set_medium_state (get->self->catalog,
      get->upload->medium, PMSS_MEDIUM_UPLOADING, PMSS_MEDIUM_INGESTING, error);
}

gboolean
pmss_uploads_finish (PmssUploads * self, const char *id, GError ** error)
{
  Get get = { self, id };
  gboolean done = pmss_database_transact (self->database, finish_rows, &get,
      error);

  g_clear_pointer (&get.upload, pmss_upload_free);
  return done;
}

static gboolean
drop_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Drop *drop = user_data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT id FROM upload WHERE medium = ?1", PMSS_INT (drop->medium));
  g_autofree char *id = NULL;
  GError *local = NULL;

  if (pmss_rows_next (rows, &local))
    id = g_strdup (pmss_rows_text (rows, 0));
  if (local != NULL) {
    g_propagate_error (error, local);
    return FALSE;
  }
  return id == NULL || (pmss_data_files_give_up (drop->self->files, id, error)
      && pmss_database_exec (database, error,
          "DELETE FROM upload WHERE id = ?1", PMSS_TEXT (id)));
}

gboolean
pmss_uploads_drop (PmssUploads * self, gint64 medium, GError ** error)
{
  Drop drop = { self, medium };

  return pmss_database_transact (self->database, drop_rows, &drop, error);
}

void
pmss_uploads_delete_files (PmssUploads * self)
{
  pmss_data_files_delete (self->files);
}

/* The start */

PmssUploads *
pmss_uploads_new (PmssControlConfig * config, PmssDatabase * database,
    PmssCatalog * catalog, PmssOriginals * originals, GError ** error)
{
  static const PmssDataFilesFuncs funcs = {
    pmss_upload_files_find, pmss_upload_files_is_spare
  };
  PmssUploads *self = g_new0 (PmssUploads, 1);

  self->config = config;
  self->database = database;
  self->catalog = catalog;
  self->originals = originals;
  self->opened = g_get_monotonic_time ();
  g_mutex_init (&self->lock);
  self->writing = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  self->files = pmss_data_files_new (config->data, "uploads", database, &funcs,
      error);

  /* originals first: one that is a second name of an upload is no loss while the upload has the first */
  if (self->files
      && pmss_originals_sweep (originals,
          pmss_data_files_get_folder (self->files), error)
      && pmss_data_files_sweep (self->files, NULL, error)
      && remove_listed (self, FALSE, TRUE, error))
    return self;
  pmss_uploads_free (self);
  return NULL;
}

void
pmss_uploads_free (PmssUploads * self)
{
  g_clear_pointer (&self->files, pmss_data_files_free);
  g_hash_table_unref (self->writing);
  g_mutex_clear (&self->lock);
  g_free (self);
}
