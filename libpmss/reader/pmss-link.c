/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-link.h"

#include "libpmss/pmss-error.h"

/* The first failure after a success is tried again at once (a server that was
 * restarted, a connection that was closed for idleness), then with growing
 * pauses from this on. */
#define FIRST_BACKOFF (100 * G_TIME_SPAN_MILLISECOND)
/* The longest of these pauses while somebody waits and there is nobody else to
 * ask. */
#define URGENT_BACKOFF (300 * G_TIME_SPAN_MILLISECOND)
/* The first time that it is late its next record counts at once, then only
 * after growing pauses from this on, until it has not been late for a while. */
#define FIRST_MISTRUST (500 * G_TIME_SPAN_MILLISECOND)
#define MAX_MISTRUST_SHIFT 5
#define FORGET_LATE (20 * G_TIME_SPAN_SECOND)
/* Records of a request: whoever gives as many in time is trusted again. */
#define MAX_ALLOWANCE 16

PmssLink *
pmss_link_new (const PmssNode * node, guint index)
{
  PmssLink *link = g_new0 (PmssLink, 1);
  gboolean literal6 = strchr (node->address, ':') != NULL;

  link->node = *node;
  link->node.address = g_strdup (node->address);
  link->node.zone = g_strdup (node->zone);
  link->index = index;
  link->peer = g_strdup_printf (literal6 ? "[%s]:%u" : "%s:%u",
      node->address, node->port);
  link->base = g_uri_build (G_URI_FLAGS_NONE, node->tls ? "https" : "http",
      NULL, node->address, node->port, "/", NULL, NULL);
  link->streams = g_ptr_array_new ();
  return link;
}

void
pmss_link_free (PmssLink * link)
{
  g_clear_object (&link->probe);
  g_clear_error (&link->trouble);
  pmss_pass_clear (&link->pass);
  g_ptr_array_unref (link->streams);
  g_uri_unref (link->base);
  g_free (link->peer);
  g_free (link->node.address);
  g_free (link->node.zone);
  g_free (link);
}

gboolean
pmss_link_is_usable (PmssLink * link)
{
  return link->state == PMSS_LINK_UP;
}

gboolean
pmss_link_has_room (PmssLink * link, guint max, gboolean beside)
{
  guint i;

  if (link->streams->len >= (link->allowance == 0 ? max : 1))
    return FALSE;
  if (beside)
    return TRUE;
  for (i = 0; i < link->streams->len; i++) {
    if (pmss_stream_get_remaining (link->streams->pdata[i]) >
        PMSS_LINK_ALMOST_THROUGH)
      return FALSE;
  }
  return TRUE;
}

gboolean
pmss_link_made_room (PmssStream * stream, guint32 row)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);
  guint64 record = PMSS_RECORD_HEADER_SIZE + range->geometry.unit;
  guint64 rest = (range->first_row + range->n_rows - 1 - row) * record;

  return rest <= PMSS_LINK_ALMOST_THROUGH
      && rest + record > PMSS_LINK_ALMOST_THROUGH;
}

void
pmss_link_note_good (PmssLink * link, gint64 now)
{
  if (link->state != PMSS_LINK_LATE || link->retry_at <= now)
    link->state = PMSS_LINK_UP;
  link->failures = link->pauses = 0;
  link->refusals = 0;
  g_clear_error (&link->trouble);
}

void
pmss_link_note_probe (PmssLink * link)
{
  link->state = PMSS_LINK_UP;
}

/* @longest: of our own pauses, to which the user's are added. */
static gint64
get_backoff (PmssLink * link, gint64 longest, double factor, double max)
{
  gint64 pause;

  if (link->pauses == 0)
    return 0;
  pause = MIN (FIRST_BACKOFF << MIN (link->pauses - 1, 16), longest);
  pause += (gint64) (factor * G_TIME_SPAN_SECOND * link->pauses);
  pause = MIN (pause, (gint64) (max * G_TIME_SPAN_SECOND));
  /* whatever the settings say: a node that is not there is not hammered */
  return MAX (pause, FIRST_BACKOFF);
}

