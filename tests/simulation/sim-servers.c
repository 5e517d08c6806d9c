/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Simulated nodes, and a simulated control. */
#include "sim-servers.h"

#include <stdio.h>
#include <string.h>

#include "libpmss/format/pmss-layout-part.h"
#include "sim-soup.h"
#include "sim-trace.h"

#define PORT 8471

/* A fault begins, or is over. */
typedef struct
{
  SimServers *self;
  const SimFault *fault;
} Change;

struct _SimServers
{
  const SimScenario *scenario;
  SimRandom random;
  SimPeer nodes[SIM_MAX_NODES];
  SimPeer control;
  SimAskedFunc asked;
  SimSentFunc sent;
  gpointer user_data;
  GHashTable *sessions;         /* id -> gint64: end of its lease */
  Change *changes;              /* one for each fault */
  guint n_tokens;
  gint64 tokens[4096];          /* their ends, us since the beginning */
};

/* --- What holds when --- */

static const SimFault *
get_fault (const SimServers * self, guint i)
{
  return &g_array_index (self->scenario->faults, SimFault, i);
}

static gboolean
is_on (const SimFault * fault, gint64 now)
{
  return fault->from <= now && now < fault->to;
}

static const SimFault *
find_fault (const SimServers * self, SimFaultKind kind, guint node)
{
  for (guint i = 0; i < self->scenario->faults->len; i++) {
    const SimFault *fault = get_fault (self, i);

    if (fault->kind == kind && fault->node == node
        && is_on (fault, sim_clock_since_begin ()))
      return fault;
  }
  return NULL;
}

/* Whether @node has that shard file now. */
static gboolean
has_shard (const SimServers * self, guint node, guint32 extent, guint shard)
{
  gint64 now = sim_clock_since_begin ();
  gboolean has = self->scenario->places[extent][shard] == (gint) node;

  for (guint i = 0; i < self->scenario->faults->len; i++) {
    const SimFault *fault = get_fault (self, i);

    if (fault->extent != extent || fault->shard != shard || fault->from > now)
      continue;
    if (fault->kind == SIM_FAULT_LOSE && fault->node == node)
      has = FALSE;
    if (fault->kind == SIM_FAULT_MOVE)
      has = fault->target == node || (fault->node == node && now < fault->to);
  }
  return has;
}

/* --- Nodes --- */

static void
answer_status (SimAnswer * answer, guint status)
{
  answer->status = status;
  if (status != SOUP_STATUS_NO_CONTENT)
    answer->body = g_bytes_new_static ("{}", 2);
}

/* A token is "T" and its number. */
static gboolean
is_token_good (SimServers * self, SimCall * call)
{
  const char *text = soup_message_headers_get_one
      (soup_message_get_request_headers (call->message), "Authorization");
  guint number;

  return text != NULL && sscanf (text, "Bearer T%u", &number) == 1
      && number < self->n_tokens
      && sim_clock_since_begin () < self->tokens[number];
}

typedef struct
{
  PmssVersionId version;
  guint32 extent;
  guint shard;
  guint64 first, last;          /* bytes */
} Wanted;

static gboolean
parse_wanted (SimServers * self, SimCall * call, Wanted * wanted)
{
  const char *path = g_uri_get_path (soup_message_get_uri (call->message));
  const char *range = soup_message_headers_get_one
      (soup_message_get_request_headers (call->message), "Range");

  return g_str_has_prefix (path, "/v1/shards/")
      && pmss_shard_name_parse (path + strlen ("/v1/shards/"),
      &wanted->version, &wanted->extent, &wanted->shard)
      && pmss_version_id_equal (&wanted->version,
      &self->scenario->medium->version)
      && wanted->extent < self->scenario->medium->n_extents && range != NULL
      && sscanf (range, "bytes=%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
      &wanted->first, &wanted->last) == 2;
}

static void
tell_asked (SimServers * self, guint node, const Wanted * wanted)
{
  guint64 record = PMSS_RECORD_HEADER_SIZE + self->scenario->medium->unit;
  guint32 first = (guint32) ((wanted->first - PMSS_SHARD_HEADER_SIZE) / record);
  guint32 last = (guint32) ((wanted->last - PMSS_SHARD_HEADER_SIZE) / record);

  self->asked (node, wanted->extent, wanted->shard, first, last - first + 1,
      self->user_data);
  sim_trace ("asked: node extent shard row", node + 1, wanted->extent,
      wanted->shard, first);
}

