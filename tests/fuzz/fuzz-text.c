/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text that people are to read. */

#include <string.h>

#include <glib.h>

#include "fuzz.h"
#include "libpmss/pmss-text.h"

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, MIN (size, 4096));
  g_autofree char *clean = pmss_text_clean (text);
  g_autofree char *again = pmss_text_clean (clean);
  g_autoptr (GError) error = NULL;
  gboolean good = pmss_text_check (text, "It", &error);

  /* Clean is what is taken, and what is taken is clean. */
  g_assert_true (good == (error == NULL));
  g_assert_true (g_utf8_validate (clean, -1, NULL));
  g_assert_true (pmss_text_check (clean, "It", NULL));
  g_assert_cmpstr (again, ==, clean);
  g_assert_true (good == g_str_equal (clean, text));
  if (error != NULL)
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  if (pmss_text_check_name (text, "It", NULL)) {
    g_autofree char *composed = g_utf8_normalize (text, -1, G_NORMALIZE_NFC);

    g_assert_true (good);
    g_assert_cmpstr (composed, ==, text);
  }
  return 0;
}
