/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a request's head from its bytes. Pure. */
#include "pmss-http-head.h"

#include <string.h>

#define MAX_FIELDS 100
/* The longest method that we know, the target, the version, and spaces. */
#define MAX_REQUEST_LINE (PMSS_HTTP_TARGET_MAX + 64)

/* What the public part points to. */
typedef struct
{
  PmssHttpHead head;
  char *text;                   /* the head, with NULs where a part of it ends */
  char *path;
  PmssHttpField *fields;
} Head;

/* --- where a head ends --- */

static guint
refuse (const char **detail, guint status, const char *text)
{
  *detail = text;
  return status;
}

/* The request line goes on and on. */
static guint
refuse_request_line (const char *line, gsize size, const char **detail)
{
  const char *space = memchr (line, ' ', size);

  if (!pmss_http_rules_is_token (line,
          space != NULL ? (gsize) (space - line) : size))
    return refuse (detail, 400, "malformed request line");
  if (space == NULL)
    return refuse (detail, 501, "unknown method");
  return refuse (detail, 414, "the request's target is too long");
}

/* A line has ended at the byte that is looked at. Whether the head has, too. */
static gboolean
end_line (PmssHttpHeadScan * scan)
{
  gboolean empty = scan->seen - scan->line == strlen ("\r");

  scan->line = scan->seen + 1;
  if (empty && scan->lines > 0)
    return TRUE;
  /* RFC 9112, 2.2: empty lines in front of a request are no part of it */
  scan->lines += !empty;
  return FALSE;
}

/* How the byte that is looked at may not stand. */
static gboolean
breaks_line (const PmssHttpHeadScan * scan, const char *bytes)
{
  char byte = bytes[scan->seen];
  char before = scan->seen > 0 ? bytes[scan->seen - 1] : '\0';

  return byte == '\0' || (byte == '\n') != (before == '\r');
}

guint
pmss_http_head_scan (PmssHttpHeadScan * scan, const char *bytes, gsize size,
    gsize * head_size, const char **detail)
{
  *head_size = 0;
  for (; scan->seen < size; scan->seen++) {
    if (breaks_line (scan, bytes))
      return refuse (detail, 400, "a line of the head ends with CR LF");
    if (scan->lines == 0 && scan->seen - scan->line >= MAX_REQUEST_LINE)
      return refuse_request_line (bytes + scan->line, scan->seen - scan->line,
          detail);
    if (scan->seen >= PMSS_HTTP_HEAD_MAX || scan->lines > MAX_FIELDS + 1)
      return refuse (detail, 431, "the request's head is too large");
    if (bytes[scan->seen] == '\n' && end_line (scan)) {
      *head_size = scan->line;
      return 0;
    }
  }
  return 0;
}

gboolean
pmss_http_head_is_head (const char *bytes, gsize size)
{
  while (size > 0 && (*bytes == '\r' || *bytes == '\n')) {
    bytes++;
    size--;
  }
  return size >= strlen ("HEAD ")
      && memcmp (bytes, "HEAD ", strlen ("HEAD ")) == 0;
}

/* --- what is in it --- */

/* Cuts the line at @text off, and returns what is behind it. */
static char *
cut_line (char *text)
{
  char *end = strchr (text, '\r');

  *end = '\0';
  return end + strlen ("\r\n");
}

/* Cuts "METHOD target HTTP/1.1" into its parts. FALSE: it is something else. */
static gboolean
read_request_line (Head * self, char *line, const char **version)
{
  char *target = strchr (line, ' ');
  char *space = target != NULL ? strrchr (line, ' ') : NULL;

  if (target == NULL || space == target)
    return FALSE;
  *target++ = *space = '\0';
  self->head.method = line;
  self->head.target = target;
  *version = space + 1;
  return pmss_http_rules_is_token (line, strlen (line)) && *target
      && !strpbrk (target, " \t") && **version;
}

/* Cuts "Name: value". FALSE: it is something else. */
static gboolean
read_field (PmssHttpRules * rules, char *line, PmssHttpField * field)
{
  char *colon = strchr (line, ':');
  gsize length;

  if (colon == NULL)
    return pmss_http_rules_refuse (rules, 400,
        "malformed line in the request's head");
  *colon = '\0';
  field->name = line;
  field->value = colon + 1 + strspn (colon + 1, " \t");
  length = strlen (field->value);
  while (length > 0 && strchr (" \t", field->value[length - 1]))
    length--;
  ((char *) field->value)[length] = '\0';
  return pmss_http_rules_add_field (rules, field->name, colon - line,
      field->value, length);
}

static guint
count_lines (const char *text)
{
  guint lines = 0;

  while ((text = strchr (text, '\n')) != NULL) {
    lines++;
    text++;
  }
  return lines;
}

