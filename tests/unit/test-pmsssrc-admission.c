/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pmsssrc while it waits for a start: its messages, its place, its end. */
#include <libpmss/pmss-error.h>

#include "pmsssrc-fixture.h"

#define HOUR (3600 * GST_SECOND)

typedef struct
{
  FakeControl *control;
  GstElement *pipeline, *source;
} Fixture;

static void
begin (Fixture * f, guint status, const char *retry_after, GstClockTime wait)
{
  g_autofree char *location = NULL;

  f->control = fake_control_new ();
  location = g_strdup_printf ("pmss://u:p@127.0.0.1:%u/films/a",
      fake_control_get_port (f->control));
  f->pipeline = source_pipeline_new (location, &f->source);
  fake_control_set_status (f->control, status);
  fake_control_set_start_in (f->control, 1200 * GST_SECOND);
  fake_control_set_retry_after (f->control, retry_after);
  g_object_set (f->source, "wait-for-admission", wait, "retries", 0, NULL);
  gst_element_set_state (f->pipeline, GST_STATE_PLAYING);
}

/* The next progress of the admission, which has to be of this type.
 * Returns: (transfer full): its text */
static char *
wait_admission (Fixture * f, GstProgressType wanted, gint64 * start_in)
{
  for (;;) {
    g_autoptr (GstMessage) message =
        wait_message (f->pipeline, GST_MESSAGE_PROGRESS);
    g_autofree char *code = NULL;
    g_autofree char *text = NULL;
    GstProgressType type;

    gst_message_parse_progress (message, &type, &code, &text);
    if (!g_str_equal (code, "admission"))
      continue;
    g_assert_cmpint (type, ==, wanted);
    if (start_in != NULL)
      g_assert_true (gst_structure_get_int64 (gst_message_get_structure
              (message), "start-in", start_in));
    return g_steal_pointer (&text);
  }
}

static void
end (Fixture * f)
{
  source_pipeline_end (f->pipeline);
  fake_control_free (f->control);
}

/* The element has failed with BUSY; says when. */
static void
end_busy (Fixture * f, const char *text, gint64 retry_in)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstStructure) details = NULL;
  gint64 told = -1;

  g_assert_cmpuint (source_count_errors (f->pipeline, &error, &details), ==, 1);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, text));
  gst_structure_get_int64 (details, "retry-in", &told);
  g_assert_cmpint (told, ==, retry_in);
  end (f);
}

/* A start is kept: it is said when, again with each answer; the lease is kept. */
static void
run_granted (Fixture * f)
{
  g_autofree char *first = NULL;
  g_autofree char *next = NULL;
  gint64 start_in;

  first = wait_admission (f, GST_PROGRESS_TYPE_START, &start_in);
  g_assert_cmpstr (first, ==, "Starts in 20 min");
  g_assert_cmpint (start_in, >, 1199 * GST_SECOND);
  fake_control_set_start_in (f->control, 5 * GST_SECOND);
  do {
    g_free (next);
    next = wait_admission (f, GST_PROGRESS_TYPE_CONTINUE, NULL);
  } while (!g_str_equal (next, "Starts in 5 s"));
  g_assert_cmpuint (fake_control_count_ids (f->control), ==, 1);
  g_assert_cmpuint (fake_control_get_connections (f->control), ==, 1);
  g_assert_cmpuint (fake_control_get_logins (f->control), ==, 1);
}

static void
test_granted (void)
{
  Fixture f;

  begin (&f, 201, NULL, HOUR);
  run_granted (&f);
  source_pipeline_end (f.pipeline);
  g_assert_cmpuint (fake_control_get_returned (f.control), ==, 1);
  fake_control_free (f.control);
}

/* Flushing seeks while it waits: it waits on, for the same session. */
static void
test_place_is_kept (void)
{
  Fixture f;

  begin (&f, 201, NULL, HOUR);
  g_free (wait_admission (&f, GST_PROGRESS_TYPE_START, NULL));
  for (guint i = 0; i < 3; i++) {
    g_autofree char *text = NULL;

    g_assert_true (gst_element_send_event (f.source,
            gst_event_new_seek (1.0, GST_FORMAT_BYTES,
                GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, 100 * i,
                GST_SEEK_TYPE_NONE, -1)));
    /* what came before the flush may be in the queue */
    for (;;) {
      g_autoptr (GstMessage) message =
          wait_message (f.pipeline, GST_MESSAGE_PROGRESS);
      g_autofree char *code = NULL;
      GstProgressType type;

      gst_message_parse_progress (message, &type, &code, NULL);
      if (g_str_equal (code, "admission")
          && type == GST_PROGRESS_TYPE_CANCELED)
        break;
    }
    text = wait_admission (&f, GST_PROGRESS_TYPE_START, NULL);
    g_assert_true (g_str_has_prefix (text, "Starts in "));
  }
  g_assert_cmpuint (fake_control_count_ids (f.control), ==, 1);
  g_assert_cmpuint (fake_control_get_returned (f.control), ==, 0);
  end (&f);
}

/* It asks on; as soon as the answer is another one, that one counts. */
static void
test_refused (void)
{
  Fixture f;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstStructure) details = NULL;

  begin (&f, 503, "1", HOUR);
  g_free (wait_admission (&f, GST_PROGRESS_TYPE_START, NULL));
  fake_control_set_status (f.control, 404);
  g_free (wait_admission (&f, GST_PROGRESS_TYPE_ERROR, NULL));
  source_count_errors (f.pipeline, &error, &details);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  g_assert_cmpuint (fake_control_get_sessions (f.control), >=, 2);
  g_assert_cmpuint (fake_control_get_connections (f.control), ==, 1);
  end (&f);
}

/* The limit is over, or would be. */
static void
test_busy (void)
{
  Fixture f;

  begin (&f, 503, NULL, GST_SECOND / 2);
  end_busy (&f, "says 503", -1);
}

static void
test_busy_for_long (void)
{
  Fixture f;

  begin (&f, 503, "250", 60 * GST_SECOND);
  end_busy (&f, "try again in 4 min 10 s", 250 * (gint64) GST_SECOND);
}

/* Back to NULL at once, whatever is waited for. */
static void
test_shutdown (void)
{
  Fixture f;

  begin (&f, 503, NULL, HOUR);
  g_free (wait_admission (&f, GST_PROGRESS_TYPE_START, NULL));
  end (&f);
}

int
main (int argc, char **argv)
{
  pmsssrc_test_init (&argc, &argv);
  g_test_add_func ("/pmsssrc/admission/granted", test_granted);
  g_test_add_func ("/pmsssrc/admission/place-is-kept", test_place_is_kept);
  g_test_add_func ("/pmsssrc/admission/refused", test_refused);
  g_test_add_func ("/pmsssrc/admission/busy", test_busy);
  g_test_add_func ("/pmsssrc/admission/busy-for-long", test_busy_for_long);
  g_test_add_func ("/pmsssrc/admission/shutdown", test_shutdown);
  return g_test_run ();
}