void
pmss_link_note_failure (PmssLink * link, gint64 now, const GError * error,
    double factor, double max, gboolean urgent)
{
  g_clear_error (&link->trouble);
  link->trouble = g_error_copy (error);
  link->state = PMSS_LINK_LOST;
  link->failed_at = now;
  link->retry_at = now + get_backoff (link, G_MAXINT64, factor, max);
  link->urgent_retry_at = now + get_backoff (link, URGENT_BACKOFF, factor, max);
  link->failures++;
  /* What is asked more often does not make later pauses longer. */
  if (!urgent || link->pauses == 0)
    link->pauses++;
}

void
pmss_link_note_hearsay (PmssLink * link, gint64 now, const GError * error)
{
  link->trouble = g_error_copy (error);
  link->state = PMSS_LINK_LOST;
  link->retry_at = link->urgent_retry_at = now;
  link->failures = 1;
}

void
pmss_link_note_late (PmssLink * link, gint64 now)
{
  gint64 pause = 0;

  if (now - link->late_at > FORGET_LATE)
    link->lates = 0;
  if (link->lates > 0)
    pause = FIRST_MISTRUST << MIN (link->lates - 1, MAX_MISTRUST_SHIFT);
  link->lates++;
  link->late_at = now;
  link->retry_at = now + pause;
  link->allowance = 1;
  link->state = PMSS_LINK_LATE;
  link->counters.late++;
}

/* Slow start, as for a connection that has lost packets. */
void
pmss_link_note_end (PmssLink * link, PmssStream * stream)
{
  if (link->allowance == 0 || pmss_stream_get_started (stream) < link->late_at)
    return;
  link->allowance *= 2;
  if (link->allowance > MAX_ALLOWANCE)
    link->allowance = 0;
}

/* @n: samples so far, this one included. The first few count alike: the very
 * first has the connecting in it, and must not be what is expected for long. */
static gint64
smooth (gint64 old, gint64 sample, guint n)
{
  return old + (sample - old) / MIN (n, 8);
}

/* us */
static gint64
count_wait (PmssLink * link, PmssStream * stream, gint64 now)
{
  gint64 wait = MAX (1, now - pmss_stream_get_awaited_since (stream));

  link->counters.waits++;
  link->counters.waited += (guint64) wait;
  return wait;
}

void
pmss_link_note_record (PmssLink * link, PmssStream * stream)
{
  gint64 now = pmss_stream_get_progress (stream);

  link->last_record = now;
  link->record_time = smooth (link->record_time,
      count_wait (link, stream, now), ++link->n_records);
}

/* Else only those would be counted that a slow node gives in time. */
void
pmss_link_note_given_up (PmssLink * link, PmssStream * stream, gint64 now)
{
  if (link->state != PMSS_LINK_UP && pmss_stream_get_remaining (stream) > 0)
    count_wait (link, stream, now);
}

void
pmss_link_note_timing (PmssLink * link, PmssStream * stream)
{
  gint64 answered = pmss_stream_get_answered (stream);
  gint64 took = pmss_stream_get_progress (stream) - answered;
  gint64 rtt;

  if (answered == 0)
    return;
  rtt = answered - pmss_stream_get_started (stream);
  link->rtt = smooth (link->rtt, rtt, ++link->n_rtts);
  link->least_rtt = link->least_rtt == 0 ? rtt : MIN (rtt, link->least_rtt);
  if (took > 0)
    link->rate = smooth (link->rate,
        pmss_stream_get_received (stream) * G_TIME_SPAN_SECOND / took,
        ++link->n_rates);
}

gint64
pmss_link_get_wait (PmssLink * link, gint64 now)
{
  gint64 wait = 0;
  guint i;

  for (i = 0; i < link->streams->len; i++)
    wait = MAX (wait,
        now - pmss_stream_get_awaited_since (link->streams->pdata[i]));
  return wait;
}

gint64
pmss_link_get_silence (PmssLink * link, gint64 now)
{
  gint64 silence = 0;
  guint i;

  for (i = 0; i < link->streams->len; i++)
    silence = MAX (silence,
        now - pmss_stream_get_progress (link->streams->pdata[i]));
  return silence;
}

void
pmss_link_describe_trouble (PmssLink * link, GString * text)
{
  g_autofree char *trouble = link->trouble == NULL
      ? g_strdup ("does not answer") : pmss_error_without_peer (link->trouble);

  g_string_append_printf (text, "; node %u (%s): %s", link->node.id,
      link->peer, trouble);
}

const char *
pmss_link_state_to_string (PmssLinkState state)
{
  static const char *const names[] = { "up", "late", "lost", "probing" };

  return names[state];
}
