/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssMemory:
 *
 * One budget of bytes that all readers of a PmssIo share. Each has a PmssShare. It tells the bytes
 * that it wants and holds, and gets the number that it may hold.
 *
 * The budget is divided so that no reader gets more than it wants, and each gets its least. The
 * rest goes to all in proportion to their pace (weighted max-min fairness). So readers that do not
 * get all they want have equally many seconds. Any reader may hold memory that no reader wants,
 * until one wants it.
 *
 * A share that grows waits until others hold less. Where the least of all is more than the budget,
 * they hold that.
 *
 * Threads: the I/O thread's alone. It decides, and knows neither time nor blocks.
 */
typedef struct _PmssMemory PmssMemory;
typedef struct _PmssShare PmssShare;

/* Bytes: with 300 players of 8 Mbit/s the process stays below 1 GiB, consumers and all. */
#define PMSS_MEMORY_DEFAULT (G_GUINT64_CONSTANT (768) << 20)

/* The share is less than is held: it is to be looked at soon. Not to call back from inside. */
typedef void (*PmssShareFunc) (gpointer user_data);

PmssMemory *pmss_memory_new (guint64 total);
/* After all shares have left. */
void pmss_memory_free (PmssMemory *memory);
void pmss_memory_set_total (PmssMemory *memory, guint64 total);

/* A reader comes. @least: bytes that it always may hold; @most: that it never holds more than. */
PmssShare *pmss_memory_join (PmssMemory *memory, guint64 least, guint64 most,
    PmssShareFunc shrink, gpointer user_data);
/* It goes, and holds nothing any more. */
void pmss_share_leave (PmssShare *share);

/* The bytes that it would hold if there were enough, and how many of them its consumer reads in a
 * second; 0: not known. */
void pmss_share_want (PmssShare *share, guint64 bytes, guint64 pace);
/* Bytes that it may hold now. It keeps what it holds, up to its part. */
guint64 pmss_share_get (const PmssShare *share);
/* The bytes that it holds now, asked for or there. */
void pmss_share_hold (PmssShare *share, guint64 bytes);

G_END_DECLS
