/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests to the control API. On the caller's thread or main context. */

#include "pmss-client-private.h"

#include <string.h>

#include "libpmss/pmss-error.h"
#include "pmss-exchange.h"
#include "libpmss/pmss-json.h"

#define MAX_ANSWER (64u * 1024 * 1024)

/* An API request may take three exchanges with the server:
 *
 *          no token, but a password
 *   start ──────────────────────────▶ LOGIN ──▶ SEND ──▶ done
 *     │                                 ▲         ▲ │
 *     │                                 └─────────┼─┘ 401, a password, and no LOGIN yet
 *     └───────────────────────────────────────────┘
 */
typedef enum
{
  STEP_LOGIN,
  STEP_SEND,
} Step;

typedef struct
{
  Step step;
  const char *method;           /* interned */
  char *path;
  GBytes *body;                 /* (nullable) */
  gboolean anonymous;           /* needs no token: the login itself */
  gboolean logged_in;           /* a login was part of this request */
  gboolean repeated;
  gboolean keeps;               /* its connection, where it can use one that is kept */
  gint64 deadline;              /* monotonic, µs; 0: none */
  SoupSession *session;
  SoupMessage *message;         /* of the current exchange */
  PmssClient *client;
} Request;

static void advance (GTask * task);

static void
request_free (Request * request)
{
  pmss_soup_pool_give (request->client->pool, request->session);
  g_clear_object (&request->message);
  g_clear_pointer (&request->body, g_bytes_unref);
  g_free (request->path);
  g_object_unref (request->client);
  g_free (request);
}

gboolean
pmss_client_accept_certificate (SoupMessage * message,
    GTlsCertificate * certificate, GTlsCertificateFlags errors,
    gpointer user_data)
{
  PmssClient *self = user_data;
  gboolean accepted = FALSE;

  if ((errors & self->tls_validation_flags) == 0)
    return TRUE;
  g_signal_emit_by_name (self, "accept-certificate", certificate, errors,
      &accepted);
  return accepted;
}

static GBytes *
login_body (const char *user, const char *password)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  char *text;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "user");
  json_builder_add_string_value (builder, user);
  json_builder_set_member_name (builder, "password");
  json_builder_add_string_value (builder, password);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  return g_bytes_new_with_free_func (text, strlen (text),
      (GDestroyNotify) pmss_secret_free, text);
}

/* A new connection for every POST is libsoup's rule, because it would repeat the request when an old connection turns out to be dead;
 * these two may be repeated, by us: a session has an id of ours. */
static gboolean
may_repeat (Request * request)
{
  return request->step == STEP_LOGIN
      || (request->method == SOUP_METHOD_POST
      && (strcmp (request->path, "/sessions") == 0
          || strcmp (request->path, "/login") == 0));
}

/* Whether the connection stays open for others. A request for which libsoup makes a new one would only add to those that are kept. */
static gboolean
keeps_connection (Request * request, gboolean repeatable)
{
  gboolean posts = request->step == STEP_LOGIN
      || request->method == SOUP_METHOD_POST;

  return request->keeps && (repeatable || !posts);
}

/* 409: the name is taken where something was to be made; else it does not fit the state. */
static gboolean
makes_something (Request * request)
{
  return g_str_has_prefix (request->path, "/media/")
      || strcmp (request->path, "/users") == 0
      || strcmp (request->path, "/uploads") == 0;
}

static char *
snapshot (PmssClient * self, char **secret)
{
  char *copy;

  g_mutex_lock (&self->lock);
  copy = g_strdup (*secret);
  g_mutex_unlock (&self->lock);
  return copy;
}

static gboolean
has_password (PmssClient * self)
{
  gboolean has;

  g_mutex_lock (&self->lock);
  has = self->user != NULL && self->password != NULL;
  g_mutex_unlock (&self->lock);
  return has;
}

/* Text and code for a 401, which has to say what the user can do. */
static GError *
not_authorized (Request * request, GError * problem)
{
  PmssClient *self = request->client;
  const char *what;
  g_autofree char *because = NULL;
  GError *error;

  if (request->anonymous || request->step == STEP_LOGIN || request->logged_in)
    return problem;
  g_mutex_lock (&self->lock);
  what = self->token ? "does not accept the token (it may have expired)"
      : "asks for a login";
  because = self->problem ? g_strdup_printf (" (%s)", self->problem)
      : g_strdup ("");
  g_mutex_unlock (&self->lock);
  error = g_error_new (PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED,
      "%s %s: log in with `pmss login %s`, or give user and password, or a "
      "token in PMSS_TOKEN%s", self->peer, what, self->url, because);
  *pmss_error_get_details (error) = *pmss_error_get_details (problem);
  pmss_error_get_details (error)->peer = g_strdup (self->peer);
  pmss_error_get_details (error)->medium = NULL;
  pmss_error_get_details (error)->resource = NULL;
  g_error_free (problem);
  return error;
}

static void
fail (GTask * task, GError * error)
{
  g_task_return_error (task, error);
  g_object_unref (task);
}

