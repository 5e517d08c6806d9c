/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A simulated server and the line to it. */
#include "sim-peer.h"

/* Bytes that a socket holds that nobody reads. */
#define SOCKET (256 * 1024)
/* Bytes that come at once, at most. */
#define PIECE (16 * 1024)

static void go_on (gpointer data);

void
sim_peer_init (SimPeer * self, guint number, const SimLine * line,
    SimRandom * random, SimServe serve, gpointer user_data)
{
  *self = (SimPeer) {
  .number = number,.line = *line,.slow = 1,.serve = serve,.user_data =
        user_data,.random = random};
  self->calls = g_ptr_array_new ();
}

void
sim_peer_clear (SimPeer * self)
{
  g_ptr_array_unref (self->calls);
}

static gint64
one_way (SimPeer * self)
{
  return self->line.rtt / 2 + (self->line.jitter == 0 ? 0
      : sim_random_range (self->random, 0, self->line.jitter));
}

static void
schedule (SimCall * call, gint64 time)
{
  g_assert (call->event == NULL);
  call->event = sim_clock_at (time, go_on, call);
}

/* --- Calls --- */

SimCall *
sim_call_new (SimPeer * peer, SoupMessage * message,
    const SimCallFuncs * funcs, gpointer user_data)
{
  SimCall *call = g_rc_box_new0 (SimCall);
  gint64 connect = peer->line.rtt;

  call->peer = peer;
  call->message = g_object_ref (message);
  call->funcs = funcs;
  call->user_data = user_data;
  if (peer->idle > 0) {
    peer->idle--;
    connect = 0;
  }
  peer->n_calls++;
  g_ptr_array_add (peer->calls, sim_call_ref (call));
  schedule (call, sim_clock_now () + connect + one_way (peer));
  return call;
}

static void
call_clear (gpointer data)
{
  SimCall *call = data;

  g_clear_object (&call->message);
  g_clear_pointer (&call->answer.body, g_bytes_unref);
  g_clear_error (&call->error);
}

SimCall *
sim_call_ref (SimCall * call)
{
  return g_rc_box_acquire (call);
}

void
sim_call_unref (SimCall * call)
{
  g_rc_box_release_full (call, call_clear);
}

/* Nothing of it happens any more. */
static void
finish (SimCall * call)
{
  if (call->phase == SIM_CALL_OVER)
    return;
  call->phase = SIM_CALL_OVER;
  if (call->event != NULL)
    sim_clock_cancel (g_steal_pointer (&call->event));
  g_ptr_array_remove_fast (call->peer->calls, call);
  sim_call_unref (call);
}

static gboolean
is_through (SimCall * call)
{
  return call->ended && call->error == NULL
      && call->answer.how == SIM_END_GOOD
      && call->came == g_bytes_get_size (call->answer.body);
}

void
sim_call_leave (SimCall * call)
{
  if (is_through (call) && call->taken == call->came
      && call->peer->state != SIM_PEER_DEAD)
    call->peer->idle++;
  finish (call);
}

static void
break_off (SimCall * call, gint code, const char *why)
{
  call->ended = TRUE;
  call->stalled = FALSE;
  g_clear_error (&call->error);
  call->error = g_error_new_literal (G_IO_ERROR, code, why);
  if (call->phase == SIM_CALL_BODY)
    call->funcs->more (call);
  else
    call->funcs->failed (call);
}

static void
arrive (SimCall * call)
{
  SimPeer *peer = call->peer;

  if (peer->state == SIM_PEER_DEAD) {
    break_off (call, G_IO_ERROR_CONNECTION_REFUSED, "Connection refused");
    return;
  }
  peer->serve (peer, call, &call->answer, peer->user_data);
  if (call->answer.body == NULL)
    call->answer.body = g_bytes_new_static ("", 0);
  if (call->answer.how == SIM_END_GOOD)
    call->answer.end = g_bytes_get_size (call->answer.body);
  call->phase = SIM_CALL_SERVED;
  schedule (call, sim_clock_now () + call->answer.delay + one_way (peer));
}

