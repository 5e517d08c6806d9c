/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/api/router.h"

G_BEGIN_DECLS

/* The pages' addresses, which are no part of the API: docs/web.md. web/src/app/paths.ts has the
 * same ones. On handlers' threads. */
extern const PmssRoute pmss_routes_pages[];

/* Answers a browser that asks for a page that is not there with one that says so. FALSE: @request
 * is not for a page. */
gboolean pmss_web_respond_unknown (PmssHttpRequest *request);

G_END_DECLS
