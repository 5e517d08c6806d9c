// SPDX-License-Identifier: LGPL-2.1-or-later
import { t } from '../../i18n';
import { adminTexts } from '../../i18n/admin-names';
import { Message, PageTitle } from '../../parts/page';

export default function UsersPage() {
  return (
    <>
      <PageTitle>{adminTexts.value.users}</PageTitle>
      <Message icon="users" title={t.value.laterTitle}>{t.value.laterText}</Message>
    </>
  );
}
