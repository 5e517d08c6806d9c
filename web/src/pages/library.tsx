// SPDX-License-Identifier: LGPL-2.1-or-later
// The library: what there is to watch and to hear. All that one chooses is in the address.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { reconnections } from '../api/client';
import { getMedium, titleOf, type MediaQuery } from '../api/media';
import { listPositions } from '../api/plays';
import { useResource } from '../api/resource';
import type { Medium, Position } from '../api/types';
import { encodeName, makeQuery, place, replaceQuery } from '../app/router';
import { mayAct } from '../app/session';
import { t } from '../i18n';
import { formatClock, formatDuration, formatNumber, formatSize } from '../i18n/format';
import { Select } from '../parts/fields';
import { Icon } from '../parts/icon';
import { Loading, Message, PageTitle, ProblemMessage } from '../parts/page';
import { Poster } from '../parts/poster';
import { VirtualGrid } from '../parts/virtual-grid';
import { feedOf } from './media-feed';

type Sort = keyof typeof t.value.sorts;

const SORTS: readonly Sort[] = ['name', '-name', '-created', 'created', '-duration', 'duration', '-size', 'size'];
const TYPING_MS = 200;
const CONTINUED = 6;

interface Wish {
  folder: string;
  q: string;
  sort: Sort;
}

function readWish(): Wish {
  const { folder = '', q = '', sort = 'name' } = place.value.query;
  return { folder, q, sort: SORTS.find((known) => known === sort) ?? 'name' };
}

const wishQuery = (wish: Wish): Record<string, string | undefined> => ({
  folder: wish.folder || undefined, q: wish.q || undefined, sort: wish.sort === 'name' ? undefined : wish.sort,
});

export const libraryPath = (folder: string): string => `/library${makeQuery({ folder })}`;

/** A search looks below the folder, too. */
function toQuery(wish: Wish): MediaQuery {
  if (wish.q) return { q: wish.q, sort: wish.sort, prefix: wish.folder ? `${wish.folder}/` : undefined };
  return { folder: wish.folder, sort: wish.sort };
}

function SearchField({ wish }: { wish: Wish }) {
  const [text, setText] = useState(wish.q);
  useEffect(() => {
    const due = setTimeout(() => {
      if (text.trim() !== readWish().q) replaceQuery(wishQuery({ ...readWish(), q: text.trim() }));
    }, TYPING_MS);
    return () => clearTimeout(due);
  }, [text]);
  return (
    <div class="search" role="search">
      <Icon name="search" />
      <input type="search" value={text} placeholder={t.value.search} aria-label={t.value.searchLibrary} maxLength={200} onInput={(event) => setText(event.currentTarget.value)} />
      {text && <button type="button" class="icon-button" aria-label={t.value.clearSearch} onClick={() => setText('')}><Icon name="close" /></button>}
    </div>
  );
}

function Crumbs({ folder }: { folder: string }) {
  const parts = folder.split('/');
  return (
    <nav class="crumbs" aria-label={t.value.folders}>
      <ol>
        <li><a href="/library">{t.value.library}</a></li>
        {parts.map((part, i) => (
          <li key={i}>
            <Icon name="chevron" />
            {i === parts.length - 1 ? <span aria-current="page">{part}</span> : <a href={libraryPath(parts.slice(0, i + 1).join('/'))}>{part}</a>}
          </li>
        ))}
      </ol>
    </nav>
  );
}

export function noteOf(medium: Medium): string {
  if (medium.state !== 'ready') return t.value.states[medium.state];
  if (medium.duration_ns) return formatDuration(medium.duration_ns / 1e9);
  return medium.size !== null ? formatSize(medium.size) : '';
}

function Seen({ position, duration }: { position: number; duration: number }) {
  return <div class="seen" aria-hidden="true"><div style={{ width: `${Math.min(100, (position / duration) * 100)}%` }} /></div>;
}

function Tile({ medium, position, href }: { medium: Medium; position?: Position; href?: string }) {
  const left = position && medium.duration_ns ? (medium.duration_ns - position.position_ns) / 1e9 : 0;
  return (
    <a class="tile" href={href ?? `/about/${encodeName(medium.name)}`}>
      <Poster medium={medium}>
        {medium.state === 'ready' && medium.duration_ns && <span class="tile-length" aria-hidden="true">{formatClock(medium.duration_ns / 1e9)}</span>}
        {medium.state !== 'ready' && <span class={`badge tile-state ${medium.state === 'failed' ? 'bad' : 'accent'}`}>{t.value.states[medium.state]}</span>}
        {position && medium.duration_ns && <Seen position={position.position_ns} duration={medium.duration_ns} />}
        {href && <span class="tile-play"><Icon name="play" solid /></span>}
      </Poster>
      <span class="tile-title">{titleOf(medium)}</span>
      <span class="tile-note">{left > 0 && href ? t.value.timeLeft(formatDuration(left)) : noteOf(medium)}</span>
    </a>
  );
}

