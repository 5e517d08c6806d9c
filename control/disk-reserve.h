/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssDiskReserve:
 *
 * Room for the catalog on a full disk: the file "reserve" of the data folder, whose blocks are
 * allocated and never written. When the disk is nearly full, or SQLite found it full, the file is
 * cut to nothing. Deletions, logins and sessions go on in that room. It is made again as soon as
 * the disk has room for it beside @low bytes. Threads: any.
 *
 *      held ──disk nearly full──▶ given up ──room again──▶ held
 */
typedef struct _PmssDiskReserve PmssDiskReserve;

/* @bytes: 0 for none: it is never short then. Makes the file; where there is no room it begins as
 * given up. */
PmssDiskReserve *pmss_disk_reserve_new  (const char *folder, guint64 bytes);
/* For a program that does not serve, before it opens the catalog: gives up the reserve where the
 * disk is nearly full. */
void             pmss_disk_reserve_make_room (const char *folder, guint64 bytes);
/* The file stays. */
void             pmss_disk_reserve_free (PmssDiskReserve *reserve);

/* Looks at the disk. Called by a timer, and after each look for room. */
void             pmss_disk_reserve_look (PmssDiskReserve *reserve);
/* The disk is full: gives the room up at once. */
void             pmss_disk_reserve_give (PmssDiskReserve *reserve);
/* Bytes that are missing from the reserve, and that nothing else may take; 0 while it is held. */
guint64          pmss_disk_reserve_get_missing (PmssDiskReserve *reserve);
/* While it is given up: the fault and the remedy; otherwise NULL. */
char            *pmss_disk_reserve_explain (PmssDiskReserve *reserve);

G_END_DECLS
