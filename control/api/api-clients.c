/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The route for who plays, from where and with what. On handlers' threads. */
#include "control/api/router.h"

#include "control/sessions/sessions.h"

#define MAX_CLIENTS 1000

/* Sessions of one user, player and address. */
typedef struct
{
  const char *user, *address;   /* the sessions' */
  char *client;                 /* nullable */
  gint64 seen;
  guint sessions;
  gint64 rate, late;            /* -1: not told */
} Client;

static void
client_free (gpointer data)
{
  Client *client = data;

  g_free (client->client);
  g_free (client);
}

static void
add_measure (Client * client, const PmssMeasure * measure)
{
  client->seen = MAX (client->seen, measure->seen);
  for (guint i = 0; measure->nodes != NULL && i < measure->nodes->len; i++) {
    const PmssNodeMeasure *node = &g_array_index (measure->nodes,
        PmssNodeMeasure, i);

    client->rate = MAX (client->rate, 0) + (gint64) MIN (node->rate,
        G_MAXINT32);
    client->late = MAX (client->late, 0) + (gint64) MIN (node->late,
        G_MAXINT32);
  }
}

static void
add_session (PmssApiCall * call, GHashTable * clients, const PmssViewing * s)
{
  g_autoptr (PmssMeasure) measure = pmss_sessions_get_measure
      (call->context->sessions, s->id);
  const char *player = measure != NULL ? measure->client : NULL;
  g_autofree char *key = g_strjoin ("\n", s->user, s->address,
      player != NULL ? player : "", NULL);
  Client *client = g_hash_table_lookup (clients, key);

  if (client == NULL) {
    client = g_new0 (Client, 1);
    client->user = s->user;
    client->address = s->address;
    client->client = g_strdup (player);
    client->rate = client->late = -1;
    g_hash_table_insert (clients, g_steal_pointer (&key), client);
  }
  client->sessions++;
  client->seen = MAX (client->seen, s->created);
  if (measure != NULL)
    add_measure (client, measure);
}

static int
compare_clients (gconstpointer a, gconstpointer b)
{
  const Client *x = *(Client * const *) a, *y = *(Client * const *) b;

  return x->seen != y->seen ? (x->seen < y->seen ? 1 : -1)
      : g_strcmp0 (x->user, y->user);
}

static GPtrArray *
sort_clients (GHashTable * clients)
{
  GPtrArray *list = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer client;

  g_hash_table_iter_init (&iter, clients);
  while (g_hash_table_iter_next (&iter, NULL, &client))
    g_ptr_array_add (list, client);
  g_ptr_array_sort (list, compare_clients);
  return list;
}

static void
list_clients (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) sessions =
      pmss_sessions_list (call->context->sessions, &error);
  g_autoptr (GHashTable) clients = g_hash_table_new_full (g_str_hash,
      g_str_equal, g_free, client_free);
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;

  if (sessions == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  for (guint i = 0; i < sessions->len; i++)
    add_session (call, clients, g_ptr_array_index (sessions, i));
  list = sort_clients (clients);
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "clients");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < MIN (list->len, MAX_CLIENTS); i++) {
    const Client *client = g_ptr_array_index (list, i);

    pmss_json_writer_begin_object (json);
    pmss_api_add_string (json, "user", client->user);
    pmss_api_add_string (json, "client", client->client);
    pmss_api_add_string (json, "address", client->address);
    pmss_api_add_time (json, "last_seen", client->seen);
    pmss_api_add_int (json, "sessions", client->sessions);
    pmss_api_add_known (json, "rate", client->rate);
    pmss_api_add_known (json, "late", client->late);
    pmss_json_writer_end_object (json);
  }
  pmss_json_writer_end_array (json);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

const PmssRoute pmss_routes_clients[] = {
  {"GET", "/api/v1/clients", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE, list_clients},
  {NULL}
};
