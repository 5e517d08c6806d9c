/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a gateway allows pages of the control server, which are of another origin than it. On a
 * listener's worker.
 *
 * The URL alone opens the medium; cookies count for nothing here. So any origin might be let in.
 * The origin of the pages alone is: a URL that leaked to another page in a browser behind a
 * firewall gives that page no bytes. */
#include "gateway-private.h"

/* What scripts see beside what they see always. */
#define EXPOSED "Accept-Ranges, Content-Length, Content-Range, ETag, Retry-After"
/* The longest that Chromium keeps it. */
#define MAX_AGE "7200"          /* seconds */

gboolean
pmss_gateway_let_page_read (PmssHttpRequest * request, const char *origin)
{
  const char *page = pmss_http_request_get_header (request, "Origin");

  pmss_http_request_add_header (request, "Vary", "Origin");
  if (origin == NULL || page == NULL || !g_str_equal (page, origin))
    return FALSE;
  pmss_http_request_add_header (request, "Access-Control-Allow-Origin", origin);
  pmss_http_request_add_header (request, "Access-Control-Expose-Headers",
      EXPOSED);
  return TRUE;
}

void
pmss_gateway_let_page_ask (PmssHttpRequest * request, const char *origin)
{
  if (!pmss_gateway_let_page_read (request, origin))
    return;
  pmss_http_request_add_header (request, "Access-Control-Allow-Methods",
      "GET, HEAD");
  pmss_http_request_add_header (request, "Access-Control-Allow-Headers",
      "Range, If-Range");
  pmss_http_request_add_header (request, "Access-Control-Max-Age", MAX_AGE);
}
