/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "httpd/pmss-http-head.h"

/* Reads heads as a server does, for their tests and their fuzz target. */

/* Looks for the end each time that @step more bytes have come. Returns the status to refuse with.
 * With 0, @head is read; it is NULL where the bytes end before a head does. */
guint         read_head  (const char *bytes, gsize size, gsize step, PmssHttpHead **head);
/* A proper head. */
PmssHttpHead *parse_head (const char *text);
/* The canonical head, whose lines are proper. */
char         *write_head (const PmssHttpHead *head);
/* An engine that reads the canonical head sees the request that we see. */
void          assert_canonical (const PmssHttpHead *head);
