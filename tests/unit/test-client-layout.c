/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions whose layout comes in parts, or whose start is granted for later. */
#include "fake-peer.h"

#include <stdio.h>
#include <string.h>

#include "libpmss/client/pmss-client.h"
#include "libpmss/pmss-error.h"

#define ID "0123456789abcdef0123456789abcdef"
#define N_EXTENTS 10000
#define FIRST_PAGE 1024

/* What control does; it is asked by one connection at a time. */
typedef struct
{
  FakePeer *peer;
  gint openings, layouts;       /* atomic: requests */
  guint waits;                  /* answers that grant a start in the future */
  gboolean endless;             /* changes without end */
  gboolean gap;                 /* the second page does not follow */
  gboolean fewer;               /* pages end too early */
} Control;

static char *
make_part (const Control * control, guint first, guint count)
{
  GString *text = g_string_new (NULL);

  g_string_printf (text, "{\"version\":\"" ID "\",\"generation\":7,"
      "\"size\":%u,\"k\":1,\"m\":0,\"unit\":4096,\"extent\":4096,"
      "\"first\":%u,\"nodes\":[{\"id\":%u,\"address\":\"127.0.0.1\","
      "\"port\":1,\"tls\":false,\"zone\":\"\"}],\"extents\":[",
      N_EXTENTS * 4096, first + control->gap * (first > 0), 1 + first % 3);
  for (guint i = 0; i < count; i++)
    g_string_append (text, i == 0 ? "[0]" : ",[0]");
  g_string_append (text, "]}");
  return g_string_free (text, FALSE);
}

static char *
answer_opening (Control * control)
{
  g_autofree char *page = make_part (control, 0, FIRST_PAGE);
  g_autofree char *body = NULL;

  if ((guint) g_atomic_int_add (&control->openings, 1) < control->waits)
    return fake_peer_answer ("201 Created", "application/json",
        "{\"id\":\"" ID "\",\"lease\":1,\"start_in_ns\":20000000}");
  body = g_strdup_printf ("{\"id\":\"" ID "\",\"lease\":30,\"token\":\"t\","
      "\"medium\":{},\"layout\":%s}", page);
  return fake_peer_answer ("200 OK", "application/json", body);
}

/* 1,024 extents that changed, in a generation that is newer each time. */
static char *
make_changes (guint round)
{
  GString *text = g_string_new (NULL);

  g_string_printf (text, "{\"version\":\"" ID "\",\"generation\":%u,"
      "\"size\":%u,\"k\":1,\"m\":0,\"unit\":4096,\"extent\":4096,"
      "\"nodes\":[{\"id\":9,\"address\":\"127.0.0.1\",\"port\":1,"
      "\"tls\":false,\"zone\":\"\"}],\"numbers\":[", 8 + round,
      N_EXTENTS * 4096);
  for (guint i = 0; i < 1024; i++)
    g_string_append_printf (text, "%s%u", i == 0 ? "" : ",", i);
  g_string_append (text, "],\"extents\":[");
  for (guint i = 0; i < 1024; i++)
    g_string_append (text, i == 0 ? "[0]" : ",[0]");
  g_string_append (text, "]}");
  return g_string_free (text, FALSE);
}

static char *
answer_layout (Control * control, const char *target)
{
  guint round = (guint) g_atomic_int_add (&control->layouts, 1);
  const char *query = strchr (target, '?');
  g_autofree char *body = NULL;
  guint first, count;

  if (control->endless) {
    body = make_changes (round);
  } else {
    g_assert_cmpint (sscanf (query, "?first=%u&count=%u", &first, &count), ==,
        2);
    count = MIN (count, N_EXTENTS - first);
    body = make_part (control, first, control->fewer ? 0 : count);
  }
  return fake_peer_answer ("200 OK", "application/json", body);
}

static void
answer (const FakeRequest * request, FakeAnswer * out, gpointer user_data)
{
  Control *control = user_data;

  out->text = g_str_equal (request->method, "POST") ?
      answer_opening (control) : answer_layout (control, request->target);
}

static PmssClient *
begin (Control * control)
{
  g_autofree char *url = NULL;
  PmssClient *client;

  control->peer = fake_peer_new (answer, control, NULL);
  url = g_strdup_printf ("http://127.0.0.1:%u",
      fake_peer_get_port (control->peer));
  client = pmss_client_new (url, NULL);
  pmss_client_set_credentials (client, "login", NULL, NULL);
  return client;
}

static void
keep (GObject * source, GAsyncResult * result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static PmssSession *
open_session (PmssClient * client, GError ** error)
{
  g_autoptr (GAsyncResult) result = NULL;

  pmss_client_open_session_async (client, ID, "m", NULL, keep, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return pmss_client_open_session_finish (client, result, error);
}

static void
test_pages (void)
{
  Control control = { NULL };
  g_autoptr (PmssClient) client = begin (&control);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssSession) session = open_session (client, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (pmss_layout_get_n_extents (session->layout), ==, N_EXTENTS);
  g_assert_cmpuint (pmss_layout_get_generation (session->layout), ==, 7);
  /* 8,976 after the first page, 4,096 at a time */
  g_assert_cmpint (control.layouts, ==, 3);
  fake_peer_free (control.peer);
}

static void
test_lies (void)
{
  for (guint i = 0; i < 2; i++) {
    Control control = {.gap = i == 0,.fewer = i == 1 };
    g_autoptr (PmssClient) client = begin (&control);
    g_autoptr (GError) error = NULL;

    g_assert_null (open_session (client, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL);
    g_assert_cmpint (control.layouts, ==, 1);
    fake_peer_free (control.peer);
  }
}

static void
test_endless_changes (void)
{
  Control control = { NULL };
  g_autoptr (PmssClient) client = begin (&control);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssSession) session = open_session (client, &error);

  g_assert_no_error (error);
  control.layouts = 0;
  control.endless = TRUE;
  pmss_client_refresh_layout_async (client, ID, session->layout, NULL, keep,
      &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (pmss_client_refresh_layout_finish (client, result, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL);
  g_assert_cmpint (control.layouts, <, 30);
  fake_peer_free (control.peer);
}

/* No token and no layout yet: who asked is told when, and asks again. */
static void
test_start (void)
{
  Control control = {.waits = 1 };
  g_autoptr (PmssClient) client = begin (&control);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssSession) session = open_session (client, &error);
  g_autoptr (PmssSession) later = NULL;

  g_assert_no_error (error);
  g_assert_cmpint (session->start_in, ==, 20000000);
  g_assert_cmpuint (session->lease, ==, 1);
  g_assert_cmpstr (session->id, ==, ID);
  g_assert_null (session->layout);
  later = open_session (client, &error);
  g_assert_no_error (error);
  g_assert_cmpint (later->start_in, ==, 0);
  g_assert_nonnull (later->layout);
  fake_peer_free (control.peer);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/layout/pages", test_pages);
  g_test_add_func ("/client/layout/lies", test_lies);
  g_test_add_func ("/client/layout/endless-changes", test_endless_changes);
  g_test_add_func ("/client/layout/start", test_start);
  return g_test_run ();
}
