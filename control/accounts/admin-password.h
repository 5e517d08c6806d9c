/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/accounts/accounts.h"

G_BEGIN_DECLS

/* The first administrator. */

#define PMSS_FIRST_ADMIN "admin"
#define PMSS_ADMIN_PASSWORD_FILE "admin-password"

/* If there is no user at all: makes PMSS_FIRST_ADMIN with a random password, writes that to
 * data/admin-password (mode 0600) and returns it, to be shown.
 * @password: (out) (nullable): NULL if there are users. */
gboolean pmss_admin_password_create (PmssAccounts *accounts, const char *data, char **password,
    GError **error);
/* At a later start: refuses a catalog without any user, and tidies. */
gboolean pmss_admin_password_check (PmssAccounts *accounts, const char *data, GError **error);
/* Deletes data/admin-password once no user has that password any more. */
gboolean pmss_admin_password_tidy   (PmssAccounts *accounts, const char *data, GError **error);

G_END_DECLS
