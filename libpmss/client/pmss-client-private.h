/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pmss-client.h"
#include "pmss-control-url.h"
#include "libpmss/format/pmss-layout-part.h"
#include "pmss-soup-pool.h"

G_BEGIN_DECLS

/* pmss-client.c has the object, pmss-client-request.c the requests. pmss-client-session.c has the
 * sessions of streams, pmss-client-layout.c their layouts. */

struct _PmssClient
{
  GObject parent_instance;

  char *url;                    /* no slash at the end */
  PmssControlUrl *place;        /* the same in parts */
  char *peer;                   /* "host:port" */
  guint timeout;
  GTlsDatabase *tls_database;
  GTlsInteraction *tls_interaction;
  GTlsCertificateFlags tls_validation_flags;
  PmssSoupPool *pool;

  GMutex lock;                  /* protects the credentials */
  char *token;
  char *user;
  char *password;
  gboolean one_time;            /* whether the last login was with a one-time password */
  char *problem;                /* why stored credentials were not used */
};

/* Handler of "accept-certificate" of a message. The flags and the signal of @client decide. */
gboolean pmss_client_accept_certificate (SoupMessage *message, GTlsCertificate *certificate,
    GTlsCertificateFlags errors, gpointer client);
/* Zeroes before it frees. */
void     pmss_secret_free   (char *secret);
/* Whether @token can be one: it goes into a header and a file. */
gboolean pmss_client_token_is_sane (const char *token);
/* The member "token" of an answer. */
gboolean pmss_client_token_member  (JsonObject *object, const char **token, GError **error);
/* The answer to a renewal; freed with pmss_client_renewal_free(). PMSS_ERROR_INVALID */
PmssRenewal *pmss_client_parse_renewal (JsonNode *json, GError **error);
/* The layout of which @first_page came with @session: asks for the others. */
void     pmss_client_complete_layout_async (PmssClient *client, const char *session,
    const PmssLayoutPart *first_page, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
PmssLayout *pmss_client_complete_layout_finish (PmssClient *client, GAsyncResult *result,
    GError **error);

G_END_DECLS
