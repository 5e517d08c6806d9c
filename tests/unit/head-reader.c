/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "head-reader.h"

#include <string.h>

guint
read_head (const char *bytes, gsize size, gsize step, PmssHttpHead ** head)
{
  PmssHttpHeadScan scan = { 0 };
  const char *detail = NULL;
  gsize head_size = 0;
  guint status = 0;

  *head = NULL;
  for (gsize come = 0; come < size && !status && head_size == 0;) {
    come = MIN (size, come + step);
    status = pmss_http_head_scan (&scan, bytes, come, &head_size, &detail);
  }
  if (!status && head_size > 0)
    status = pmss_http_head_parse (bytes, head_size, head, &detail);
  g_assert_true ((status > 0) == (detail != NULL));
  g_assert_true (status == 0 || *head == NULL);
  return status;
}

PmssHttpHead *
parse_head (const char *text)
{
  PmssHttpHead *head = NULL;
  const char *detail = NULL;
  guint status = pmss_http_head_parse (text, strlen (text), &head, &detail);

  if (status)
    g_error ("refused with %u, %s: %s", status, detail, text);
  return head;
}

/* Each CR and each LF is part of a line's end, nothing is a NUL, and the last
 * line alone is empty. */
static void
assert_lines (const GString * text)
{
  g_auto (GStrv) lines = g_strsplit (text->str, "\r\n", -1);
  guint n = g_strv_length (lines);

  g_assert_cmpuint (strlen (text->str), ==, text->len);
  g_assert_cmpuint (n, >, 2);
  for (guint i = 0; i < n; i++) {
    g_assert_null (strpbrk (lines[i], "\r\n"));
    g_assert_true ((*lines[i] == '\0') == (i >= n - 2));
  }
}

char *
write_head (const PmssHttpHead * head)
{
  GString *text = g_string_new (NULL);

  pmss_http_head_write (head, text);
  assert_lines (text);
  return g_string_free (text, FALSE);
}

static void
assert_same_parameters (const PmssHttpHead * head, const PmssHttpHead * again)
{
  GHashTableIter iter;
  gpointer name, value;

  g_assert_true ((head->parameters != NULL) == (again->parameters != NULL));
  if (!head->parameters)
    return;
  g_assert_cmpuint (g_hash_table_size (head->parameters), ==,
      g_hash_table_size (again->parameters));
  g_hash_table_iter_init (&iter, head->parameters);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_assert_cmpstr (pmss_http_head_get_parameter (again, name), ==, value);
}

void
assert_canonical (const PmssHttpHead * head)
{
  g_autofree char *canonical = write_head (head), *same = NULL;
  g_autoptr (PmssHttpHead) again = parse_head (canonical);

  g_assert_cmpstr (again->method, ==, head->method);
  g_assert_cmpstr (again->target, ==, head->target);
  g_assert_cmpstr (again->path, ==, head->path);
  assert_same_parameters (head, again);
  /* a body goes past the engine */
  g_assert_false (again->framing.has_length);
  g_assert_false (again->framing.expects_continue);
  g_assert_cmpint (again->keep_alive, ==, head->keep_alive);
  same = write_head (again);
  g_assert_cmpstr (same, ==, canonical);
}
