/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "httpd/pmss-httpd.h"
#include "server/gateway/gateway.h"

G_BEGIN_DECLS

/**
 * PmssGatewayAnswer:
 *
 * One GET or HEAD of /v1/media/NAME?t=TOKEN. Made on the connection's worker, answered on the
 * gateway's thread. Its bytes are fetched on the worker where they are there, and awaited on the
 * gateway's thread where they are not.
 */
typedef struct _PmssGatewayAnswer PmssGatewayAnswer;

/* Answers an OPTIONS, which says what a page of another origin may ask for. */
void               pmss_gateway_answer_options (PmssGateway *gateway, PmssHttpRequest *request,
    const char *name);
/* @name: as it stands in the path. NULL: the request was refused, and is answered. Else it is to be
 * set aside. */
PmssGatewayAnswer *pmss_gateway_answer_new   (PmssGateway *gateway, PmssHttpRequest *request,
    const char *name);
/* It is set aside. */
void               pmss_gateway_answer_start (PmssGatewayAnswer *answer, PmssHttpRequest *request);
/* The request is over. Takes @answer. */
void               pmss_gateway_answer_end   (PmssGatewayAnswer *answer);

G_END_DECLS