static gboolean
parse_login (PmssClient * self, JsonNode * json, char **token, char **expires,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  JsonObject *object = pmss_json_object (json, "the login", &local);
  const char *text;

  if (object == NULL || !pmss_client_token_member (object, &text, &local)) {
    pmss_exchange_senseless (self->peer, local->message, error);
    return FALSE;
  }
  *token = g_strdup (text);
  *expires = NULL;
  if (pmss_json_has (object, "expires")
      && pmss_json_get_string (object, "expires", 64, &text, NULL))
    *expires = g_strdup (text);
  return TRUE;
}

static gboolean
is_one_time (JsonNode * json)
{
  JsonObject *object = pmss_json_object (json, "the login", NULL);
  gboolean one_time = FALSE;

  return pmss_json_has (object, "one_time_password")
      && pmss_json_get_boolean (object, "one_time_password", &one_time, NULL)
      && one_time;
}

gboolean
pmss_client_has_one_time_password (PmssClient * self)
{
  gboolean one_time;

  g_return_val_if_fail (PMSS_IS_CLIENT (self), FALSE);
  g_mutex_lock (&self->lock);
  one_time = self->one_time;
  g_mutex_unlock (&self->lock);
  return one_time;
}

static void
keep_token (PmssClient * self, const char *token, gboolean one_time)
{
  g_mutex_lock (&self->lock);
  self->one_time = one_time;
  pmss_secret_free (self->token);
  self->token = g_strdup (token);
  g_mutex_unlock (&self->lock);
}

static void
login_done (GTask * task, GBytes * body)
{
  Request *request = g_task_get_task_data (task);
  g_autofree char *expires = NULL;
  char *token = NULL;
  GError *error = NULL;
  g_autoptr (JsonNode) json = pmss_exchange_parse (body,
      request->client->peer, &error);

  if (json == NULL
      || !parse_login (request->client, json, &token, &expires, &error)) {
    fail (task, error);
    return;
  }
  keep_token (request->client, token, is_one_time (json));
  pmss_secret_free (token);
  request->logged_in = TRUE;
  request->step = STEP_SEND;
  advance (task);
}

static void
send_done (GTask * task, GBytes * body)
{
  Request *request = g_task_get_task_data (task);
  GError *error = NULL;
  JsonNode *json;

  if (g_bytes_get_size (body) == 0)
    json = json_node_new (JSON_NODE_NULL);
  else
    json = pmss_exchange_parse (body, request->client->peer, &error);
  if (json == NULL) {
    fail (task, error);
    return;
  }
  g_task_return_pointer (task, json, (GDestroyNotify) json_node_unref);
  g_object_unref (task);
}

static void
refused (GTask * task, GBytes * body)
{
  Request *request = g_task_get_task_data (task);
  GError *error = pmss_exchange_problem (request->message, body,
      request->client->peer);
  guint status = soup_message_get_status (request->message);

  if (status == 401 && !request->anonymous && request->step == STEP_SEND
      && !request->logged_in && has_password (request->client)) {
    g_error_free (error);
    request->step = STEP_LOGIN;
    advance (task);
    return;
  }
  if (status == 401)
    error = not_authorized (request, error);
  else if (status == 409 && !makes_something (request))
    error->code = PMSS_ERROR_CONFLICT;
  fail (task, error);
}

static void
on_exchanged (GObject * source, GAsyncResult * result, gpointer user_data)
{
  GTask *task = user_data;
  Request *request = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GBytes) body = pmss_exchange_finish (result, &error);
  guint status = soup_message_get_status (request->message);

  if (body == NULL) {
    if (may_repeat (request) && !request->repeated
        && g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE)) {
      g_error_free (error);
      request->repeated = TRUE;
      advance (task);
    } else {
      fail (task, error);
    }
  } else if (status < 200 || status > 299) {
    refused (task, body);
  } else if (request->step == STEP_LOGIN) {
    login_done (task, body);
  } else {
    send_done (task, body);
  }
}

static SoupMessage *
make_message (Request * request)
{
  PmssClient *self = request->client;
  gboolean login = request->step == STEP_LOGIN;
  gboolean repeatable = may_repeat (request) && !request->repeated;
  g_autofree char *uri = g_strconcat (self->url, "/api/v1",
      login ? "/login" : request->path, NULL);
  g_autoptr (GBytes) body = NULL;
  char *token = NULL;
  SoupMessage *message;

  if (login) {
    g_mutex_lock (&self->lock);
    body = login_body (self->user ? self->user : "",
        self->password ? self->password : "");
    g_mutex_unlock (&self->lock);
  } else {
    body = request->body ? g_bytes_ref (request->body) : NULL;
    token = request->anonymous ? NULL : snapshot (self, &self->token);
  }
  message = pmss_exchange_message_new (login ? "POST" : request->method, uri,
      token);
  pmss_secret_free (token);
  if (message == NULL)
    return NULL;
  if (body != NULL)
    pmss_exchange_set_body (message, "application/json", body);
  soup_message_headers_replace (soup_message_get_request_headers (message),
      "Accept", "application/json, application/problem+json");
  if (repeatable)
    soup_message_add_flags (message, SOUP_MESSAGE_IDEMPOTENT);
  if (!keeps_connection (request, repeatable))
    soup_message_headers_replace (soup_message_get_request_headers (message),
        "Connection", "close");
  g_signal_connect (message, "accept-certificate",
      G_CALLBACK (pmss_client_accept_certificate), self);
  return message;
}

