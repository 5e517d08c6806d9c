/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/accounts/accounts.h"
#include "control/accounts/known-tokens.h"
#include "control/accounts/login-limit.h"
#include "control/accounts/passwords.h"

G_BEGIN_DECLS

/* Shared by the files of this folder. */

struct _PmssAccounts
{
  PmssDatabase *database;
  guint token_lifetime;
  PmssPasswords *passwords;
  PmssLoginLimit *limit;
  PmssKnownTokens *known;
};

/* On the database thread. PMSS_ERROR_NOT_FOUND. */
PmssUser *pmss_accounts_read_user (PmssDatabase *database, const char *name, GError **error);

G_END_DECLS
