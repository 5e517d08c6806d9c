/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli-text.h"
#include "cli.h"

G_BEGIN_DECLS

/**
 * PmssCliList:
 *
 * A list that the control server has, and how it looks as a table.
 */
typedef struct
{
  const char *member;           /* of the answer, an array: "nodes" */
  const char *const *columns;   /* as of pmss_cli_table_new() */
  void (*add_row) (PmssCliTable *table, JsonObject *element);
  const char *empty;            /* the text for an empty list */
  void (*print_more) (JsonArray *elements);     /* below the table, nullable */
} PmssCliList;

/* GETs @path and prints the answer: as it is with --json, else as a table. */
gboolean pmss_cli_list (PmssCli *cli, const char *path, const PmssCliList *list, GError **error);
/* DELETEs @path, an element of such a list. */
gboolean pmss_cli_remove (PmssCli *cli, const char *path, GError **error);

G_END_DECLS
