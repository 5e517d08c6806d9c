/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Problems as small pages, for people who opened a URL in a browser. They need nothing else, and
 * run nothing. */
#include <string.h>

#include "libpmss/pmss-text.h"
#include "pmss-httpd-private.h"

#define POLICY "default-src 'none'; style-src 'unsafe-inline'; " \
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
#define STYLE ":root{color-scheme:light dark}" \
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;" \
    "margin:15vh auto 0;padding:0 1rem}h1{font-size:1.4rem}" \
    "p{overflow-wrap:anywhere}small{opacity:.7}"

void
pmss_http_request_let_people_read (PmssHttpRequest * request)
{
  request->for_people = TRUE;
}

/* "text/html;q=0.9". */
static gboolean
is_refused (const char *parameters)
{
  const char *quality = strstr (parameters, "q=");

  return quality != NULL && g_ascii_strtod (quality + 2, NULL) <= 0;
}

/* Programs that take anything get what they understand. */
gboolean
pmss_http_request_wants_page (PmssHttpRequest * request)
{
  const char *accept = request->for_people ?
      pmss_http_request_get_header (request, "Accept") : NULL;
  g_auto (GStrv) parts = g_strsplit (accept != NULL ? accept : "", ",", -1);
  gboolean wants = FALSE;

  for (char **part = parts; *part != NULL; part++) {
    char *parameters = strchr (*part, ';');

    if (parameters != NULL)
      *parameters++ = '\0';
    g_strstrip (*part);
    if (g_ascii_strcasecmp (*part, PMSS_HTTP_PROBLEM_TYPE) == 0
        || g_ascii_strcasecmp (*part, "application/json") == 0)
      return FALSE;
    if (g_ascii_strcasecmp (*part, "text/html") == 0)
      wants = parameters == NULL || !is_refused (parameters);
  }
  return wants;
}

GBytes *
pmss_http_page_new (guint status, const char *detail, const char *instance)
{
  /* it quotes requests */
  g_autofree char *text = pmss_text_clean (detail);
  const char *title = pmss_http_reason_phrase (status);
  GString *page = g_string_new (NULL);
  g_autofree char *body = g_markup_printf_escaped ("<h1>%s</h1><p>%s</p>"
      "<p><small>PMSS, %u %s %s</small></p>", title, text, status, title,
      instance != NULL ? instance : "");

  g_string_append_printf (page, "<!DOCTYPE html><html lang=en><head>"
      "<meta charset=utf-8><meta name=viewport "
      "content=\"width=device-width,initial-scale=1\"><title>%s</title>"
      "<style>" STYLE "</style></head><body><main>%s</main></body></html>\n",
      title, body);
  return g_string_free_to_bytes (page);
}

void
pmss_http_page_add_headers (PmssHttpRequest * request)
{
  pmss_http_request_add_header (request, "Content-Security-Policy", POLICY);
  pmss_http_request_add_header (request, "X-Content-Type-Options", "nosniff");
  /* its URL may open a door */
  pmss_http_request_add_header (request, "Referrer-Policy", "no-referrer");
  pmss_http_request_add_header (request, "Cache-Control", "no-store");
}