/* Puts the next bytes on the line, unless nobody reads what has come. */
static void
send_piece (SimCall * call)
{
  SimPeer *peer = call->peer;
  gsize left = call->answer.end - call->came;
  gsize room = SOCKET - MIN (SOCKET, call->came - call->taken);
  guint64 rate = MAX (peer->line.rate / peer->slow, 1);

  call->piece = MIN (MIN (left, room), PIECE);
  if (call->piece == 0 && left > 0)
    return;
  peer->free_at = MAX (peer->free_at, sim_clock_now ())
      + (gint64) (call->piece * G_TIME_SPAN_SECOND / rate);
  schedule (call, peer->free_at);
}

static void
end_body (SimCall * call)
{
  switch (call->answer.how) {
    case SIM_END_STALL:
      break;
    case SIM_END_RESET:
      break_off (call, G_IO_ERROR_CONNECTION_CLOSED,
          "Connection reset by peer");
      break;
    default:
      call->ended = TRUE;
      call->funcs->more (call);
  }
}

static void
take_piece (SimCall * call)
{
  gboolean all;

  call->came += call->piece;
  all = call->came == call->answer.end;
  if (all && call->answer.how == SIM_END_GOOD)
    call->ended = TRUE;
  if (call->piece > 0 || call->ended)
    call->funcs->more (call);
  if (call->phase == SIM_CALL_OVER)
    return;
  if (!all)
    send_piece (call);
  else if (!call->ended)
    end_body (call);
}

static void
go_on (gpointer data)
{
  SimCall *call = data;

  call->event = NULL;
  if (call->peer->state == SIM_PEER_SILENT) {
    call->stalled = TRUE;
    return;
  }
  sim_call_ref (call);
  switch (call->phase) {
    case SIM_CALL_SENT:
      arrive (call);
      break;
    case SIM_CALL_SERVED:
      call->phase = SIM_CALL_BODY;
      call->funcs->head (call);
      if (call->phase == SIM_CALL_BODY)
        send_piece (call);
      break;
    case SIM_CALL_BODY:
      take_piece (call);
      break;
    case SIM_CALL_OVER:
      break;
  }
  sim_call_unref (call);
}

gsize
sim_call_peek (SimCall * call, const guint8 ** bytes)
{
  *bytes = (const guint8 *) g_bytes_get_data (call->answer.body, NULL)
      + call->taken;
  return call->came - call->taken;
}

void
sim_call_take (SimCall * call, gsize n)
{
  call->taken += n;
  if (call->event == NULL && !call->stalled && !call->ended
      && call->phase == SIM_CALL_BODY && call->came < call->answer.end)
    send_piece (call);
}

/* --- The peer's fate --- */

static void
hang_up (SimPeer * self)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func
      ((GDestroyNotify) sim_call_unref);

  for (guint i = 0; i < self->calls->len; i++)
    g_ptr_array_add (calls, sim_call_ref (self->calls->pdata[i]));
  for (guint i = 0; i < calls->len; i++) {
    SimCall *call = calls->pdata[i];

    /* one that is still on its way finds out by itself */
    if (call->phase == SIM_CALL_SENT || call->ended
        || call->phase == SIM_CALL_OVER)
      continue;
    if (call->event != NULL)
      sim_clock_cancel (g_steal_pointer (&call->event));
    break_off (call, G_IO_ERROR_CONNECTION_CLOSED, "Connection reset by peer");
  }
}

static void
speak_again (SimPeer * self)
{
  for (guint i = 0; i < self->calls->len; i++) {
    SimCall *call = self->calls->pdata[i];

    if (!call->stalled)
      continue;
    call->stalled = FALSE;
    schedule (call, sim_clock_now () + one_way (self));
  }
}

void
sim_peer_set_state (SimPeer * self, SimPeerState state)
{
  SimPeerState before = self->state;

  if (state == before)
    return;
  self->state = state;
  if (state == SIM_PEER_DEAD) {
    self->idle = 0;
    hang_up (self);
  }
  if (before == SIM_PEER_SILENT)
    speak_again (self);
}
