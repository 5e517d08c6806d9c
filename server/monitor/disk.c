/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk's counters, from /sys/dev/block. Any thread. */
#include "disk.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel-file.h"
#include "libpmss/pmss-text.h"

/* The kernel counts disks in these, whatever their blocks are. */
#define SECTOR 512
/* In the order of Documentation/block/stat.rst. */
#define N_COUNTS 11

gboolean
pmss_disk_parse (const char *text, PmssDiskCounters * counters)
{
  guint64 counts[N_COUNTS];

  memset (counters, 0, sizeof *counters);
  if (pmss_kernel_file_parse_numbers (text, counts, N_COUNTS) != N_COUNTS
      || !g_uint64_checked_mul (&counters->read_bytes, counts[2], SECTOR)
      || !g_uint64_checked_mul (&counters->written_bytes, counts[6], SECTOR))
    return FALSE;
  counters->known = TRUE;
  counters->reads = counts[0];
  counters->read_time = counts[3];
  counters->writes = counts[4];
  counters->write_time = counts[7];
  counters->pending = counts[8];
  counters->busy_time = counts[9];
  counters->weighted_time = counts[10];
  return TRUE;
}

static char *
read_of (const char *root, dev_t device, const char *what)
{
  g_autofree char *path = g_strdup_printf ("/sys/dev/block/%u:%u/%s",
      major (device), minor (device), what);

  return device != 0 ? pmss_kernel_file_read (root, path) : NULL;
}

gboolean
pmss_disk_read (const char *root, dev_t device, PmssDiskCounters * counters)
{
  g_autofree char *text = read_of (root, device, "stat");

  return pmss_disk_parse (text != NULL ? text : "", counters);
}

char *
pmss_disk_parse_name (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (char **line = lines; *line; line++) {
    const char *name = *line + strlen ("DEVNAME=");

    if (g_str_has_prefix (*line, "DEVNAME=") && name[0] != '\0'
        && strlen (name) < PMSS_DISK_NAME_SIZE
        && pmss_text_check (name, "", NULL))
      return g_strdup (name);
  }
  return NULL;
}

char *
pmss_disk_get_name (const char *root, dev_t device)
{
  g_autofree char *text = read_of (root, device, "uevent");

  return text != NULL ? pmss_disk_parse_name (text) : NULL;
}

char *
pmss_disk_parse_source (const char *text, guint major_number,
    guint minor_number)
{
  g_autofree char *device = g_strdup_printf ("%u:%u", major_number,
      minor_number);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (char **line = lines; *line; line++) {
    g_auto (GStrv) words = g_strsplit (*line, " ", -1);
    guint n = g_strv_length (words), dash = 6;

    while (dash < n && !g_str_equal (words[dash], "-"))
      dash++;
    if (dash + 2 < n && g_str_equal (words[2], device)
        && words[dash + 2][0] == '/')
      return g_strdup (words[dash + 2]);
  }
  return NULL;
}

dev_t
pmss_disk_find (const char *root, const char *folder)
{
  g_autofree char *text = NULL;
  g_autofree char *source = NULL;
  struct stat info;

  if (stat (folder, &info) != 0)
    return 0;
  if (major (info.st_dev) != 0)
    return info.st_dev;
  text = pmss_kernel_file_read (root, "/proc/self/mountinfo");
  if (text != NULL)
    source = pmss_disk_parse_source (text, major (info.st_dev),
        minor (info.st_dev));
  if (source == NULL || stat (source, &info) != 0 || !S_ISBLK (info.st_mode))
    return 0;
  return info.st_rdev;
}
