/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssDatabase:
 *
 * One SQLite database, its one connection, on the one thread that ever touches it. Only this folder
 * includes sqlite3.h.
 *
 * A caller on any thread hands a function to pmss_database_transact() and blocks until it has run
 * on the database thread. All effects of the function are durable (fsynced) when transact returns
 * TRUE. There are none when it returns FALSE. Inside the function: no waiting, no I/O, no locks
 * that are held over calls of transact. It changes no shared memory, unless that is right when the
 * transaction comes to nothing, too. The caller does what follows from a commit, after transact has
 * returned.
 *
 * Group commit: waiting functions run one after the other in one transaction, each in a savepoint
 * of its own. They share one COMMIT with its fsync. A function that fails is rolled back alone. All
 * callers are answered after the COMMIT. Where that fails, all of the group fail. A group takes at
 * most PMSS_MAX_GROUP waiting functions, and none after PMSS_GROUP_TIME.
 *
 * Errors: PMSS_ERROR_EXISTS for a value that has to be unique, PMSS_ERROR_CONFLICT for a broken
 * reference or check, PMSS_ERROR_NO_SPACE for a full disk. An error that puts the file itself in
 * doubt (an I/O error, a failed fsync, corruption) is logged and ends the process at once. The next
 * start replays SQLite's log. Going on after a failed fsync would lose acknowledged changes. A
 * database that nothing depends on (#PmssDatabaseKind) ends no process: its functions fail, and its
 * owner closes it.
 */
typedef struct _PmssDatabase PmssDatabase;

typedef struct
{
  const char *thread;           /* the name of its thread */
  const char *migrations;       /* the resources that lead to its schema */
  /* The process cannot go on without it. Errors have a text for clients, and its rows are counted
   * (get_tally()). Without: errors have SQLite's own text, and PMSS_ERROR_CORRUPT is a file that is
   * damaged, or no database. */
  gboolean vital;
} PmssDatabaseKind;

#define PMSS_MAX_GROUP 256
#define PMSS_GROUP_TIME (5 * G_TIME_SPAN_MILLISECOND)

/* Runs on the database thread. Returning FALSE (with @error set) rolls back. */
typedef gboolean (*PmssDatabaseFunc) (PmssDatabase *database, gpointer user_data, GError **error);

/* Opens or makes the file, mode 0600, and brings it to the newest schema. A file that a newer
 * program has written is refused. */
PmssDatabase *pmss_database_open  (const char *path, GError **error);
/* The same for a file that is not the catalog. @kind: static. */
PmssDatabase *pmss_database_open_kind (const PmssDatabaseKind *kind, const char *path,
    GError **error);
/* Waits for the functions that were handed in before. None may be handed in after. */
void          pmss_database_close (PmssDatabase *database);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssDatabase, pmss_database_close)

/* Blocks. On the database thread, inside another transaction, it runs @func at once as a part of
 * that transaction, in a savepoint of its own. So functions which transact can be put together to
 * larger ones. */
gboolean      pmss_database_transact (PmssDatabase *database, PmssDatabaseFunc func,
    gpointer user_data, GError **error);

/* For a function that only reads. It runs before the waiting ones of transact(), outside of any
 * transaction. It sees what is committed, and waits for no COMMIT but one that is under way. Called
 * on the database thread it is a part of the transaction there, and sees that. */
gboolean      pmss_database_read (PmssDatabase *database, PmssDatabaseFunc func,
    gpointer user_data, GError **error);
/* Whether the caller is a function on the database thread: the rows that it sees may still come to
 * nothing. */
gboolean      pmss_database_is_within (PmssDatabase *database);

/* transact(), but waits no longer than @wait (us) for its turn and its end. FALSE with
 * PMSS_ERROR_BUSY: it runs later, all the same. 0 waits not at all; an error is then in the log.
 * Takes @user_data: @release frees it where this returns FALSE, which may be on the database
 * thread; with TRUE it is the caller's again. */
gboolean      pmss_database_transact_within (PmssDatabase *database, gint64 wait,
    PmssDatabaseFunc func, gpointer user_data, GDestroyNotify release,
    GError **error);

/* How many rows were of @kind and in @state ("" where there is none) after the last commit: medium,
 * job by state; event by whether it is minor ("0", "1"); pending_deletion, session, bad_shard. Of
 * "revocation" the largest id. Of "rights" a number that grows with each change of a user, and each
 * token that goes; 0: it is not known. Counted along, never over again; waits for nothing. Any
 * thread. */
gint64        pmss_database_get_tally  (PmssDatabase *database, const char *kind,
    const char *state);
typedef void (*PmssDatabaseTallyFunc)  (const char *state, gint64 number, gpointer user_data);
/* For each state that there was of @kind, in their order. */
void          pmss_database_each_tally (PmssDatabase *database, const char *kind,
    PmssDatabaseTallyFunc func, gpointer user_data);

/* The pieces of the database thread's time: a caller's function, a COMMIT with its fsync (of
 * transactions that changed something). */
