/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "identity.h"

G_BEGIN_DECLS

/**
 * PmssSelf:
 *
 * The identity that this server shows: its node id and secret, the address that it advertises, and
 * an id of this start. A copy of its data folder has another id of its start. Proves to control
 * that it is reached at its address. Threads: any.
 */
typedef struct _PmssSelf PmssSelf;

PmssSelf   *pmss_self_new          (void);
void        pmss_self_free         (PmssSelf *self);
/* 32 hex digits, others at each start. */
const char *pmss_self_get_instance (PmssSelf *self);
/* Once each. */
void        pmss_self_become       (PmssSelf *self, const PmssIdentity *identity);
void        pmss_self_set_place    (PmssSelf *self, const char *address, guint16 port,
    gboolean tls);
/* 0: it has not joined. */
guint       pmss_self_get_node     (PmssSelf *self);
/* Whether that is where it says that it is. */
gboolean    pmss_self_is_at        (PmssSelf *self, const char *address, guint16 port,
    gboolean tls);
/* The proof for control's @nonce that this server is to be reached there. PMSS_ERROR_MISDIRECTED:
 * it advertises another address, and proves nothing for others; PMSS_ERROR_BUSY: it has no
 * identity, or no secret. */
char       *pmss_self_prove        (PmssSelf *self, const char *nonce, const char *address,
    guint16 port, gboolean tls, GError **error);

G_END_DECLS
