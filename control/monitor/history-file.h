/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/database/database.h"
#include "control/monitor/chart.h"

G_BEGIN_DECLS

/**
 * History file:
 *
 * What is in history.db, as functions for pmss_database_transact() and pmss_database_read() on its
 * database. They know no clock: the caller says what time it is. Whatever time it says, nothing is
 * lost by it but what is older than the newest intervals that there is room for.
 *
 *      put ──▶ recent, a row for each node and interval ──pack──▶ blocks of one column ──▶ pruned
 *                    │  ▲
 *                    └──┘ ten of a minute become one of ten minutes, six of those one of an hour
 */
typedef enum { PMSS_LEVEL_MINUTE, PMSS_LEVEL_TEN, PMSS_LEVEL_HOUR, PMSS_N_LEVELS } PmssLevel;

#define PMSS_MAX_POINTS 240
typedef struct
{
  gint64 each;                  /* s of an interval */
  guint points;                 /* intervals of a block, up to PMSS_MAX_POINTS */
  guint blocks;                 /* that are kept */
} PmssLevelInfo;
const PmssLevelInfo *pmss_level_get_info (PmssLevel level);

/* Its kind for pmss_database_open_kind(). */
extern const PmssDatabaseKind pmss_history_kind;

/* What is known of a node in an interval. */
typedef struct
{
  guint node;
  GBytes *bytes;                /* columns.h */
} PmssHistoryRow;
GArray     *pmss_history_rows_new (void);       /* of PmssHistoryRow, which it frees */

/* user_data of the first two. */
typedef struct
{
  PmssLevel level;
  gint64 time;                  /* of the interval's begin, s since 1970 */
  const GArray *rows;
} PmssHistoryPut;
gboolean    pmss_history_file_put    (PmssDatabase *database, gpointer put, GError **error);

typedef struct
{
  gint64 now;                   /* s since 1970 */
  gboolean more;                /* (out) something was done, and there may be more to do */
} PmssHistoryUpkeep;
/* A piece of what is due: longer intervals are made, blocks are packed, old ones go. */
gboolean    pmss_history_file_keep   (PmssDatabase *database, gpointer upkeep, GError **error);

typedef struct
{
  PmssLevel level;
  PmssChart *chart;
} PmssHistoryRead;
/* Adds what the file has to the chart's lines, which are by node. */
gboolean    pmss_history_file_read   (PmssDatabase *database, gpointer read, GError **error);

/* Of history-file.c, for history-pack.c and history-read.c. */

/* The number of a block's row: level, which one of its level, node and column. So the rows of a
 * node lie together, and new ones behind all that are there. */
gint64      pmss_history_block_id    (PmssLevel level, gint64 block, guint node, guint column);
/* The next interval of the level that has rows, from @from on; -1: there is none. FALSE: @error. */
gboolean    pmss_history_next_time   (PmssDatabase *database, PmssLevel level, gint64 from,
    gint64 *time, GError **error);
/* The number at @point of a block. */
guint16     pmss_history_block_get   (const guint8 *data, gsize size, guint point);
/* history-pack.c: see pmss_history_file_keep(). @done: (out) there was something to do. */
gboolean    pmss_history_pack        (PmssDatabase *database, gint64 now, gboolean *done,
    GError **error);

G_END_DECLS
