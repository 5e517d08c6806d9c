/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What anybody can send to our listener: a real one, over a real connection.
 * The handler may only see requests that a strict reader of the same bytes
 * sees, in the same order: everything else is smuggled. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "httpd/pmss-http-guard.h"
#include "httpd/pmss-httpd.h"

#define WAIT 20                 /* seconds without a sign of life: it hangs */
#define MAX_BODY 1000

static guint16 port;
static GMutex lock;             /* protects `seen` */
static GPtrArray *seen;         /* "METHOD target" */

static void
on_begin (PmssHttpRequest * request, gpointer data)
{
  const char *target = pmss_http_request_get_target (request);
  const char *host = pmss_http_request_get_header (request, "Host");
  guint64 length;

  g_assert_true (pmss_http_rules_check_target (target));
  g_assert_true (host && pmss_http_rules_check_host (host));
  g_assert_false (pmss_http_rules_is_too_long (target, 1));
  g_mutex_lock (&lock);
  g_ptr_array_add (seen, g_strdup_printf ("%s %s",
          pmss_http_request_get_method (request), target));
  g_mutex_unlock (&lock);
  pmss_http_request_get_bearer (request);
  if (pmss_http_request_get_content_length (request, &length) && length > 0)
    pmss_http_request_accept_body (request, MAX_BODY);
}

static gboolean
on_body (PmssHttpRequest * request, const void *bytes, gsize length,
    gpointer data)
{
  return TRUE;
}

static void
on_complete (PmssHttpRequest * request, gpointer data)
{
  guint64 first, length;

  pmss_http_request_get_range (request, 1000, &first, &length);
  pmss_http_request_respond_empty (request, 204);
}

static void
on_end (PmssHttpRequest * request, gboolean answered, gpointer data)
{
}

/* It is never stopped. */
static void
start (void)
{
  static const PmssHttpdConfig config = {.listen = "127.0.0.1:0" };
  static const PmssHttpdHandler handler = {
    on_begin, on_body, on_complete, on_end
  };
  static PmssHttpd *httpd;
  g_autoptr (GError) error = NULL;

  seen = g_ptr_array_new_with_free_func (g_free);
  httpd = pmss_httpd_start (&config, &handler, NULL, &error);
  g_assert_no_error (error);
  port = pmss_httpd_get_port (httpd);
}

/* --- the strict reader --- */

/* Ours is (pmss-http-head.h); libmicrohttpd is from 1.0 on. */
static gboolean
engine_is_strict (void)
{
#ifdef ENGINE_IS_SOUP
  return TRUE;
#else
  return pmss_http_guard_engine_is_strict ();
#endif
}

/* Whether a line is more than it seems to an engine that is not strict: NULs, a
 * folded line, and a line that begins with its colon. Such a head is refused
 * unless other lines are so tight that it has no byte too many. */
static gboolean
is_disguised (const char *bytes, gsize size)
{
  if (engine_is_strict ())
    return FALSE;
  for (gsize i = 0; i < size; i++) {
    if (bytes[i] == '\0'
        || (i > 0 && bytes[i - 1] == '\n' && strchr (" \t:", bytes[i])))
      return TRUE;
  }
  return FALSE;
}

/* Where the line at @bytes ends, LF included; 0: it does not. */
static gsize
line_size (const char *bytes, gsize size)
{
  const char *end = memchr (bytes, '\n', size);

  return end != NULL ? (gsize) (end + 1 - bytes) : 0;
}

/* Without its end: CR LF, or a bare LF (RFC 9112, 2.2). */
static char *
copy_line (const char *bytes, gsize size)
{
  size--;
  if (size > 0 && bytes[size - 1] == '\r')
    size--;
  return g_strndup (bytes, size);
}

/* All lines up to the empty one; NULL: no proper lines. @used: with it. */
static GPtrArray *
read_lines (const char *bytes, gsize size, gsize * used)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  gsize length;

  *used = 0;
  while ((length = line_size (bytes + *used, size - *used)) > 0) {
    char *line = copy_line (bytes + *used, length);

    *used += length;
    if (memchr (bytes + *used - length, '\0', length) || strchr (line, '\r')) {
      g_free (line);
      return NULL;
    }
    if (*line == '\0') {
      g_free (line);
      return g_steal_pointer (&lines);
    }
    g_ptr_array_add (lines, line);
  }
  *used = size;
  return NULL;
}

/* FALSE: no proper "Name: value". */
static gboolean
read_field (char *line, gboolean * has_length, guint64 * length)
{
  char *colon = strchr (line, ':');

  if (colon == NULL || colon == line || strchr (" \t", *line)
      || strchr (" \t", colon[-1]))
    return FALSE;
  *colon = '\0';
  if (g_ascii_strcasecmp (line, "Transfer-Encoding") == 0)
    return FALSE;
  if (g_ascii_strcasecmp (line, "Content-Length") != 0)
    return TRUE;
  if (*has_length)
    return FALSE;
  *has_length = TRUE;
  return g_ascii_string_to_unsigned (g_strstrip (colon + 1), 10, 0,
      G_MAXINT64, length, NULL);
}

