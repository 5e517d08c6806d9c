/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bearer tokens, cookies and links of callers. On handlers' threads. */
#include "control/api/caller.h"

#include <string.h>

#include "control/config.h"
#include "libpmss/client/pmss-control-url.h"

/* A cookie of this name a browser takes from this very host alone, over TLS. */
#define SECURE_NAME "__Host-pmss"
#define PLAIN_NAME "pmss"

/* Whether pages come over TLS, if only to a proxy. */
static gboolean
is_secure (const PmssControlConfig * config)
{
  return config->tls_certificate != NULL || (config->public_url != NULL
      && g_str_has_prefix (config->public_url, "https://"));
}

char *
pmss_cookie_find (const char *cookies, const char *name)
{
  g_auto (GStrv) pairs = g_strsplit (cookies != NULL ? cookies : "", ";", -1);
  char *found = NULL;

  for (char **pair = pairs; *pair != NULL; pair++) {
    char *value = strchr (g_strstrip (*pair), '=');

    if (value == NULL)
      continue;
    *value++ = '\0';
    if (strcmp (*pair, name) != 0)
      continue;
    /* one of two may be planted by another page of this host */
    if (found != NULL) {
      g_free (found);
      return NULL;
    }
    found = g_strdup (value);
  }
  return found;
}

/* An origin has a scheme, which a place that people type may lack. */
static PmssControlUrl *
parse_origin (const char *text)
{
  if (!g_str_has_prefix (text, "http://") && !g_str_has_prefix (text,
          "https://"))
    return NULL;
  return pmss_control_url_parse (text, NULL);
}

static gboolean
is_same (const PmssControlUrl * a, const char *text)
{
  g_autoptr (PmssControlUrl) b = parse_origin (text);

  return b != NULL && a->tls == b->tls && a->port == b->port
      && strcmp (a->host, b->host) == 0;
}

gboolean
pmss_origin_is_ours (const char *origin, const char *public_url,
    const char *host, gboolean tls)
{
  g_autoptr (PmssControlUrl) url = origin != NULL ? parse_origin (origin)
      : NULL;
  g_autofree char *own = g_strconcat (tls ? "https://" : "http://",
      host != NULL ? host : "", NULL);

  return url != NULL && (is_same (url, own)
      || (public_url != NULL && is_same (url, public_url)));
}

static gboolean
has_our_origin (PmssApiCall * call)
{
  const PmssControlConfig *config = call->context->config;
  PmssHttpRequest *request = call->request;

  return pmss_origin_is_ours (pmss_http_request_get_header (request, "Origin"),
      config->public_url, pmss_http_request_get_header (request, "Host"),
      is_secure (config));
}

gboolean
pmss_api_check_origin (PmssApiCall * call)
{
  PmssHttpRequest *request = call->request;

  if (g_strcmp0 (pmss_http_request_get_header (request, "X-PMSS"), "1") == 0
      && has_our_origin (call))
    return TRUE;
  pmss_http_request_respond_problem (request, 403,
      "A cookie is good for what a page of this server asks for: the request "
      "needs this server's Origin, and X-PMSS: 1");
  return FALSE;
}

gboolean
pmss_api_find_login (PmssApiCall * call)
{
  const char *bearer = pmss_http_request_get_bearer (call->request);
  const char *method = pmss_http_request_get_method (call->request);
  const char *link = call->route->link ?
      pmss_http_request_get_query (call->request, "link") : NULL;

  if (link != NULL) {
    call->login = g_strdup (link);
    call->by_link = TRUE;
    return TRUE;
  }
  if (bearer != NULL) {
    call->login = g_strdup (bearer);
    return TRUE;
  }
  call->login = pmss_cookie_find (pmss_http_request_get_header (call->request,
          "Cookie"), is_secure (call->context->config) ? SECURE_NAME
      : PLAIN_NAME);
  call->by_cookie = call->login != NULL;
  return !call->by_cookie || g_str_equal (method, "GET")
      || g_str_equal (method, "HEAD") || pmss_api_check_origin (call);
}

void
pmss_api_set_cookie (PmssApiCall * call, const char *token, guint lifetime)
{
  gboolean secure = is_secure (call->context->config);
  g_autofree char *value = g_strdup_printf ("%s=%s; Path=/; Max-Age=%u; "
      "HttpOnly; SameSite=Strict%s", secure ? SECURE_NAME : PLAIN_NAME,
      token != NULL ? token : "", token != NULL ? lifetime : 0,
      secure ? "; Secure" : "");

  pmss_http_request_add_header (call->request, "Set-Cookie", value);
}

gboolean
pmss_api_lead_to_sign_in (PmssApiCall * call)
{
  const char *path = pmss_http_request_get_path (call->request);
  g_autofree char *next = g_uri_escape_string (path, NULL, FALSE);
  g_autofree char *place = g_strconcat (PMSS_SIGN_IN_PAGE "?next=", next, NULL);

  if (call->by_link || (call->login != NULL && !call->by_cookie)
      || !pmss_http_request_wants_page (call->request))
    return FALSE;
  pmss_http_request_add_header (call->request, "Location", place);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_http_request_add_header (call->request, "Vary", "Accept, Cookie");
  pmss_http_request_respond_empty (call->request, 303);
  return TRUE;
}

char *
pmss_api_get_place (PmssApiCall * call)
{
  const PmssControlConfig *config = call->context->config;
  gboolean ends = config->public_url != NULL
      && g_str_has_suffix (config->public_url, "/");

  if (config->public_url != NULL)
    return g_strndup (config->public_url, strlen (config->public_url) - ends);
  return g_strconcat (is_secure (config) ? "https://" : "http://",
      pmss_http_request_get_header (call->request, "Host"), NULL);
}

/* As browsers write it: without the scheme's own port. */
static char *
origin_to_string (const PmssControlUrl * url)
{
  char *text = pmss_control_url_to_string (url);

  if (url->port == (url->tls ? 443 : 80))
    *strrchr (text, ':') = '\0';
  return text;
}

char *
pmss_api_get_page_origin (PmssApiCall * call)
{
  const char *origin = pmss_http_request_get_header (call->request, "Origin");
  g_autofree char *place = pmss_api_get_place (call);
  g_autoptr (PmssControlUrl) url = NULL;

  if (origin == NULL)
    url = parse_origin (place);
  else if (has_our_origin (call))
    url = parse_origin (origin);
  return url != NULL ? origin_to_string (url) : NULL;
}
