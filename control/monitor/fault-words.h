/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/monitor/faults.h"

G_BEGIN_DECLS

/* Faults in words: of events, of nodes' warnings, of the overview. Pure. */

/* The action of its events: "disk low". */
const char *pmss_fault_get_action   (PmssFaultKind kind);
/* Of each kind another one, of small letters: "overload_cpu". */
const char *pmss_fault_get_name     (PmssFaultKind kind);
/* The kind of its item of the overview: "node-disk-low". */
const char *pmss_fault_get_item     (const PmssFault *fault);
/* What is to be done: a sentence. */
const char *pmss_fault_get_advice   (const PmssFault *fault);
/* What is wrong, as "its disk is ...", with the figure and the threshold. Free with g_free(). */
char       *pmss_fault_describe     (const PmssFault *fault);
/* Of an event of it. @now: us, as of the faults' clock. Free with g_free(). */
char       *pmss_fault_describe_turn (const PmssFaultChange *change, gint64 now);

G_END_DECLS
