/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The claims of a capability token; docs/protocol.md section 4. */

#include "pmss-token.h"

#include <string.h>

#include "pmss-error.h"
#include "pmss-json.h"
#include "libpmss/format/pmss-shard.h"

#define MAX_USER 255
#define ID_LENGTH 32

static const struct
{
  char letter;
  PmssTokenOps op;
  const char *verb;
} operations[] = {
  {'r', PMSS_TOKEN_READ, "read"},
  {'w', PMSS_TOKEN_WRITE, "write"},
  {'d', PMSS_TOKEN_DELETE, "delete"},
  {'l', PMSS_TOKEN_LIST, "list"},
  {'g', PMSS_TOKEN_GATEWAY, "play"},
};

PmssTokenClaims *
pmss_token_claims_new (void)
{
  PmssTokenClaims *claims = g_new0 (PmssTokenClaims, 1);

  claims->nodes = g_array_new (FALSE, FALSE, sizeof (PmssNodeRange));
  return claims;
}

void
pmss_token_claims_free (PmssTokenClaims * claims)
{
  if (claims == NULL)
    return;
  g_free (claims->cluster);
  g_free (claims->medium);
  g_free (claims->user);
  g_free (claims->session);
  g_free (claims->shard);
  g_free (claims->origin);
  g_array_unref (claims->nodes);
  g_free (claims);
}

/* TRUE if @a ends before @b begins, with another id in between. */
static gboolean
is_apart (const PmssNodeRange * a, const PmssNodeRange * b)
{
  return a->last < b->first && b->first - a->last > 1;
}

void
pmss_token_claims_add_nodes (PmssTokenClaims * claims, guint first, guint last)
{
  GArray *nodes = claims->nodes;
  PmssNodeRange added = { first, last };
  guint at = 0;

  while (at < nodes->len
      && is_apart (&g_array_index (nodes, PmssNodeRange, at), &added))
    at++;
  while (at < nodes->len) {
    PmssNodeRange old = g_array_index (nodes, PmssNodeRange, at);

    if (is_apart (&added, &old))
      break;
    added.first = MIN (added.first, old.first);
    added.last = MAX (added.last, old.last);
    g_array_remove_index (nodes, at);
  }
  g_array_insert_val (nodes, at, added);
}

/* minting */

static void
set_text (JsonObject * object, const char *name, const char *value)
{
  json_object_set_string_member (object, name, value != NULL ? value : "");
}

static void
set_time (JsonObject * object, const char *name, gint64 seconds)
{
  g_autofree char *text = pmss_json_format_time (seconds);

  set_text (object, name, text);
}

static void
set_operations (JsonObject * object, PmssTokenOps ops)
{
  char letters[G_N_ELEMENTS (operations) + 1] = { 0 };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (operations); i++) {
    if (ops & operations[i].op)
      letters[n++] = operations[i].letter;
  }
  set_text (object, "ops", letters);
}

static void
set_nodes (JsonObject * object, GArray * nodes)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < nodes->len; i++) {
    const PmssNodeRange *range = &g_array_index (nodes, PmssNodeRange, i);

    g_string_append_printf (text, "%s%u", i > 0 ? "," : "", range->first);
    if (range->last > range->first)
      g_string_append_printf (text, "-%u", range->last);
  }
  set_text (object, "nod", text->str);
}

char *
pmss_token_mint (const PmssTokenClaims * claims,
    const guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE])
{
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *message = NULL;
  g_autofree char *token = NULL;
  char version[PMSS_VERSION_ID_STRLEN] = "*";

  if (!claims->any_version)
    pmss_version_id_to_string (&claims->version, version);
  set_time (object, "iat", claims->issued);
  set_time (object, "exp", claims->expires);
  set_text (object, "cid", claims->cluster);
  set_operations (object, claims->ops);
  set_text (object, "ver", version);
  set_text (object, "shd", claims->shard);
  set_text (object, "med", claims->medium);
  set_nodes (object, claims->nodes);
  set_text (object, "uid", claims->user);
  set_text (object, "sid", claims->session);
  json_object_set_int_member (object, "rate", MIN (claims->rate, G_MAXINT64));
  if (claims->origin != NULL)
    set_text (object, "org", claims->origin);

  node = json_node_init_object (json_node_alloc (), object);
  message = json_to_string (node, FALSE);
  token = pmss_paseto_sign (secret_key, message, strlen (message), NULL, 0,
      NULL, 0);
  return strlen (token) <= PMSS_MAX_TOKEN ? g_steal_pointer (&token) : NULL;
}

