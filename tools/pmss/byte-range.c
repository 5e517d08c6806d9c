/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ranges of bytes as arguments; pure. */
#include "byte-range.h"

#include <string.h>

#include <libpmss/pmss-error.h>

#include "cli.h"

static gboolean
parse_number (const char *text, gsize length, guint64 * number)
{
  g_autofree char *copy = g_strndup (text, length);

  return g_ascii_string_to_unsigned (copy, 10, 0, G_MAXINT64, number, NULL);
}

static gboolean
parse (const char *text, PmssByteRange * range)
{
  const char *dash = strchr (text, '-');

  if (dash == NULL)
    return FALSE;
  range->is_suffix = dash == text;
  range->first = 0;
  range->last = G_MAXUINT64;
  if (dash > text && !parse_number (text, (gsize) (dash - text), &range->first))
    return FALSE;
  if (dash[1] == '\0')
    return dash > text;
  return parse_number (dash + 1, strlen (dash + 1), &range->last) &&
      (range->is_suffix ? range->last > 0 : range->last >= range->first);
}

gboolean
pmss_byte_range_parse (const char *text, PmssByteRange * range, GError ** error)
{
  if (parse (text, range))
    return TRUE;
  g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
      "“%s” is not a range of bytes: 0-499 are the first 500, 500- is all "
      "behind them, -500 the last 500", text);
  return FALSE;
}

gboolean
pmss_byte_range_resolve (const PmssByteRange * range, guint64 size,
    guint64 * start, guint64 * end, GError ** error)
{
  *start = range->is_suffix ? size - MIN (size, range->last) : range->first;
  *end = range->is_suffix || range->last >= size ? size : range->last + 1;
  if (*start < *end)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_RANGE,
      "The medium has %" G_GUINT64_FORMAT " bytes: the range lies behind them",
      size);
  return FALSE;
}
