/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "libpmss/pmss-json-writer.h"
#include "libpmss/pmss-token.h"

G_BEGIN_DECLS

/* Sessions that have ended while a token of theirs is still valid. A trigger writes the rows when a
 * session is deleted; here they are read, and bounded. Threads: any. */

/* Of one user's sessions. The trigger writes no more, but notes that a cut is due (cut_due). */
#define PMSS_MAX_REVOCATIONS 64

/* Forgets revocations whose tokens have expired. Where a cut is due, all of a user's become one, of
 * all tokens that were signed for the user so far. Readers of the user's other sessions renew and
 * go on. A piece of it; @more: there is more to be done. Inside a transaction. */
gboolean pmss_revocations_bound (PmssDatabase *database, gboolean *more, GError **error);

#define PMSS_CUT_AHEAD_SQL G_STRINGIFY (PMSS_TOKEN_CUT_AHEAD)

/* Until when @user's tokens are revoked by such a row, in seconds since 1970; 0: not at all. A
 * token of now is signed later. A row of the future, which a clock made that was ahead, does not
 * count yet. Inside a transaction. */
gboolean pmss_revocations_get_cut (PmssDatabase *database, const char *user, gint64 *signed_until,
    GError **error);

/* Whether @session was ended, rather than its lease running out. Inside a transaction. */
gboolean pmss_revocations_has  (PmssDatabase *database, const char *session, gboolean *has,
    GError **error);

/* Revokes all tokens that were signed for any user so far, for @lifetime seconds. Inside a
 * transaction. */
gboolean pmss_revocations_cut_all (PmssDatabase *database, guint lifetime, GError **error);

/* For a storage server that knows of all up to number @after: writes the array "revoked" of
 * docs/protocol.md, a bounded part of it. @last: (out): the number that it knows of then; @after
 * where there are none. Inside a transaction. */
gboolean pmss_revocations_write (PmssDatabase *database, gint64 after, PmssJsonWriter *json,
    gint64 *last, GError **error);

G_END_DECLS
