/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Amounts in settings; pure. */
#include "libpmss/pmss-amount.h"

#include <errno.h>

#include "libpmss/pmss-error.h"

static const struct
{
  const char *suffix;
  guint64 factor;
} units[] = {
  {"", 1},
  {"k", 1000}, {"K", 1000}, {"M", 1000000}, {"G", 1000000000},
  {"T", 1000000000000},
  {"KiB", G_GUINT64_CONSTANT (1) << 10}, {"MiB", G_GUINT64_CONSTANT (1) << 20},
  {"GiB", G_GUINT64_CONSTANT (1) << 30}, {"TiB", G_GUINT64_CONSTANT (1) << 40},
};

static gboolean
find_factor (const char *suffix, guint64 * factor)
{
  for (guint i = 0; i < G_N_ELEMENTS (units); i++) {
    if (g_str_equal (suffix, units[i].suffix)) {
      *factor = units[i].factor;
      return TRUE;
    }
  }
  return FALSE;
}

gboolean
pmss_amount_parse (const char *text, guint64 * amount, GError ** error)
{
  char *end = NULL;
  guint64 number, factor, result;

  errno = 0;
  number = g_ascii_strtoull (text, &end, 10);
  if (g_ascii_isdigit (text[0]) && errno == 0) {
    while (*end == ' ')
      end++;
    if (find_factor (end, &factor)
        && g_uint64_checked_mul (&result, number, factor)
        && result <= G_MAXINT64) {
      *amount = result;
      return TRUE;
    }
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "“%s” is no amount like 1000, 10k, 10M or 64MiB", text);
  return FALSE;
}
