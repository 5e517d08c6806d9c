/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config.h"
#include "identity.h"
#include "self.h"

G_BEGIN_DECLS

/**
 * PmssNodeAgent:
 *
 * Speaks to the control server: joins once, then sends a heartbeat each second or as often as
 * control says. A control server that is not there is logged once and tried again; serving does not
 * depend on it. Before an orderly stop it says goodbye. Threads: the main thread alone.
 */
typedef struct _PmssNodeAgent PmssNodeAgent;

typedef struct
{
  /* The server has joined, and @identity has been stored. */
  void       (*joined)  (const PmssIdentity *identity, gpointer user_data);
  /* Control does not want us, or the identity cannot be stored: nothing more is tried. */
  void       (*refused) (const GError *error, gpointer user_data);
  /* Sessions have ended: see pmss_access_revoke(). */
  gboolean   (*revoked) (JsonArray *revoked, gpointer user_data, GError **error);
  /* Those were all: see pmss_access_settle(). */
  void       (*settled) (gint64 number, guint lease, gpointer user_data);
  /* The `stats` of the next heartbeat. */
  JsonNode * (*stats)   (gpointer user_data);
  /* The `bad_shards` of the next heartbeat; NULL: there are none. */
  JsonNode * (*get_bad_shards)    (gpointer user_data);
  /* The `trouble` of the next heartbeat: why this server takes no writes; NULL: it does. Freed with
   * g_free(). */
  char *     (*get_trouble) (gpointer user_data);
  /* Control knows of these. Returns whether there are more. */
  gboolean   (*forget_bad_shards) (gpointer user_data);
} PmssNodeAgentFuncs;

/* @identity: (nullable): NULL: joins first, with config->join_token. @self: is told the address.
 * @port: the one that we listen on. @capacity: bytes that we offer. @revocations: number of the
 * last one that is known. Keeps @config and @funcs. */
PmssNodeAgent *pmss_node_agent_new  (const PmssStorageConfig *config, const PmssIdentity *identity,
    PmssSelf *self, guint16 port, guint64 capacity, gint64 revocations,
    const PmssNodeAgentFuncs *funcs, gpointer user_data, GError **error);
/* An orderly stop: the last heartbeat tells control of it, so that control need not find out by
 * silence. Waits for the answer, a second at most. */
void           pmss_node_agent_leave (PmssNodeAgent *agent);
void           pmss_node_agent_free (PmssNodeAgent *agent);

/* Where others reach us: "advertise", else the listen address. NULL and error when that is "all
 * addresses". Free with g_free(). */
char          *pmss_node_advertised_host (const PmssStorageConfig *config, GError **error);

G_END_DECLS
