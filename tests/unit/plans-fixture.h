/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control-fixture.h"
#include "control/config.h"

G_BEGIN_DECLS

/* Rows of each table. */
#define PLANS_ROWS "3000"

/* A catalog of some thousand rows a table, to find out which rows a request to the database visits:
 * SQLite counts for each statement. Medium i is called films/0000i and has two extents; its version
 * is plans_version_of (i), its session's id i in 32 hex digits. */
typedef struct
{
  ControlFixture base;
  PmssControlConfig config;
  PmssControlContext context;
} PlansFixture;

/* For g_test_add(). */
void          plans_fixture_setup          (PlansFixture *f, gconstpointer data);
void          plans_fixture_teardown       (PlansFixture *f, gconstpointer data);
PmssVersionId plans_version_of             (guint medium);

/* None of the statements so far goes through a large table. @wanted: (nullable): text of one that
 * has to be among them. */
void          plans_fixture_expect_no_scan (PlansFixture *f, const char *wanted);
/* On the database thread: how many do. */
guint         plans_count_scans            (PmssDatabase *database);

/* What all statements with @text have taken so far. */
typedef struct
{
  const char *text;
  gint64 steps;                 /* of SQLite's virtual machine */
  gint64 scanned;               /* rows, without an index */
  gint64 runs;
} PlansCost;

PlansCost     plans_fixture_get_cost       (PlansFixture *f, const char *text);

G_END_DECLS
