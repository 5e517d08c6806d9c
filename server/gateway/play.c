/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The readers of a gateway: one for each ticket. On the gateway's thread. */
#include "gateway-private.h"

#include "daemon/pmss-haste.h"
#include "libpmss/pmss-error.h"

/* After the last answer's end. A viewer who has paused comes back with the same URL. */
#define REST (60 * 1000)        /* ms */
/* Each answer that its viewer does not take holds a unit. */
#define MAX_ANSWERS 6           /* of a ticket */

/*
 *                opened                    nobody reads for a minute
 *   OPENING ───────────────▶ OPEN ──────────────────────────────▶ closed
 *      │ not opened            │ its bytes cannot be had            ▲
 *      ▼                       ▼                                    │
 *    gone                   FAILED ──── the last answer has ended ──┘
 *
 *   OPEN, FAILED ── its session was ended ──▶ CLOSING ──▶ CLOSED: it stays until
 *                                                        the last answer has ended
 */
typedef enum
{ OPENING, OPEN, FAILED, CLOSING, CLOSED } PlayState;

struct _PmssPlay
{
  GList link;                   /* in the gateway's `all_plays` */
  PmssGateway *gateway;
  char *ticket;
  PmssReader *reader;
  PlayState state;
  GQueue waiting;               /* of PmssGatewayAnswer, while it is opened */
  guint users;                  /* answers that read it */
  GSource *rest;                /* (nullable) nobody does */
};

static void
cancel_rest (PmssPlay * play)
{
  if (play->rest == NULL)
    return;
  g_source_destroy (play->rest);
  g_clear_pointer (&play->rest, g_source_unref);
}

/* Another one may take its place. */
static void
forget (PmssPlay * play)
{
  PmssGateway *gateway = play->gateway;

  if (g_hash_table_lookup (gateway->plays, play->ticket) == play)
    g_hash_table_remove (gateway->plays, play->ticket);
}

static void
end_thread_if_last (PmssGateway * gateway)
{
  if (gateway->ends && gateway->closing == 0)
    g_main_loop_quit (gateway->loop);
}

static void
free_play (PmssPlay * play)
{
  PmssGateway *gateway = play->gateway;

  g_queue_unlink (&gateway->all_plays, &play->link);
  g_object_unref (play->reader);
  g_free (play->ticket);
  g_free (play);
  atomic_fetch_sub (&gateway->n_plays, 1);
}

static void
on_closed (GObject * source, GAsyncResult * result, gpointer data)
{
  PmssPlay *play = data;
  PmssGateway *gateway = play->gateway;

  pmss_reader_close_finish (PMSS_READER (source), result, NULL);
  play->state = CLOSED;
  if (play->users == 0)
    free_play (play);
  gateway->closing--;
  end_thread_if_last (gateway);
}

/* Gives the session back: the ticket rests. Answers that still read it end short. */
static void
close_play (PmssPlay * play)
{
  cancel_rest (play);
  forget (play);
  play->state = CLOSING;
  play->gateway->closing++;
  pmss_reader_close_async (play->reader, on_closed, play);
}

static gboolean
on_rested (gpointer data)
{
  close_play (data);
  return G_SOURCE_REMOVE;
}

void
pmss_play_release (PmssPlay * play)
{
  if (--play->users > 0 || play->state == CLOSING)
    return;
  if (play->state == CLOSED) {
    free_play (play);
    return;
  }
  if (play->state == FAILED || play->gateway->ends) {
    close_play (play);
    return;
  }
  pmss_reader_pause (play->reader);
  play->rest = g_timeout_source_new ((guint) pmss_haste (REST));
  g_source_set_callback (play->rest, on_rested, play, NULL);
  g_source_attach (play->rest, play->gateway->context);
}

void
pmss_play_fail (PmssPlay * play)
{
  if (play->state == CLOSING || play->state == CLOSED)
    return;
  play->state = FAILED;
  forget (play);
  if (play->users == 0)
    close_play (play);
}

static void
give (PmssPlay * play, PmssGatewayAnswer * answer)
{
  cancel_rest (play);
  play->users++;
  pmss_gateway_answer_give (answer, play, play->reader);
}

