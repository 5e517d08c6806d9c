/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pmss-http-guard.h"

#include <arpa/inet.h>
#include <string.h>

/* libmicrohttpd from this major version on refuses NULs, folded lines, bare LFs
 * and spaces before colons by itself. */
#define STRICT_VERSION 1

/* RFC 9110, 4.1, wants 8,000 bytes at least. */
#define MAX_TARGET 8000
#define MAX_PARAMETERS 64
#define MAX_HOST 255

typedef struct
{
  gsize size;                   /* that the head has by what is seen of it */
  guint status;
  const char *detail;
  guint64 seen;                 /* bits of `singles` */
  const char *transfer_encoding;
  const char *length;
  const char *expect;
  const char *range;
  const char *host;
} HeadCheck;

/* Fields that mean something to us and must not be there twice. */
static const char *const singles[] = {
  "Authorization", "Content-Length", "Content-Type", "Expect", "Host",
  "If-Range", "Range", "Tus-Resumable", "Upload-Length", "Upload-Metadata",
  "Upload-Offset",
};

static gboolean
is_token (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isalnum (text[i])
        && (text[i] == '\0' || !strchr ("!#$%&'*+-.^_`|~", text[i])))
      return FALSE;
  }
  return length > 0;
}

static gboolean
is_field_value (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++) {
    if ((guchar) text[i] < 0x20 && text[i] != '\t')
      return FALSE;
    if (text[i] == 0x7f)
      return FALSE;
  }
  return TRUE;
}

static enum MHD_Result
refuse (HeadCheck * check, guint status, const char *detail)
{
  check->status = status;
  check->detail = detail;
  return MHD_NO;
}

static gboolean
note_single (HeadCheck * check, const char *key)
{
  for (guint i = 0; i < G_N_ELEMENTS (singles); i++) {
    if (g_ascii_strcasecmp (key, singles[i]) != 0)
      continue;
    if (check->seen & (G_GUINT64_CONSTANT (1) << i))
      return FALSE;
    check->seen |= G_GUINT64_CONSTANT (1) << i;
  }
  return TRUE;
}

/* Before 1.0 a folded line shows as letters behind the field's name. */
static gboolean
is_framing_and_more (const char *key)
{
  static const char *const framing[] = {
    "Content-Length", "Transfer-Encoding", "Host"
  };

  for (guint i = 0; i < G_N_ELEMENTS (framing); i++) {
    gsize length = strlen (framing[i]);

    if (g_ascii_strncasecmp (key, framing[i], length) == 0 && key[length])
      return TRUE;
  }
  return FALSE;
}

static enum MHD_Result
check_field (void *data, enum MHD_ValueKind kind, const char *key,
    size_t key_length, const char *value, size_t value_length)
{
  HeadCheck *check = data;

  if (!value || !is_token (key, key_length)
      || !is_field_value (value, value_length) || is_framing_and_more (key))
    return refuse (check, 400, "malformed header field");
  if (!note_single (check, key))
    return refuse (check, 400, "a header field is there twice");
  check->size += key_length + strlen (": ") + value_length + strlen ("\r\n");

  if (g_ascii_strcasecmp (key, "Transfer-Encoding") == 0)
    check->transfer_encoding = value;
  else if (g_ascii_strcasecmp (key, "Content-Length") == 0)
    check->length = value;
  else if (g_ascii_strcasecmp (key, "Expect") == 0)
    check->expect = value;
  else if (g_ascii_strcasecmp (key, "Range") == 0)
    check->range = value;
  else if (g_ascii_strcasecmp (key, "Host") == 0)
    check->host = value;
  return MHD_YES;
}

gboolean
pmss_http_guard_engine_is_strict (void)
{
  return g_ascii_strtoull (MHD_get_version (), NULL, 10) >= STRICT_VERSION;
}

/* What a less strict engine passes over, such as a folded line or all behind a
 * NUL, is part of the head's size. So the head may not be larger than its
 * request line and its fields make it, each written as "Name: value". */
static gboolean
has_hidden_bytes (HeadCheck * check, struct MHD_Connection *connection)
{
  const union MHD_ConnectionInfo *info = MHD_get_connection_info (connection,
      MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

  return !info || info->header_size > check->size;
}

/* Request line and fields. */
static gboolean
check_lines (HeadCheck * check, struct MHD_Connection *connection,
    const char *target, const char *method, const char *version)
{
  if (!*method || !*target || !*version)
    return refuse (check, 400, "malformed request line");
  if (strcmp (version, "HTTP/1.1") != 0 && strcmp (version, "HTTP/1.0") != 0)
    return refuse (check, 505, "only HTTP/1.1 is spoken here");

  check->size = strlen (method) + strlen (" ") + strlen (target) + strlen (" ")
      + strlen (version) + strlen ("\r\n") + strlen ("\r\n");
  MHD_get_connection_values_n (connection, MHD_HEADER_KIND, check_field, check);
  if (check->status)
    return FALSE;
  if (!pmss_http_guard_engine_is_strict ()
      && has_hidden_bytes (check, connection))
    return refuse (check, 400, "malformed line in the request's head");
  return TRUE;
}

static gboolean
check_method (HeadCheck * check, const char *method)
{
  static const char *const known[] = { "GET", "HEAD", "PUT", "POST", "PATCH",
    "DELETE", "OPTIONS", NULL
  };

  if (!g_strv_contains (known, method))
    return refuse (check, 501, "unknown method");
  return TRUE;
}

static gboolean
parse_length (const char *text, guint64 * length)
{
  if (!g_ascii_isdigit (text[0]))
    return FALSE;
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, length, NULL);
}

