/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-peer.h"
#include "libpmss/client/pmss-client.h"
#include "libpmss/pmss-error.h"
#include "libpmss/node/pmss-node-client.h"
#include "libpmss/client/pmss-proxy.h"

/* What a request to @url would go over, "direct" where that is no proxy. */
static char *
look_up (const char *url, char **environment)
{
  g_autoptr (PmssControlUrl) parsed = pmss_control_url_parse (url, NULL);
  g_autofree char *text = pmss_control_url_to_string (parsed);
  g_autoptr (GProxyResolver) resolver =
      pmss_proxy_resolver_new (parsed, environment);
  g_auto (GStrv) found = NULL;

  if (resolver == NULL)
    return g_strdup ("direct");
  found = g_proxy_resolver_lookup (resolver, text, NULL, NULL);
  g_assert_nonnull (found);
  g_assert_cmpuint (g_strv_length (found), ==, 1);
  return g_str_has_prefix (found[0], "direct") ? g_strdup ("direct")
      : g_strdup (found[0]);
}

static void
test_rules (void)
{
  static const struct
  {
    const char *url, *environment, *proxy;
  } all[] = {
    {"http://host:8470", "", "direct"},
    {"http://host:8470", "http_proxy=http://p:1", "http://p:1"},
    {"http://host:8470", "http_proxy=p:1", "http://p:1"},
    {"http://host:8470", "http_proxy=", "direct"},
    {"http://host:8470", "HTTP_PROXY=http://p:1", "direct"},
    {"http://host:8470", "https_proxy=http://p:1", "direct"},
    {"http://host:8470", "all_proxy=socks5h://p:1", "socks5://p:1"},
    {"http://host:8470", "http_proxy=p:1 ALL_PROXY=q:1", "http://p:1"},
    {"https://host", "https_proxy=http://p:1", "http://p:1"},
    {"https://host", "HTTPS_PROXY=http://p:1", "http://p:1"},
    {"https://host", "http_proxy=http://p:1", "direct"},
    {"pmsss://host", "ALL_PROXY=http://p:1", "http://p:1"},
    {"http://host:1", "http_proxy=p:1 no_proxy=*", "direct"},
    {"http://host:1", "http_proxy=p:1 no_proxy=other,host", "direct"},
    {"http://host:1", "http_proxy=p:1 NO_PROXY=host", "direct"},
    {"http://host:1", "http_proxy=p:1 no_proxy=ost", "http://p:1"},
    {"http://a.example:1", "http_proxy=p:1 no_proxy=example", "direct"},
    {"http://a.example:1", "http_proxy=p:1 no_proxy=.example", "direct"},
    {"http://aexample:1", "http_proxy=p:1 no_proxy=.example", "http://p:1"},
    {"http://10.1.2.3:1", "http_proxy=p:1 no_proxy=10.0.0.0/8", "direct"},
    {"http://11.1.2.3:1", "http_proxy=p:1 no_proxy=10.0.0.0/8", "http://p:1"},
    {"http://[fd00::1]:1", "http_proxy=p:1 no_proxy=fd00::/8", "direct"},
    /* whatever no_proxy says, this machine is reached directly */
    {"http://localhost:1", "http_proxy=p:1", "direct"},
    {"http://LOCALHOST.:1", "http_proxy=p:1", "direct"},
    {"http://a.localhost:1", "http_proxy=p:1", "direct"},
    {"http://127.0.0.2:1", "http_proxy=p:1", "direct"},
    {"http://[::1]:1", "http_proxy=p:1", "direct"},
    {"http://[::ffff:127.0.0.1]:1", "http_proxy=p:1", "direct"},
    {"https://127.0.0.1:1", "all_proxy=p:1 https_proxy=p:1", "direct"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    g_auto (GStrv) environment = g_strsplit (all[i].environment, " ", -1);
    g_autofree char *proxy = look_up (all[i].url, environment);

    g_test_message ("%s with %s", all[i].url, all[i].environment);
    g_assert_cmpstr (proxy, ==, all[i].proxy);
  }
}

typedef struct
{
  GMutex lock;
  char *target;                 /* of the last request that the proxy got */
} Proxy;

static void
proxy_answers (const FakeRequest * request, FakeAnswer * answer,
    gpointer user_data)
{
  Proxy *proxy = user_data;

  g_mutex_lock (&proxy->lock);
  g_free (proxy->target);
  proxy->target = g_strdup (request->target);
  g_mutex_unlock (&proxy->lock);
  answer->text = fake_peer_answer ("200 OK", "application/json", "{}");
}

static void
direct_answers (const FakeRequest * request, FakeAnswer * answer,
    gpointer user_data)
{
  answer->text = fake_peer_answer ("404 Not Found", "application/json", "{}");
}

/* A server elsewhere is asked over the proxy that the environment names. */
static void
test_client (void)
{
  Proxy proxy = { 0 };
  FakePeer *peer = fake_peer_new (proxy_answers, &proxy, NULL);
  g_autofree char *text = g_strdup_printf ("http://127.0.0.1:%u/",
      fake_peer_get_port (peer));
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonNode) answer = NULL;

  g_setenv ("http_proxy", text, TRUE);
  client = pmss_client_new ("http://control.invalid:8470", &error);
  g_assert_no_error (error);
  answer = pmss_client_request (client, "GET", "/media", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (proxy.target, ==,
      "http://control.invalid:8470/api/v1/media");
  g_unsetenv ("http_proxy");
  fake_peer_free (peer);
  g_free (proxy.target);
}

static void
on_probed (GObject * source, GAsyncResult * result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

/* A node never is, wherever it is. */
static void
test_node (void)
{
  Proxy proxy = { 0 };
  FakePeer *peer = fake_peer_new (proxy_answers, &proxy, NULL);
  FakePeer *direct = fake_peer_new (direct_answers, NULL, NULL);
  g_autofree char *text = g_strdup_printf ("http://127.0.0.1:%u/",
      fake_peer_get_port (peer));
  const char *const hosts[] = { "127.0.0.1", "node.invalid" };

  g_setenv ("http_proxy", text, TRUE);
  g_setenv ("all_proxy", text, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++) {
    const PmssNode node = {.id = 1,.address = (char *) hosts[i],
      .port = fake_peer_get_port (direct)
    };
    g_autoptr (PmssNodeClient) client = pmss_node_client_new (&node, 10, NULL);
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (GError) error = NULL;

    pmss_node_client_probe_async (client, NULL, on_probed, &result);
    while (result == NULL)
      g_main_context_iteration (NULL, TRUE);
    g_assert_cmpint (pmss_node_client_probe_finish (client, result, &error), ==,
        i == 0);
    if (i > 0)
      g_assert_error (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE);
  }
  g_assert_cmpuint (fake_peer_get_connections (peer), ==, 0);
  g_assert_cmpuint (fake_peer_get_connections (direct), ==, 1);
  g_unsetenv ("http_proxy");
  g_unsetenv ("all_proxy");
  fake_peer_free (direct);
  fake_peer_free (peer);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* as it is for users */
  g_unsetenv ("GIO_USE_PROXY_RESOLVER");
  g_test_add_func ("/proxy/rules", test_rules);
  g_test_add_func ("/proxy/client", test_client);
  g_test_add_func ("/proxy/node", test_node);
  return g_test_run ();
}
