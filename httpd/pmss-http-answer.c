/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers. They are kept in the request until the engine is ready to take them. */
#include <string.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-text.h"
#include "pmss-httpd-private.h"

void
pmss_http_request_add_header (PmssHttpRequest * request, const char *name,
    const char *value)
{
  for (const char *p = value; *p; p++) {
    if ((guchar) * p < 0x20 || *p == 0x7f) {
      g_warning ("header %s left out: control character in its value", name);
      return;
    }
  }
  if (!request->answer.headers)
    request->answer.headers = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (request->answer.headers, g_strdup (name));
  g_ptr_array_add (request->answer.headers, g_strdup (value));
}

void
pmss_http_answer_clear (PmssHttpAnswer * answer)
{
  g_clear_pointer (&answer->headers, g_ptr_array_unref);
  g_clear_pointer (&answer->body, g_bytes_unref);
  if (answer->source != NULL)
    answer->drop_source (answer->source);
  answer->source = NULL;
  g_clear_pointer (&answer->content_type, g_free);
  if (answer->fd >= 0)
    close (answer->fd);
  answer->fd = -1;
}

PmssHttpAnswer *
pmss_http_answer_begin (PmssHttpRequest * request, guint status,
    const char *content_type)
{
  if (request->answer.status || status < 200 || status > 599) {
    g_critical ("%s %s was answered twice or with an odd status",
        request->method, request->path);
    return NULL;
  }
  request->answer.content_type = g_strdup (content_type);
  request->answer.status = status;
  return &request->answer;
}

void
pmss_http_request_respond (PmssHttpRequest * request, guint status,
    const char *content_type, GBytes * body)
{
  PmssHttpAnswer *answer =
      pmss_http_answer_begin (request, status, content_type);

  if (answer == NULL || body == NULL)
    return;
  answer->body = g_bytes_ref (body);
  answer->length = g_bytes_get_size (body);
}

void
pmss_http_request_respond_empty (PmssHttpRequest * request, guint status)
{
  pmss_http_answer_begin (request, status, NULL);
}

/* Takes @json. */
static GBytes *
json_to_bytes (JsonNode * json)
{
  g_autoptr (JsonNode) node = json;
  char *text = json_to_string (node, FALSE);

  return g_bytes_new_take (text, strlen (text));
}

void
pmss_http_request_respond_json (PmssHttpRequest * request, guint status,
    JsonNode * json)
{
  g_autoptr (GBytes) body = json_to_bytes (json);

  pmss_http_request_respond (request, status, "application/json", body);
}

