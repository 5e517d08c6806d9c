/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies as rows. Any thread; blocks. */
#include "control/policies/policies.h"

#include <string.h>

#include "control/config.h"
#include "control/database/database.h"
#include "libpmss/pmss-error.h"

static PmssPolicy *
read_row (PmssRows * rows)
{
  PmssPolicy *policy = pmss_policy_new (pmss_rows_text (rows, 0));

  policy->order = pmss_rows_int (rows, 1);
  policy->names = g_strdup (pmss_rows_text (rows, 2));
  policy->types = g_strdup (pmss_rows_text (rows, 3));
  policy->min_size = pmss_rows_int_or_unknown (rows, 4);
  policy->max_size = pmss_rows_int_or_unknown (rows, 5);
  policy->redundancy.k = (guint8) pmss_rows_int (rows, 6);
  policy->redundancy.m = (guint8) pmss_rows_int (rows, 7);
  policy->unit = (guint32) pmss_rows_int (rows, 8);
  policy->extent = (guint32) pmss_rows_int (rows, 9);
  policy->keep_original = (int) pmss_rows_int_or_unknown (rows, 10);
  return policy;
}

static gboolean
list_rows (PmssDatabase * database, gpointer data, GError ** error)
{
  GPtrArray *list = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT name, place, names, types, min_size, max_size, k, m, unit,"
      " extent, keep_original FROM policy ORDER BY place, name");

  while (pmss_rows_next (rows, &local))
    g_ptr_array_add (list, read_row (rows));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GPtrArray *
pmss_policies_list (PmssDatabase * database, GError ** error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_policy_free);

  if (!pmss_database_read (database, list_rows, list, error))
    return NULL;
  return g_steal_pointer (&list);
}

/* Where it stands, if it does not say; and whether there is a place for it. */
static gboolean
find_order (PmssDatabase * database, PmssPolicy * policy, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT count(*), ifnull (max (place), 0),"
      " (SELECT place FROM policy WHERE name = ?1) FROM policy",
      PMSS_TEXT (policy->name));
  gboolean there;

  if (!pmss_rows_next (rows, error))
    return FALSE;
  there = !pmss_rows_is_null (rows, 2);
  if (policy->order < 0)
    policy->order = there ? pmss_rows_int (rows, 2)
        : pmss_rows_int (rows, 1) + 1;
  if (there || pmss_rows_int (rows, 0) < PMSS_MAX_POLICIES)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "There are %d policies, as many as are allowed: remove one",
      PMSS_MAX_POLICIES);
  return FALSE;
}

static gboolean
set_row (PmssDatabase * database, gpointer data, GError ** error)
{
  PmssPolicy *p = data;
  gboolean has_redundancy = p->redundancy.k != 0;

  return find_order (database, p, error)
      && pmss_database_exec (database, error,
      "INSERT OR REPLACE INTO policy (name, place, names, types, min_size,"
      " max_size, k, m, unit, extent, keep_original)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
      PMSS_TEXT (p->name), PMSS_INT (p->order), PMSS_TEXT (p->names),
      PMSS_TEXT (p->types), PMSS_INT_OR_NULL (p->min_size),
      PMSS_INT_OR_NULL (p->max_size),
      PMSS_INT_OR_NULL (has_redundancy ? p->redundancy.k : -1),
      PMSS_INT_OR_NULL (has_redundancy ? p->redundancy.m : -1),
      PMSS_INT_OR_NULL (p->unit != 0 ? (gint64) p->unit : -1),
      PMSS_INT_OR_NULL (p->extent != 0 ? (gint64) p->extent : -1),
      PMSS_INT_OR_NULL (p->keep_original));
}

gboolean
pmss_policies_set (PmssDatabase * database, PmssPolicy * policy,
    GError ** error)
{
  return pmss_policy_check (policy, error)
      && pmss_database_transact (database, set_row, policy, error);
}

static gboolean
remove_row (PmssDatabase * database, gpointer data, GError ** error)
{
  const char *name = data;

  if (!pmss_database_exec (database, error,
          "DELETE FROM policy WHERE name = ?1", PMSS_TEXT (name)))
    return FALSE;
  if (pmss_database_get_changes (database) > 0)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "There is no policy called “%s”", name);
  return FALSE;
}

gboolean
pmss_policies_remove (PmssDatabase * database, const char *name,
    GError ** error)
{
  return pmss_database_transact (database, remove_row, (gpointer) name, error);
}

gboolean
pmss_policies_choose (const PmssControlContext * context,
    const PmssPolicySubject * subject, PmssPolicyChoice * choice,
    GError ** error)
{
  const PmssControlConfig *config = context->config;
  g_autoptr (GPtrArray) policies = pmss_policies_list (context->database,
      error);

  memset (choice, 0, sizeof (*choice));
  if (policies == NULL)
    return FALSE;
  choice->redundancy = config->redundancy;
  choice->unit = config->unit;
  choice->extent = config->extent;
  pmss_policy_choose (policies, subject, choice);
  return TRUE;
}
