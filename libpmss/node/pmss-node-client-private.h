/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "libpmss/client/pmss-exchange.h"
#include "pmss-node-client.h"

G_BEGIN_DECLS

/* pmss-node-client.c has the object and the requests for single shards, pmss-node-client-list.c the
 * list of shards. */

struct _PmssNodeClient
{
  GObject parent_instance;

  PmssNode node;                /* strings are ours */
  guint timeout;                /* s */
  char *url;                    /* "http://host:port/v1/shards" */
  char *peer;
  char *token;                  /* nullable */
  SoupSession *session;
};

/* Returns the task's value for @body, or NULL and an error. The status is a good one. */
typedef gpointer (*PmssNodeJudge) (GTask *task, GBytes *body, GError **error);

/* One request: a task's data. */
typedef struct
{
  SoupMessage *message;
  const char *verb;             /* for errors: "store" */
  char *name;                   /* (nullable): the shard */
  const guint *good;            /* statuses that are success, ended by 0 */
  /* put: a final status that came before the body was sent, 0: none */
  guint refusal;
  PmssNodeJudge judge;
  GDestroyNotify free_value;    /* of what `judge` returns */
  gsize sent;                   /* put: the shard's bytes */
  GBytes *expected;             /* compare: what it should be */
  gsize compared;               /* compare: bytes so far */
  GByteArray *into;             /* get: where the bytes go, */
  gsize max;                    /* and how many at most */
  char *after;                  /* list: the page's names come after it */
  char *instance;               /* list: (nullable): of the node */
} PmssNodeOperation;

/* A task for a request; @name, @query: (nullable) */
GTask *pmss_node_operation_new   (PmssNodeClient *client, const char *method, const char *verb,
    const char *name, const char *query, GCancellable *cancellable,
    GAsyncReadyCallback callback, gpointer user_data);
/* Takes @task. @max_body: bytes of an answer that are collected. @sink: (nullable), with the
 * operation as its data */
void   pmss_node_operation_start (GTask *task, gsize max_body, PmssExchangeSink sink);

G_END_DECLS
