/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's counters, parsed from what the kernel shows. Any thread. */
#include "machine.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* The kernel counts disks in these, whatever their blocks are. */
#define SECTOR 512
/* Above it are the numbers by which drivers say that they do not know. */
#define MAX_SPEED 10000000      /* Mbit/s */

/* Up to @n numbers that stand in @text, separated by spaces. */
static guint
parse_numbers (const char *text, guint64 * numbers, guint n)
{
  guint found = 0;

  while (found < n) {
    char *end;

    while (*text == ' ' || *text == '\t')
      text++;
    if (!g_ascii_isdigit (*text))
      break;
    numbers[found++] = g_ascii_strtoull (text, &end, 10);
    text = end;
  }
  return found;
}

/* user nice system idle iowait irq softirq steal; what guests get is in user
 * already. */
gboolean
pmss_machine_parse_cpu (const char *text, guint64 * total, guint64 * idle)
{
  guint64 ticks[8] = { 0 };
  guint n;

  if (!g_str_has_prefix (text, "cpu "))
    return FALSE;
  n = parse_numbers (text + strlen ("cpu "), ticks, G_N_ELEMENTS (ticks));
  if (n < 5)
    return FALSE;
  *total = 0;
  for (guint i = 0; i < n; i++)
    *total += ticks[i];
  *idle = ticks[3] + ticks[4];
  return TRUE;
}

static gboolean
find_memory (const char *text, const char *name, guint64 * bytes)
{
  const char *line = strstr (text, name);

  if (line == NULL || (line != text && line[-1] != '\n')
      || parse_numbers (line + strlen (name), bytes, 1) != 1)
    return FALSE;
  return g_uint64_checked_mul (bytes, *bytes, 1024);
}

gboolean
pmss_machine_parse_memory (const char *text, guint64 * total, guint64 * used)
{
  guint64 available;

  if (!find_memory (text, "MemTotal:", total)
      || !find_memory (text, "MemAvailable:", &available)
      || available > *total)
    return FALSE;
  *used = *total - available;
  return TRUE;
}

gboolean
pmss_machine_parse_network (const char *text, guint64 * in, guint64 * out)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gboolean any = FALSE;

  *in = *out = 0;
  for (char **line = lines; *line; line++) {
    char *colon = strchr (*line, ':');
    guint64 counts[9];

    if (colon == NULL || parse_numbers (colon + 1, counts, 9) != 9)
      continue;
    any = TRUE;
    *colon = '\0';
    if (g_str_equal (g_strstrip (*line), "lo"))
      continue;
    *in += counts[0];
    *out += counts[8];
  }
  return any;
}

gboolean
pmss_machine_parse_disk (const char *text, guint64 * read, guint64 * written)
{
  guint64 counts[7];

  return parse_numbers (text, counts, 7) == 7
      && g_uint64_checked_mul (read, counts[2], SECTOR)
      && g_uint64_checked_mul (written, counts[6], SECTOR);
}

/* Older kernels say 65535 where they mean -1. */
gboolean
pmss_machine_parse_speed (const char *text, guint64 * speed)
{
  guint64 megabits;

  if (parse_numbers (text, &megabits, 1) != 1 || megabits == 0
      || megabits == G_MAXUINT16 || megabits > MAX_SPEED)
    return FALSE;
  *speed = megabits * 1000 * 1000;
  return TRUE;
}

char *
pmss_machine_parse_source (const char *text, guint major_number,
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

static char *
read_file (const char *path)
{
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? text : NULL;
}

gboolean
pmss_machine_get_cpu (guint64 * total, guint64 * idle)
{
  g_autofree char *text = read_file ("/proc/stat");

  return text && pmss_machine_parse_cpu (text, total, idle);
}

gboolean
pmss_machine_get_memory (guint64 * total, guint64 * used)
{
  g_autofree char *text = read_file ("/proc/meminfo");

  return text && pmss_machine_parse_memory (text, total, used);
}

gboolean
pmss_machine_get_network (guint64 * in, guint64 * out)
{
  g_autofree char *text = read_file ("/proc/net/dev");

  return text && pmss_machine_parse_network (text, in, out);
}

static gboolean
find_device (const char *folder, dev_t * device)
{
  g_autofree char *text = NULL;
  g_autofree char *source = NULL;
  struct stat info;

  if (stat (folder, &info) != 0)
    return FALSE;
  *device = info.st_dev;
  if (major (info.st_dev) != 0)
    return TRUE;
  text = read_file ("/proc/self/mountinfo");
  if (text != NULL)
    source = pmss_machine_parse_source (text, major (info.st_dev),
        minor (info.st_dev));
  if (source == NULL || stat (source, &info) != 0 || !S_ISBLK (info.st_mode))
    return FALSE;
  *device = info.st_rdev;
  return TRUE;
}

gboolean
pmss_machine_get_disk (const char *folder, guint64 * read, guint64 * written)
{
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  dev_t device;

  if (!find_device (folder, &device))
    return FALSE;
  path = g_strdup_printf ("/sys/dev/block/%u:%u/stat", major (device),
      minor (device));
  text = read_file (path);
  return text && pmss_machine_parse_disk (text, read, written);
}

static gboolean
has_address (const struct ifaddrs *interface, GInetAddress * address)
{
  const struct sockaddr *socket = interface->ifa_addr;
  g_autoptr (GInetAddress) own = NULL;

  if (socket != NULL && socket->sa_family == AF_INET)
    own = g_inet_address_new_from_bytes ((const guint8 *)
        &((const struct sockaddr_in *) socket)->sin_addr, G_SOCKET_FAMILY_IPV4);
  else if (socket != NULL && socket->sa_family == AF_INET6)
    own = g_inet_address_new_from_bytes ((const guint8 *)
        &((const struct sockaddr_in6 *) socket)->sin6_addr,
        G_SOCKET_FAMILY_IPV6);
  return own != NULL && g_inet_address_equal (own, address);
}

char *
pmss_machine_find_interface (GInetAddress * address)
{
  struct ifaddrs *all;
  char *name = NULL;

  if (getifaddrs (&all) != 0)
    return NULL;
  for (struct ifaddrs * i = all; i != NULL && name == NULL; i = i->ifa_next)
    if (has_address (i, address))
      name = g_strdup (i->ifa_name);
  freeifaddrs (all);
  return name;
}

/* A link that is down has no speed, and reading it fails. */
gboolean
pmss_machine_get_speed (const char *interface, guint64 * speed)
{
  g_autofree char *path = g_strdup_printf ("/sys/class/net/%s/speed",
      interface);
  g_autofree char *text = read_file (path);

  return text != NULL && pmss_machine_parse_speed (text, speed);
}
