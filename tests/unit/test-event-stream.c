/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Server-sent events, however they are cut into pieces. */
#include "tools/pmss/event-stream.h"

#include <string.h>

#include <libpmss/pmss-error.h>

static gboolean
note_event (const char *name, const char *data, gpointer user_data,
    GError ** error)
{
  g_string_append_printf (user_data, "%s=%s|", name, data);
  return TRUE;
}

/* In pieces of @size bytes. */
static void
check (const char *text, gsize size, const char *wanted, const char *last_id)
{
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autoptr (PmssEventStream) stream =
      pmss_event_stream_new (note_event, heard);
  g_autoptr (GError) error = NULL;
  gsize length = strlen (text);

  for (gsize at = 0; at < length; at += size) {
    pmss_event_stream_feed (stream, text + at, MIN (size, length - at), &error);
    g_assert_no_error (error);
  }
  g_assert_cmpstr (heard->str, ==, wanted);
  g_assert_cmpstr (pmss_event_stream_get_last_id (stream), ==, last_id);
}

static void
test_pieces (void)
{
  for (gsize size = 1; size < 40; size++) {
    check ("id: a-1\nevent: jobs\ndata: {\"x\": 1}\n\n"
        "data: one\ndata:two\n\n: nothing\n\nid: a-2\n\n", size,
        "jobs={\"x\": 1}|message=one\ntwo|", "a-2");
    check ("data: cr\r\rdata: crlf\r\n\r\nevent\ndata\n\n", size,
        "message=cr|message=crlf|message=|", NULL);
    /* the last is not complete */
    check ("id: 1\ndata: x\n\nid: 2\ndata: y\n", size, "message=x|", "1");
    check ("retry: 1\nunknown: 2\nevent: lost\n\ndata: : a: b\n\n", size,
        "message=: a: b|", NULL);
  }
}

static void
test_break (void)
{
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autoptr (PmssEventStream) stream =
      pmss_event_stream_new (note_event, heard);
  const char *pieces[] = { "id: 1\ndata: a\n\nid: 2\nevent: b\ndata: cut of",
    "data: c\n\n"
  };

  g_assert_true (pmss_event_stream_feed (stream, pieces[0], strlen (pieces[0]),
          NULL));
  pmss_event_stream_break (stream);
  g_assert_cmpstr (pmss_event_stream_get_last_id (stream), ==, "1");
  g_assert_true (pmss_event_stream_feed (stream, pieces[1], strlen (pieces[1]),
          NULL));
  g_assert_cmpstr (heard->str, ==, "message=a|message=c|");
  g_assert_cmpstr (pmss_event_stream_get_last_id (stream), ==, "1");
}

static gboolean
refuse (const char *name, const char *data, gpointer user_data, GError ** error)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FAILED, data);
  return FALSE;
}

static gboolean
feed_much (PmssEventStream * stream, const char *line, GError ** error)
{
  for (guint i = 0; i < 2 * PMSS_EVENT_STREAM_MAX_LINE / strlen (line); i++)
    if (!pmss_event_stream_feed (stream, line, strlen (line), error))
      return FALSE;
  return TRUE;
}

static void
test_hostile (void)
{
  static const char *const lines[] = { "data: xxxxxxxxxx", "xxxxxxxxxxxxxxxxx",
    "data: xxxxxxxxx\n"
  };
  g_autoptr (GString) heard = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autoptr (PmssEventStream) stream =
        pmss_event_stream_new (note_event, heard);
    g_autoptr (GError) error = NULL;

    g_assert_false (feed_much (stream, lines[i], &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL);
  }
  g_assert_cmpstr (heard->str, ==, "");
  {
    g_autoptr (PmssEventStream) stream = pmss_event_stream_new (refuse, NULL);
    g_autoptr (GError) error = NULL;

    g_assert_false (pmss_event_stream_feed (stream, "data: no\n\ndata: 2\n\n",
            20, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_FAILED);
  }
  {
    g_autoptr (PmssEventStream) stream =
        pmss_event_stream_new (note_event, heard);

    g_assert_true (pmss_event_stream_feed (stream, "da\0ta: nul\0\n\n", 13,
            NULL));
    g_assert_cmpstr (heard->str, ==, "message=nul|");
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/event-stream/pieces", test_pieces);
  g_test_add_func ("/event-stream/break", test_break);
  g_test_add_func ("/event-stream/hostile", test_hostile);
  return g_test_run ();
}
