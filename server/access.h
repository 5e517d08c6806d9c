/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "revoked.h"

G_BEGIN_DECLS

/**
 * PmssAccess:
 *
 * Decides whether a request is allowed. It verifies capability tokens, and remembers verified ones
 * until they expire: a signature costs as much as a small answer. Threads: any.
 */
typedef struct _PmssAccess PmssAccess;

PmssAccess *pmss_access_new   (void);
void        pmss_access_free  (PmssAccess *access);

/* Sets the signer whose tokens count. Before this every check is refused with PMSS_ERROR_BUSY. Once
 * only. */
void        pmss_access_set_trust (PmssAccess *access,
    const guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE], const char *cluster, guint node);

typedef enum
{
  PMSS_SESSION_GOES_ON,         /* or nothing is known */
  PMSS_SESSION_IN_DOUBT,        /* older tokens of its user count no more: control says */
  PMSS_SESSION_ENDED,
} PmssSessionNews;

/* A request's operation and its object. */
typedef struct
{
  PmssTokenOps op;
  const PmssVersionId *version; /* NULL, as is @shard: it is about no one version */
  const char *shard;
  const char *medium;           /* (nullable) has to be the token's */
  char **ticket;                /* (nullable) is set to the token's where it is allowed, */
  char **origin;                /* (nullable) as this */
  PmssSessionNews *news;        /* (nullable) is set to what is known of the token's session */
} PmssWanted;

/* Whether @token (nullable) allows it. PMSS_ERROR_NOT_AUTHORIZED: no valid token;
 * PMSS_ERROR_FORBIDDEN: a valid one that does not cover this; PMSS_ERROR_MISDIRECTED: one that is
 * for another node. */
gboolean    pmss_access_check (PmssAccess *access, const char *token, const PmssWanted *wanted,
    GError **error);

/* Whether @token (nullable) opens the URL of @medium at this gateway; the same errors. @ticket:
 * (out) the ticket that it is for. @origin: (out) (nullable) that of the page that may read the
 * answer. Free with g_free(). */
gboolean    pmss_access_check_ticket (PmssAccess *access, const char *token, const char *medium,
    char **ticket, char **origin, GError **error);

/* What is known of the session of @token, a viewer's. */
PmssSessionNews pmss_access_ask_session (PmssAccess *access, const char *token);

/* Reads the file of revocations in folder @data, which this server keeps from then on. Until it
 * knows which sessions have ended, by that file or by pmss_access_settle(), it refuses viewers'
 * tokens with PMSS_ERROR_BUSY. Returns control's number of the newest one that it knows, 0:
 * none. */
gint64      pmss_access_open_revocations (PmssAccess *access, const char *data);
/* Control tells of revocations (revoked.h). */
gboolean    pmss_access_revoke    (PmssAccess *access, JsonArray *revoked, GError **error);
/* Control has told of all of them, up to @number; @lease: seconds. Called again and again while it
 * is so. TRUE: pmss_access_keep() is due. */
gboolean    pmss_access_settle    (PmssAccess *access, gint64 number, guint lease);
/* Writes the file of revocations if that is due. Else, this server is alive: its file counts, if it
 * has all that control told. Called each second or so, on one thread, which waits for the disk.
 * @now: monotonic. */
void        pmss_access_keep      (PmssAccess *access, gint64 now);
/* Whether it knows which sessions have ended. */
gboolean    pmss_access_is_whole  (PmssAccess *access);

/* How often checks were refused. */
guint64     pmss_access_get_refusals (PmssAccess *access);

G_END_DECLS
