/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks the server at a node's address to prove that it is that node. */

#include "pmss-node-client-private.h"

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "pmss-proof.h"

#define MAX_ANSWER 4096

typedef struct
{
  SoupMessage *message;
  guint8 key[PMSS_PROOF_KEY_SIZE];
  char *cluster;
  char *nonce;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  g_clear_object (&question->message);
  g_free (question->cluster);
  g_free (question->nonce);
  g_free (question);
}

static gboolean
check_answer (PmssNodeClient * self, const Question * question,
    JsonNode * json, GError ** error)
{
  const PmssProofTerms terms = {
    question->cluster, self->node.id, self->node.address, self->node.port,
    self->node.tls, question->nonce
  };
  JsonObject *object = pmss_json_object (json, "the identity", error);
  const char *proof;

  if (object == NULL || !pmss_json_get_string (object, "proof",
          PMSS_PROOF_STRLEN, &proof, error))
    return FALSE;
  if (pmss_proof_check (question->key, &terms, proof))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_MISDIRECTED,
      "%s: another server than node %u is there", self->peer, self->node.id);
  return FALSE;
}

static void
on_answered (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  PmssNodeClient *self = g_task_get_source_object (task);
  Question *question = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GBytes) body = pmss_exchange_finish (result, &error);
  g_autoptr (JsonNode) json = NULL;

  if (body != NULL && soup_message_get_status (question->message) != 200)
    error = pmss_exchange_problem (question->message, body, self->peer);
  else if (body != NULL)
    json = pmss_exchange_parse (body, self->peer, &error);
  if (json != NULL && check_answer (self, question, json, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static SoupMessage *
new_message (PmssNodeClient * self, const char *nonce)
{
  const PmssNode *node = &self->node;
  g_autofree char *host = g_uri_escape_string (node->address, NULL, FALSE);
  g_autofree char *uri = g_strdup_printf ("%s://%s/v1/identity?nonce=%s"
      "&address=%s&port=%u&tls=%d", node->tls ? "https" : "http", self->peer,
      nonce, host, node->port, node->tls ? 1 : 0);

  return pmss_exchange_message_new ("GET", uri, NULL);
}

void
pmss_node_client_identify_async (PmssNodeClient * self, const char *cluster,
    const guint8 key[PMSS_PROOF_KEY_SIZE], GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Question *question = g_new0 (Question, 1);
  const PmssExchangeOptions options = {
    .timeout = self->timeout * 1000,
    .max_body = MAX_ANSWER,
    .peer = self->peer,
  };

  g_task_set_task_data (task, question, question_free);
  memcpy (question->key, key, sizeof (question->key));
  question->cluster = g_strdup (cluster);
  question->nonce = pmss_proof_new_nonce ();
  question->message = new_message (self, question->nonce);
  if (question->message == NULL) {
    g_task_return_new_error (task, PMSS_ERROR, PMSS_ERROR_UNREACHABLE,
        "%s is not an address", self->peer);
    g_object_unref (task);
    return;
  }
  pmss_exchange_async (self->session, question->message, &options, cancellable,
      on_answered, task);
}

gboolean
pmss_node_client_identify_finish (PmssNodeClient * self,
    GAsyncResult * result, GError ** error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