static GBytes *
flip (SimServers * self, GBytes * body, gsize from, gsize to)
{
  gsize size;
  guint8 *bytes = g_bytes_unref_to_data (body, &size);

  bytes[sim_random_range (&self->random, (gint64) from, (gint64) MIN (to,
              size) - 1)] ^= (guint8) (1 << sim_random_range (&self->random, 0,
          7));
  return g_bytes_new_take (bytes, size);
}

/* The checksums of the units that are not its own; the header's own is right. */
static GBytes *
contradict (GBytes * body)
{
  gsize size;
  guint8 *bytes = g_bytes_unref_to_data (body, &size);
  PmssRecordHeader record;

  if (pmss_record_header_parse (bytes, &record, NULL)) {
    for (guint i = 0; i < PMSS_MAX_SHARDS; i++)
      if (i != record.index && record.crc[i] != 0)
        record.crc[i] ^= 0x5a5a;
    pmss_record_header_write (&record, bytes);
  }
  return g_bytes_new_take (bytes, size);
}

/* A record of another row, or of another shard, in place of the first. */
static GBytes *
replace (SimServers * self, const Wanted * wanted, GBytes * body,
    gboolean other_shard)
{
  const SimMedium *medium = self->scenario->medium;
  guint width = medium->redundancy.k + medium->redundancy.m;
  guint shard = other_shard ? (wanted->shard + 1) % width : wanted->shard;
  gsize record = PMSS_RECORD_HEADER_SIZE + medium->unit, size, other_size;
  const guint8 *other = g_bytes_get_data
      (medium->shards[wanted->extent][shard], &other_size);
  gsize at = other_shard ? wanted->first : wanted->first + record;
  guint8 *bytes = g_bytes_unref_to_data (body, &size);

  if (!other_shard && at + record > other_size)
    at = PMSS_SHARD_HEADER_SIZE;
  if (at != wanted->first || other_shard)
    memcpy (bytes, other + MIN (at, other_size), MIN (MIN (record, size),
            other_size - MIN (at, other_size)));
  return g_bytes_new_take (bytes, size);
}

static void
lie (SimServers * self, const SimFault * fault, const Wanted * wanted,
    SimAnswer * answer)
{
  gsize size = g_bytes_get_size (answer->body);

  sim_trace ("lies: node lie", fault->node + 1, fault->lie, 0, 0);
  switch (fault->lie) {
    case SIM_LIE_FLIP_UNIT:
      answer->body = flip (self, answer->body, PMSS_RECORD_HEADER_SIZE, size);
      break;
    case SIM_LIE_FLIP_HEADER:
      answer->body = flip (self, answer->body, 0, PMSS_RECORD_HEADER_SIZE);
      break;
    case SIM_LIE_OTHER_ROW:
    case SIM_LIE_OTHER_SHARD:
      answer->body = replace (self, wanted, answer->body,
          fault->lie == SIM_LIE_OTHER_SHARD);
      break;
    case SIM_LIE_CONTRADICT:
      answer->body = contradict (answer->body);
      break;
    case SIM_LIE_SHORT:
    case SIM_LIE_RESET:
    case SIM_LIE_STALL:
      answer->how = fault->lie == SIM_LIE_SHORT ? SIM_END_SHORT
          : fault->lie == SIM_LIE_RESET ? SIM_END_RESET : SIM_END_STALL;
      answer->end = (gsize) sim_random_range (&self->random, 0,
          (gint64) size - 1);
      break;
    case SIM_LIE_RANGE:
      answer->first += 1;
      break;
    case SIM_LIE_WHOLE:
      answer->status = SOUP_STATUS_OK;
      answer->is_range = FALSE;
      break;
    case SIM_N_LIES:
      break;
  }
}

