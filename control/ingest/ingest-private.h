/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/jobs/jobs.h"
#include "control/striping/striping.h"
#include "control/uploads/uploads.h"

G_BEGIN_DECLS

/* One run of an ingest: ingest.c (the job, its short phases), ingest-probe.c. The phases between
 * are the striping's. Lives on the job's thread. */
typedef struct
{
  PmssJobRun *run;
  PmssControlContext *context;
  const PmssJob *job;
  PmssMedium *medium;
  PmssUpload *upload;
  char *path;                   /* of the upload */
  PmssByteSource *source;       /* its bytes */
  /* from the phase stripe on */
  PmssVersion version;
  PmssStriping *striping;
} Ingest;

/* Probes the file. A failure is a warning. */
gboolean pmss_ingest_probe (Ingest *ingest, GError **error);

G_END_DECLS
