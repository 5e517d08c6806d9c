// SPDX-License-Identifier: LGPL-2.1-or-later
import { t } from '../i18n';
import { Message, PageTitle } from '../parts/page';

export function NotFoundPage() {
  return (
    <>
      <PageTitle hidden>{t.value.notFoundTitle}</PageTitle>
      <Message icon="search" title={t.value.notFoundTitle} actions={<a class="button" href="/library">{t.value.toLibrary}</a>}>
        {t.value.notFoundText}
      </Message>
    </>
  );
}
