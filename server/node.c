/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Speaks to control: joins, sends heartbeats. On the main thread. */
#include "node.h"

#include "control-link.h"
#include "daemon/pmss-haste.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "libpmss/pmss-token.h"

#define LEAVE_TIMEOUT 1000      /* ms that an orderly stop waits for control */
#define MAX_INTERVAL 60         /* seconds */
#define MAX_PROBLEM 1000
#define DEFAULT_LEASE 60        /* seconds, where control does not say */
#define MAX_LEASE 86400
/* For so long no figures are sent after control has refused them. */
#define QUIET_MS 30000
#define MAX_REVOKED 1000        /* in one answer */

/*
 *              join token good                    each `interval`
 *   JOINING ────────────────────▶ BEATING ◀──────────────────────┐
 *    │  ▲ control is away: again    └────────────────────────────┘
 *    │  └──┘                           │ stopped
 *    │                                 ▼
 *    │ refused                      LEAVING: the answer under way is waited for, so
 *    │                                 │    that no heartbeat overtakes the last one
 *    └─────────────▶ ENDED ◀───────────┘
 */
typedef enum
{
  AGENT_JOINING,
  AGENT_BEATING,
  AGENT_LEAVING,
  AGENT_ENDED,
} AgentState;

struct _PmssNodeAgent
{
  const PmssStorageConfig *config;
  PmssNodeAgentFuncs funcs;
  gpointer user_data;
  AgentState state;
  char *host;
  guint16 port;
  guint64 capacity;
  PmssSelf *self;
  guint id;
  char *secret;
  guint interval;               /* seconds */
  gint64 revocations;           /* number of the last one that control told */
  gboolean behind;              /* there may be more of them */
  gboolean told;                /* bad shards, in the heartbeat that is under way */
  gint64 quiet_until;           /* monotonic, us: no figures until then, which control refuses */
  char *problem;                /* nullable: what control says is wrong with us, and was logged */
  gboolean away;                /* control: the last request failed, and that was logged */
  gboolean unknown;             /* it answered that it does not know this server */
  PmssControlLink *link;
  guint timer;
};

static void agent_advance (PmssNodeAgent * agent);

char *
pmss_node_advertised_host (const PmssStorageConfig * config, GError ** error)
{
  g_autoptr (GSocketConnectable) listen = NULL;
  g_autoptr (GInetAddress) address = NULL;
  const char *host;

  if (config->advertise.host)
    return g_strdup (config->advertise.host);
  listen = g_network_address_parse (config->listen, 0, error);
  if (listen == NULL)
    return NULL;
  host = g_network_address_get_hostname (G_NETWORK_ADDRESS (listen));
  address = g_inet_address_new_from_string (host);
  if (address == NULL || !g_inet_address_get_is_any (address))
    return g_strdup (host);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "listening on all addresses (%s): set advertise to the one that viewers "
      "and the control server reach this server by", config->listen);
  return NULL;
}

static gboolean
on_timer (gpointer data)
{
  PmssNodeAgent *agent = data;

  agent->timer = 0;
  agent_advance (agent);
  return G_SOURCE_REMOVE;
}

/* The next step, after an exchange has ended. */
static void
go_on (PmssNodeAgent * agent, gboolean at_once)
{
  g_clear_handle_id (&agent->timer, g_source_remove);
  if (at_once || agent->state == AGENT_LEAVING)
    agent_advance (agent);
  else if (agent->state != AGENT_ENDED)
    agent->timer = g_timeout_add (pmss_haste (agent->interval * 1000), on_timer,
        agent);
}

/* --- answers --- */

static void
end_with (PmssNodeAgent * agent, const GError * error)
{
  agent->state = AGENT_ENDED;
  agent->funcs.refused (error, agent->user_data);
}

static void
take_identity (PmssNodeAgent * agent, JsonNode * json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssIdentity) identity = pmss_identity_parse (json, &error);

  if (identity == NULL
      || !pmss_identity_store (identity, agent->config->data, &error)) {
    end_with (agent, error);
    return;
  }
  agent->id = identity->id;
  agent->secret = g_strdup (identity->secret);
  agent->state = AGENT_BEATING;
  agent->funcs.joined (identity, agent->user_data);
}