static void
on_opened (GObject * source, GAsyncResult * result, gpointer data)
{
  PmssPlay *play = data;
  g_autoptr (GError) error = NULL;
  GQueue waiting = play->waiting;

  g_queue_init (&play->waiting);
  if (pmss_reader_open_finish (PMSS_READER (source), result, &error)) {
    play->state = OPEN;
    for (GList * l = waiting.head; l != NULL; l = l->next)
      give (play, l->data);
  } else {
    for (GList * l = waiting.head; l != NULL; l = l->next)
      pmss_gateway_answer_refuse (l->data, error);
    close_play (play);
  }
  g_queue_clear (&waiting);
}

static PmssPlay *
new_play (PmssGateway * gateway, PmssGatewayAnswer * answer)
{
  PmssPlay *play = g_new0 (PmssPlay, 1);

  play->link.data = play;
  play->gateway = gateway;
  play->ticket = g_strdup (pmss_gateway_answer_get_ticket (answer));
  play->reader = pmss_reader_new (gateway->client,
      pmss_gateway_answer_get_medium (answer));
  g_object_set (play->reader, "ticket", play->ticket, "retries", 0, NULL);
  g_queue_init (&play->waiting);
  g_hash_table_insert (gateway->plays, play->ticket, play);
  g_queue_push_tail_link (&gateway->all_plays, &play->link);
  atomic_fetch_add (&gateway->n_plays, 1);
  pmss_reader_open_async (play->reader, gateway->cancellable, on_opened, play);
  return play;
}

static gboolean
is_full (PmssGateway * gateway)
{
  return g_hash_table_size (gateway->plays) >= gateway->max_plays;
}

/* Somebody who has paused makes room, and comes back to another reader. */
static void
make_room (PmssGateway * gateway)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->plays);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    PmssPlay *play = value;

    if (play->rest != NULL) {
      close_play (play);
      return;
    }
  }
}

static void
refuse (PmssGatewayAnswer * answer, const char *why)
{
  g_autoptr (GError) error =
      g_error_new_literal (PMSS_ERROR, PMSS_ERROR_BUSY, why);

  pmss_gateway_answer_refuse (answer, error);
}

/* The reader of the answer's ticket, if there is one that is of use. */
static PmssPlay *
find_play (PmssGateway * gateway, PmssGatewayAnswer * answer)
{
  PmssPlay *play = g_hash_table_lookup (gateway->plays,
      pmss_gateway_answer_get_ticket (answer));

  if (play == NULL || play->state != OPEN || pmss_reader_is_good (play->reader))
    return play;
  /* its session has ended while nobody read it */
  pmss_play_fail (play);
  return NULL;
}

void
pmss_plays_ask (PmssGateway * gateway, PmssGatewayAnswer * answer)
{
  PmssPlay *play = find_play (gateway, answer);

  if (g_cancellable_is_cancelled (gateway->cancellable)) {
    refuse (answer, "this server stops");
    return;
  }
  if (play == NULL && is_full (gateway))
    make_room (gateway);
  if (play == NULL && is_full (gateway))
    refuse (answer, "this server plays for as many viewers as it can");
  else if (play != NULL && play->users + play->waiting.length >= MAX_ANSWERS)
    refuse (answer, "there are too many requests for this URL at a time");
  else if (play != NULL && play->state == OPEN)
    give (play, answer);
  else
    g_queue_push_tail (play != NULL ? &play->waiting
        : &new_play (gateway, answer)->waiting, answer);
}

/* A reader of what is cached asks no storage server, which would refuse it. */
static void
look_at (PmssPlay * play)
{
  g_autofree char *token = NULL;

  if (play->state == OPEN || play->state == FAILED)
    token = pmss_reader_dup_token (play->reader);
  switch (token != NULL ? pmss_access_ask_session (play->gateway->access, token)
      : PMSS_SESSION_GOES_ON) {
    case PMSS_SESSION_GOES_ON:
      break;
    case PMSS_SESSION_IN_DOUBT:
      pmss_reader_doubt_session (play->reader);
      break;
    case PMSS_SESSION_ENDED:
      close_play (play);
      break;
  }
}

void
pmss_plays_look (PmssGateway * gateway)
{
  GList *next;

  for (GList * l = gateway->all_plays.head; l != NULL; l = next) {
    next = l->next;
    look_at (l->data);
  }
}

void
pmss_plays_close (PmssGateway * gateway)
{
  g_autoptr (GList) plays = g_hash_table_get_values (gateway->plays);

  /* none is being opened: each had an answer that waited, and all answers have ended */
  for (GList * l = plays; l != NULL; l = l->next)
    close_play (l->data);
  end_thread_if_last (gateway);
}
