/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages of a node's list of shards. In the client's main context. */

#include "pmss-node-client-private.h"

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

#define MAX_INSTANCE 64
/* Shards in a page of a list. */
#define PAGE 1000
/* An answer that is collected: a page with 200 bytes a shard, or a problem document. */
#define MAX_ANSWER (200u * PAGE + 1024)

/* What list_finish hands out in two parts. */
typedef struct
{
  GPtrArray *names;
  gboolean more;
} Page;

static void
page_free (Page * page)
{
  g_ptr_array_unref (page->names);
  g_free (page);
}

/* Takes the names of @shards, which have to be names of shards, in order, and after the last one. */
static gboolean
take_names (Page * page, JsonArray * shards, const char *after, GError ** error)
{
  for (guint i = 0; i < json_array_get_length (shards); i++) {
    JsonObject *shard = pmss_json_object (json_array_get_element (shards, i),
        "a shard", error);
    PmssVersionId version;
    guint32 extent;
    guint index;
    const char *name;

    if (shard == NULL || !pmss_json_get_string (shard, "name",
            PMSS_SHARD_NAME_SIZE, &name, error))
      return FALSE;
    if (!pmss_shard_name_parse (name, &version, &extent, &index)
        || (after != NULL && strcmp (name, after) <= 0)) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
          "shard %u of the page is no shard or out of order", i);
      return FALSE;
    }
    g_ptr_array_add (page->names, g_strdup (name));
    after = g_ptr_array_index (page->names, page->names->len - 1);
  }
  return TRUE;
}

/* Whose list it is: an address proves nothing. */
static gboolean
check_owner (PmssNodeClient * self, PmssNodeOperation * operation,
    JsonObject * object, GError ** error)
{
  const char *instance = NULL;
  gint64 node;

  if (!pmss_json_get_int (object, "node", 1, G_MAXUINT, &node, error)
      || !pmss_json_get_string (object, "instance", MAX_INSTANCE, &instance,
          error))
    return FALSE;
  if (node == self->node.id && (operation->instance == NULL
          || g_str_equal (instance, operation->instance)))
    return TRUE;
  if (node == self->node.id)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_MISDIRECTED,
        "another server with the identity of node %u answers", self->node.id);
  else
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_MISDIRECTED,
        "node %u answers", (guint) node);
  return FALSE;
}

static gboolean
take_page (Page * page, JsonObject * object, const char *after, GError ** error)
{
  JsonArray *shards;

  if (!pmss_json_get_array (object, "shards", PAGE, &shards, error)
      || !take_names (page, shards, after, error))
    return FALSE;
  page->more = pmss_json_has (object, "next");
  if (page->more && page->names->len == 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "an empty page says that there is more");
    return FALSE;
  }
  return TRUE;
}

static gpointer
judge_page (GTask * task, GBytes * body, GError ** error)
{
  PmssNodeClient *self = g_task_get_source_object (task);
  PmssNodeOperation *operation = g_task_get_task_data (task);
  g_autoptr (JsonNode) json = pmss_exchange_parse (body, self->peer, error);
  g_autoptr (GError) local = NULL;
  JsonObject *object;
  Page *page;

  if (json == NULL)
    return NULL;
  object = pmss_json_object (json, "the list", &local);
  if (object == NULL || !check_owner (self, operation, object, &local)) {
    if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_MISDIRECTED))
      g_propagate_error (error, g_steal_pointer (&local));
    else
      pmss_exchange_senseless (self->peer, local->message, error);
    return NULL;
  }
  page = g_new0 (Page, 1);
  page->names = g_ptr_array_new_with_free_func (g_free);
  if (take_page (page, object, operation->after, &local))
    return page;
  pmss_exchange_senseless (self->peer, local->message, error);
  page_free (page);
  return NULL;
}

void
pmss_node_client_list_async (PmssNodeClient * self, const char *after,
    const char *instance, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  static const guint good[] = { 200, 0 };
  g_autofree char *start_at =
      after != NULL ? g_strconcat ("after=", after, "&", NULL)
      : g_strdup ("");
  g_autofree char *query = g_strdup_printf ("?%slimit=%u", start_at, PAGE);
  GTask *task;
  PmssNodeOperation *operation;

  g_return_if_fail (PMSS_IS_NODE_CLIENT (self));
  task =
      pmss_node_operation_new (self, "GET", "list", NULL, query, cancellable,
      callback, user_data);
  g_task_set_source_tag (task, pmss_node_client_list_async);
  operation = g_task_get_task_data (task);
  operation->good = good;
  operation->judge = judge_page;
  operation->free_value = (GDestroyNotify) page_free;
  operation->after = g_strdup (after);
  operation->instance = g_strdup (instance);
  pmss_node_operation_start (task, MAX_ANSWER, NULL);
}

GPtrArray *
pmss_node_client_list_finish (PmssNodeClient * self, GAsyncResult * result,
    gboolean * more, GError ** error)
{
  Page *page = g_task_propagate_pointer (G_TASK (result), error);
  GPtrArray *names;

  if (page == NULL)
    return NULL;
  if (more != NULL)
    *more = page->more;
  names = g_ptr_array_ref (page->names);
  page_free (page);
  return names;
}
