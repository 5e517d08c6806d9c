/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/* What pages show of a medium: made by pmss-probe, kept in the database, one row a medium. It goes
 * with the medium, and can be made anew. Threads: any; what asks the database blocks. */

#define PMSS_MAX_POSTER (64 * 1024)     /* bytes */
#define PMSS_MAX_SPRITE (256 * 1024)
#define PMSS_N_PEAKS 1000
#define PMSS_MAX_TILES 100

/* NULL: there is none. */
typedef struct
{
  char *thumbhash;              /* base64 */
  GBytes *poster, *sprite;      /* JPEG */
  char *tiles;                  /* JSON array: the time of each tile, in ns */
  char *peaks;                  /* JSON array: PMSS_N_PEAKS numbers from 0 to 1 */
} PmssArtwork;
void         pmss_artwork_free  (PmssArtwork *artwork);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssArtwork, pmss_artwork_free)

/* The output of pmss-probe --artwork, which is hostile. PMSS_ERROR_PROTOCOL. */
PmssArtwork *pmss_artwork_parse (const char *text, gsize length, GError **error);
gboolean     pmss_artwork_is_empty (const PmssArtwork *artwork);

/* In place of what there was of medium @id. */
gboolean     pmss_artwork_store (PmssDatabase *database, gint64 id, const PmssArtwork *artwork,
    GError **error);

typedef enum { PMSS_ART_POSTER, PMSS_ART_SPRITE, PMSS_ART_TILES, PMSS_ART_PEAKS } PmssArtPart;
/* @version: (out) of the artwork; to be freed. PMSS_ERROR_NOT_FOUND: no such medium, or it has no
 * such part. */
GBytes      *pmss_artwork_read  (PmssDatabase *database, const char *name, PmssArtPart part,
    char **version, GError **error);

G_END_DECLS
