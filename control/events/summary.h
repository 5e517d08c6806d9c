/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/**
 * PmssSummary:
 *
 * Numbers that pages show, told to streams when they change: how many sessions there are, and what
 * the cluster's health is made of. They are counted along elsewhere, so that looking waits for
 * nothing. The main thread's.
 */
typedef struct _PmssSummary PmssSummary;

PmssSummary *pmss_summary_new  (PmssControlContext *context);
void         pmss_summary_free (PmssSummary *summary);
/* Called by a timer once a second. */
void         pmss_summary_look (PmssSummary *summary);

G_END_DECLS
