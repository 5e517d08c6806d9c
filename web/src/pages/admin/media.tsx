// SPDX-License-Identifier: LGPL-2.1-or-later
// Media: uploading, the table of all, and one of them with what can be done about it.
import { useEffect, useState } from 'preact/hooks';
import { listMedia, titleOf } from '../../api/media';
import { useLive } from '../../api/live';
import type { Medium } from '../../api/types';
import { encodeName, place, replaceQuery } from '../../app/router';
import { t } from '../../i18n';
import { c } from '../../i18n/admin-common';
import { m } from '../../i18n/admin-media';
import { adminTexts } from '../../i18n/admin-names';
import { formatClock, formatDate, formatNumber, formatSize } from '../../i18n/format';
import { AsOf } from '../../parts/as-of';
import { Select } from '../../parts/fields';
import { Icon } from '../../parts/icon';
import { Loading, Message, PageTitle, ProblemMessage } from '../../parts/page';
import { MediumPage } from './media/medium';
import { OtherUploads } from './media/other-uploads';
import { UploadPanel } from './media/upload-panel';
import type { AdminPageProps } from './table';

const PAGE = 100;
const TYPED_MS = 250;
const SORTS = ['name', '-created', '-size', 'size'] as const;
export const MEDIUM_BADGES: Record<Medium['state'], string> = { uploading: 'accent', ingesting: 'accent', ready: 'good', failed: 'bad', deleting: '' };

interface Query {
  q: string;
  sort: string;
  state: string;
  count: number;
}

/** Pages until @count media are there. A page may be short, even empty, while there is more. */
async function loadMedia({ q, sort, state, count }: Query, signal: AbortSignal): Promise<{ media: Medium[]; more: boolean }> {
  const media: Medium[] = [];
  let after: string | undefined;
  do {
    const page = await listMedia({ q, sort: sort === 'name' ? '' : sort, after, limit: PAGE, ...(state && { state }) }, signal);
    media.push(...page.media);
    after = page.next ?? undefined;
  } while (after !== undefined && media.length < count);
  return { media, more: after !== undefined };
}

function Row({ medium }: { medium: Medium }) {
  return (
    <tr>
      <td class="lead">
        <a href={`/admin/media/${encodeName(medium.name)}`}>{medium.name}</a>
        {medium.title && <div class="note">{titleOf(medium)}</div>}
      </td>
      <td data-label={c.value.state}><span class={`badge ${MEDIUM_BADGES[medium.state]}`}>{m.value.mediumStates[medium.state]}</span></td>
      <td data-label={c.value.size} class="number">{medium.size === null ? '–' : formatSize(medium.size)}</td>
      <td data-label={m.value.duration} class="number">{medium.duration_ns ? formatClock(medium.duration_ns / 1e9) : '–'}</td>
      <td data-label={m.value.redundancy}>{medium.redundancy}</td>
      <td data-label={m.value.added}>{formatDate(medium.created)}</td>
    </tr>
  );
}

function Table() {
  const { q = '', sort = 'name', state = '' } = place.value.query;
  const [typed, setTyped] = useState(q);
  const [count, setCount] = useState(PAGE);
  // the address may change by a link
  useEffect(() => setTyped(q), [q]);
  useEffect(() => {
    const timer = setTimeout(() => { if (typed !== q) replaceQuery({ ...place.value.query, q: typed || undefined }); }, TYPED_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const { data, error, loading, reload, asOf } = useLive((signal) => loadMedia({ q, sort, state, count }, signal), ['media', 'uploads', 'jobs'], { inputs: [q, sort, state, count] });
  const states = [['', c.value.all], ...Object.entries(m.value.mediumStates)] as [string, string][];
  return (
    <section class="card">
      <div class="toolbar">
        <div class="grow">
          <input type="search" aria-label={m.value.search} placeholder={m.value.search} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        </div>
        <Select compact label={c.value.state} value={state} options={states} onChange={(value) => replaceQuery({ ...place.value.query, state: value || undefined })} />
        <Select compact label={t.value.sort} value={sort} options={SORTS.map((one) => [one, t.value.sorts[one]] as const)}
          onChange={(value) => replaceQuery({ ...place.value.query, sort: value === 'name' ? undefined : value })} />
        {data && <AsOf at={asOf} reload={reload} />}
      </div>
      {!data && loading && <Loading />}
      {!data && error && <ProblemMessage problem={error} retry={reload} />}
      {data?.media.length === 0 && <Message icon="media" title={q || state ? m.value.nothingFound : m.value.emptyTitle}>{q || state ? null : m.value.emptyText}</Message>}
      {data && data.media.length > 0 && (
        <div class="table-box">
          <table class="stack media-table">
            <thead><tr>
              <th scope="col">{c.value.name}</th><th scope="col">{c.value.state}</th><th scope="col" class="number">{c.value.size}</th>
              <th scope="col" class="number">{m.value.duration}</th><th scope="col">{m.value.redundancy}</th><th scope="col">{m.value.added}</th>
            </tr></thead>
            <tbody>{data.media.map((medium) => <Row key={medium.id} medium={medium} />)}</tbody>
          </table>
        </div>
      )}
      {data?.more && <div class="more"><button type="button" class="button" onClick={() => setCount(count + PAGE)}>{c.value.more}</button></div>}
      <p class="visually-hidden" role="status">{data && m.value.length(formatNumber(data.media.length))}</p>
    </section>
  );
}

export default function MediaPage({ rest }: AdminPageProps) {
  if (rest) return <MediumPage key={rest} name={rest} />;
  return (
    <>
      <PageTitle actions={<a class="button" href="/admin/policies"><Icon name="layers" />{adminTexts.value.policies}</a>}>{adminTexts.value.media}</PageTitle>
      <UploadPanel />
      <OtherUploads />
      <Table />
    </>
  );
}