typedef enum { PMSS_PIECE_FUNCTION, PMSS_PIECE_COMMIT, PMSS_N_PIECES } PmssPiece;
#define PMSS_PIECE_BOUNDS 1000, 5000, 10000, 50000, 100000      /* us */
#define PMSS_N_PIECE_BOUNDS 5
typedef struct
{
  /* by the first bound that it keeps; the last: none */
  guint64 number[PMSS_N_PIECES][PMSS_N_PIECE_BOUNDS + 1];
  gint64 spent[PMSS_N_PIECES];  /* us */
} PmssDatabaseTimes;
/* Since the start. Waits for nothing. Any thread. */
void          pmss_database_get_times (PmssDatabase *database, PmssDatabaseTimes *times);

/* Called on the database thread, in the middle of a transaction, when the disk was found to be
 * full: it may make room. That transaction fails all the same. Before the first request. */
typedef void (*PmssDatabaseFullFunc) (gpointer user_data);
void          pmss_database_set_full_func (PmssDatabase *database, PmssDatabaseFullFunc func,
    gpointer user_data);

/* The number of the newest migration. */
int           pmss_database_get_schema_version (PmssDatabase *database);

/* The rest is for functions on the database thread. */

typedef enum { PMSS_VALUE_BEGIN, PMSS_VALUE_INT, PMSS_VALUE_TEXT, PMSS_VALUE_BLOB,
    PMSS_VALUE_END } PmssValueType;
typedef struct
{
  PmssValueType type;
  gint64 integer;               /* the blob's length, too */
  const void *data;             /* NULL is SQL's NULL */
} PmssValue;

#define PMSS_INT(value) ((PmssValue) { PMSS_VALUE_INT, (gint64) (value), NULL })
#define PMSS_TEXT(string) ((PmssValue) { PMSS_VALUE_TEXT, -1, (string) })
#define PMSS_BLOB(data, length) ((PmssValue) { PMSS_VALUE_BLOB, (gint64) (length), (data) })
#define PMSS_NULL ((PmssValue) { PMSS_VALUE_TEXT, -1, NULL })
/* NULL when @value is negative: how an unknown number is kept */
#define PMSS_INT_OR_NULL(value) ((gint64) (value) < 0 ? PMSS_NULL : PMSS_INT (value))
#define PMSS_VALUES(...) ((const PmssValue[]) { { PMSS_VALUE_BEGIN, 0, NULL }, ##__VA_ARGS__, \
    { PMSS_VALUE_END, 0, NULL } })

/* pmss_database_exec (database, error, "UPDATE medium SET title = ?1 WHERE id = ?2", PMSS_TEXT
 * (title), PMSS_INT (id))
 * @sql has to be a string literal (statements are kept by its text). */
#define pmss_database_exec(database, error, sql, ...) pmss_database_exec_values (database, error, \
    "" sql, PMSS_VALUES (__VA_ARGS__))
gboolean      pmss_database_exec_values  (PmssDatabase *database, GError **error, const char *sql,
    const PmssValue *values);
/* Rows that the last exec touched; the id that it gave. */
gint64        pmss_database_get_changes  (PmssDatabase *database);
gint64        pmss_database_get_last_id  (PmssDatabase *database);

/**
 * PmssRows:
 *
 * The result of a query, row by row:
 *
 *   g_autoptr (PmssRows) rows = pmss_database_query (database, "SELECT id, name FROM medium WHERE
 *   size > ?1", PMSS_INT (0)); while (pmss_rows_next (rows, &local))
 *     use (pmss_rows_int (rows, 0), pmss_rows_text (rows, 1));
 *   if (local != NULL) ...
 *
 * One query of the same text can be open at a time (a nested one is prepared anew). To be freed
 * before the function returns.
 */
typedef struct _PmssRows PmssRows;
#define pmss_database_query(database, sql, ...) pmss_database_query_values (database, "" sql, \
    PMSS_VALUES (__VA_ARGS__))
PmssRows     *pmss_database_query_values (PmssDatabase *database, const char *sql,
    const PmssValue *values);
/* TRUE: there is a row. FALSE: no more, or @error. */
gboolean      pmss_rows_next    (PmssRows *rows, GError **error);
/* After the last row, with the error of pmss_rows_next() (nullable), which it takes: TRUE, or FALSE
 * and that error. */
gboolean      pmss_rows_end     (GError *local, GError **error);
gboolean      pmss_rows_is_null (PmssRows *rows, guint column);
/* 0 for NULL */
gint64        pmss_rows_int     (PmssRows *rows, guint column);
/* -1 for NULL */
gint64        pmss_rows_int_or_unknown (PmssRows *rows, guint column);
/* Valid until the next row; NULL for NULL. */
const char   *pmss_rows_text    (PmssRows *rows, guint column);
const void   *pmss_rows_blob    (PmssRows *rows, guint column, gsize *length);
void          pmss_rows_free    (PmssRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssRows, pmss_rows_free)

G_END_DECLS
