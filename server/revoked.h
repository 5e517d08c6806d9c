/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "libpmss/pmss-token.h"

G_BEGIN_DECLS

/**
 * PmssRevoked:
 *
 * The tokens that are refused though they are signed and have not expired. They are those of ended
 * sessions, and all that were signed for a user up to some time. Control bounds them for each user.
 * On disk as one file that is replaced as a whole. Threads: none of its own; #PmssAccess has the
 * lock.
 */
typedef struct _PmssRevoked PmssRevoked;

PmssRevoked *pmss_revoked_new  (void);
void         pmss_revoked_free (PmssRevoked *revoked);

/* "[{session, owner?, until} or {user, signed_until, until}…]", as a heartbeat's answer and the
 * file have it. All of it is checked before any is taken. A user's entry takes the place of the
 * earlier entries of that user's sessions: no token of those was signed later, says control. The
 * user "" stands for all users. A signed_until may be in the future at @now (seconds since 1970).
 * Then it counts for the tokens that were signed by now, and for the rest when its time has come.
 * 64 of the earlier sessions are kept beside it, those whose tokens last longest. */
gboolean     pmss_revoked_add  (PmssRevoked *revoked, JsonArray *list, gint64 now, GError **error);
/* Whether the token with @claims is refused at @now. */
gboolean     pmss_revoked_has  (PmssRevoked *revoked, const PmssTokenClaims *claims, gint64 now);
/* Whether this one was told of by its id, and not by a cut of its user. */
gboolean     pmss_revoked_has_session (PmssRevoked *revoked, const char *session);
/* Forgets those whose tokens have expired by @now, seconds since 1970. */
void         pmss_revoked_prune (PmssRevoked *revoked, gint64 now);

/* Control's number of the newest one, and how long a server may have been away and still know all
 * that counts. */
typedef struct
{
  gint64 number;
  guint lease;                  /* seconds */
} PmssRevokedState;

/* Reads the file at @path, if it is whole and a server was alive with it within state->lease before
 * @now. Else FALSE, with the reason, and nothing is known. */
gboolean     pmss_revoked_load  (PmssRevoked *revoked, const char *path, gint64 now,
    PmssRevokedState *state, GError **error);
/* The text for the file. Free with g_free(). */
char        *pmss_revoked_to_text (PmssRevoked *revoked, const PmssRevokedState *state);
/* Replaces the file at @path by @text, which is durable when it returns. Needs no lock. */
gboolean     pmss_revoked_store (const char *path, const char *text, GError **error);
/* Notes on the file that the server is alive. */
void         pmss_revoked_touch (const char *path);

G_END_DECLS