static void
give_records (SimServers * self, guint node, const Wanted * wanted,
    SimAnswer * answer)
{
  GBytes *file = self->scenario->medium->shards[wanted->extent][wanted->shard];
  const SimFault *fault = find_fault (self, SIM_FAULT_LIE, node);
  gsize size = g_bytes_get_size (file);
  gsize length = (gsize) (wanted->last - wanted->first + 1);

  if (wanted->last >= size) {
    answer_status (answer, SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE);
    return;
  }
  answer->status = SOUP_STATUS_PARTIAL_CONTENT;
  answer->is_range = TRUE;
  answer->first = wanted->first;
  answer->total = size;
  if (fault != NULL && sim_random_percent (&self->random, fault->value)) {
    answer->body = g_bytes_new ((const guint8 *) g_bytes_get_data (file, NULL)
        + wanted->first, length);
    lie (self, fault, wanted, answer);
  } else {
    answer->body = g_bytes_new_from_bytes (file, (gsize) wanted->first, length);
  }
}

static void
serve_node (SimPeer * peer, SimCall * call, SimAnswer * answer,
    gpointer user_data)
{
  SimServers *self = user_data;
  guint node = peer->number - 1;
  const SimFault *trouble = find_fault (self, SIM_FAULT_STATUS, node);
  Wanted wanted;

  if (g_str_equal (g_uri_get_path (soup_message_get_uri (call->message)),
          "/healthz")) {
    sim_trace ("probed: node", peer->number, 0, 0, 0);
    answer_status (answer, SOUP_STATUS_OK);
  } else if (!parse_wanted (self, call, &wanted)) {
    answer_status (answer, SOUP_STATUS_BAD_REQUEST);
  } else {
    tell_asked (self, node, &wanted);
    if (trouble != NULL)
      answer_status (answer, trouble->value);
    else if (find_fault (self, SIM_FAULT_REFUSE, node) != NULL
        || !is_token_good (self, call))
      answer_status (answer, SOUP_STATUS_UNAUTHORIZED);
    else if (!has_shard (self, node, wanted.extent, wanted.shard))
      answer_status (answer, SOUP_STATUS_NOT_FOUND);
    else
      give_records (self, node, &wanted, answer);
  }
  if (answer->status != SOUP_STATUS_PARTIAL_CONTENT)
    sim_trace ("answers: node status", peer->number, answer->status, 0, 0);
}

/* --- Control --- */

/* Each move that has begun makes it one more. */
static guint64
get_generation (const SimServers * self)
{
  guint64 generation = 1;

  for (guint i = 0; i < self->scenario->faults->len; i++)
    generation += get_fault (self, i)->kind == SIM_FAULT_MOVE
        && get_fault (self, i)->from <= sim_clock_since_begin ();
  return generation;
}

static gint
get_place (const SimServers * self, guint32 extent, guint shard)
{
  gint place = self->scenario->places[extent][shard];

  for (guint i = 0; i < self->scenario->faults->len; i++) {
    const SimFault *fault = get_fault (self, i);

    if (fault->kind == SIM_FAULT_MOVE && fault->extent == extent
        && fault->shard == shard && fault->from <= sim_clock_since_begin ())
      place = (gint) fault->target;
  }
  return place;
}

static JsonNode *
describe_layout (SimServers * self)
{
  const SimMedium *medium = self->scenario->medium;
  guint width = medium->redundancy.k + medium->redundancy.m;
  g_autoptr (PmssLayout) layout = sim_medium_new_layout (medium);

  for (guint i = 0; i < self->scenario->n_nodes; i++) {
    g_autofree char *host = g_strdup_printf ("n%u", i + 1);
    PmssNode node = {.id = i + 1,.address = host,.port = PORT,.zone =
          (char *) ""
    };

    pmss_layout_add_node (layout, &node);
  }
  for (guint32 e = 0; e < medium->n_extents; e++) {
    gint places[PMSS_MAX_SHARDS];

    for (guint i = 0; i < width; i++)
      places[i] = get_place (self, e, i);
    pmss_layout_set_extent (layout, e, places);
  }
  pmss_layout_set_generation (layout, get_generation (self));
  return pmss_layout_to_json (layout);
}

static GBytes *
to_bytes (JsonNode * node)
{
  char *text = json_to_string (node, FALSE);

  return g_bytes_new_take (text, strlen (text));
}

