/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/capacity.h"

G_BEGIN_DECLS

/* Why a stream is not let in, and when it is likely to be. A value. */
typedef struct
{
  guint node;
  PmssResource resource;        /* that binds there */
  gint64 start_in;              /* ns; -1: not known */
  guint retry_after;            /* s */
} PmssRefusal;

/* Where nothing is known of when it fits, s. */
#define PMSS_RETRY_USUAL 30
#define PMSS_RETRY_MOST 600

/* Seconds after which the @number-th client that is refused asks again; successive ones are told
 * different seconds, so that they do not come back together. Pure. */
guint pmss_refusal_spread  (gint64 start_in, guint number);
/* In words, with what to do. */
char *pmss_refusal_to_text (const PmssRefusal *refusal, const char *medium);

G_END_DECLS
