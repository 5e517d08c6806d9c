/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of /proc and /sys. Any thread. */
#include "kernel-file.h"

char *
pmss_kernel_file_read (const char *root, const char *path)
{
  g_autofree char *name = g_strconcat (root, path, NULL);
  char *text = NULL;

  return g_file_get_contents (name, &text, NULL, NULL) ? text : NULL;
}

guint
pmss_kernel_file_parse_numbers (const char *text, guint64 * numbers, guint n)
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
