/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a refusal for now says: what binds, and when to try again. Pure. */
#include "pmss-busy.h"

#include <string.h>

#include "libpmss/pmss-error.h"

#define SECOND G_GINT64_CONSTANT (1000000000)

char *
pmss_busy_format_time (gint64 ns)
{
  gint64 seconds = ns / SECOND + (ns % SECOND != 0);
  gint64 minutes = seconds / 60;

  if (seconds < 60)
    return g_strdup_printf ("%" G_GINT64_FORMAT " s", seconds);
  if (minutes < 60 && seconds % 60 == 0)
    return g_strdup_printf ("%" G_GINT64_FORMAT " min", minutes);
  if (minutes < 60)
    return g_strdup_printf ("%" G_GINT64_FORMAT " min %" G_GINT64_FORMAT " s",
        minutes, seconds % 60);
  return g_strdup_printf ("%" G_GINT64_FORMAT " h %" G_GINT64_FORMAT " min",
      minutes / 60, minutes % 60);
}

gint64
pmss_busy_get_wait (const GError * error)
{
  const PmssErrorDetails *details = pmss_error_get_details (error);

  if (details == NULL)
    return -1;
  if (details->start_in >= 0)
    return MAX (details->start_in, details->retry_after * SECOND);
  return details->retry_after > 0 ? details->retry_after * SECOND : -1;
}

static void
say_what_binds (const PmssErrorDetails * details, GString * text)
{
  if (details->resource == NULL || strstr (text->str, details->resource))
    return;
  g_string_append_printf (text, "; what does not suffice is the %s",
      details->resource);
  if (details->node > 0)
    g_string_append_printf (text, " of storage server %u", details->node);
}

void
pmss_busy_explain (GError * error)
{
  gint64 wait = pmss_busy_get_wait (error);
  GString *text = g_string_new (error->message);

  say_what_binds (pmss_error_get_details (error), text);
  if (wait >= 0 && strstr (text->str, "ry again") == NULL) {
    g_autofree char *time = pmss_busy_format_time (wait);

    g_string_append_printf (text, "; try again in %s", time);
  }
  g_free (error->message);
  error->message = g_string_free (text, FALSE);
}
