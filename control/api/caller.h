/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/api/router.h"

G_BEGIN_DECLS

/* How a caller shows its login: as a bearer token, or, a page, as a cookie, or as a link.
 * docs/protocol.md, Cookies, Links. On handlers' threads. */

/* The page for signing in; "?next=PATH" leads on. */
#define PMSS_SIGN_IN_PAGE "/sign-in"

/* Finds the login: call->login, NULL where there is none, call->by_cookie and call->by_link. FALSE:
 * answered with 403, since a cookie came with a write that no page of this server has sent. */
gboolean pmss_api_find_login   (PmssApiCall *call);
/* Whether a page of this server has sent the request, and on purpose. FALSE: answered with 403. */
gboolean pmss_api_check_origin (PmssApiCall *call);
/* Gives the caller's browser the cookie with @token for @lifetime seconds; NULL: takes it away. */
void     pmss_api_set_cookie   (PmssApiCall *call, const char *token, guint lifetime);

/* Leads a browser that shows no login, or one that is not good, to the page for signing in, and
 * from there back. FALSE: it is none, and not answered. */
gboolean pmss_api_lead_to_sign_in (PmssApiCall *call);

/* The URL at which the caller reaches this server: public-url, else by Host. Free with g_free(). */
char    *pmss_api_get_place    (PmssApiCall *call);

/* The origin of this server's pages, as a browser that asks from one writes it: that of the
 * request, or, where it has none, of get_place(). NULL: the request is from another origin's page.
 * Free with g_free(). */
char    *pmss_api_get_page_origin (PmssApiCall *call);

/* For tests. The value of the cookie called @name in the field @cookies (nullable); NULL: there is
 * none, or more than one. Free with g_free(). */
char    *pmss_cookie_find      (const char *cookies, const char *name);
/* Whether @origin is that of @public_url (nullable), or of @host, whose pages come with @tls. */
gboolean pmss_origin_is_ours   (const char *origin, const char *public_url, const char *host,
    gboolean tls);

G_END_DECLS
