/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decides when a row cannot be had, and says why. Pure. */
#include "libpmss/reader/pmss-hopeless.h"

#include "libpmss/pmss-error.h"

static guint
count_units (const PmssHopelessRow * row)
{
  return row->redundancy.k + row->redundancy.m;
}

/* Whether it makes no sense to wait for a node that has never given a byte: it,
 * or its shard, has been tried @failures times. One that gave something before
 * may give again: it is restarted, or its disk is mounted. */
static gboolean
is_spent (const PmssHopelessRow * row, const PmssLink * link, guint failures)
{
  return link->counters.units == 0 && row->retries >= 0
      && failures > (guint) row->retries;
}

static gboolean
is_gone (const PmssHopelessRow * row, const PmssHopelessUnit * unit)
{
  return unit->link == NULL || unit->is_bad
      || is_spent (row, unit->link, unit->tries)
      || (!pmss_link_is_usable (unit->link)
      && is_spent (row, unit->link, unit->link->failures));
}

/* Waiting does not help. */
static gboolean
is_hopeless (const PmssHopelessRow * row)
{
  guint gone = 0;

  for (guint i = 0; i < count_units (row); i++)
    gone += is_gone (row, &row->units[i]);
  return gone > row->redundancy.m;
}

gboolean
pmss_hopeless_is_over (const PmssHopelessRow * row, gint64 now,
    gboolean layout_may_help)
{
  if (row->timeout > 0 && now - row->stuck_since >= row->timeout)
    return TRUE;
  return is_hopeless (row) && !layout_may_help;
}

gint64
pmss_hopeless_get_due (const PmssHopelessRow * row)
{
  gint64 due = row->timeout > 0 ? row->stuck_since + row->timeout : G_MAXINT64;

  for (guint i = 0; i < count_units (row); i++)
    due = MIN (due, row->units[i].retry);
  return due;
}

/* Its node answers, and does not give it. */
static gboolean
is_withheld (const PmssHopelessUnit * unit)
{
  return unit->is_bad || unit->tries > 0;
}

gboolean
pmss_hopeless_is_doubtful (const PmssHopelessRow * row)
{
  guint doubtful = 0;

  for (guint i = 0; i < count_units (row); i++) {
    const PmssHopelessUnit *unit = &row->units[i];

    doubtful += unit->link == NULL || !pmss_link_is_usable (unit->link)
        || is_withheld (unit);
  }
  return row->stuck_since != 0 || doubtful > row->redundancy.m;
}

/* Appends what is the matter with shard @index; nothing if it can be had. */
static gboolean
describe (const PmssHopelessUnit * unit, guint index, GString * text)
{
  if (unit->link == NULL)
    g_string_append_printf (text, "; shard %u is lost", index);
  else if (!pmss_link_is_usable (unit->link))
    pmss_link_describe_trouble (unit->link, text);
  else if (is_withheld (unit))
    g_string_append_printf (text, "; node %u (%s): shard %u is damaged or"
        " missing", unit->link->node.id, unit->link->peer, index);
  else
    return FALSE;
  return TRUE;
}

GError *
pmss_hopeless_new_error (const PmssHopelessRow * row, const char *medium,
    guint32 extent)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const PmssLink *first = NULL;
  PmssErrorDetails *details;
  GError *error;

  for (guint i = 0; i < count_units (row); i++) {
    if (describe (&row->units[i], i, text) && first == NULL)
      first = row->units[i].link;
  }
  error = g_error_new (PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS,
      "%s: extent %u needs %u of its %u shards, and fewer can be had%s",
      medium, extent, row->redundancy.k, count_units (row), text->str);
  details = pmss_error_get_details (error);
  details->medium = g_strdup (medium);
  details->extent = extent;
  if (first != NULL) {
    details->node = first->node.id;
    details->peer = g_strdup (first->peer);
  }
  return error;
}
