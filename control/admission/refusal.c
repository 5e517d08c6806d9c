/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said to a client whose stream does not fit. Pure. */
#include "control/admission/refusal.h"

#define NS_PER_S G_GINT64_CONSTANT (1000000000)
#define LEAST_WIDTH 5
#define MOST_WIDTH 60

/* Whole seconds, rounded up. */
static gint64
in_seconds (gint64 ns)
{
  return ns / NS_PER_S + (ns % NS_PER_S > 0);
}

guint
pmss_refusal_spread (gint64 start_in, guint number)
{
  gint64 first = start_in < 0 ? PMSS_RETRY_USUAL
      : CLAMP (in_seconds (start_in), 1, PMSS_RETRY_MOST);
  guint width = (guint) CLAMP (first / 2, LEAST_WIDTH, MOST_WIDTH);

  return (guint) first + number % width;
}

char *
pmss_refusal_to_text (const PmssRefusal * refusal, const char *medium)
{
  g_autofree char *when = refusal->start_in < 0 ? g_strdup ("")
      : g_strdup_printf ("; it is likely to fit in %" G_GINT64_FORMAT " s",
      in_seconds (refusal->start_in));

  return g_strdup_printf ("The cluster is full: the %s of node %u does not "
      "suffice for “%s” beside the streams that it serves%s. Try again in "
      "%u s",
      refusal->resource != PMSS_RESOURCE_NONE
      ? pmss_resource_to_string (refusal->resource) : "capacity",
      refusal->node, medium, when, refusal->retry_after);
}
