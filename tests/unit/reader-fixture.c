/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reader-fixture.h"

#include <stdio.h>
#include <string.h>

#include "libpmss/format/pmss-striper.h"

#define ROWS 8

static PmssLayout *
new_layout (FakeCluster * cluster)
{
  PmssVersionId version;

  pmss_version_id_generate (&version);
  return pmss_layout_new (&version, cluster->size, cluster->redundancy,
      CLUSTER_UNIT, ROWS * cluster->redundancy.k * CLUSTER_UNIT, NULL);
}

/* --- Storage servers --- */

void
fake_node_answer (FakeAnswer * answer, GBytes * shard, gsize first,
    gsize length)
{
  answer->text = g_strdup_printf ("HTTP/1.1 206 Partial Content\r\n"
      "Content-Length: %" G_GSIZE_FORMAT "\r\n"
      "Content-Range: bytes %" G_GSIZE_FORMAT "-%" G_GSIZE_FORMAT "/%"
      G_GSIZE_FORMAT "\r\n\r\n", length, first, first + length - 1,
      g_bytes_get_size (shard));
  answer->body =
      g_memdup2 ((const guint8 *) g_bytes_get_data (shard, NULL) + first,
      length);
  answer->body_length = length;
}

gboolean
fake_node_trickle (const FakeRequest * request, FakeAnswer * answer,
    GBytes * shard, gsize first, gsize length)
{
  fake_node_answer (answer, shard, first, length);
  answer->body_length = 100;
  answer->trickle = 20;
  return TRUE;
}

static void
hang_up (FakeAnswer * answer)
{
  answer->text = g_strdup ("");
  answer->close = TRUE;
}

static void
node_answers (const FakeRequest * request, FakeAnswer * answer,
    gpointer user_data)
{
  FakeNode *node = user_data;
  GBytes *shard = node->cluster->shards[node->index];
  unsigned long first, last;

  if (g_str_equal (request->target, "/healthz")) {
    g_atomic_int_inc (&node->probes);
    if (node->sick)
      return;
    if (g_atomic_int_get (&node->gone) > 0) {
      g_atomic_int_add (&node->gone, -1);
      hang_up (answer);
      return;
    }
    answer->text = fake_peer_answer (node->health != NULL ? node->health :
        "200 OK", "application/json", "{\"status\":\"ok\"}");
    return;
  }
  g_assert_cmpint (sscanf (request->range, "bytes=%lu-%lu", &first, &last), ==,
      2);
  g_atomic_int_inc (&node->requests);
  if (g_atomic_int_get (&node->gone) > 0)
    hang_up (answer);
  else if (node->misbehave == NULL
      || !node->misbehave (request, answer, shard, first, last - first + 1))
    fake_node_answer (answer, shard, first, last - first + 1);
}

/* --- The control server --- */

/* The id that the client made. */
static char *
get_asked_id (const FakeRequest * request)
{
  const char *id = strstr (request->body->str, "\"id\":\"");

  g_assert_nonnull (id);
  return g_strndup (id + strlen ("\"id\":\""), 32);
}

/* Lock held. */
static char *
refuse_session (FakeCluster * cluster)
{
  g_autofree char *header = cluster->retry_after == NULL ? g_strdup ("") :
      g_strdup_printf ("Retry-After: %s\r\n", cluster->retry_after);

  return g_strdup_printf ("HTTP/1.1 503 Service Unavailable\r\n"
      "Content-Type: application/problem+json\r\n%s"
      "Content-Length: %zu\r\n\r\n%s", header, strlen (cluster->refusal),
      cluster->refusal);
}

/* Lock held. */
static char *
open_session (FakeCluster * cluster, const FakeRequest * request)
{
  g_autoptr (PmssLayout) other = cluster->replaced ? new_layout (cluster) :
      NULL;
  g_autoptr (JsonNode) layout =
      pmss_layout_to_json (other != NULL ? other : cluster->layout);
  g_autofree char *layout_text = json_to_string (layout, FALSE);
  g_autofree char *body = NULL;
  g_autofree char *id = get_asked_id (request);

  cluster->n_openings++;
  g_free (cluster->asked);
  cluster->asked = g_strdup (request->body->str);
  if (cluster->refusals > 0) {
    cluster->refusals--;
    return refuse_session (cluster);
  }
  cluster->n_sessions += g_hash_table_add (cluster->sessions, g_strdup (id));
  if (cluster->deferrals > 0) {
    cluster->deferrals--;
    body = g_strdup_printf ("{\"id\":\"%s\",\"lease\":%u,"
        "\"start_in_ns\":%s}", id, cluster->lease, cluster->start_in);
    return fake_peer_answer ("201 Created", "application/json", body);
  }
  if (cluster->lost_openings > 0) {
    cluster->lost_openings--;
    return g_strdup ("");
  }
  body = g_strdup_printf ("{\"id\":\"%s\",\"lease\":%u,\"token\":\"token-0\","
      "\"medium\":{\"avg_bitrate\":%" G_GUINT64_FORMAT "},\"layout\":%s}",
      id, cluster->lease, cluster->bitrate, layout_text);
  cluster->opened_at = g_get_monotonic_time ();
  return fake_peer_answer ("201 Created", "application/json", body);
}

