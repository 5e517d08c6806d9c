/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shorter times for tests. Any thread. */
#include "daemon/pmss-haste.h"

#define MAX_HASTE 10

gint64
pmss_haste (gint64 duration)
{
  static gsize haste = 0;

  if (g_once_init_enter (&haste)) {
    const char *text = g_getenv ("PMSS_TEST_HASTE");
    guint64 value = 1;

    if (text != NULL
        && !g_ascii_string_to_unsigned (text, 10, 1, MAX_HASTE, &value, NULL))
      g_warning ("PMSS_TEST_HASTE=%s is left out: it is for tests, 1 to %d",
          text, MAX_HASTE);
    g_once_init_leave (&haste, (gsize) value);
  }
  return duration / (gint64) haste;
}