static gboolean
take_revocations (PmssNodeAgent * agent, JsonObject * object, GError ** error)
{
  JsonArray *revoked;
  gint64 revocations, lease = DEFAULT_LEASE;
  gboolean complete = TRUE;

  agent->behind = FALSE;
  if (!pmss_json_has (object, "revoked"))
    return TRUE;
  if (!pmss_json_get_int (object, "revocations", 0, G_MAXINT64, &revocations,
          error)
      || !pmss_json_get_array (object, "revoked", MAX_REVOKED, &revoked, error)
      || (pmss_json_has (object, "lease") && !pmss_json_get_int (object,
              "lease", 1, MAX_LEASE, &lease, error))
      || (pmss_json_has (object, "complete")
          && !pmss_json_get_boolean (object, "complete", &complete, error))
      || !agent->funcs.revoked (revoked, agent->user_data, error))
    return FALSE;
  agent->behind = revocations > agent->revocations;
  agent->revocations = revocations;
  if (!agent->behind && complete)
    agent->funcs.settled (revocations, lease, agent->user_data);
  return TRUE;
}

static void
forget_bad_shards (PmssNodeAgent * agent)
{
  if (agent->told && agent->funcs.forget_bad_shards (agent->user_data))
    agent->behind = TRUE;
  agent->told = FALSE;
}

/* Logged when it begins, changes and ends. */
static gboolean
take_problem (PmssNodeAgent * agent, JsonObject * object, GError ** error)
{
  const char *problem = NULL;

  if (pmss_json_has (object, "problem") && !pmss_json_get_string (object,
          "problem", MAX_PROBLEM, &problem, error))
    return FALSE;
  if (g_strcmp0 (problem, agent->problem) == 0)
    return TRUE;
  if (problem != NULL)
    g_warning ("%s: %s", agent->config->control, problem);
  else
    g_message ("%s has nothing to complain of any more",
        agent->config->control);
  g_free (agent->problem);
  agent->problem = g_strdup (problem);
  return TRUE;
}

static void
take_beat (PmssNodeAgent * agent, JsonNode * json)
{
  g_autoptr (GError) error = NULL;
  JsonObject *object = pmss_json_object (json, "the answer", &error);
  gint64 interval;

  if (object != NULL && pmss_json_get_int (object, "interval", 1, MAX_INTERVAL,
          &interval, &error)
      && take_problem (agent, object, &error)
      && take_revocations (agent, object, &error))
    agent->interval = interval;
  else
    g_warning ("control's answer to a heartbeat: %s", error->message);
  forget_bad_shards (agent);
}

/* What control says of an error, if it says it in a problem document. */
static GError *
problem_error (guint status, JsonNode * json)
{
  const char *detail = NULL;
  JsonObject *object = json != NULL ? pmss_json_object (json, "", NULL) : NULL;

  if (object != NULL)
    pmss_json_get_string (object, "detail", 1000, &detail, NULL);
  return g_error_new (PMSS_ERROR, pmss_error_from_status (status),
      "the control server answered %u%s%s", status, detail != NULL ? ": " : "",
      detail != NULL ? detail : "");
}

static void
note_failure (PmssNodeAgent * agent, const GError * error)
{
  gboolean unknown = g_error_matches (error, PMSS_ERROR,
      PMSS_ERROR_NOT_AUTHORIZED);

  if (agent->state == AGENT_ENDED)
    g_message ("%s: %s; it does not know that this server stops",
        agent->config->control, error->message);
  else if (!agent->away || (unknown && !agent->unknown))
    g_warning ("%s: %s; this server goes on without it", agent->config->control,
        error->message);
  agent->away = TRUE;
  agent->unknown = unknown;
}

/* A control server that cannot take our figures, or what we found, is not to
 * lose us over it: without its answers this server serves no viewers. */
