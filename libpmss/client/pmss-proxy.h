/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "pmss-control-url.h"

G_BEGIN_DECLS

/* The proxy between a client and its control server, if the environment names one. Private to
 * libpmss. Desktop settings and automatic discovery do not count: a host that answers to these
 * would see passwords and tokens of servers without TLS. Nodes are never reached over a proxy. */

/* By curl's rules: http_proxy (small letters only: HTTP_PROXY may be a header's in CGI),
 * https_proxy or HTTPS_PROXY, all_proxy or ALL_PROXY; no_proxy or NO_PROXY.
 * @environment: of g_get_environ(). Returns: (transfer full) (nullable): NULL where @url is reached
 * directly, as all of this machine is. */
GProxyResolver *pmss_proxy_resolver_new (const PmssControlUrl *url, char **environment);

G_END_DECLS
