/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <libpmss/client/pmss-client.h>

G_BEGIN_DECLS

/**
 * GST_PMSS_CLIENT_CONTEXT:
 *
 * Type of the #GstContext by which elements of a pipeline, or an application and its elements,
 * share one #PmssClient and so one login. Its structure has one field,
 * "client" (PMSS_TYPE_CLIENT).
 */
#define GST_PMSS_CLIENT_CONTEXT "gst.pmss.client"

/* Once, before the others. */
void        gst_pmss_context_init       (void);
/* Asks the peer of @pad, then posts a NEED_CONTEXT message. Answers come through the element's
 * set_context. No lock held. */
void        gst_pmss_context_request    (GstElement * element, GstPad * pad);
/* Gives @client to the element itself and, by a HAVE_CONTEXT message, to others. No lock held. */
void        gst_pmss_context_announce   (GstElement * element, PmssClient * client);
/* (transfer full) (nullable): the client in @context; NULL for contexts of another type. */
PmssClient *gst_pmss_context_get_client (GstContext * context);

/* Stores with @client the credentials that an element gave it (the strings may be NULL), for
 * gst_pmss_client_matches (). */
void        gst_pmss_client_set_key     (PmssClient * client, const char *const *credentials);
/* Whether @client is for the same server and has just these credentials. A client of the
 * application's own, without a key, counts as one without credentials. So an element without
 * credentials may use it. */
gboolean    gst_pmss_client_matches     (PmssClient * client, const char *url,
    const char *const *credentials);

#define GST_PMSS_N_CREDENTIALS 5

G_END_DECLS