static void
check_refusal (PmssNodeAgent * agent, guint status)
{
  gint64 now = g_get_monotonic_time ();

  if (status != 400 && status != 413 && status != 422)
    return;
  if (now >= agent->quiet_until) {
    agent->quiet_until = now + pmss_haste (QUIET_MS) * G_GINT64_CONSTANT (1000);
    return;
  }
  if (!agent->told)
    return;
  g_warning ("%s does not take a list of bad shards: only the log has them",
      agent->config->control);
  forget_bad_shards (agent);
}

static gboolean
is_final (guint status)
{
  return status >= 400 && status < 500 && status != 408 && status != 429;
}

static void
take_answer (PmssNodeAgent * agent, guint status, JsonNode * json)
{
  g_autoptr (GError) error = NULL;

  if (status >= 200 && status < 300 && json != NULL) {
    if (agent->away)
      g_message ("%s is back", agent->config->control);
    agent->away = agent->unknown = FALSE;
    if (agent->state == AGENT_JOINING)
      take_identity (agent, json);
    else
      take_beat (agent, json);
    return;
  }
  agent->behind = FALSE;
  check_refusal (agent, status);
  error = problem_error (status, json);
  if (agent->state == AGENT_JOINING && is_final (status))
    end_with (agent, error);
  else
    note_failure (agent, error);
}

static void
on_answer (guint status, JsonNode * json, const GError * error,
    gpointer user_data)
{
  PmssNodeAgent *agent = user_data;
  AgentState was = agent->state;

  if (error != NULL) {
    note_failure (agent, error);
    go_on (agent, FALSE);
    return;
  }
  take_answer (agent, status, json);
  /* After a start there may be many sessions whose tokens are to be refused:
   * not one answer's worth a second. */
  go_on (agent, agent->behind
      || (was == AGENT_JOINING && agent->state == AGENT_BEATING));
}

/* --- requests --- */

static void
add_place (PmssNodeAgent * agent, JsonBuilder * builder)
{
  json_builder_set_member_name (builder, "address");
  json_builder_add_string_value (builder, agent->host);
  json_builder_set_member_name (builder, "port");
  json_builder_add_int_value (builder, agent->port);
  json_builder_set_member_name (builder, "tls");
  json_builder_add_boolean_value (builder,
      agent->config->tls_certificate != NULL);
}

static void
send_join (PmssNodeAgent * agent)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "join_token");
  json_builder_add_string_value (builder, agent->config->join_token);
  add_place (agent, builder);
  json_builder_set_member_name (builder, "zone");
  json_builder_add_string_value (builder, agent->config->zone);
  json_builder_set_member_name (builder, "capacity");
  json_builder_add_int_value (builder, agent->capacity);
  json_builder_end_object (builder);
  /* a join token is good for once */
  pmss_control_link_post (agent->link, "/nodes/join", NULL,
      json_builder_get_root (builder), TRUE, on_answer, agent);
}

static void
add_bad_shards (PmssNodeAgent * agent, JsonBuilder * builder)
{
  JsonNode *shards = agent->funcs.get_bad_shards (agent->user_data);

  agent->told = shards != NULL;
  if (shards == NULL)
    return;
  json_builder_set_member_name (builder, "bad_shards");
  json_builder_add_value (builder, shards);
}

static void
add_trouble (PmssNodeAgent * agent, JsonBuilder * builder)
{
  g_autofree char *trouble = agent->funcs.get_trouble (agent->user_data);

  if (trouble == NULL)
    return;
  json_builder_set_member_name (builder, "trouble");
  json_builder_add_string_value (builder, trouble);
}

static void
add_token_formats (JsonBuilder * builder)
{
  json_builder_set_member_name (builder, "token_formats");
  json_builder_begin_array (builder);
  json_builder_add_int_value (builder, PMSS_TOKEN_FORMAT);
  json_builder_add_int_value (builder, PMSS_TOKEN_FORMAT_ORIGIN);
  json_builder_end_array (builder);
}

static void
add_time (JsonBuilder * builder)
{
  g_autofree char *now =
      pmss_json_format_time (g_get_real_time () / G_USEC_PER_SEC);

  json_builder_set_member_name (builder, "time");
  json_builder_add_string_value (builder, now);
}