static char *
new_token (SimServers * self)
{
  guint number = self->n_tokens;

  if (number == G_N_ELEMENTS (self->tokens))
    return g_strdup ("none");
  self->n_tokens++;
  self->tokens[number] = sim_clock_since_begin ()
      + self->scenario->lease * G_TIME_SPAN_SECOND;
  return g_strdup_printf ("T%u", number);
}

static void
touch_session (SimServers * self, const char *id)
{
  gint64 end = sim_clock_since_begin ()
      + self->scenario->lease * G_TIME_SPAN_SECOND;

  g_hash_table_insert (self->sessions, g_strdup (id), g_memdup2 (&end,
          sizeof end));
}

static gboolean
has_session (SimServers * self, const char *id)
{
  const gint64 *end = g_hash_table_lookup (self->sessions, id);

  return end != NULL && sim_clock_since_begin () < *end;
}

/* The id that the client made. */
static char *
get_asked_id (SimCall * call)
{
  GBytes *body = sim_soup_get_request_body (call->message);
  g_autofree char *text = g_strndup (g_bytes_get_data (body, NULL),
      g_bytes_get_size (body));
  const char *id = strstr (text, "\"id\":\"");

  g_assert_nonnull (id);
  return g_strndup (id + strlen ("\"id\":\""), 32);
}

static void
open_session (SimServers * self, SimCall * call, SimAnswer * answer)
{
  g_autofree char *id = get_asked_id (call);
  g_autofree char *token = new_token (self);
  g_autoptr (JsonNode) json = json_node_new (JSON_NODE_OBJECT);
  JsonObject *session = json_object_new (), *medium = json_object_new ();

  touch_session (self, id);
  json_object_set_string_member (session, "id", id);
  json_object_set_int_member (session, "lease", self->scenario->lease);
  json_object_set_string_member (session, "token", token);
  if (self->scenario->tells_bitrate)
    json_object_set_int_member (medium, "avg_bitrate",
        (gint64) self->scenario->bitrate);
  json_object_set_object_member (session, "medium", medium);
  json_object_set_member (session, "layout", describe_layout (self));
  json_node_take_object (json, session);
  answer->status = SOUP_STATUS_CREATED;
  answer->body = to_bytes (json);
  sim_trace ("opens a session: generation", (gint64) get_generation (self), 0,
      0, 0);
}

static void
renew_session (SimServers * self, const char *id, SimAnswer * answer)
{
  g_autofree char *token = NULL;
  char version[PMSS_VERSION_ID_STRLEN];
  char *text;

  if (!has_session (self, id)) {
    answer_status (answer, SOUP_STATUS_NOT_FOUND);
    sim_trace ("knows no such session", 0, 0, 0, 0);
    return;
  }
  touch_session (self, id);
  token = new_token (self);
  pmss_version_id_to_string (&self->scenario->medium->version, version);
  text = g_strdup_printf ("{\"lease\":%u,\"token\":\"%s\",\"layout\":"
      "{\"version\":\"%s\",\"generation\":%" G_GUINT64_FORMAT "}}",
      self->scenario->lease, token, version, get_generation (self));
  answer->status = SOUP_STATUS_OK;
  answer->body = g_bytes_new_take (text, strlen (text));
  sim_trace ("renews a session: generation", (gint64) get_generation (self), 0,
      0, 0);
}

static void
answer_layout (SimServers * self, SimAnswer * answer)
{
  g_autoptr (JsonNode) layout = describe_layout (self);

  answer->status = SOUP_STATUS_OK;
  answer->body = to_bytes (layout);
  sim_trace ("tells the layout: generation", (gint64) get_generation (self), 0,
      0, 0);
}

static void
serve_control (SimPeer * peer, SimCall * call, SimAnswer * answer,
    gpointer user_data)
{
  SimServers *self = user_data;
  const char *method = soup_message_get_method (call->message);
  const char *path = g_uri_get_path (soup_message_get_uri (call->message));
  const char *id = path + strlen ("/api/v1/sessions/");

  if (g_str_equal (method, "GET")) {
    answer_layout (self, answer);
  } else if (g_str_has_suffix (path, "/reports")) {
    answer_status (answer, SOUP_STATUS_NO_CONTENT);
    sim_trace ("is told of trouble", 0, 0, 0, 0);
  } else if (g_str_equal (method, "POST")) {
    open_session (self, call, answer);
  } else if (g_str_equal (method, "PUT")) {
    renew_session (self, id, answer);
  } else {
    g_hash_table_remove (self->sessions, id);
    answer_status (answer, SOUP_STATUS_NO_CONTENT);
    sim_trace ("takes a session back", 0, 0, 0, 0);
  }
}

