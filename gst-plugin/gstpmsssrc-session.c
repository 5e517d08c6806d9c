/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The session that was opened before the player: `pmss play` waits for it. */
#include "gstpmsssrc-session.h"

#include <string.h>

#define ID_LENGTH 32

char *
gst_pmss_take_session (const char *medium)
{
  static gint taken;            /* atomic */
  const char *text = g_getenv ("PMSS_SESSION");

  if (text == NULL || strspn (text, "0123456789abcdef") != ID_LENGTH
      || text[ID_LENGTH] != ' ' || !g_str_equal (text + ID_LENGTH + 1, medium)
      || !g_atomic_int_compare_and_exchange (&taken, FALSE, TRUE))
    return NULL;
  return g_strndup (text, ID_LENGTH);
}