/* ms until the deadline, 0: there is none */
static guint
time_left (Request * request)
{
  gint64 left = (request->deadline - g_get_monotonic_time ()) / 1000;

  return request->deadline == 0 ? 0 : MAX (left, 1);
}

/* Begins the exchange of the current step. */
static void
advance (GTask * task)
{
  Request *request = g_task_get_task_data (task);
  PmssExchangeOptions options = {
    .timeout = time_left (request),
    .max_body = MAX_ANSWER,
    .peer = request->client->peer,
  };

  g_clear_object (&request->message);
  request->message = make_message (request);
  if (request->message == NULL) {
    fail (task, g_error_new (PMSS_ERROR, PMSS_ERROR_INVALID,
            "not the path of a request: %s", request->path));
    return;
  }
  pmss_exchange_async (request->session, request->message, &options,
      g_task_get_cancellable (task), on_exchanged, task);
}

static gboolean
needs_login (PmssClient * self)
{
  gboolean needs;

  g_mutex_lock (&self->lock);
  needs = self->token == NULL && self->user != NULL && self->password != NULL;
  g_mutex_unlock (&self->lock);
  return needs;
}

/* Takes @body. */
static void
start_request (PmssClient * self, const char *method, const char *path,
    GBytes * body, gboolean anonymous, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Request *request = g_new0 (Request, 1);

  g_task_set_source_tag (task, pmss_client_request_async);
  request->client = g_object_ref (self);
  request->method = g_intern_string (method);
  request->path = g_strdup (path);
  request->body = body;
  request->anonymous = anonymous;
  request->session = pmss_soup_pool_take (self->pool, &request->keeps);
  if (self->timeout > 0)
    request->deadline = g_get_monotonic_time ()
        + self->timeout * (gint64) G_USEC_PER_SEC;
  request->step = !anonymous && needs_login (self) ? STEP_LOGIN : STEP_SEND;
  g_task_set_task_data (task, request, (GDestroyNotify) request_free);
  advance (task);
}

void
pmss_client_request_async (PmssClient * self, const char *method,
    const char *path, JsonNode * body, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GBytes *bytes = NULL;

  g_return_if_fail (PMSS_IS_CLIENT (self));
  g_return_if_fail (path != NULL && path[0] == '/');
  if (body != NULL) {
    char *text = json_to_string (body, FALSE);

    bytes = g_bytes_new_with_free_func (text, strlen (text),
        (GDestroyNotify) pmss_secret_free, text);
  }
  start_request (self, method, path, bytes, FALSE, cancellable, callback,
      user_data);
}

JsonNode *
pmss_client_request_finish (PmssClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- blocking calls: the asynchronous ones in a context of their own --- */

static void
on_sync_result (GObject * source, GAsyncResult * result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static JsonNode *
wait_for_answer (PmssClient * self, GMainContext * context,
    GAsyncResult ** result, GError ** error)
{
  JsonNode *json;

  while (*result == NULL)
    g_main_context_iteration (context, TRUE);
  json = pmss_client_request_finish (self, *result, error);
  /* before the context may be another thread's */
  g_clear_object (result);
  return json;
}

JsonNode *
pmss_client_request (PmssClient * self, const char *method, const char *path,
    JsonNode * body, GCancellable * cancellable, GError ** error)
{
  GMainContext *context;
  GAsyncResult *result = NULL;
  JsonNode *json;

  g_return_val_if_fail (PMSS_IS_CLIENT (self), NULL);
  context = pmss_soup_pool_enter (self->pool);
  pmss_client_request_async (self, method, path, body, cancellable,
      on_sync_result, &result);
  json = wait_for_answer (self, context, &result, error);
  pmss_soup_pool_leave (self->pool, context);
  return json;
}

gboolean
pmss_client_login (PmssClient * self, const char *user, const char *password,
    char **token, char **expires, GCancellable * cancellable, GError ** error)
{
  GMainContext *context;
  GAsyncResult *result = NULL;
  g_autoptr (JsonNode) json = NULL;
  g_autofree char *until = NULL;
  char *text = NULL;

  g_return_val_if_fail (PMSS_IS_CLIENT (self), FALSE);
  context = pmss_soup_pool_enter (self->pool);
  start_request (self, "POST", "/login", login_body (user, password), TRUE,
      cancellable, on_sync_result, &result);
  json = wait_for_answer (self, context, &result, error);
  pmss_soup_pool_leave (self->pool, context);
  if (json == NULL || !parse_login (self, json, &text, &until, error))
    return FALSE;
  keep_token (self, text, is_one_time (json));
  if (token != NULL)
    *token = g_strdup (text);
  if (expires != NULL)
    *expires = g_steal_pointer (&until);
  pmss_secret_free (text);
  return TRUE;
}