/* reading */

static gboolean
malformed (GError ** error, const char *what)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "“%s” is malformed",
      what);
  return FALSE;
}

static gboolean
read_operations (JsonObject * object, PmssTokenOps * ops, GError ** error)
{
  const char *letters;

  if (!pmss_json_get_string (object, "ops", G_N_ELEMENTS (operations),
          &letters, error))
    return FALSE;
  *ops = 0;
  for (; *letters != '\0'; letters++) {
    PmssTokenOps op = 0;

    for (guint i = 0; i < G_N_ELEMENTS (operations); i++) {
      if (operations[i].letter == *letters)
        op = operations[i].op;
    }
    if (op == 0 || (*ops & op) != 0)
      return malformed (error, "ops");
    *ops |= op;
  }
  return TRUE;
}

static gboolean
read_version (JsonObject * object, PmssTokenClaims * claims, GError ** error)
{
  const char *text;

  if (!pmss_json_get_string (object, "ver", ID_LENGTH, &text, error))
    return FALSE;
  claims->any_version = strcmp (text, "*") == 0;
  if (!claims->any_version && !pmss_version_id_parse (text, &claims->version))
    return malformed (error, "ver");
  return TRUE;
}

/* A decimal without leading zeros; *@text moves behind it. 0: there is none. */
static guint
read_node_id (const char **text)
{
  char *end;
  guint64 id;

  if (**text < '1' || **text > '9')
    return 0;
  id = g_ascii_strtoull (*text, &end, 10);
  *text = end;
  return id <= G_MAXUINT ? id : 0;
}

static gboolean
read_range (const char **text, PmssNodeRange * range)
{
  range->first = range->last = read_node_id (text);
  if (range->first == 0 || **text != '-')
    return range->first != 0;
  (*text)++;
  range->last = read_node_id (text);
  return range->last > range->first;
}

/* "1-6,9", ascending, at least one; one set of nodes has one form. */
static gboolean
read_nodes (JsonObject * object, GArray * nodes, GError ** error)
{
  const char *text;

  if (!pmss_json_get_string (object, "nod", PMSS_MAX_TOKEN, &text, error))
    return FALSE;
  for (;;) {
    PmssNodeRange range;

    if (!read_range (&text, &range) || (nodes->len > 0
            && !is_apart (&g_array_index (nodes, PmssNodeRange,
                    nodes->len - 1), &range)))
      return malformed (error, "nod");
    g_array_append_val (nodes, range);
    if (*text == '\0')
      return TRUE;
    if (*text++ != ',')
      return malformed (error, "nod");
  }
}

/* A shard of the version that the token is for, or "". */
static gboolean
read_shard (JsonObject * object, PmssTokenClaims * claims, GError ** error)
{
  const char *text;
  PmssVersionId version;
  guint32 extent;
  guint index;

  if (!pmss_json_get_string (object, "shd", PMSS_SHARD_NAME_SIZE, &text, error))
    return FALSE;
  if (*text != '\0' && (!pmss_shard_name_parse (text, &version, &extent, &index)
          || claims->any_version
          || !pmss_version_id_equal (&version, &claims->version)))
    return malformed (error, "shd");
  claims->shard = g_strdup (text);
  return TRUE;
}

/* 32 hex digits; or nothing, if @may_be_empty. */
static gboolean
read_id (JsonObject * object, const char *name, gboolean may_be_empty,
    char **id, GError ** error)
{
  PmssVersionId parsed;
  const char *text;

  if (!pmss_json_get_string (object, name, ID_LENGTH, &text, error))
    return FALSE;
  if (!(may_be_empty && *text == '\0')
      && !pmss_version_id_parse (text, &parsed))
    return malformed (error, name);
  *id = g_strdup (text);
  return TRUE;
}

static gboolean
read_names (JsonObject * object, PmssTokenClaims * claims, GError ** error)
{
  const char *medium, *user;

  if (!pmss_json_get_string (object, "med", PMSS_MAX_NAME, &medium, error)
      || !pmss_json_get_string (object, "uid", MAX_USER, &user, error))
    return FALSE;
  if (*medium != '\0' && !pmss_medium_name_check (medium, error))
    return FALSE;
  claims->medium = g_strdup (medium);
  claims->user = g_strdup (user);
  return TRUE;
}

