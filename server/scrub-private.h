/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "scrub.h"

G_BEGIN_DECLS

/* How far a pass is: the shards behind `after` are still to be read. */
typedef struct
{
  gint64 start;                 /* seconds since 1970; 0: there has been none */
  char after[PMSS_SHARD_NAME_SIZE];     /* "": nothing has been read */
  guint64 bytes, shards, bad;   /* of this pass */
  gboolean finished;
} PmssScrubMark;

/* DATA/scrub.json, replaced as a whole. A mark that cannot be read is none, and the log says so. */
void     pmss_scrub_mark_load  (const char *folder, PmssScrubMark *mark);
gboolean pmss_scrub_mark_store (const char *folder, const PmssScrubMark *mark, GError **error);

/* One bad shard. */
typedef struct
{
  char name[PMSS_SHARD_NAME_SIZE];
  PmssStoreStamp stamp;         /* a file that came later under this name is not bad */
  gboolean unreadable;          /* by the disk; else damaged */
  GArray *rows;                 /* guint32, ascending; NULL: all, or not known */
  char *reason;
  PmssScrubMark before;         /* where a pass has to begin to find it again */
} PmssScrubFinding;

void     pmss_scrub_finding_free (PmssScrubFinding *finding);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssScrubFinding, pmss_scrub_finding_free)

/* Before @bytes are read. FALSE: stop. */
typedef gboolean (*PmssScrubPace) (gsize bytes, gpointer user_data);

/* Reads a shard and checks it. FALSE: told to stop, or (no descriptors) it could not be looked at,
 * and @error says so. @bytes: its size. @finding: NULL when it is good, or gone. */
gboolean pmss_scrub_read_shard (PmssStore *store, const char *name, PmssScrubPace pace,
    gpointer user_data, guint64 *bytes, PmssScrubFinding **finding, GError **error);

G_END_DECLS
