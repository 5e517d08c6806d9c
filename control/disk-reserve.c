/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Room that is kept for the catalog. On any thread. */
#define _GNU_SOURCE
#include "control/disk-reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FILE_NAME "reserve"
/* Of the reserve: what has to be free besides, before it is given up and again when it is made. */
#define LOW_PART 4

struct _PmssDiskReserve
{
  char *folder, *path;
  guint64 bytes;
  GMutex lock;                  /* protects `held` and the file */
  gboolean held;
};

static guint64
get_free (const char *folder)
{
  struct statvfs disk;

  return statvfs (folder, &disk) == 0 ?
      (guint64) disk.f_bavail * disk.f_frsize : 0;
}

/* Whether all of its blocks are there: a file that is only long holds no room. */
static gboolean
is_whole (int fd, guint64 bytes)
{
  struct stat st;

  return fstat (fd, &st) == 0 && (guint64) st.st_size == bytes
      && (guint64) st.st_blocks * 512 >= bytes;
}

static gboolean
take_room_locked (PmssDiskReserve * self)
{
  int fd = g_open (self->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  gboolean whole;

  if (fd < 0)
    return FALSE;
  whole = is_whole (fd, self->bytes);
  if (!whole && get_free (self->folder) >= self->bytes + self->bytes / LOW_PART
      && ftruncate (fd, 0) == 0)
    whole = posix_fallocate (fd, 0, (off_t) self->bytes) == 0;
  if (!whole && ftruncate (fd, 0) != 0)
    g_warning ("Cannot cut “%s”: %s", self->path, g_strerror (errno));
  close (fd);
  return whole;
}

static void
give_room_locked (PmssDiskReserve * self)
{
  g_autofree char *bytes = g_format_size (self->bytes);

  if (!self->held)
    return;
  self->held = FALSE;
  if (truncate (self->path, 0) != 0) {
    g_warning ("Cannot cut “%s”: %s", self->path, g_strerror (errno));
    return;
  }
  g_warning
      ("The disk of “%s” is full: uploads are refused, and the catalog "
      "goes on in a reserve of %s. Make room: delete media, originals or other "
      "files", self->folder, bytes);
}

PmssDiskReserve *
pmss_disk_reserve_new (const char *folder, guint64 bytes)
{
  PmssDiskReserve *self = g_new0 (PmssDiskReserve, 1);

  self->folder = g_strdup (folder);
  self->path = g_build_filename (folder, FILE_NAME, NULL);
  self->bytes = bytes;
  g_mutex_init (&self->lock);
  if (bytes == 0) {
    if (g_unlink (self->path) != 0 && errno != ENOENT)
      g_warning ("Cannot delete “%s”: %s", self->path, g_strerror (errno));
    self->held = TRUE;
    return self;
  }
  self->held = take_room_locked (self);
  if (!self->held)
    g_warning ("The disk of “%s” has no room for the catalog's reserve: "
        "uploads are refused. Make room", folder);
  return self;
}

void
pmss_disk_reserve_make_room (const char *folder, guint64 bytes)
{
  g_autofree char *path = g_build_filename (folder, FILE_NAME, NULL);

  if (get_free (folder) < bytes / LOW_PART && truncate (path, 0) != 0
      && errno != ENOENT)
    g_warning ("Cannot cut “%s”: %s", path, g_strerror (errno));
}

void
pmss_disk_reserve_free (PmssDiskReserve * self)
{
  g_mutex_clear (&self->lock);
  g_free (self->path);
  g_free (self->folder);
  g_free (self);
}

void
pmss_disk_reserve_look (PmssDiskReserve * self)
{
  if (self->bytes == 0)
    return;
  g_mutex_lock (&self->lock);
  if (self->held && get_free (self->folder) < self->bytes / LOW_PART) {
    give_room_locked (self);
  } else if (!self->held && take_room_locked (self)) {
    self->held = TRUE;
    g_message ("The disk of “%s” has room again", self->folder);
  }
  g_mutex_unlock (&self->lock);
}

void
pmss_disk_reserve_give (PmssDiskReserve * self)
{
  if (self->bytes == 0)
    return;
  g_mutex_lock (&self->lock);
  give_room_locked (self);
  g_mutex_unlock (&self->lock);
}

guint64
pmss_disk_reserve_get_missing (PmssDiskReserve * self)
{
  guint64 missing;

  g_mutex_lock (&self->lock);
  missing = self->held ? 0 : self->bytes + self->bytes / LOW_PART;
  g_mutex_unlock (&self->lock);
  return missing;
}

char *
pmss_disk_reserve_explain (PmssDiskReserve * self)
{
  g_autofree char *bytes = NULL;

  if (pmss_disk_reserve_get_missing (self) == 0)
    return NULL;
  bytes = g_format_size (get_free (self->folder));
  return g_strdup_printf ("the disk is full (%s free): uploads are refused; "
      "delete media, originals or other files", bytes);
}
