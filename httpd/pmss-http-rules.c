/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules that a request has to keep. Pure. */
#include "pmss-http-rules.h"

#include <arpa/inet.h>
#include <string.h>

#define MAX_HOST 255

/* Fields that mean something to us and must not be there twice. */
static const char *const singles[] = {
  "Authorization", "Content-Length", "Content-Type", "Cookie", "Expect",
  "Host", "If-Range", "Last-Event-ID", "Origin", "Range", "Tus-Resumable",
  "Upload-Length", "Upload-Metadata", "Upload-Offset", "X-PMSS",
};

gboolean
pmss_http_rules_is_token (const char *text, gsize length)
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

gboolean
pmss_http_rules_refuse (PmssHttpRules * rules, guint status, const char *detail)
{
  if (rules->status == 0) {
    rules->status = status;
    rules->detail = detail;
  }
  return FALSE;
}

static gboolean
note_single (PmssHttpRules * rules, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (singles); i++) {
    if (g_ascii_strcasecmp (name, singles[i]) != 0)
      continue;
    if (rules->seen & (G_GUINT64_CONSTANT (1) << i))
      return FALSE;
    rules->seen |= G_GUINT64_CONSTANT (1) << i;
  }
  return TRUE;
}

/* RFC 9112, 2.3. */
static gboolean
is_version (const char *text)
{
  return strlen (text) == strlen ("HTTP/1.1")
      && g_str_has_prefix (text, "HTTP/")
      && g_ascii_isdigit (text[5]) && text[6] == '.'
      && g_ascii_isdigit (text[7]);
}

gboolean
pmss_http_rules_check_version (PmssHttpRules * rules, const char *version)
{
  if (!is_version (version))
    return pmss_http_rules_refuse (rules, 400, "malformed request line");
  if (strcmp (version, "HTTP/1.1") != 0 && strcmp (version, "HTTP/1.0") != 0)
    return pmss_http_rules_refuse (rules, 505, "only HTTP/1.1 is spoken here");
  return TRUE;
}

gboolean
pmss_http_rules_add_field (PmssHttpRules * rules, const char *name,
    gsize name_length, const char *value, gsize value_length)
{
  if (value == NULL || !pmss_http_rules_is_token (name, name_length)
      || !is_field_value (value, value_length))
    return pmss_http_rules_refuse (rules, 400, "malformed header field");
  if (!note_single (rules, name))
    return pmss_http_rules_refuse (rules, 400, "a header field is there twice");

  if (g_ascii_strcasecmp (name, "Transfer-Encoding") == 0)
    rules->transfer_encoding = value;
  else if (g_ascii_strcasecmp (name, "Content-Length") == 0)
    rules->length = value;
  else if (g_ascii_strcasecmp (name, "Expect") == 0)
    rules->expect = value;
  else if (g_ascii_strcasecmp (name, "Range") == 0)
    rules->range = value;
  else if (g_ascii_strcasecmp (name, "Host") == 0)
    rules->host = value;
  return TRUE;
}

static gboolean
check_method (PmssHttpRules * rules, const char *method)
{
  static const char *const known[] = { "GET", "HEAD", "PUT", "POST", "PATCH",
    "DELETE", "OPTIONS", NULL
  };

  if (!g_strv_contains (known, method))
    return pmss_http_rules_refuse (rules, 501, "unknown method");
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
check_framing (PmssHttpRules * rules, const char *method,
    PmssHttpFraming * framing)
{
  if (rules->transfer_encoding) {
    if (rules->length)
      return pmss_http_rules_refuse (rules, 400,
          "Content-Length and Transfer-Encoding");
    if (g_ascii_strcasecmp (rules->transfer_encoding, "chunked") == 0)
      return pmss_http_rules_refuse (rules, 411,
          "bodies need a Content-Length here");
    return pmss_http_rules_refuse (rules, 501, "unknown transfer coding");
  }
  if (rules->length) {
    if (!parse_length (rules->length, &framing->length))
      return pmss_http_rules_refuse (rules, 400, "malformed Content-Length");
    framing->has_length = TRUE;
  }
  if (framing->length > 0 && (g_str_equal (method, "GET")
          || g_str_equal (method, "HEAD") || g_str_equal (method, "DELETE")))
    return pmss_http_rules_refuse (rules, 400, "this method takes no body");
  if (rules->expect) {
    if (g_ascii_strcasecmp (rules->expect, "100-continue") != 0)
      return pmss_http_rules_refuse (rules, 417, "unknown expectation");
    framing->expects_continue = TRUE;
  }
  return TRUE;
}

static gboolean
check_target (PmssHttpRules * rules, const char *target)
{
  if (pmss_http_rules_is_too_long (target, 1))
    return pmss_http_rules_refuse (rules, 414,
        "the request's target is too long");
  if (!pmss_http_rules_check_target (target))
    return pmss_http_rules_refuse (rules, 400, "malformed request target");
  return TRUE;
}

guint
pmss_http_rules_check (PmssHttpRules * rules, const char *method,
    const char *target, PmssHttpFraming * framing)
{
  memset (framing, 0, sizeof *framing);
  if (rules->status || !check_method (rules, method)
      || !check_framing (rules, method, framing))
    return rules->status;
  if (!rules->host)
    pmss_http_rules_refuse (rules, 400, "no Host");
  else if (!pmss_http_rules_check_host (rules->host))
    pmss_http_rules_refuse (rules, 400, "malformed Host");
  else if (check_target (rules, target) && rules->range
      && strchr (rules->range, ','))
    pmss_http_rules_refuse (rules, 416, "one range at a time");
  return rules->status;
}

/* "[2001:db8::1]". Returns what is behind it; NULL: it is none. */
static const char *
skip_ip_literal (const char *text)
{
  const char *end = strchr (text, ']');
  g_autofree char *address =
      end != NULL ? g_strndup (text + 1, end - text - 1) : NULL;
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
pmss_http_rules_check_host (const char *host)
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
pmss_http_rules_is_too_long (const char *target, guint times)
{
  return strlen (target) > times * PMSS_HTTP_TARGET_MAX
      || count_parameters (target) > times * PMSS_HTTP_PARAMETERS_MAX;
}

gboolean
pmss_http_rules_check_target (const char *target)
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
  if (decoded == NULL || !g_utf8_validate (decoded, -1, NULL))
    return FALSE;
  for (const char *p = decoded; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (c < 0x20 || (c >= 0x7f && c < 0xa0))
      return FALSE;
  }
  return TRUE;
}

gboolean
pmss_http_rules_parse_query (const char *query, GHashTable ** table)
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
    if (equals != NULL)
      *equals = '\0';
    name = g_uri_unescape_string (*part, NULL);
    value = g_uri_unescape_string (equals != NULL ? equals + 1 : "", NULL);
    /* check_target() has been here: decoding cannot fail. */
    if (!g_hash_table_insert (parsed, g_steal_pointer (&name), value))
      return FALSE;
  }
  *table = g_steal_pointer (&parsed);
  return TRUE;
}
