/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "sim-clock.h"
#include "sim-random.h"
#include "sim-scenario.h"

G_BEGIN_DECLS

/**
 * SimPeer:
 *
 * A simulated HTTP server at the end of a simulated line: a node, or control. It answers by a
 * function; the line delays, paces, resets and swallows.
 *
 * SimCall: one request to it, from soup_session_send_async() (sim-soup.c) until its body is
 * closed.
 */
typedef struct _SimPeer SimPeer;
typedef struct _SimCall SimCall;

typedef enum
{
  SIM_PEER_UP,
  SIM_PEER_DEAD,
  SIM_PEER_SILENT,
} SimPeerState;

/* What a server answers. */
typedef struct
{
  guint status;
  GBytes *body;                 /* nullable */
  guint64 first, total;         /* of a 206 */
  gboolean is_range;
  gsize end;                    /* bytes of the body that come, if fewer than it has */
  enum { SIM_END_GOOD, SIM_END_SHORT, SIM_END_RESET, SIM_END_STALL } how;
  gint64 delay;                 /* us */
} SimAnswer;

typedef void (*SimServe) (SimPeer *peer, SimCall *call, SimAnswer *answer, gpointer user_data);

struct _SimPeer
{
  guint number;                 /* node's id; 0: control */
  SimLine line;
  SimPeerState state;
  guint slow;                   /* times */
  SimServe serve;
  gpointer user_data;
  SimRandom *random;
  gint64 free_at;               /* when what was sent so far is through */
  guint idle;                   /* kept connections */
  GPtrArray *calls;             /* of SimCall, under way */
  guint64 n_calls;
};

void     sim_peer_init      (SimPeer *peer, guint number, const SimLine *line, SimRandom *random,
    SimServe serve, gpointer user_data);
void     sim_peer_clear     (SimPeer *peer);
void     sim_peer_set_state (SimPeer *peer, SimPeerState state);

/* What happens to a call; all from events, never from inside a function here. */
typedef struct
{
  /* The head is here; @call->answer says what is in it. */
  void (*head)   (SimCall *call);
  /* More bytes have come, or the end. */
  void (*more)   (SimCall *call);
  /* No answer: @call->error says why. */
  void (*failed) (SimCall *call);
} SimCallFuncs;

struct _SimCall
{
  SimPeer *peer;
  SoupMessage *message;
  const SimCallFuncs *funcs;
  gpointer user_data;
  SimEvent *event;              /* (nullable): what happens next */
  enum { SIM_CALL_SENT, SIM_CALL_SERVED, SIM_CALL_BODY, SIM_CALL_OVER } phase;
  gboolean stalled;             /* until the peer speaks again */
  SimAnswer answer;
  gsize piece;                  /* bytes on the line */
  gsize came, taken;            /* bytes of the body */
  gboolean ended;               /* nothing comes any more: `error`, or the end */
  GError *error;
};

/* Returns: (transfer full): a reference */
SimCall *sim_call_new       (SimPeer *peer, SoupMessage *message, const SimCallFuncs *funcs,
    gpointer user_data);
SimCall *sim_call_ref       (SimCall *call);
void     sim_call_unref     (SimCall *call);
/* Bytes that can be taken now. */
gsize    sim_call_peek      (SimCall *call, const guint8 **bytes);
void     sim_call_take      (SimCall *call, gsize n);
/* The client leaves it: nothing more is called. */
void     sim_call_leave     (SimCall *call);

G_END_DECLS