/* @text: behind the request line; it ends with an empty one. */
static gboolean
read_fields (Head * self, PmssHttpRules * rules, char *text)
{
  self->head.fields = self->fields = g_new (PmssHttpField,
      MIN (count_lines (text), MAX_FIELDS));
  while (*text != '\r') {
    char *next = cut_line (text);

    if (self->head.n_fields == MAX_FIELDS)
      return pmss_http_rules_refuse (rules, 431, "too many header fields");
    if (!read_field (rules, text, &self->fields[self->head.n_fields++]))
      return FALSE;
    text = next;
  }
  return TRUE;
}

/* Whether a field called Connection has "close" in its list. */
static gboolean
asks_to_close (const PmssHttpHead * head)
{
  for (guint i = 0; i < head->n_fields; i++) {
    g_auto (GStrv) options = NULL;

    if (g_ascii_strcasecmp (head->fields[i].name, "Connection") != 0)
      continue;
    options = g_strsplit (head->fields[i].value, ",", -1);
    for (char **option = options; *option; option++) {
      if (g_ascii_strcasecmp (g_strstrip (*option), "close") == 0)
        return TRUE;
    }
  }
  return FALSE;
}

/* Who expects leave to send, and announces nothing, may send it all the same:
 * nothing behind such a request is looked at. */
static gboolean
is_last (const PmssHttpHead * head)
{
  return head->minor == 0 || asks_to_close (head)
      || (head->framing.expects_continue && head->framing.length == 0);
}

static gboolean
read_target (Head * self, PmssHttpRules * rules)
{
  const char *query = strchr (self->head.target, '?');

  self->path = g_strndup (self->head.target, strcspn (self->head.target, "?"));
  self->head.path = self->path;
  if (query != NULL
      && !pmss_http_rules_parse_query (query + 1, &self->head.parameters))
    return pmss_http_rules_refuse (rules, 400,
        "a query parameter is there twice");
  return TRUE;
}

/* @self->text: lines that end with CR LF and have no NUL, of which the last one
 * is empty. */
static void
read_head (Head * self, PmssHttpRules * rules)
{
  char *line = self->text + strspn (self->text, "\r\n");
  char *fields = cut_line (line);
  const char *version;

  if (!read_request_line (self, line, &version)) {
    pmss_http_rules_refuse (rules, 400, "malformed request line");
    return;
  }
  if (!pmss_http_rules_check_version (rules, version)
      || !read_fields (self, rules, fields)
      || pmss_http_rules_check (rules, self->head.method, self->head.target,
          &self->head.framing)
      || !read_target (self, rules))
    return;
  self->head.minor = g_str_equal (version, "HTTP/1.1");
  /* RFC 9110, 10.1.1: in HTTP/1.0 it is ignored */
  self->head.framing.expects_continue &= self->head.minor > 0;
  self->head.keep_alive = !is_last (&self->head);
}

guint
pmss_http_head_parse (const char *bytes, gsize size, PmssHttpHead ** head,
    const char **detail)
{
  PmssHttpHeadScan scan = { 0 };
  PmssHttpRules rules = { 0 };
  gsize whole;
  guint status = pmss_http_head_scan (&scan, bytes, size, &whole, detail);
  Head *self;

  if (status)
    return status;
  if (whole == 0 || whole != size)
    return refuse (detail, 400, "the request's head is not whole");
  self = g_new0 (Head, 1);
  self->text = g_strndup (bytes, size);
  read_head (self, &rules);
  *detail = rules.detail;
  if (rules.status)
    pmss_http_head_free (&self->head);
  else
    *head = &self->head;
  return rules.status;
}

void
pmss_http_head_free (PmssHttpHead * head)
{
  Head *self = (Head *) head;

  g_clear_pointer (&self->head.parameters, g_hash_table_unref);
  g_free (self->fields);
  g_free (self->path);
  g_free (self->text);
  g_free (self);
}

const char *
pmss_http_head_get_field (const PmssHttpHead * head, const char *name)
{
  for (guint i = 0; i < head->n_fields; i++) {
    if (g_ascii_strcasecmp (head->fields[i].name, name) == 0)
      return head->fields[i].value;
  }
  return NULL;
}

const char *
pmss_http_head_get_parameter (const PmssHttpHead * head, const char *name)
{
  return head->parameters ? g_hash_table_lookup (head->parameters, name) : NULL;
}

void
pmss_http_head_write (const PmssHttpHead * head, GString * out)
{
  g_string_append_printf (out, "%s %s HTTP/1.1\r\nHost: pmss\r\n", head->method,
      head->target);
  if (!head->keep_alive)
    g_string_append (out, "Connection: close\r\n");
  g_string_append (out, "\r\n");
}
