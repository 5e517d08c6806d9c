/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is awaited. Pure. */
#include "libpmss/reader/pmss-waits.h"

static gboolean
is_read (const PmssAwaited * wait)
{
  return !wait->over && !wait->for_open;
}

gboolean
pmss_waits_is_for (const PmssWaits * self, guint64 row, gint index)
{
  for (GList * item = self->queue.head; item != NULL; item = item->next) {
    const PmssAwaited *wait = item->data;

    if (is_read (wait) && wait->row == row
        && (index < 0 || wait->index == (guint) index))
      return TRUE;
  }
  return FALSE;
}

gboolean
pmss_waits_is_any_read (const PmssWaits * self)
{
  for (GList * item = self->queue.head; item != NULL; item = item->next) {
    if (is_read (item->data))
      return TRUE;
  }
  return FALSE;
}

gint64
pmss_waits_get_deadline (const PmssWaits * self)
{
  gint64 deadline = G_MAXINT64;

  for (GList * item = self->queue.head; item != NULL; item = item->next) {
    const PmssAwaited *wait = item->data;

    if (!wait->over && wait->deadline > 0)
      deadline = MIN (deadline, wait->deadline);
  }
  return deadline;
}

void
pmss_waits_foreach (const PmssWaits * self, PmssWaitsFunc func,
    gpointer user_data)
{
  for (GList * item = self->queue.head; item != NULL; item = item->next) {
    const PmssAwaited *wait = item->data;

    if (is_read (wait))
      func (wait->row, wait->index, user_data);
  }
}