/* Lock held. All of it, as one page. */
static char *
answer_layout (FakeCluster * cluster)
{
  g_autoptr (JsonNode) layout = pmss_layout_to_json (cluster->next_layout !=
      NULL ? cluster->next_layout : cluster->layout);
  g_autofree char *text = json_to_string (layout, FALSE);

  cluster->n_layouts++;
  return fake_peer_answer ("200 OK", "application/json", text);
}

/* Lock held. What a renewal says of the layout; nothing. */
static char *
describe_layout (FakeCluster * cluster)
{
  PmssLayout *layout = cluster->next_layout != NULL ? cluster->next_layout
      : cluster->layout;
  char version[PMSS_VERSION_ID_STRLEN];

  if (!cluster->tells_renewals)
    return g_strdup ("");
  pmss_version_id_to_string (pmss_layout_get_version (layout), version);
  return g_strdup_printf (",\"layout\":{\"version\":\"%s\","
      "\"generation\":%" G_GUINT64_FORMAT "}", version,
      pmss_layout_get_generation (layout));
}

/* Lock held. */
static char *
renew_session (FakeCluster * cluster, const char *id)
{
  g_autofree char *body = NULL;
  g_autofree char *layout = describe_layout (cluster);

  cluster->renewals++;
  if (cluster->lost_renewals > 0) {
    cluster->lost_renewals--;
    return NULL;
  }
  if (cluster->silent)
    return NULL;
  if (cluster->forgets || !g_hash_table_contains (cluster->sessions, id))
    return fake_peer_answer ("404 Not Found", "application/json",
        "{\"detail\":\"no such session\"}");
  body = g_strdup_printf ("{\"lease\":%u,\"token\":\"token-%u\"%s}",
      cluster->lease, cluster->renewals, layout);
  return fake_peer_answer ("200 OK", "application/json", body);
}

/* Lock held. */
static char *
take_reports (FakeCluster * cluster, const FakeRequest * request)
{
  cluster->n_reports++;
  g_string_append_printf (cluster->reports, "%s\n", request->body->str);
  if (cluster->reports_status == NULL)
    return NULL;
  return g_strdup_printf ("HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n",
      cluster->reports_status);
}

static void
control_answers (const FakeRequest * request, FakeAnswer * answer,
    gpointer user_data)
{
  FakeCluster *cluster = user_data;
  const char *id = request->target + strlen ("/api/v1/sessions/");

  g_mutex_lock (&cluster->lock);
  if (g_str_has_suffix (request->target, "/reports")) {
    answer->text = take_reports (cluster, request);
  } else if (g_str_equal (request->method, "GET")) {
    answer->text = answer_layout (cluster);
  } else if (g_str_equal (request->method, "POST")) {
    answer->text = open_session (cluster, request);
    answer->close = answer->text[0] == '\0';
    answer->delay = cluster->delay;
  } else if (g_str_equal (request->method, "PUT")) {
    answer->text = renew_session (cluster, id);
  } else {
    g_hash_table_remove (cluster->sessions, id);
    answer->text = g_strdup ("HTTP/1.1 204 No Content\r\n\r\n");
  }
  g_mutex_unlock (&cluster->lock);
}

static guint
get_locked (FakeCluster * cluster, const guint * number)
{
  guint value;

  g_mutex_lock (&cluster->lock);
  value = *number;
  g_mutex_unlock (&cluster->lock);
  return value;
}

guint
fake_cluster_count_sessions (FakeCluster * cluster)
{
  guint n;

  g_mutex_lock (&cluster->lock);
  n = g_hash_table_size (cluster->sessions);
  g_mutex_unlock (&cluster->lock);
  return n;
}

guint
fake_cluster_count_renewals (FakeCluster * cluster)
{
  return get_locked (cluster, &cluster->renewals);
}

guint
fake_cluster_count_reports (FakeCluster * cluster, char **text)
{
  guint n;

  g_mutex_lock (&cluster->lock);
  n = cluster->n_reports;
  if (text != NULL)
    *text = g_strdup (cluster->reports->str);
  g_mutex_unlock (&cluster->lock);
  return n;
}

guint
fake_cluster_count_openings (FakeCluster * cluster)
{
  return get_locked (cluster, &cluster->n_sessions);
}

/* --- All of it --- */

void
fake_node_start (FakeNode * node, FakeCluster * cluster, guint index)
{
  node->cluster = cluster;
  node->index = index;
  node->peer = fake_peer_new (node_answers, node, NULL);
}

