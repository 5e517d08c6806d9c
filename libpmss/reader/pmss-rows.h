/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/format/pmss-erasure.h"
#include "libpmss/format/pmss-layout.h"
#include "libpmss/reader/pmss-cache.h"
#include "libpmss/reader/pmss-stream.h"

G_BEGIN_DECLS

/**
 * PmssRows:
 *
 * The reader's cache: rows of units, by number. A row is k data units and m parity units. The
 * file's data unit u is unit u % k of row u / k, but each extent begins a new row.
 *
 * Not locked: everything here is protected by the reader's lock.
 */

/*
 *            asked                    record came
 *   NONE ─────────────▶ ASKED ─────────────────────▶ READY
 *    ▲ ▲   stream ended   │  │ record or shard is bad   ▲
 *    │ └──────────────────┘  └──────────▶ BAD ──────────┤ rebuilt from
 *    └──────────────── evicted ─────────────────────────┘ the others
 */
typedef enum
{
  PMSS_UNIT_NONE,
  PMSS_UNIT_ASKED,
  PMSS_UNIT_READY,
  PMSS_UNIT_BAD,
} PmssUnitState;

typedef struct
{
  PmssUnitState state;
  gboolean wanted;              /* the plan asks for it */
  PmssBlock *block;             /* READY */
  PmssStream *stream;           /* ASKED: the stream that brings it */
} PmssUnitSlot;

typedef struct _PmssRowJob PmssRowJob;

typedef struct
{
  guint64 number;
  guint32 extent;
  guint32 row;                  /* in the extent */
  guint64 used;                 /* PmssRows.clock when last read */
  guint32 missing;              /* bit j: data unit j has to be rebuilt */
  guint32 spared;               /* bit j: so it has, though it could be had */
  PmssRowJob *job;              /* (nullable) makes what is missing, */
  guint32 coming;               /* namely these: bit j: data unit j */
  gboolean denied;              /* more would have to be asked for twice */
  gboolean has_crc;
  guint32 crc[PMSS_MAX_SHARDS]; /* of all units, as records say */
  guint32 agreeing;             /* bit i: the record of unit i said so */
  guint32 contradicting;        /* bit i: it said otherwise, and is BAD */
  gboolean disputed;            /* records have changed sides: others' units are not believed */
  gint64 stuck_since;           /* monotonic, 0: not stuck */
  GError *error;                /* waiting for it makes no sense */
  PmssUnitSlot slots[];         /* k + m */
} PmssRow;

typedef struct
{
  PmssLayout *layout;
  /* the geometry, which stays the same when another layout is taken over: read without the lock */
  PmssRedundancy redundancy;
  guint32 unit;
  guint64 extent_size;
  guint64 rows_per_extent;
  guint64 n_rows;               /* in the whole file */
  PmssCached *cached;           /* (nullable): what all readers of the version hold */
  GHashTable *table;            /* number -> PmssRow */
  guint64 clock;
  gsize n_blocks;               /* READY and ASKED slots, */
  gsize n_ready;                /* and the former alone */
} PmssRows;

/* @cache: (nullable) */
void pmss_rows_init (PmssRows *rows, PmssLayout *layout, PmssCache *cache);
void pmss_rows_clear (PmssRows *rows);

/* Number of the row, and index of the data unit in it, that hold @offset. */
guint64 pmss_rows_at (const PmssRows *rows, guint64 offset, guint *index,
    gsize *offset_in_unit);
/* Where data unit @index of @row begins in the file; its end, if that is before. */
guint64 pmss_rows_get_offset (const PmssRows *rows, guint64 row, guint index);
PmssRow *pmss_rows_get (PmssRows *rows, guint64 number);        /* nullable */
PmssRow *pmss_rows_ensure (PmssRows *rows, guint64 number);
void pmss_rows_geometry (PmssRows *rows, PmssRow *row,
    PmssExtentGeometry *geometry);

void pmss_rows_set_asked (PmssRows *rows, PmssRow *row, guint index,
    PmssStream *stream);
/* Takes @block. */
void pmss_rows_set_ready (PmssRows *rows, PmssRow *row, guint index,
    PmssBlock *block);
/* Takes what another reader holds of @row, of all units that are not there nor asked for. It has
 * no say in what is believed of the row: a record that contradicts it drops it. */
void pmss_rows_adopt (PmssRows *rows, PmssRow *row, guint first);
/* Whether another reader awaits unit @index of @row, which this one does not. */
gboolean pmss_rows_is_coming_to_others (PmssRows *rows, PmssRow *row, guint index);
/* To NONE or BAD. */
void pmss_rows_set_empty (PmssRows *rows, PmssRow *row, guint index,
    PmssUnitState state);
/* What @stream was to bring and has not brought may be asked again. */
void pmss_rows_release (PmssRows *rows, PmssStream *stream);
/* Does without a unit that was wanted, as another one is: to be rebuilt. */
void pmss_rows_spare (PmssRow *row, guint index);
guint pmss_rows_count_ready (PmssRows *rows, PmssRow *row);
/* Units that are there, asked for, or empty. */
guint pmss_rows_count_claimed (PmssRows *rows, PmssRow *row);

/* Takes over the checksums that @block's record carries, or compares them. FALSE: they contradict
 * the other shards of the row, and the unit has become BAD. If more shards contradict than agree,
 * those that agree are BAD, and the others may be asked again. */
gboolean pmss_rows_check_crc (PmssRows *rows, PmssRow *row, PmssBlock *block);

/* A rebuilt unit does not match the checksum of the records that agree. If enough other units can
 * be had, those records are BAD, and the others are asked. FALSE: there are not enough. */
gboolean pmss_rows_disbelieve (PmssRows *rows, PmssRow *row);

/* BAD units of @row may be asked again. */
void pmss_rows_forgive (PmssRows *rows, PmssRow *row);

/* Drops the rows that were used longest ago until no more than @max_blocks blocks are held, or no
 * row is left to drop. Spares rows first..last and rows with a unit under way or being made. */
void pmss_rows_evict (PmssRows *rows, guint64 first, guint64 last,
    gsize max_blocks);
/* Nothing is under way or being made any more: drops all blocks. */
void pmss_rows_empty (PmssRows *rows);

G_END_DECLS
