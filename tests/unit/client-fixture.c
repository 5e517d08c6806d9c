/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client-fixture.h"

#include <string.h>

static gboolean
is_newest (SmallControl * control, const char *authorization)
{
  g_autofree char *wanted = g_strdup_printf ("Bearer token-%u",
      g_atomic_int_get (&control->logins));

  return g_strcmp0 (authorization, wanted) == 0;
}

static char *
answer_login (SmallControl * control, const FakeRequest * request)
{
  guint number;
  g_autofree char *body = NULL;

  if (strstr (request->body->str, "\"ann\"") == NULL
      || strstr (request->body->str, "\"secret\"") == NULL)
    return fake_peer_answer ("401 Unauthorized", "application/problem+json",
        "{\"title\":\"Unauthorized\",\"detail\":\"wrong user or password\"}");
  number = g_atomic_int_add (&control->logins, 1) + 1;
  body = g_strdup_printf ("{\"token\":\"token-%u\",\"user\":\"ann\","
      "\"role\":\"viewer\",\"expires\":\"2999-01-01T00:00:00Z\"}", number);
  return fake_peer_answer ("200 OK", "application/json", body);
}

static void
answer (const FakeRequest * request, FakeAnswer * out, gpointer user_data)
{
  SmallControl *control = user_data;
  const char *target = request->target + strlen ("/api/v1");

  g_atomic_int_inc (&control->requests);
  if (control->cut_second && request->number > 1) {
    out->text = g_strdup ("");
    out->close = TRUE;
    return;
  }
  if (g_str_equal (target, "/odd")) {
    *out = control->answer;
    out->text = g_strdup (control->answer.text);
  } else if (g_str_equal (target, "/login")) {
    out->text = answer_login (control, request);
  } else if (g_str_equal (target, "/cluster")) {
    out->text = fake_peer_answer ("200 OK", "application/json", "{\"x\":1}");
  } else if (!is_newest (control, request->authorization)) {
    out->text = fake_peer_answer ("401 Unauthorized",
        "application/problem+json", "{\"detail\":\"who are you?\"}");
  } else if (g_str_equal (target, "/sessions")) {
    out->text = fake_peer_answer ("201 Created", "application/json",
        control->session);
  } else if (g_str_equal (request->method, "PUT")) {
    out->text = fake_peer_answer ("200 OK", "application/json",
        "{\"lease\":30,\"token\":\"v4.public.new\"}");
  } else if (g_str_equal (request->method, "DELETE")) {
    out->text = g_strdup ("HTTP/1.1 204 No Content\r\n\r\n");
  } else {
    out->text = fake_peer_answer ("404 Not Found",
        "application/problem+json", "{\"detail\":\"no\\u001b[31m such\\n\"}");
  }
}

void
small_control_init (SmallControl * control)
{
  memset (control, 0, sizeof *control);
  control->peer = fake_peer_new (answer, control, NULL);
  control->session = SESSION;
  control->url = g_strdup_printf ("http://127.0.0.1:%u",
      fake_peer_get_port (control->peer));
}

void
small_control_clear (SmallControl * control)
{
  fake_peer_free (control->peer);
  g_free (control->url);
  g_free (control->answer.text);
}

PmssClient *
small_control_new_client (SmallControl * control)
{
  g_autoptr (GError) error = NULL;
  PmssClient *client = pmss_client_new (control->url, &error);

  g_assert_no_error (error);
  return client;
}

void
client_keep_result (GObject * source, GAsyncResult * result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

GAsyncResult *
client_wait_for (GAsyncResult ** result)
{
  while (*result == NULL)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  return *result;
}

PmssSession *
client_open_session (PmssClient * client, GError ** error)
{
  g_autoptr (GAsyncResult) result = NULL;

  pmss_client_open_session_async (client, SESSION_ID, "films/a b", NULL,
      client_keep_result, &result);
  return pmss_client_open_session_finish (client, client_wait_for (&result),
      error);
}