FakeCluster *
fake_cluster_new (PmssRedundancy redundancy, guint64 size)
{
  FakeCluster *cluster = g_new0 (FakeCluster, 1);
  g_autoptr (PmssErasure) erasure = pmss_erasure_new (redundancy);
  PmssExtentGeometry geometry;
  guint i;

  cluster->redundancy = redundancy;
  cluster->size = size;
  cluster->lease = 3600;
  cluster->reports_status = "204 No Content";
  cluster->reports = g_string_new (NULL);
  g_mutex_init (&cluster->lock);
  cluster->sessions =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  cluster->bytes = g_malloc (size);
  for (guint64 at = 0; at < size; at++)
    cluster->bytes[at] = g_test_rand_int ();
  cluster->layout = new_layout (cluster);
  pmss_layout_get_geometry (cluster->layout, 0, &geometry);
  pmss_striper_run (erasure, &geometry, cluster->bytes, cluster->shards);
  for (i = 0; i < redundancy.k + redundancy.m; i++)
    fake_node_start (&cluster->nodes[i], cluster, i);
  cluster->control = fake_peer_new (control_answers, cluster, NULL);
  return cluster;
}

void
fake_cluster_free (FakeCluster * cluster)
{
  guint i;

  fake_peer_free (cluster->control);
  for (i = 0; i < cluster->redundancy.k + cluster->redundancy.m; i++) {
    fake_peer_free (cluster->nodes[i].peer);
    g_bytes_unref (cluster->shards[i]);
  }
  g_hash_table_unref (cluster->sessions);
  g_string_free (cluster->reports, TRUE);
  g_free (cluster->asked);
  pmss_layout_unref (cluster->layout);
  g_clear_pointer (&cluster->next_layout, pmss_layout_unref);
  g_mutex_clear (&cluster->lock);
  g_free (cluster->bytes);
  g_free (cluster);
}

static void
place_nodes (FakeCluster * cluster)
{
  gint places[PMSS_MAX_SHARDS];
  guint i;

  for (i = 0; i < cluster->redundancy.k + cluster->redundancy.m; i++) {
    FakeNode *node = &cluster->nodes[i];
    PmssNode listed = {.id = i + 1,.address = (char *) "127.0.0.1" };

    if (node->address != NULL)
      listed.address = (char *) node->address;
    listed.port = fake_peer_get_port (node->peer);
    places[i] = pmss_layout_add_node (cluster->layout, &listed);
  }
  pmss_layout_set_extent (cluster->layout, 0, places);
}

void
fake_cluster_control_tls (FakeCluster * cluster, GTlsCertificate * certificate)
{
  fake_peer_free (cluster->control);
  cluster->control = fake_peer_new (control_answers, cluster, certificate);
  cluster->tls = TRUE;
}

PmssReader *
fake_cluster_new_reader (FakeCluster * cluster)
{
  g_autofree char *url = g_strdup_printf ("http%s://127.0.0.1:%u",
      cluster->tls ? "s" : "", fake_peer_get_port (cluster->control));
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssClient) client = pmss_client_new (url, &error);

  g_assert_no_error (error);
  place_nodes (cluster);
  if (cluster->tls)
    g_object_set (client, "tls-validation-flags", 0, NULL);
  pmss_client_set_credentials (client, "login", NULL, NULL);
  return pmss_reader_new (client, "films/a");
}

PmssReader *
fake_cluster_open (FakeCluster * cluster, const char *first_property, ...)
{
  PmssReader *reader = fake_cluster_new_reader (cluster);
  g_autoptr (GError) error = NULL;
  va_list properties;

  va_start (properties, first_property);
  g_object_set_valist (G_OBJECT (reader), first_property, properties);
  va_end (properties);
  pmss_reader_open (reader, NULL, &error);
  g_assert_no_error (error);
  return reader;
}

gboolean
fake_cluster_read_all (FakeCluster * cluster, PmssReader * reader,
    GError ** error)
{
  guint64 offset = 0;

  while (offset < cluster->size) {
    g_autoptr (GBytes) bytes =
        pmss_reader_read (reader, offset, CLUSTER_UNIT, NULL, error);

    if (bytes == NULL)
      return FALSE;
    g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
        cluster->bytes + offset, g_bytes_get_size (bytes));
    offset += g_bytes_get_size (bytes);
  }
  return TRUE;
}

void
fake_cluster_read_byte (FakeCluster * cluster, PmssReader * reader,
    guint64 offset)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = pmss_reader_read (reader, offset, 1, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
      cluster->bytes + offset, 1);
}

guint64
reader_get_counter (PmssReader * reader, const char *name)
{
  g_autoptr (GVariant) stats = pmss_reader_get_stats (reader);
  guint64 value = G_MAXUINT64;

  g_variant_lookup (stats, name, "t", &value);
  return value;
}
