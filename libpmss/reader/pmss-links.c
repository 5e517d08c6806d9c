/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nodes' health. Pure. */
#include "libpmss/reader/pmss-links.h"

#define PROBE_PATIENCE 2000     /* ms */
/* While there is nobody else to ask: packets that were lost are not waited for,
 * the next probe follows. In any case so many times what it took once. */
#define URGENT_PATIENCE 500     /* ms */
#define URGENT_RTTS 8

/* us: where a round trip takes less, the rest of the window would only hold up
 * the row that was jumped to. It is asked for when that is there. */
#define NEAR (3 * G_TIME_SPAN_MILLISECOND)
/* us: who opened a medium in less than that had two round trips to control, and
 * control its work; until nodes have answered, they are taken to be as near. */
#define NEAR_CONTROL (12 * G_TIME_SPAN_MILLISECOND)

/* --- Where shards are --- */

/* Where a shard has moved and that was not tried, the place before does as
 * long as the new one cannot be asked. */
PmssLink *
pmss_links_get_shard_link (const PmssLinks * self, guint32 extent, guint index)
{
  gint current = pmss_places_get (&self->places, extent, index);
  gint former = pmss_places_get_former (&self->places, extent, index);
  PmssLink *link = current < 0 ? NULL : pmss_links_get (self, current);
  PmssLink *before;

  if (former < 0 || (link != NULL && link->state == PMSS_LINK_UP))
    return link;
  before = pmss_links_get (self, former);
  return link == NULL || before->state == PMSS_LINK_UP ? before : link;
}

gint
pmss_links_get_link_shard (const PmssLinks * self, const PmssLink * link,
    guint32 extent)
{
  for (guint i = 0; i < self->width; i++) {
    if (pmss_links_get_shard_link (self, extent, i) == link)
      return (gint) i;
  }
  return -1;
}

PmssSource
pmss_links_get_source (const PmssLinks * self, const PmssRow * row, guint index)
{
  PmssLink *link = pmss_links_get_shard_link (self, row->extent, index);

  if (link == NULL || row->slots[index].state == PMSS_UNIT_BAD
      || pmss_bad_shards_is_bad (self->bad_shards, row->extent, index))
    return PMSS_SOURCE_NONE;
  if (link->state == PMSS_LINK_UP)
    return PMSS_SOURCE_GOOD;
  return link->state == PMSS_LINK_LATE ? PMSS_SOURCE_LATE : PMSS_SOURCE_NONE;
}

/* --- What answers and failures change --- */

gboolean
pmss_links_note_good (PmssLinks * self, PmssLink * link, gint64 now)
{
  gboolean is_back = link->reported;

  pmss_link_note_good (link, now);
  link->reported = FALSE;
  return is_back;
}

gboolean
pmss_links_note_failed (PmssLinks * self, PmssLink * link, gint64 now,
    gint64 began, const GError * error, gboolean urgent)
{
  link->counters.errors++;
  if (link->retired)
    link->state = PMSS_LINK_UP;
  if (link->retired || began <= link->failed_at)
    return FALSE;
  pmss_link_note_failure (link, now, error, self->backoff_factor,
      self->backoff_max, urgent);
  /* A single reset is a closed connection or a restarted server until the
   * probe, which follows at once, says otherwise. */
  if (link->failures < 2 || link->reported)
    return FALSE;
  link->reported = TRUE;
  return TRUE;
}

/* Whether a node other than @link takes our tokens, or may do so: it was asked,
 * and has not refused one. A near node says no before far ones say yes. */
static gboolean
is_trusted_elsewhere (const PmssLinks * self, const PmssLink * link)
{
  for (guint i = 0; i < self->all->len; i++) {
    PmssLink *other = pmss_links_get (self, i);

    if (other != link && other->refusals == 0
        && (other->counters.units > 0 || other->streams->len > 0))
      return TRUE;
  }
  return FALSE;
}

/* The first time it may be the token's age: a new one is asked for, and the
 * others give what they can meanwhile. A node that refuses that one, too, has
 * a clock or a key of its own: then it is a node that does not work, and no
 * reason to ask control again and again. */
