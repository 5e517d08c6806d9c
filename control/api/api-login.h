/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/api/router.h"

G_BEGIN_DECLS

/* Answers an error of pmss_accounts_login() and pmss_accounts_check_password(): 401, or 429 with
 * Retry-After. */
void pmss_api_respond_login_error (PmssApiCall *call, const GError *error, guint retry_after);
/* Answers with the logins of @user. */
void pmss_api_respond_logins (PmssApiCall *call, const char *user);

G_END_DECLS
