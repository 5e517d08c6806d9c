/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/jobs/jobs.h"
#include "control/striping/striping.h"
#include "control/uploads/uploads.h"

G_BEGIN_DECLS

/* Pictures that are being made: see pmss_ingest_begin_artwork(). */
typedef struct _PmssIngestArtwork PmssIngestArtwork;

/* One run of an ingest: ingest.c (the job, its short phases), ingest-probe.c, ingest-artwork.c. The
 * phases between are the striping's. Lives on the job's thread. */
typedef struct
{
  PmssJobRun *run;
  PmssControlContext *context;
  const PmssJob *job;
  PmssMedium *medium;
  PmssUpload *upload;
  char *path;                   /* of the upload */
  PmssByteSource *source;       /* its bytes */
  PmssIngestArtwork *artwork;   /* nullable */
  gboolean artwork_later;       /* a job is to make it */
  /* from the phase stripe on */
  PmssVersion version;
  PmssStriping *striping;
} Ingest;

/* Probes the file. A failure is a warning. */
gboolean pmss_ingest_probe (Ingest *ingest, GError **error);

/* Begins to make pictures of the file, if it is not small, beside the phases that follow. Not after
 * a restart of control. */
void     pmss_ingest_begin_artwork  (Ingest *ingest);
/* Keeps what there is by now; a failure is logged. Does not wait: what is still being made is left
 * to a job. */
void     pmss_ingest_end_artwork    (Ingest *ingest);
void     pmss_ingest_drop_artwork   (Ingest *ingest);

G_END_DECLS
