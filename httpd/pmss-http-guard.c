/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Refuses improper requests that libmicrohttpd lets through. On its workers. */
#include "pmss-http-guard.h"

#include <string.h>

/* libmicrohttpd from this major version on refuses NULs, folded lines, bare LFs
 * and spaces before colons by itself. */
#define STRICT_VERSION 1

typedef struct
{
  gsize size;                   /* that the head has by what is seen of it */
  PmssHttpRules rules;
} HeadCheck;

/* libmicrohttpd before 1.0 shows a folded line as letters behind the field's
 * name. */
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

  if (is_framing_and_more (key)) {
    pmss_http_rules_refuse (&check->rules, 400, "malformed header field");
    return MHD_NO;
  }
  if (!pmss_http_rules_add_field (&check->rules, key, key_length, value,
          value_length))
    return MHD_NO;
  check->size += key_length + strlen (": ") + value_length + strlen ("\r\n");
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

  return info == NULL || info->header_size > check->size;
}

/* Request line and fields. */
static gboolean
check_lines (HeadCheck * check, struct MHD_Connection *connection,
    const char *target, const char *method, const char *version)
{
  if (!*method || !*target || !*version)
    return pmss_http_rules_refuse (&check->rules, 400,
        "malformed request line");
  if (!pmss_http_rules_check_version (&check->rules, version))
    return FALSE;

  check->size = strlen (method) + strlen (" ") + strlen (target) + strlen (" ")
      + strlen (version) + strlen ("\r\n") + strlen ("\r\n");
  MHD_get_connection_values_n (connection, MHD_HEADER_KIND, check_field, check);
  if (check->rules.status)
    return FALSE;
  if (!pmss_http_guard_engine_is_strict ()
      && has_hidden_bytes (check, connection))
    return pmss_http_rules_refuse (&check->rules, 400,
        "malformed line in the request's head");
  return TRUE;
}

guint
pmss_http_guard_check_head (struct MHD_Connection *connection,
    const char *target, const char *method, const char *version,
    PmssHttpFraming * framing, const char **detail)
{
  HeadCheck check = { 0 };
  guint status;

  check_lines (&check, connection, target, method, version);
  status = pmss_http_rules_check (&check.rules, method, target, framing);
  *detail = check.rules.detail;
  return status;
}

gboolean
pmss_http_guard_overwhelms_engine (const char *target)
{
  return pmss_http_rules_is_too_long (target, 2);
}
