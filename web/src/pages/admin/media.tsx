// SPDX-License-Identifier: LGPL-2.1-or-later
import { t } from '../../i18n';
import { adminTexts } from '../../i18n/admin-names';
import { Message, PageTitle } from '../../parts/page';

export default function MediaPage() {
  return (
    <>
      <PageTitle>{adminTexts.value.media}</PageTitle>
      <Message icon="media" title={t.value.laterTitle}>{t.value.laterText}</Message>
    </>
  );
}