static gboolean
check_framing (HeadCheck * check, const char *method, PmssHttpHead * head)
{
  if (check->transfer_encoding) {
    if (check->length)
      return refuse (check, 400, "Content-Length and Transfer-Encoding");
    if (g_ascii_strcasecmp (check->transfer_encoding, "chunked") == 0)
      return refuse (check, 411, "bodies need a Content-Length here");
    return refuse (check, 501, "unknown transfer coding");
  }
  if (check->length) {
    if (!parse_length (check->length, &head->length))
      return refuse (check, 400, "malformed Content-Length");
    head->has_length = TRUE;
  }
  if (head->length > 0 && (g_str_equal (method, "GET")
          || g_str_equal (method, "HEAD") || g_str_equal (method, "DELETE")))
    return refuse (check, 400, "this method takes no body");
  if (check->expect) {
    if (g_ascii_strcasecmp (check->expect, "100-continue") != 0)
      return refuse (check, 417, "unknown expectation");
    head->expects_continue = TRUE;
  }
  return TRUE;
}

guint
pmss_http_guard_check_head (struct MHD_Connection *connection,
    const char *target, const char *method, const char *version,
    PmssHttpHead * head, const char **detail)
{
  HeadCheck check = { 0 };

  memset (head, 0, sizeof *head);
  if (check_lines (&check, connection, target, method, version)
      && check_method (&check, method)
      && check_framing (&check, method, head)) {
    if (!check.host)
      refuse (&check, 400, "no Host");
    else if (!pmss_http_guard_check_host (check.host))
      refuse (&check, 400, "malformed Host");
    else if (pmss_http_guard_is_too_long (target))
      refuse (&check, 414, "the request's target is too long");
    else if (!pmss_http_guard_check_target (target))
      refuse (&check, 400, "malformed request target");
    else if (check.range && strchr (check.range, ','))
      refuse (&check, 416, "one range at a time");
  }
  *detail = check.detail;
  return check.status;
}

/* "[2001:db8::1]". Returns what is behind it; NULL: it is none. */
static const char *
skip_ip_literal (const char *text)
{
  const char *end = strchr (text, ']');
  g_autofree char *address = end ? g_strndup (text + 1, end - text - 1) : NULL;
  struct in6_addr parsed;

  return address && inet_pton (AF_INET6, address, &parsed) == 1 ? end + 1
      : NULL;
}

/* A name or an IPv4 address. Returns what is behind it; NULL: it is none. */
static const char *
skip_name (const char *text)
{
  const char *p;

  for (p = text; *p && *p != ':'; p++) {
    if (*p == '%' && g_ascii_isxdigit (p[1]) && g_ascii_isxdigit (p[2]))
      p += 2;
    else if (!g_ascii_isalnum (*p) && !strchr ("-._~", *p))
      return NULL;
  }
  return p > text && p - text <= MAX_HOST ? p : NULL;
}

static gboolean
is_port (const char *text)
{
  guint64 number;

  return !*text || (g_ascii_isdigit (*text)
      && g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT16, &number, NULL));
}

gboolean
pmss_http_guard_check_host (const char *host)
{
  /* white space behind a value is no part of it */
  g_autofree char *text = g_strchomp (g_strdup (host));
  const char *port = text[0] == '[' ? skip_ip_literal (text)
      : skip_name (text);

  return port && (!*port || (*port == ':' && is_port (port + 1)));
}

static guint
count_parameters (const char *target)
{
  const char *query = strchr (target, '?');
  guint count = query != NULL;

  for (const char *p = query; p && *p; p++)
    count += *p == '&';
  return count;
}

gboolean
pmss_http_guard_is_too_long (const char *target)
{
  return strlen (target) > MAX_TARGET
      || count_parameters (target) > MAX_PARAMETERS;
}

gboolean
pmss_http_guard_overwhelms_engine (const char *target)
{
  return strlen (target) > 2 * MAX_TARGET
      || count_parameters (target) > 2 * MAX_PARAMETERS;
}

gboolean
pmss_http_guard_check_target (const char *target)
{
  g_autofree char *decoded = NULL;

  if (target[0] != '/')
    return FALSE;
  for (const char *p = target; *p; p++) {
    if (*p == '%') {
      if (!g_ascii_isxdigit (p[1]) || !g_ascii_isxdigit (p[2]))
        return FALSE;
    } else if (!g_ascii_isalnum (*p) && !strchr ("-._~!$&'()*+,;=:@/?", *p)) {
      return FALSE;
    }
  }
  /* Refuses encoded NULs by itself. */
  decoded = g_uri_unescape_string (target, NULL);
  if (!decoded || !g_utf8_validate (decoded, -1, NULL))
    return FALSE;
  for (const char *p = decoded; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (c < 0x20 || (c >= 0x7f && c < 0xa0))
      return FALSE;
  }
  return TRUE;
}

gboolean
pmss_http_guard_parse_query (const char *query, GHashTable ** table)
{
  g_autoptr (GHashTable) parsed =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_auto (GStrv) parts = g_strsplit (query, "&", -1);

  for (char **part = parts; *part; part++) {
    char *equals = strchr (*part, '=');
    g_autofree char *name = NULL;
    char *value;

    if (!**part)
      continue;
    if (equals)
      *equals = '\0';
    name = g_uri_unescape_string (*part, NULL);
    value = g_uri_unescape_string (equals ? equals + 1 : "", NULL);
    /* check_target() has been here: decoding cannot fail. */
    if (!g_hash_table_insert (parsed, g_steal_pointer (&name), value))
      return FALSE;
  }
  *table = g_steal_pointer (&parsed);
  return TRUE;
}
