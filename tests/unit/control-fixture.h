/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "control/database/database.h"

G_BEGIN_DECLS

/* A temporary folder with a database in it, for the tests of control's objects. */
typedef struct
{
  char *folder, *path;
  PmssDatabase *database;
  GThread *holder;
  gint held;                    /* 0: no, 1: it is to be, 2: it is */
} ControlFixture;

void   control_fixture_init  (ControlFixture *fixture);
void   control_fixture_clear (ControlFixture *fixture);

/* Removes @path, and where it is a folder all that is in it. */
void   control_fixture_remove_tree (const char *path);

/* One statement in a transaction of its own; it has to succeed. */
void   control_fixture_exec  (ControlFixture *fixture, const char *sql);
/* The one number that a query gives. */
gint64 control_fixture_count (ControlFixture *fixture, const char *sql);

/* Something holds the database thread from here to release(). */
void   control_fixture_hold    (ControlFixture *fixture);
void   control_fixture_release (ControlFixture *fixture);

/* Whether @fd is the log of a database, for tests that stand between SQLite and the disk. */
gboolean control_fixture_is_log (int fd);

/* Puts @n nodes into the table; returns the id of the first, the others follow. Before
 * pmss_nodes_new(). */
guint  control_fixture_add_nodes (ControlFixture *fixture, guint n);

#define assert_pmss_error(error, code) g_assert_error (error, PMSS_ERROR, PMSS_ERROR_ ## code)

G_END_DECLS