const char *
pmss_http_reason_phrase (guint status)
{
  static const struct
  {
    guint status;
    const char *phrase;
  } phrases[] = {
    {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"},
    {206, "Partial Content"}, {301, "Moved Permanently"}, {302, "Found"},
    {303, "See Other"}, {304, "Not Modified"}, {307, "Temporary Redirect"},
    {308, "Permanent Redirect"}, {400, "Bad Request"}, {401, "Unauthorized"},
    {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
    {406, "Not Acceptable"}, {409, "Conflict"}, {410, "Gone"},
    {411, "Length Required"}, {412, "Precondition Failed"},
    {413, "Content Too Large"}, {414, "URI Too Long"},
    {415, "Unsupported Media Type"}, {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"}, {421, "Misdirected Request"},
    {422, "Unprocessable Content"}, {423, "Locked"},
    {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"}, {501, "Not Implemented"},
    {502, "Bad Gateway"}, {503, "Service Unavailable"},
    {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (phrases); i++) {
    if (phrases[i].status == status)
      return phrases[i].phrase;
  }
  return "Unknown";
}

static void
add_member (JsonObject * object, const char *name, JsonNode * value,
    gpointer builder)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_value (builder, json_node_copy (value));
}

/* @instance, @members: nullable. */
static GBytes *
write_problem (guint status, const char *detail, const char *instance,
    JsonObject * members)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  /* it quotes requests, and goes to terminals */
  g_autofree char *text = pmss_text_clean (detail);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "type");
  json_builder_add_string_value (builder, "about:blank");
  json_builder_set_member_name (builder, "title");
  json_builder_add_string_value (builder, pmss_http_reason_phrase (status));
  json_builder_set_member_name (builder, "status");
  json_builder_add_int_value (builder, status);
  json_builder_set_member_name (builder, "detail");
  json_builder_add_string_value (builder, text);
  if (instance != NULL) {
    json_builder_set_member_name (builder, "instance");
    json_builder_add_string_value (builder, instance);
  }
  if (members != NULL)
    json_object_foreach_member (members, add_member, builder);
  json_builder_end_object (builder);
  return json_to_bytes (json_builder_get_root (builder));
}

GBytes *
pmss_http_problem_new (guint status, const char *detail, const char *instance)
{
  return write_problem (status, detail, instance, NULL);
}

/* @instance: nullable. */
static void
respond_detail (PmssHttpRequest * request, guint status, const char *detail,
    const char *instance)
{
  gboolean page = pmss_http_request_wants_page (request);
  g_autoptr (GBytes) body = page ? pmss_http_page_new (status, detail, instance)
      : pmss_http_problem_new (status, detail, instance);

  if (page)
    pmss_http_page_add_headers (request);
  if (request->for_people)
    pmss_http_request_add_header (request, "Vary", "Accept");
  pmss_http_request_respond (request, status,
      page ? "text/html; charset=utf-8" : PMSS_HTTP_PROBLEM_TYPE, body);
}

void
pmss_http_request_respond_problem (PmssHttpRequest * request, guint status,
    const char *detail_format, ...)
{
  g_autofree char *detail = NULL;
  va_list args;

  va_start (args, detail_format);
  detail = g_strdup_vprintf (detail_format, args);
  va_end (args);
  respond_detail (request, status, detail, NULL);
}

void
pmss_http_request_respond_problem_with (PmssHttpRequest * request,
    guint status, const char *detail, JsonNode * members)
{
  g_autoptr (JsonNode) own = members;
  g_autoptr (GBytes) body = NULL;

  if (pmss_http_request_wants_page (request)) {
    respond_detail (request, status, detail, NULL);
    return;
  }
  body = write_problem (status, detail, NULL, json_node_get_object (own));
  pmss_http_request_respond (request, status, PMSS_HTTP_PROBLEM_TYPE, body);
}

static guint
status_of_error (const GError * error)
{
  if (error->domain != PMSS_ERROR)
    return 500;
  switch ((PmssError) error->code) {
    case PMSS_ERROR_INVALID:
      return 400;
    case PMSS_ERROR_NOT_AUTHORIZED:
      return 401;
    case PMSS_ERROR_FORBIDDEN:
      return 403;
    case PMSS_ERROR_NOT_FOUND:
      return 404;
    case PMSS_ERROR_EXISTS:
    case PMSS_ERROR_CONFLICT:
      return 409;
    case PMSS_ERROR_RANGE:
      return 416;
    case PMSS_ERROR_MISDIRECTED:
      return 421;
    case PMSS_ERROR_BUSY:
      return 503;
    case PMSS_ERROR_TIMED_OUT:
      return 504;
    case PMSS_ERROR_NO_SPACE:
      return 507;
    case PMSS_ERROR_UNREACHABLE:
    case PMSS_ERROR_TLS:
    case PMSS_ERROR_PROTOCOL:
    case PMSS_ERROR_TOO_FEW_SHARDS:
      return 502;
    case PMSS_ERROR_FAILED:
    case PMSS_ERROR_CORRUPT:
    default:
      return 500;
  }
}

void
pmss_http_request_respond_error (PmssHttpRequest * request,
    const GError * error)
{
  guint status = status_of_error (error);

  if (status == 401)
    pmss_http_request_add_header (request, "WWW-Authenticate", "Bearer");
  if (status == 500)
    pmss_http_request_respond_internal (request, error->message);
  else
    respond_detail (request, status, error->message, NULL);
}

void
pmss_http_request_respond_internal (PmssHttpRequest * request, const char *why)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *instance = g_strconcat ("urn:uuid:", id, NULL);
  g_autofree char *detail = g_strdup_printf ("Something failed in this server; "
      "the request is not to blame. The server's log says what, under %s", id);

  g_warning ("%s: %s %s: %s", id, request->method, request->path, why);
  respond_detail (request, 500, detail, instance);
}

void
pmss_http_request_respond_fd (PmssHttpRequest * request, guint status,
    const char *content_type, int fd, guint64 offset, guint64 length)
{
  PmssHttpAnswer *answer =
      pmss_http_answer_begin (request, status, content_type);

  if (answer == NULL || length == 0) {
    close (fd);
    return;
  }
  answer->fd = fd;
  answer->offset = offset;
  answer->length = length;
}

void
pmss_http_answer_for_handler (PmssHttpRequest * request)
{
  g_critical ("%s %s got no answer", request->method, request->path);
  pmss_http_request_respond_internal (request, "there was no answer");
}

GBytes *
pmss_http_answer_write (const PmssHttpAnswer * answer, PmssHttpBodyForm form)
{
  GString *text = g_string_new (NULL);
  gsize length = 0;
  gconstpointer data =
      answer->body ? g_bytes_get_data (answer->body, &length) : NULL;

  g_string_append_printf (text, "HTTP/1.1 %u %s\r\nConnection: close\r\n",
      answer->status, pmss_http_reason_phrase (answer->status));
  if (form == PMSS_HTTP_BODY_CHUNKED)
    g_string_append (text, "Transfer-Encoding: chunked\r\n");
  else if (form != PMSS_HTTP_BODY_TO_THE_END && answer->status != 304)
    g_string_append_printf (text, "Content-Length: %" G_GSIZE_FORMAT "\r\n",
        length);
  if (answer->content_type)
    g_string_append_printf (text, "Content-Type: %s\r\n", answer->content_type);
  for (guint i = 0; answer->headers && i < answer->headers->len; i += 2)
    g_string_append_printf (text, "%s: %s\r\n",
        (char *) answer->headers->pdata[i],
        (char *) answer->headers->pdata[i + 1]);
  g_string_append (text, "\r\n");
  if (length > 0 && form == PMSS_HTTP_BODY_WHOLE)
    g_string_append_len (text, data, length);
  return g_string_free_to_bytes (text);
}
