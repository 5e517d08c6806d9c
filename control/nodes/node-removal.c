/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Forgetting a node for good, and why that is refused. The database decides; any thread. */
#include "control/nodes/nodes-private.h"

#include "control/database/database.h"
#include "libpmss/pmss-error.h"

typedef struct
{
  guint id;
  gboolean down, repair;
  gint64 needed;                /* shards that media have there, or that are being written */
  gint64 waiting;               /* to be deleted: nobody needs them */
} Removal;

static gboolean
read_removal (PmssDatabase * database, Removal * removal, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT state = 'down', repair, shards,"
      " (SELECT count(*) FROM pending_deletion WHERE node = ?1)"
      " FROM node WHERE id = ?1", PMSS_INT (removal->id));

  if (pmss_rows_next (rows, &local)) {
    removal->down = pmss_rows_int (rows, 0) != 0;
    removal->repair = pmss_rows_int (rows, 1) != 0;
    removal->waiting = pmss_rows_int (rows, 3);
    removal->needed = pmss_rows_int (rows, 2) - removal->waiting;
    return TRUE;
  }
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "There is no node %u", removal->id);
  return FALSE;
}

static char *
describe_next_step (const Removal * removal)
{
  if (removal->needed == 0)
    return g_strdup ("they go within seconds while it is up, or with it once "
        "it is stopped: try again then");
  if (!removal->down)
    return g_strdup_printf ("stop it, then “pmss node repair %u” has them "
        "rebuilt on the others, and it can be removed", removal->id);
  if (!removal->repair)
    return g_strdup_printf ("“pmss node repair %u” has them rebuilt on the "
        "others now, and “pmss job ls” says how far that is", removal->id);
  return
      g_strdup ("they are being rebuilt on the others: “pmss job ls” says "
      "how far that is, and why it cannot be done where it cannot");
}

/* Only a node that holds nothing that anybody needs goes. Those that wait to be deleted from a
 * node that is down go after it, in pieces (pmss_catalog_drop_removed()): it may never come back to
 * do so. */
static gboolean
check_removal (const Removal * removal, GError ** error)
{
  g_autofree char *waiting = NULL, *next = NULL;

  if (removal->needed == 0 && (removal->down || removal->waiting == 0))
    return TRUE;
  next = describe_next_step (removal);
  if (removal->needed == 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "Shards that wait to be deleted from node %u: %" G_GINT64_FORMAT "; %s",
        removal->id, removal->waiting, next);
    return FALSE;
  }
  waiting = removal->waiting > 0 ? g_strdup_printf (" (and %" G_GINT64_FORMAT
      " that only wait to be deleted)", removal->waiting) : g_strdup ("");
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT, "Node %u is %s. Shards "
      "that media need of it: %" G_GINT64_FORMAT "%s; %s", removal->id,
      removal->down ? "down" : "not down", removal->needed, waiting, next);
  return FALSE;
}

static gboolean
remove_node (PmssDatabase * database, gpointer data, GError ** error)
{
  Removal *removal = data;

  return read_removal (database, removal, error)
      && check_removal (removal, error)
      && pmss_database_exec (database, error, "DELETE FROM node WHERE id = ?1",
      PMSS_INT (removal->id));
}

gboolean
pmss_nodes_remove (PmssNodes * self, guint id, GError ** error)
{
  Removal removal = {.id = id };

  if (!pmss_database_transact (self->database, remove_node, &removal, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->entries, GUINT_TO_POINTER (id));
  g_mutex_unlock (&self->lock);
  g_message ("Node %u was removed", id);
  return TRUE;
}