/** Films that were begun, the newest first. */
function Continue({ positions }: { positions: readonly Position[] }) {
  const begun = positions.slice(0, CONTINUED);
  const media = useResource(async (signal) => {
    const found = await Promise.allSettled(begun.map((position) => getMedium(position.medium, signal)));
    return found.flatMap((one) => (one.status === 'fulfilled' && one.value.state === 'ready' ? [one.value] : []));
  }, [begun.map((position) => position.medium).join('\n')]).data;
  if (!media?.length) return null;
  return (
    <section class="continue" aria-labelledby="continue-heading">
      <h2 id="continue-heading">{t.value.continueWatching}</h2>
      <ul class="strip">
        {media.map((medium) => (
          <li key={medium.id}>
            <Tile medium={medium} href={`/watch/${encodeName(medium.name)}`} position={begun.find((position) => position.medium === medium.name)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Empty({ wish }: { wish: Wish }) {
  if (wish.q) return <Message icon="search" title={t.value.nothingFoundTitle}>{t.value.nothingFoundText(wish.q)}</Message>;
  const may = mayAct('operator');
  return (
    <Message icon="film" title={t.value.emptyTitle} actions={may && <a class="button primary" href="/admin/media"><Icon name="upload" />{t.value.upload}</a>}>
      {may ? t.value.emptyTextOperator : t.value.emptyText}
    </Message>
  );
}

export function LibraryPage() {
  const wish = readWish();
  const here = place.value;
  const query = useMemo(() => toQuery(wish), [wish.folder, wish.q, wish.sort]);
  const feed = feedOf(here.key, query);
  const positions = useResource((signal) => listPositions(signal), [here.key]).data ?? [];
  const again = reconnections.value;
  useEffect(() => {
    if (feed.problem.value) feed.retry();
  }, [again]);
  const folders = feed.folders.value;
  const count = feed.total.value;
  const blank = feed.begun.value && count === 0 && folders.length === 0;
  const title = wish.folder ? wish.folder.slice(wish.folder.lastIndexOf('/') + 1) : t.value.library;
  return (
    <>
      {wish.folder && <Crumbs folder={wish.folder} />}
      <PageTitle>{title}</PageTitle>
      <div class="tools">
        <SearchField key={here.key} wish={wish} />
        <Select compact label={t.value.sort} value={wish.sort} options={SORTS.map((sort) => [sort, t.value.sorts[sort]] as const)}
          onChange={(sort) => replaceQuery(wishQuery({ ...readWish(), sort }))} />
        <span class="muted tools-count" role="status">{feed.begun.value && count > 0 ? t.value.mediaCount(count, formatNumber(count), feed.more.value) : ''}</span>
      </div>
      {!wish.q && !wish.folder && positions.length > 0 && <Continue positions={positions} />}
      {!feed.begun.value && !feed.problem.value && <Loading />}
      {feed.problem.value && !feed.begun.value && <ProblemMessage problem={feed.problem.value} retry={() => feed.retry()} />}
      {blank && <Empty wish={wish} />}
      {folders.length > 0 && (
        <ul class="folders" aria-label={t.value.folders}>
          {folders.map((folder) => (
            <li key={folder.name}>
              <a class="folder" href={libraryPath(wish.folder ? `${wish.folder}/${folder.name}` : folder.name)}>
                <Icon name="folder" /><span class="folder-name">{folder.name}</span><span class="muted">{folder.media !== null ? formatNumber(folder.media) : ''}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
      {count > 0 && (
        <VirtualGrid key={`${here.key} ${wish.folder} ${wish.q} ${wish.sort}`} count={count} label={t.value.media} tileWidth={13.5} captionHeight={4.6} scrollTo={here.scroll}
          onRange={(_, last) => feed.need(last)}
          render={(index) => {
            const medium = feed.items.value[index];
            return medium ? <Tile medium={medium} position={positions.find((one) => one.medium === medium.name)} /> : <div class="tile waiting"><div class="poster" /></div>;
          }} />
      )}
    </>
  );
}
