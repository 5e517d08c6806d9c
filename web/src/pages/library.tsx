// SPDX-License-Identifier: LGPL-2.1-or-later
// The library: what there is to watch and to hear.
import { listMedia, titleOf } from '../api/media';
import { useResource } from '../api/resource';
import { encodeName } from '../app/router';
import { mayAct } from '../app/session';
import { t } from '../i18n';
import { formatClock, formatSize } from '../i18n/format';
import { Icon } from '../parts/icon';
import { Loading, Message, PageTitle, ProblemMessage } from '../parts/page';

export function LibraryPage() {
  const page = useResource((signal) => listMedia({ limit: 100 }, signal), []);
  return (
    <>
      <PageTitle>{t.value.library}</PageTitle>
      {!page.data && page.loading && <Loading />}
      {page.error && !page.data && <ProblemMessage problem={page.error} retry={page.reload} />}
      {page.data?.media.length === 0 && (
        <Message icon="film" title={t.value.emptyTitle} actions={mayAct('operator') && <a class="button primary" href="/admin/media">{t.value.upload}</a>}>
          {mayAct('operator') ? t.value.emptyTextOperator : t.value.emptyText}
        </Message>
      )}
      <ul class="grid">
        {page.data?.media.map((medium) => (
          <li key={medium.id}>
            <a class="tile" href={`/about/${encodeName(medium.name)}`}>
              <div class="poster"><Icon name="film" /></div>
              <span class="tile-title">{titleOf(medium)}</span>
              <span class="tile-note">{medium.duration_ns ? formatClock(medium.duration_ns / 1e9) : medium.size !== null ? formatSize(medium.size) : ''}</span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
