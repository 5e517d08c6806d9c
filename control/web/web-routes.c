/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Serves the pages and their files. On handlers' threads. */
#include "control/web/web-routes.h"

#include <string.h>

#include "control/api/caller.h"
#include "control/nodes/nodes.h"
#include "control/web/page-policy.h"
#include "control/web/pages.h"

#define INDEX "index.html"
#define HASH_LENGTH 16

/* For a server that was built without pages. */
static const char no_pages[] =
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\">"
    "<title>PMSS</title>\n<h1>PMSS is running, without its pages</h1>\n"
    "<p>This server was built without pages: npm or Node.js was missing, or "
    "could not fetch their libraries, or the pages were turned off. Everything "
    "else works: the command line <code>pmss</code>, players, and the API.</p>\n"
    "<h2>Signing in and playing</h2>\n"
    "<p>On any machine that has PMSS, <code>pmss login</code> with the address "
    "of this server signs in. There an operator's <code>pmss link NAME</code> "
    "prints an address of a medium that this browser, and any player, opens "
    "without signing in.</p>\n"
    "<h2>Getting the pages</h2>\n"
    "<p>Install <code>npm</code>, then build again with "
    "<code>meson configure -Dweb=enabled</code> and <code>ninja</code>. "
    "docs/web.md says more.</p>\n";

/* --- Answers --- */

static void
add_common (PmssHttpRequest * request, const char *policy)
{
  pmss_http_request_add_header (request, "Content-Security-Policy", policy);
  pmss_http_request_add_header (request, "X-Content-Type-Options", "nosniff");
  pmss_http_request_add_header (request, "Referrer-Policy", "no-referrer");
  pmss_http_request_add_header (request, "Cross-Origin-Opener-Policy",
      "same-origin");
  pmss_http_request_add_header (request, "Cross-Origin-Resource-Policy",
      "same-origin");
}

static void
respond_page (PmssHttpRequest * request, guint status, const PmssPage * page,
    const char *etag)
{
  pmss_http_request_add_header (request, "ETag", etag);
  if (page->encoding != NULL)
    pmss_http_request_add_header (request, "Content-Encoding", page->encoding);
  if (status == 200
      && pmss_page_etag_matches (pmss_http_request_get_header (request,
              "If-None-Match"), etag))
    pmss_http_request_respond_empty (request, 304);
  else
    pmss_http_request_respond (request, status, page->content_type,
        page->bytes);
}

/* The policy is part of the page: a browser that has the page already has to hear of a new one. */
static char *
make_index_etag (const PmssPage * page, const char *policy)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize size;
  const void *data = g_bytes_get_data (page->bytes, &size);

  g_checksum_update (sum, data, (gssize) size);
  g_checksum_update (sum, (const guchar *) policy, -1);
  return g_strdup_printf ("\"%.*s\"", HASH_LENGTH, g_checksum_get_string (sum));
}

static void
respond_no_pages (PmssHttpRequest * request, guint status)
{
  g_autoptr (GBytes) body = g_bytes_new_static (no_pages, strlen (no_pages));

  pmss_http_request_respond (request, status, "text/html; charset=utf-8", body);
}

/* @nodes: nullable */
static void
respond_index (PmssHttpRequest * request, guint status, const GPtrArray * nodes)
{
  g_autofree char *policy = pmss_page_policy (nodes);
  g_auto (PmssPage) page = { 0 };
  g_autofree char *etag = NULL;

  add_common (request, policy);
  pmss_http_request_add_header (request, "Cache-Control", "no-cache");
  pmss_http_request_add_header (request, "Vary", "Accept-Encoding, Cookie");
  if (!pmss_page_find (INDEX, pmss_http_request_get_header (request,
              "Accept-Encoding"), &page)) {
    respond_no_pages (request, status);
    return;
  }
  etag = make_index_etag (&page, policy);
  respond_page (request, status, &page, etag);
}

/* --- Routes --- */

/* The storage servers are named to who is signed in, and to nobody else. */
static GPtrArray *
list_nodes (PmssApiCall * call)
{
  g_autoptr (PmssUser) user = NULL;

  if (!pmss_api_find_login (call) || call->login == NULL)
    return NULL;
  user = pmss_accounts_authenticate (call->context->accounts, call->login,
      NULL);
  if (user == NULL)
    return NULL;
  pmss_http_request_set_class (call->request, PMSS_PLACE_USER, user->name);
  return pmss_nodes_list (call->context->nodes, NULL);
}

static void
get_page (PmssApiCall * call)
{
  g_autoptr (GPtrArray) nodes = list_nodes (call);

  respond_index (call->request, 200, nodes);
}

/* A file's name has its hash: what has the name never changes. */
static void
get_asset (PmssApiCall * call)
{
  PmssHttpRequest *request = call->request;
  g_autofree char *name = g_strconcat ("assets/", call->param, NULL);
  g_autofree char *policy = NULL, *etag = NULL;
  g_auto (PmssPage) page = { 0 };

  if (strchr (call->param, '/') != NULL || !pmss_page_find (name,
          pmss_http_request_get_header (request, "Accept-Encoding"), &page)) {
    pmss_http_request_respond_problem (request, 404,
        "The pages have no such file: load the page anew");
    return;
  }
  policy = pmss_page_policy (NULL);
  etag = g_strdup_printf ("\"%s%s%s\"", call->param,
      page.encoding != NULL ? "-" : "",
      page.encoding != NULL ? page.encoding : "");
  add_common (request, policy);
  pmss_http_request_add_header (request, "Cache-Control",
      "public, max-age=31536000, immutable");
  pmss_http_request_add_header (request, "Vary", "Accept-Encoding");
  respond_page (request, 200, &page, etag);
}

gboolean
pmss_web_respond_unknown (PmssHttpRequest * request)
{
  const char *accept = pmss_http_request_get_header (request, "Accept");

  if (!g_str_equal (pmss_http_request_get_method (request), "GET")
      || accept == NULL || strstr (accept, "text/html") == NULL
      || g_str_has_prefix (pmss_http_request_get_path (request), "/api/"))
    return FALSE;
  respond_index (request, 404, NULL);
  return TRUE;
}

#define PAGE(path) \
  {"GET", path, PMSS_ROLE_NONE, PMSS_BODY_NONE, get_page, .unaudited = TRUE}

const PmssRoute pmss_routes_pages[] = {
  PAGE ("/"),
  PAGE ("/sign-in"),
  PAGE ("/library"),
  PAGE ("/about/{name+}"),
  PAGE ("/watch/{name+}"),
  PAGE ("/account"),
  PAGE ("/admin/{page+}"),
  {"GET", "/assets/{file}", PMSS_ROLE_NONE, PMSS_BODY_NONE, get_asset,
      .unaudited = TRUE},
  {NULL}
};