PmssLinksRefusal
pmss_links_note_refused (PmssLinks * self, PmssLink * link, guint token)
{
  PmssLinksRefusal refusal = {.is_trusted = is_trusted_elsewhere (self, link) };

  refusal.is_answered = pmss_pass_note_refused (&link->pass, token,
      self->token_number);
  if (refusal.is_answered)
    return refusal;
  if (link->refusals == 0 || link->refused_token != self->token_number)
    link->refusals++;
  link->refused_token = self->token_number;
  refusal.ask_control = link->refusals == 1 || !refusal.is_trusted;
  return refusal;
}

void
pmss_links_retry_refused (PmssLinks * self)
{
  for (guint i = 0; i < self->all->len; i++) {
    PmssLink *link = pmss_links_get (self, i);

    if (link->state != PMSS_LINK_LOST || link->refusals == 0
        || (link->refusals > 1 && is_trusted_elsewhere (self, link)))
      continue;
    link->state = PMSS_LINK_UP;
    link->failures = link->pauses = 0;
  }
}

/* --- What is known of them --- */

gboolean
pmss_links_is_served (const PmssLinks * self)
{
  for (guint i = 0; i < self->all->len; i++) {
    PmssLink *link = pmss_links_get (self, i);

    if (pmss_link_is_usable (link) && link->refusals == 0
        && link->counters.units > 0)
      return TRUE;
  }
  return FALSE;
}

gboolean
pmss_links_is_near (const PmssLinks * self)
{
  gint64 rtt = 0;

  for (guint i = 0; i < self->all->len; i++)
    rtt = MAX (rtt, pmss_links_get (self, i)->least_rtt);
  return rtt > 0 ? rtt < NEAR : self->opened_in < NEAR_CONTROL;
}

/* --- Signs of life --- */

gboolean
pmss_links_is_probe_due (const PmssLink * link, gint64 now, gboolean urgent)
{
  if (link->streams->len > 0)
    return FALSE;
  /* Late, and nothing under way that could show that it is not. */
  return (link->state == PMSS_LINK_LATE && link->retry_at <= now)
      || (link->state == PMSS_LINK_LOST
      && now >= (urgent ? link->urgent_retry_at : link->retry_at));
}

guint
pmss_links_get_probe_patience (const PmssLink * link, gboolean urgent)
{
  if (!urgent || link->least_rtt == 0)
    return PROBE_PATIENCE;
  return CLAMP (URGENT_RTTS * link->least_rtt / G_TIME_SPAN_MILLISECOND,
      URGENT_PATIENCE, PROBE_PATIENCE);
}

gint64
pmss_links_get_due (const PmssLinks * self, gboolean urgent)
{
  gint64 due = G_MAXINT64;

  for (guint i = 0; i < self->all->len; i++) {
    PmssLink *link = pmss_links_get (self, i);

    if (link->state == PMSS_LINK_LATE)
      due = MIN (due, link->retry_at);
    else if (link->state == PMSS_LINK_LOST)
      due = MIN (due, urgent ? link->urgent_retry_at : link->retry_at);
  }
  return due;
}

/* --- Its life --- */

void
pmss_links_init (PmssLinks * self, double backoff_factor, double backoff_max)
{
  self->all = g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_link_free);
  self->bad_shards = pmss_bad_shards_new ();
  self->backoff_factor = backoff_factor;
  self->backoff_max = backoff_max;
}

void
pmss_links_clear (PmssLinks * self)
{
  g_clear_pointer (&self->all, g_ptr_array_unref);
  pmss_places_clear (&self->places);
  g_clear_pointer (&self->bad_shards, pmss_bad_shards_free);
}

void
pmss_links_set_layout (PmssLinks * self, PmssLayout * layout)
{
  PmssRedundancy redundancy = pmss_layout_get_redundancy (layout);
  guint n = pmss_layout_get_n_nodes (layout);
  g_autofree gint *numbers = g_new (gint, n + 1);

  for (guint i = 0; i < n; i++) {
    g_ptr_array_add (self->all, pmss_link_new (pmss_layout_get_node (layout, i),
            i));
    numbers[i] = (gint) i;
  }
  pmss_places_init (&self->places, layout, numbers);
  self->width = redundancy.k + redundancy.m;
}