/* It goes into a header field as it is. */
static gboolean
is_origin (const char *text)
{
  if (!g_str_has_prefix (text, "http://")
      && !g_str_has_prefix (text, "https://"))
    return FALSE;
  for (const char *p = text; *p != '\0'; p++) {
    if (!g_ascii_isalnum (*p) && strchr (".:-_~%[]/", *p) == NULL)
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_origin (JsonObject * object, PmssTokenClaims * claims, GError ** error)
{
  const char *text;

  if (!pmss_json_has (object, "org"))
    return TRUE;
  if (!pmss_json_get_string (object, "org", PMSS_MAX_ORIGIN, &text, error))
    return FALSE;
  if (claims->ops != PMSS_TOKEN_GATEWAY || !is_origin (text))
    return malformed (error, "org");
  claims->origin = g_strdup (text);
  return TRUE;
}

static PmssTokenClaims *
read_claims (GBytes * message, GError ** error)
{
  static const char *const names[] = {
    "iat", "exp", "cid", "ops", "ver", "shd", "med", "nod", "uid", "sid",
    "rate", "org", NULL
  };
  g_autoptr (PmssTokenClaims) claims = pmss_token_claims_new ();
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;
  gint64 rate;

  node = pmss_json_parse (g_bytes_get_data (message, NULL),
      g_bytes_get_size (message), error);
  if (node == NULL)
    return NULL;
  object = pmss_json_object (node, "token", error);
  if (object == NULL || !pmss_json_check_members (object, names, error)
      || !pmss_json_get_time (object, "iat", &claims->issued, error)
      || !pmss_json_get_time (object, "exp", &claims->expires, error)
      || !read_id (object, "cid", FALSE, &claims->cluster, error)
      || !read_operations (object, &claims->ops, error)
      || !read_version (object, claims, error)
      || !read_shard (object, claims, error)
      || !read_names (object, claims, error)
      || !read_nodes (object, claims->nodes, error)
      || !read_id (object, "sid", TRUE, &claims->session, error)
      || !pmss_json_get_int (object, "rate", 0, G_MAXINT64, &rate, error)
      || !read_origin (object, claims, error))
    return NULL;
  claims->rate = rate;
  return g_steal_pointer (&claims);
}

static PmssTokenClaims *
refuse (GError ** error, const char *why)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED,
      "The token is refused: %s", why);
  return NULL;
}

PmssTokenClaims *
pmss_token_verify (const char *token,
    const guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE], const char *cluster,
    gint64 now, GError ** error)
{
  g_autoptr (PmssTokenClaims) claims = NULL;
  g_autoptr (GBytes) message = NULL;
  g_autoptr (GError) problem = NULL;

  message = pmss_paseto_verify (public_key, token, NULL, 0, NULL, 0, error);
  if (message == NULL)
    return NULL;
  claims = read_claims (message, &problem);
  if (claims == NULL)
    return refuse (error, problem->message);
  if (strcmp (claims->cluster, cluster) != 0)
    return refuse (error, "it is of another cluster");
  if (now < claims->issued - PMSS_TOKEN_CLOCK_TOLERANCE)
    return refuse (error, "it is not valid yet; compare the servers' clocks");
  if (now >= claims->expires)
    return refuse (error, "it has expired");
  return g_steal_pointer (&claims);
}

static gboolean
forbid (GError ** error, const char *what)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FORBIDDEN,
      "The token does not allow %s", what);
  return FALSE;
}

static gboolean
has_node (GArray * nodes, guint node)
{
  for (guint i = 0; i < nodes->len; i++) {
    const PmssNodeRange *range = &g_array_index (nodes, PmssNodeRange, i);

    if (node <= range->last)
      return node >= range->first;
  }
  return FALSE;
}

static gboolean
has_operations (PmssTokenOps has, PmssTokenOps op, GError ** error)
{
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++) {
    if (operations[i].op & op & ~has)
      return forbid (error, operations[i].verb);
  }
  return TRUE;
}

gboolean
pmss_token_covers (const PmssTokenClaims * claims, PmssTokenOps op,
    const PmssVersionId * version, const char *shard, guint node,
    GError ** error)
{
  if (!has_node (claims->nodes, node)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_MISDIRECTED,
        "The token is for another server; this is node %u", node);
    return FALSE;
  }
  if (!has_operations (claims->ops, op, error))
    return FALSE;
  if (!claims->any_version && (version == NULL
          || !pmss_version_id_equal (version, &claims->version)))
    return forbid (error, "access to this version");
  if (claims->shard != NULL && *claims->shard != '\0'
      && g_strcmp0 (shard, claims->shard) != 0)
    return forbid (error, "access to this shard");
  return TRUE;
}