guint
sim_servers_count_sessions (SimServers * self)
{
  GHashTableIter iter;
  gpointer id;
  guint n = 0;

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    n += has_session (self, id);
  return n;
}

/* --- Fates --- */

static void
set_node (SimServers * self, guint node)
{
  SimPeer *peer = &self->nodes[node];
  const SimFault *slow = find_fault (self, SIM_FAULT_SLOW, node);

  peer->slow = slow != NULL ? slow->value : 1;
  sim_peer_set_state (peer, find_fault (self, SIM_FAULT_KILL, node) != NULL
      ? SIM_PEER_DEAD : find_fault (self, SIM_FAULT_SILENCE, node) != NULL
      ? SIM_PEER_SILENT : SIM_PEER_UP);
}

static void
set_control (SimServers * self)
{
  sim_peer_set_state (&self->control, find_fault (self,
          SIM_FAULT_CONTROL_KILL, 0) != NULL ? SIM_PEER_DEAD
      : find_fault (self, SIM_FAULT_CONTROL_SILENCE, 0) != NULL
      ? SIM_PEER_SILENT : SIM_PEER_UP);
}

static void
change (gpointer data)
{
  const Change *change = data;
  SimServers *self = change->self;
  const SimFault *fault = change->fault;

  sim_trace_say ("%s %u %s: %s", fault->kind >= SIM_FAULT_CONTROL_KILL ?
      "control" : "node", fault->node + 1,
      sim_fault_kind_to_string (fault->kind),
      is_on (fault, sim_clock_since_begin ())? "begins" : "is over");
  if (fault->kind == SIM_FAULT_CONTROL_FORGET)
    g_hash_table_remove_all (self->sessions);
  else if (fault->kind >= SIM_FAULT_CONTROL_KILL)
    set_control (self);
  else
    set_node (self, fault->node);
}

static void
schedule_changes (SimServers * self)
{
  gint64 begin = sim_clock_now () - sim_clock_since_begin ();

  self->changes = g_new (Change, self->scenario->faults->len + 1);
  for (guint i = 0; i < self->scenario->faults->len; i++) {
    const SimFault *fault = get_fault (self, i);

    self->changes[i] = (Change) {
    self, fault};
    sim_clock_at (begin + MAX (fault->from, 0), change, &self->changes[i]);
    if (fault->to < G_MAXINT64 && fault->kind != SIM_FAULT_CONTROL_FORGET)
      sim_clock_at (begin + fault->to, change, &self->changes[i]);
  }
}

SimServers *
sim_servers_new (const SimScenario * scenario, SimAskedFunc asked,
    SimSentFunc sent, gpointer user_data)
{
  SimServers *self = g_new0 (SimServers, 1);

  self->scenario = scenario;
  self->asked = asked;
  self->sent = sent;
  self->user_data = user_data;
  sim_random_init (&self->random, scenario->seed ^ 0x5eed);
  self->sessions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  for (guint i = 0; i < scenario->n_nodes; i++)
    sim_peer_init (&self->nodes[i], i + 1, &scenario->lines[i], &self->random,
        serve_node, self);
  sim_peer_init (&self->control, 0, &scenario->lines[SIM_MAX_NODES],
      &self->random, serve_control, self);
  schedule_changes (self);
  return self;
}

void
sim_servers_free (SimServers * self)
{
  for (guint i = 0; i < self->scenario->n_nodes; i++)
    sim_peer_clear (&self->nodes[i]);
  sim_peer_clear (&self->control);
  g_hash_table_unref (self->sessions);
  g_free (self->changes);
  g_free (self);
}

SimPeer *
sim_servers_find (const char *host, gpointer servers)
{
  SimServers *self = servers;
  guint number;

  if (g_str_equal (host, "control"))
    return &self->control;
  if (sscanf (host, "n%u", &number) != 1 || number == 0
      || number > self->scenario->n_nodes)
    return NULL;
  self->sent (number - 1, self->user_data);
  return &self->nodes[number - 1];
}
