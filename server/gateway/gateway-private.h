/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdatomic.h>

#include "libpmss/reader/pmss-reader.h"
#include "server/gateway/answer.h"
#include "server/gateway/own.h"

G_BEGIN_DECLS

/* Shared by the files of this folder. */

typedef struct _PmssPlay PmssPlay;

struct _PmssGateway
{
  PmssAccess *access;
  guint max_plays;
  PmssOwnShards own;
  PmssClient *client;
  GMainContext *context;        /* the thread's */
  GMainLoop *loop;
  GThread *thread;
  atomic_uint n_plays, n_answers;
  _Atomic guint64 bytes, failed;

  /* The thread's alone. */
  GCancellable *cancellable;    /* of openings */
  GHashTable *plays;            /* ticket -> PmssPlay that the next answer gets */
  GQueue all_plays;             /* of PmssPlay.link: also failed and closing ones */
  guint closing;                /* readers that are being closed */
  gboolean ends;                /* the thread ends with the last of them */
};

/* Has the thread call @func soon, in the order of these calls. Any thread. */
void pmss_gateway_post (PmssGateway *gateway, void (*func) (gpointer data), gpointer data);

/* play.c; the thread's. */

/* The reader of @ticket for @answer, whose pmss_gateway_answer_give() or _refuse() is called, now
 * or later. */
void pmss_plays_ask     (PmssGateway *gateway, PmssGatewayAnswer *answer);
/* An answer that was given a play needs it no more. */
void pmss_play_release  (PmssPlay *play);
/* Its bytes cannot be had. The next answer of the ticket gets another reader, if control allows
 * it. */
void pmss_play_fail     (PmssPlay *play);
/* Those whose sessions have ended, or may have, are closed, or ask control. */
void pmss_plays_look    (PmssGateway *gateway);
/* All are closed. */
void pmss_plays_close   (PmssGateway *gateway);

/* origin.c; a worker's. */

/* Lets the page at @origin (nullable) read the answer, if @request is of it. Whether it is. */
gboolean pmss_gateway_let_page_read (PmssHttpRequest *request, const char *origin);
/* As above; and ask with the fields that it may need, in answer to an OPTIONS. */
void     pmss_gateway_let_page_ask  (PmssHttpRequest *request, const char *origin);

/* answer.c; the thread's. */
const char *pmss_gateway_answer_get_ticket (PmssGatewayAnswer *answer);
const char *pmss_gateway_answer_get_medium (PmssGatewayAnswer *answer);
/* Answers with the bytes of @play. */
void pmss_gateway_answer_give   (PmssGatewayAnswer *answer, PmssPlay *play, PmssReader *reader);
void pmss_gateway_answer_refuse (PmssGatewayAnswer *answer, const GError *error);

G_END_DECLS
