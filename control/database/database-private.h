/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>

#include "control/database/database.h"

G_BEGIN_DECLS

/* Shared by database.c (opening and closing), calls.c (the thread and its transactions),
 * statements.c, tally.c and migrations.c. */

struct _PmssDatabase
{
  const PmssDatabaseKind *kind;
  GThread *thread;

  GMutex lock;                  /* protects the queues, and of each call done and abandoned */
  GQueue reads;                 /* of Call: those that change nothing */
  GQueue writes;                /* of Call, in their order */
  GCond queued;

  /* only on the database thread */
  GPtrArray *group;             /* Call: those of the transaction under way */
  sqlite3 *handle;
  gboolean transacting;         /* there is a transaction, unless SQLite has ended it by itself */
  GHashTable *statements;       /* text -> Statement */
  gboolean log_grows;           /* the last checkpoint failed, and that was said */
  PmssDatabaseFullFunc full;    /* nullable */
  gpointer full_data;

  /* protects `tally` and `times`; held over no more than reading a dozen rows */
  GMutex tally_lock;
  PmssDatabaseTimes times;
  GHashTable *tally;            /* "kind/state" -> gint64 */

  /* written before the thread starts */
  int schema_version;
  gboolean serving;             /* opened: from now on a doubtful file ends the process */
};

/* From SQLite's @code. Once the database serves, SQLite's text and the SQL go to the log: errors go
 * to clients. Ends the process where the file is in doubt. */
void     pmss_database_set_error      (PmssDatabase *database, int code, const char *what,
    GError **error);
/* On the database thread: each statement that is kept, with its counters since it was prepared. */
typedef void (*PmssStatementFunc) (const char *sql, sqlite3_stmt *statement, gpointer user_data);
void     pmss_database_each_statement (PmssDatabase *database, PmssStatementFunc func,
    gpointer user_data);
/* A value of `statements`. */
void     pmss_database_statement_free (gpointer statement);
/* Statements without rows or parameters whose text is not worth keeping: pragmas and migrations. */
gboolean pmss_database_run_script     (PmssDatabase *database, const char *script, GError **error);
/* Ends the transaction that BEGIN began, if it is still under way; or the process. */
void     pmss_database_roll_back      (PmssDatabase *database);
/* A transaction cannot be ended as it has to be: ends the process, where the database is vital. */
void     pmss_database_give_up        (PmssDatabase *database, const char *why);
/* To the newest schema. Before the thread starts. */
gboolean pmss_database_migrate        (PmssDatabase *database, GError **error);

/* calls.c */
void     pmss_calls_init              (PmssDatabase *database);
void     pmss_calls_clear             (PmssDatabase *database);
gboolean pmss_calls_start             (PmssDatabase *database, GError **error);
void     pmss_calls_stop              (PmssDatabase *database);

/* times.c */
void     pmss_times_note              (PmssDatabase *database, PmssPiece piece, gint64 spent);

/* tally.c. The first two with the object, the next before the thread starts, the last on it after
 * each commit. */
void     pmss_tally_init              (PmssDatabase *database);
void     pmss_tally_clear             (PmssDatabase *database);
gboolean pmss_tally_start             (PmssDatabase *database, GError **error);
void     pmss_tally_read              (PmssDatabase *database);

G_END_DECLS