/* "METHOD target"; NULL: no proper request line. More than one space after the
 * method is lenient (RFC 9112, 3). */
static char *
read_request_line (const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 2);
  const char *rest = words[0] ? words[1] : NULL;
  g_auto (GStrv) target = NULL;

  if (rest == NULL || strchr (line, '\t'))
    return NULL;
  target = g_strsplit (rest + strspn (rest, " "), " ", -1);
  if (g_strv_length (target) != 2 || !g_str_has_prefix (target[1], "HTTP/1."))
    return NULL;
  return g_strdup_printf ("%s %s", words[0], target[0]);
}

/* The request at @bytes, or NULL; @used: with its body, or all that was looked
 * at. */
static char *
read_request (const char *bytes, gsize size, guint64 * used)
{
  gsize head;
  g_autoptr (GPtrArray) lines = read_lines (bytes, size, &head);
  gboolean has_length = FALSE;
  guint64 length = 0;

  *used = head;
  if (lines == NULL || lines->len == 0)
    return NULL;
  for (guint i = 1; i < lines->len; i++) {
    if (!read_field (lines->pdata[i], &has_length, &length))
      return NULL;
  }
  *used += length;
  return read_request_line (lines->pdata[0]);
}

/* RFC 9112, 2.2: empty lines before a request are no request. And
 * libmicrohttpd takes a line that begins with a NUL for an empty one. */
static void
skip_nothing (const char **bytes, gsize * size)
{
  while (*size > 0 && (**bytes == '\r' || **bytes == '\n' || **bytes == '\0')) {
    const char *end = **bytes == '\0' ? memchr (*bytes, '\n', *size) : *bytes;
    gsize used = end != NULL ? (gsize) (end + 1 - *bytes) : *size;

    *bytes += used;
    *size -= used;
  }
}

/* @open: what follows the requests may be more than it seems. */
static GPtrArray *
read_strictly (const char *bytes, gsize size, gboolean * open)
{
  GPtrArray *requests = g_ptr_array_new_with_free_func (g_free);

  for (;;) {
    guint64 used;
    char *request;

    skip_nothing (&bytes, &size);
    request = read_request (bytes, size, &used);
    *open = request == NULL && is_disguised (bytes, size);
    if (request == NULL)
      return requests;
    g_ptr_array_add (requests, request);
    if (used > size)
      return requests;
    bytes += used;
    size -= used;
  }
}

/* --- the peer --- */

static int
dial (void)
{
  const struct timeval timeout = { WAIT, 0 };
  const struct linger at_once = {.l_onoff = 1,.l_linger = 0 };
  struct sockaddr_in address = {.sin_family = AF_INET,
    .sin_port = htons (port),.sin_addr.s_addr = htonl (INADDR_LOOPBACK)
  };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  /* no port is kept back: there are thousands of these a second */
  setsockopt (fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address),
      ==, 0);
  return fd;
}

/* Until the server closes, which it has to do. */
static void
exchange (const char *bytes, gsize size)
{
  char answer[4096];
  gboolean first = TRUE;
  int fd = dial ();
  struct pollfd ready = { fd, POLLIN, 0 };
  gssize got;

  for (gsize done = 0; done < size;) {
    got = send (fd, bytes + done, size - done, MSG_NOSIGNAL);
    if (got <= 0)
      break;                    /* refused while we wrote */
    done += got;
  }
  /* with epoll libmicrohttpd sees an end by itself where it comes alone */
  poll (&ready, 1, 1);
  shutdown (fd, SHUT_WR);
  while ((got = recv (fd, answer, sizeof answer, 0)) > 0) {
    if (first)
      g_assert_true (strncmp (answer, "HTTP/1.1 ", MIN (got, 9)) == 0);
    first = FALSE;
  }
  g_assert_true (got == 0 || errno == ECONNRESET);
  close (fd);
}

static void
check_query (const char *target)
{
  const char *query = strchr (target, '?');
  GHashTable *table = NULL;
  GHashTableIter iter;
  gpointer name, value;

  if (query == NULL || !pmss_http_rules_parse_query (query + 1, &table))
    return;
  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_assert_true (name && value);
  g_hash_table_unref (table);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  const char *bytes = (const char *) data;
  g_autofree char *target = g_strndup (bytes, size);
  gboolean open = FALSE;
  g_autoptr (GPtrArray) strict = read_strictly (bytes, size, &open);

  if (!port)
    start ();
  if (pmss_http_rules_check_target (target))
    check_query (target);

  exchange (bytes, size);
  g_mutex_lock (&lock);
  if (!open)
    g_assert_cmpuint (seen->len, <=, strict->len);
  for (guint i = 0; i < MIN (seen->len, strict->len); i++)
    g_assert_cmpstr (seen->pdata[i], ==, strict->pdata[i]);
  g_ptr_array_set_size (seen, 0);
  g_mutex_unlock (&lock);
  return 0;
}
