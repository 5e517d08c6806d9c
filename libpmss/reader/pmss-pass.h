/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssPass:
 *
 * Decides which token a node is shown. A new one is shown at once. The token that the node accepted
 * last is kept until it has accepted the new one. A node may refuse every new token, because its
 * clock, or control's, is wrong, and go on accepting an old one. Tokens are known by their number:
 * 1, 2, ... in the order in which they came.
 *
 * Pure: no time, no I/O. Its owner is the link. Threads: the I/O thread alone.
 *
 *              new token                     refused
 *   taken n ──────────────▶ shows n+1 ─────────────────────▶ shows n again
 *      ▲                        │ taken                          │ refused
 *      └────────────────────────┘                                ▼
 *                                              nothing left: the node refuses us
 */
typedef struct
{
  char *taken;                  /* the text of the last that it took; NULL: none */
  guint taken_number;
  guint refused;                /* the newest that it refused; 0: none */
} PmssPass;

void pmss_pass_clear (PmssPass *pass);

/* The token to show now, and its @number: @newest, or the accepted one. */
const char *pmss_pass_choose (const PmssPass *pass, const char *newest,
    guint newest_number, guint *number);

/* The node took @number. @newest is kept if it is that. */
void pmss_pass_note_taken (PmssPass *pass, guint number, const char *newest,
    guint newest_number);

/* The node refused @number. TRUE: there is another one to show it. */
gboolean pmss_pass_note_refused (PmssPass *pass, guint number,
    guint newest_number);

G_END_DECLS
