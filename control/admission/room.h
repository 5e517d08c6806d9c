/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/admission.h"

G_BEGIN_DECLS

/* More than so many streams are not counted. */
#define PMSS_ROOM_MOST 1000

/* How many more streams of a medium fit now. */
typedef struct
{
  gboolean bulk;                /* it claims nothing: there is no number */
  guint more;
  guint after_node, after_zone; /* of any one, the worst for it */
} PmssRoom;

/* Of the ready medium called @name. Blocks; any thread. PMSS_ERROR_NOT_FOUND, PMSS_ERROR_CONFLICT:
 * it is not ready. */
gboolean pmss_room_count (PmssControlContext *context, const char *name, PmssRoom *room,
    GError **error);

G_END_DECLS
