/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli-list.h"

#include <stdio.h>

gboolean
pmss_cli_list (PmssCli * cli, const char *path, const PmssCliList * list,
    GError ** error)
{
  g_autoptr (JsonNode) answer = pmss_cli_request (cli, "GET", path, NULL,
      error);
  JsonObject *root = answer != NULL ? pmss_cli_json_root (answer, error) : NULL;
  JsonArray *elements;
  PmssCliTable *table;
  guint i;

  if (root == NULL)
    return FALSE;
  if (cli->json) {
    pmss_cli_json_print (answer);
    return TRUE;
  }
  table = pmss_cli_table_new (list->columns);
  elements = pmss_cli_json_array (root, list->member);
  for (i = 0; elements && i < json_array_get_length (elements); i++)
    list->add_row (table, pmss_cli_json_element (elements, i));
  pmss_cli_table_print (table, list->empty);
  if (list->print_more && elements != NULL)
    list->print_more (elements);
  return TRUE;
}

gboolean
pmss_cli_remove (PmssCli * cli, const char *path, GError ** error)
{
  g_autoptr (JsonNode) answer = pmss_cli_request (cli, "DELETE", path, NULL,
      error);

  if (answer == NULL)
    return FALSE;
  printf (cli->json ? "{}\n" : "Removed.\n");
  return TRUE;
}
