/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase "probe" of an ingest, where the database fails. */
#include "control-fixture.h"
#include "control/ingest/ingest-private.h"
#include "control/uploads/uploads-private.h"
#include "libpmss/pmss-error.h"

#define UPLOAD "0123456789abcdef0123456789abcdef"

/* A begin that cannot be written is no probe that ended: the ingest ends with the reason, and its next try looks at the file. */
static void
test_not_counted (void)
{
  ControlFixture f;
  PmssUpload upload = {.id = (char *) UPLOAD };
  PmssUploads uploads = { 0 };
  PmssControlContext context = {.uploads = &uploads };
  Ingest ingest = {.context = &context,.upload = &upload };
  g_autoptr (GError) error = NULL;

  control_fixture_init (&f);
  uploads.database = f.database;
  control_fixture_exec (&f, "INSERT INTO user"
      " (name, role, password, one_time, created)"
      " VALUES ('anna', 'operator', '', 0, 1)");
  control_fixture_exec (&f, "INSERT INTO medium"
      " (id, name, state, k, m, created, updated)"
      " VALUES (1, 'a', 'ingesting', 1, 0, 1, 1)");
  control_fixture_exec (&f, "INSERT INTO upload"
      " (id, medium, user, kind, state, size, received, created, expires)"
      " VALUES ('" UPLOAD "', 1, 'anna', 'tus', 'complete', 5, 5, 1, 1)");
  control_fixture_exec (&f, "CREATE TRIGGER fails BEFORE UPDATE ON upload"
      " BEGIN SELECT RAISE (ABORT, 'no'); END");
  g_assert_false (pmss_ingest_probe (&ingest, &error));
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  control_fixture_exec (&f, "DELETE FROM upload");
  g_assert_false (pmss_ingest_probe (&ingest, &error));
  assert_pmss_error (error, NOT_FOUND);
  control_fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ingest-probe/not-counted", test_not_counted);
  return g_test_run ();
}
