/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/accounts/secret.h"
#include "control/catalog/catalog.h"
#include "control/context.h"

G_BEGIN_DECLS

/* Tickets of viewers who play through a gateway: docs/gateway.md. The database is the truth.
 * Threads: any. */

/* One for which no session was opened ends after this. */
#define PMSS_TICKET_BEGIN 60    /* seconds */
/* Gateways that a viewer is offered. */
#define PMSS_MAX_TICKET_NODES 3
/* Of one user, without a session. */
#define PMSS_MAX_RESTING_TICKETS 1024

typedef struct
{
  char *id;                     /* 32 hex digits */
  char *user;
  guint8 login[PMSS_SECRET_HASH_SIZE];  /* hash of the bearer token: the ticket ends with it */
  char *address;                /* of the viewer */
  gint64 medium;
  char *name;                   /* of the medium */
  guint nodes[PMSS_MAX_TICKET_NODES];   /* its gateways, the first one first; 0: no more */
  gint64 issued;                /* of a token for it that is signed now; seconds since 1970 */
  gboolean is_new;              /* it was made just now */
} PmssTicket;
void        pmss_ticket_free (PmssTicket *ticket);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssTicket, pmss_ticket_free)

/* The viewer that asks. The strings are the caller's. */
typedef struct
{
  const char *user;
  const char *login;            /* the bearer token */
  const char *address;
} PmssTicketHolder;

/* The ticket of @holder for @medium: the one that is there, or a new one. Its gateways are those
 * that it has, as far as they are among @gateways, and the first ones of these. @gateways: of
 * guint, at least one. */
PmssTicket *pmss_tickets_take  (PmssDatabase *database, const PmssTicketHolder *holder,
    const PmssMedium *medium, const GArray *gateways, GError **error);
/* The ticket @id, one of whose gateways is @node, or was; `issued` is not set.
 * PMSS_ERROR_NOT_FOUND: it has ended, or its medium is not ready any more. */
PmssTicket *pmss_tickets_get   (PmssDatabase *database, const char *id, guint node, GError **error);
/* The user of session @id, by whose ticket @node is a gateway, or was. PMSS_ERROR_NOT_FOUND. Free
 * with g_free(). */
char       *pmss_tickets_get_session_user (PmssDatabase *database, const char *id, guint node,
    GError **error);
/* The token of the URL at which gateway @node answers; valid for @lifetime seconds at most.
 * @origin: (nullable) that of the page that may read the answers. */
char       *pmss_tickets_mint  (PmssKeys *keys, const PmssTicket *ticket, guint node,
    guint lifetime, const char *origin);
/* Whether @id has not ended. Ends its other sessions than @session. Inside a transaction. */
gboolean    pmss_tickets_use   (PmssDatabase *database, const char *id, const char *session,
    GError **error);
/* Forgets tickets that have ended. A piece of it; @more: there is more to be done. Inside a
 * transaction. */
gboolean    pmss_tickets_prune (PmssDatabase *database, gboolean *more, GError **error);

G_END_DECLS