static void
add_figures (PmssNodeAgent * agent, JsonBuilder * builder)
{
  json_builder_set_member_name (builder, "stats");
  if (g_get_monotonic_time () >= agent->quiet_until) {
    json_builder_add_value (builder, agent->funcs.stats (agent->user_data));
    return;
  }
  json_builder_begin_object (builder);
  json_builder_end_object (builder);
}

static void
send_heartbeat (PmssNodeAgent * agent)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *path = g_strdup_printf ("/nodes/%u/heartbeat", agent->id);

  json_builder_begin_object (builder);
  add_place (agent, builder);
  add_token_formats (builder);
  add_time (builder);
  json_builder_set_member_name (builder, "gateway");
  json_builder_add_boolean_value (builder, agent->config->gateway);
  json_builder_set_member_name (builder, "instance");
  json_builder_add_string_value (builder, pmss_self_get_instance (agent->self));
  json_builder_set_member_name (builder, "revocations");
  json_builder_add_int_value (builder, agent->revocations);
  add_figures (agent, builder);
  add_bad_shards (agent, builder);
  add_trouble (agent, builder);
  if (agent->state == AGENT_LEAVING) {
    json_builder_set_member_name (builder, "leaving");
    json_builder_add_boolean_value (builder, TRUE);
  }
  json_builder_end_object (builder);
  pmss_control_link_post (agent->link, path, agent->secret,
      json_builder_get_root (builder), FALSE, on_answer, agent);
}

static void
agent_advance (PmssNodeAgent * agent)
{
  switch (agent->state) {
    case AGENT_JOINING:
      send_join (agent);
      break;
    case AGENT_BEATING:
      send_heartbeat (agent);
      break;
    case AGENT_LEAVING:
      send_heartbeat (agent);
      agent->state = AGENT_ENDED;
      break;
    case AGENT_ENDED:
      break;
  }
}

PmssNodeAgent *
pmss_node_agent_new (const PmssStorageConfig * config,
    const PmssIdentity * identity, PmssSelf * self, guint16 port,
    guint64 capacity, gint64 revocations, const PmssNodeAgentFuncs * funcs,
    gpointer user_data, GError ** error)
{
  g_autofree char *host = pmss_node_advertised_host (config, error);
  PmssControlLink *link =
      host != NULL ? pmss_control_link_new (config, error) : NULL;
  PmssNodeAgent *agent;

  if (link == NULL)
    return NULL;
  agent = g_new0 (PmssNodeAgent, 1);
  agent->config = config;
  agent->funcs = *funcs;
  agent->user_data = user_data;
  agent->host = g_steal_pointer (&host);
  agent->port = config->advertise.port ? config->advertise.port : port;
  agent->capacity = capacity;
  agent->revocations = revocations;
  agent->self = self;
  pmss_self_set_place (self, agent->host, agent->port,
      config->tls_certificate != NULL);
  agent->interval = 1;
  agent->link = link;
  agent->state = identity != NULL ? AGENT_BEATING : AGENT_JOINING;
  if (identity != NULL) {
    agent->id = identity->id;
    agent->secret = g_strdup (identity->secret);
  }
  agent_advance (agent);
  return agent;
}

static gboolean
on_late (gpointer data)
{
  gboolean *late = data;

  *late = TRUE;
  return G_SOURCE_CONTINUE;
}

void
pmss_node_agent_leave (PmssNodeAgent * agent)
{
  gboolean late = FALSE;
  guint timer;

  if (agent->state != AGENT_BEATING)
    return;
  agent->state = AGENT_LEAVING;
  if (!pmss_control_link_is_busy (agent->link))
    go_on (agent, TRUE);
  timer = g_timeout_add (LEAVE_TIMEOUT, on_late, &late);
  while (pmss_control_link_is_busy (agent->link) && !late)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);
  if (late)
    g_message ("%s has not answered that it knows of the stop",
        agent->config->control);
}

void
pmss_node_agent_free (PmssNodeAgent * agent)
{
  g_clear_handle_id (&agent->timer, g_source_remove);
  pmss_control_link_free (agent->link);
  g_free (agent->host);
  g_free (agent->secret);
  g_free (agent->problem);
  g_free (agent);
}
