/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <gnutls/gnutls.h>

G_BEGIN_DECLS

/* A connected socket, with TLS or without. No function blocks. Belongs to one stream and its
 * thread. Hands are shaken by the first calls of pmss_http_transport_receive(). */
typedef struct
{
  int fd;                       /* -1: closed */
  gnutls_session_t tls;         /* nullable */
  gboolean shaken;              /* hands */
} PmssHttpTransport;

/* Instead of a number of bytes: nothing goes now; nothing will go any more. */
#define PMSS_HTTP_AGAIN (-1)
#define PMSS_HTTP_BROKEN (-2)

/* Takes @fd and @tls (nullable), which is a session on it. */
void         pmss_http_transport_init    (PmssHttpTransport *transport, int fd,
    gnutls_session_t tls);
/* Before it: pmss_http_transport_close(). */
void         pmss_http_transport_clear   (PmssHttpTransport *transport);
/* Says nothing to the peer. */
void         pmss_http_transport_close   (PmssHttpTransport *transport);

/* The number of bytes, or the above; 0: the peer's end. */
gssize       pmss_http_transport_receive (PmssHttpTransport *transport, gpointer bytes, gsize size);
/* The number of bytes, or the above. With TLS, a call after PMSS_HTTP_AGAIN has the same bytes. */
gssize       pmss_http_transport_send    (PmssHttpTransport *transport, gconstpointer bytes,
    gsize size);
/* The same of @first and then @second, in one packet where they fit. Without TLS. */
gssize       pmss_http_transport_send_both (PmssHttpTransport *transport, gconstpointer first,
    gsize first_size, gconstpointer second, gsize second_size);
/* Tells the peer the end: close_notify, FIN. FALSE: not yet, call it again. */
gboolean     pmss_http_transport_end     (PmssHttpTransport *transport);

/* To poll for before the next receive: a handshake may have to write first. */
GIOCondition pmss_http_transport_get_read_condition (PmssHttpTransport *transport);
/* There are bytes to receive that the socket does not tell of. */
gboolean     pmss_http_transport_has_pending        (PmssHttpTransport *transport);

G_END_DECLS
