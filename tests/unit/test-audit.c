/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "control/audit/audit.h"

static void
check_line (const PmssAuditEntry * entry, const char *wanted)
{
  g_autofree char *line = pmss_audit_format (entry);

  g_assert_cmpstr (line, ==, wanted);
}

static void
test_format (void)
{
  check_line (&(PmssAuditEntry) {
      .action = "user set",.user = "admin",.address = "127.0.0.1",.object =
        "anna",.detail = "viewer",.status =
        200},
      "audit: action=\"user set\" result=done user=admin from=127.0.0.1"
      " object=anna detail=viewer status=200");
  check_line (&(PmssAuditEntry) {
      .action = "login",.address = "2001:db8::1",.status = 429},
      "audit: action=login result=refused user=- from=2001:db8::1 status=429");
  check_line (&(PmssAuditEntry) {
      .action = "media put",.user = "bob",.address = "a",.object =
        "",.status =
        507},
      "audit: action=\"media put\" result=failed user=bob from=a object=\"\""
      " status=507");
}

/* However it is called, it cannot make a second line, end a value early, or
 * turn what is read around. */
static void
test_hostile (void)
{
  static const char *const names[] = {
    "a\naudit: action=login result=done user=admin", "\r\033[2J x",
    "x\" user=admin from=\"1.2.3.4", "\\\" user=admin", "\xff\xfe ",
    "evil \xe2\x80\xae" "gpj.exe", "x \xe2\x80\xa8y",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    const PmssAuditEntry entry = {
      .action = "media delete",.user = "bob",.address = "a",
      .object = names[i],.status = 204
    };
    g_autofree char *line = pmss_audit_format (&entry);
    const char *object = strstr (line, " object=\"");
    const char *end = object + strlen (" object=\"");

    g_assert_nonnull (object);
    g_assert_true (g_utf8_validate (line, -1, NULL));
    for (const char *c = line; *c != '\0'; c++)
      g_assert_false (g_ascii_iscntrl (*c));
    g_assert_null (strstr (line, "\xe2\x80\xae"));
    g_assert_null (strstr (line, "\xe2\x80\xa8"));
    while (*end != '"')
      end += *end == '\\' ? 2 : 1;
    g_assert_cmpstr (end, ==, "\" status=204");
  }
}

static void
test_bounded (void)
{
  PmssAudit *audit = pmss_audit_new ();
  const PmssAuditEntry refused = {.action = "login",.address = "a",
    .status = 401
  };
  const PmssAuditEntry done = {.action = "login",.address = "a",.status = 200 };
  guint64 missed;
  guint taken = 0;

  for (guint i = 0; i < 1000; i++)
    taken += pmss_audit_take (audit, &refused, G_USEC_PER_SEC, &missed);
  g_assert_cmpuint (taken, ==, PMSS_AUDIT_BURST);
  /* what was done is always written */
  g_assert_true (pmss_audit_take (audit, &done, G_USEC_PER_SEC, &missed));
  g_assert_cmpuint (missed, ==, 0);
  g_assert_true (pmss_audit_take (audit, &refused, 2 * G_USEC_PER_SEC,
          &missed));
  g_assert_cmpuint (missed, ==, 1000 - PMSS_AUDIT_BURST);
  g_assert_false (pmss_audit_take (audit, &refused, 2 * G_USEC_PER_SEC,
          &missed));
  pmss_audit_free (audit);
}

/* What happens all the time is bounded by itself: it hides no refusal, and no refusals hide it. */
static void
test_frequent (void)
{
  PmssAudit *audit = pmss_audit_new ();
  const PmssAuditEntry begun = {.action = "session begin",.address = "a",
    .status = 201,.frequent = TRUE
  };
  const PmssAuditEntry refused = {.action = "session begin",.address = "a",
    .status = 429,.frequent = TRUE
  };
  guint64 missed;
  guint taken = 0;

  for (guint i = 0; i < 1000; i++)
    taken += pmss_audit_take (audit, &begun, G_USEC_PER_SEC, &missed);
  g_assert_cmpuint (taken, ==, PMSS_AUDIT_FREQUENT_BURST);
  for (taken = 0; pmss_audit_take (audit, &refused, G_USEC_PER_SEC, &missed);)
    taken++;
  g_assert_cmpuint (taken, ==, PMSS_AUDIT_BURST);
  g_assert_true (pmss_audit_take (audit, &begun, 2 * G_USEC_PER_SEC, &missed));
  g_assert_cmpuint (missed, ==, 1000 - PMSS_AUDIT_FREQUENT_BURST);
  g_assert_true (pmss_audit_take (audit, &begun, 2 * G_USEC_PER_SEC, &missed));
  g_assert_cmpuint (missed, ==, 0);
  g_assert_false (pmss_audit_take (audit, &begun, 2 * G_USEC_PER_SEC, &missed));
  pmss_audit_free (audit);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/audit/format", test_format);
  g_test_add_func ("/audit/hostile", test_hostile);
  g_test_add_func ("/audit/bounded", test_bounded);
  g_test_add_func ("/audit/frequent", test_frequent);
  return g_test_run ();
}
