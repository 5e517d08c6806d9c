// SPDX-License-Identifier: LGPL-2.1-or-later
// What happened: chosen by the address, live, each event with a link to it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../../api/client';
import { listen, TOPICS, type ClusterEvent } from '../../api/live';
import { asProblem, useResource } from '../../api/resource';
import { makeQuery, place, replaceQuery } from '../../app/router';
import { adminTexts } from '../../i18n/admin-names';
import { e } from '../../i18n/admin-events';
import { formatMoment } from '../../i18n/format';
import { Select } from '../../parts/fields';
import { Icon } from '../../parts/icon';
import { explainProblem, Loading, Message, PageTitle, ProblemMessage } from '../../parts/page';
import { toast } from '../../parts/toast';

const PAGE = 200;
/** Pages that one press of the button looks through when little fits. */
const MAX_PAGES = 10;
const WANTED = 50;
const MAX_LIVE = 1000;
const TYPED_MS = 250;
const RESULTS = ['done', 'refused', 'failed'] as const;
const BADGES = { done: '', refused: 'warn', failed: 'bad' };

interface Filter {
  topic: string;
  result: string;
  q: string;
}

function fits(event: ClusterEvent, { topic, result, q }: Filter): boolean {
  if (topic && event.topic !== topic) return false;
  if (result && event.result !== result) return false;
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const text = [event.action, event.user, event.from, event.object, event.detail].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}

interface Found {
  events: ClusterEvent[];
  /** The id before which nothing was looked at; null: that was all. */
  before: number | null;
}

/** Events before @before (null: the newest) that fit, the newest first. */
async function look(filter: Filter, before: number | null, signal?: AbortSignal): Promise<Found> {
  const events: ClusterEvent[] = [];
  for (let i = 0; i < MAX_PAGES && events.length < WANTED; i++) {
    const page = await get<{ events: ClusterEvent[] }>(`/events${makeQuery({ before, limit: PAGE })}`, signal);
    events.push(...page.events.filter((event) => fits(event, filter)).reverse());
    before = page.events[0]?.id ?? null;
    if (page.events.length < PAGE) return { events, before: null };
  }
  return { events, before };
}

function Row({ event, marked }: { event: ClusterEvent; marked: boolean }) {
  return (
    <tr class={marked ? 'marked' : ''}>
      <td data-label={e.value.time} class="event-time">
        {event.id === null ? formatMoment(event.time)
          : <a href={`/admin/events?id=${event.id}`} aria-label={`${formatMoment(event.time)}, ${e.value.link(String(event.id))}`}>{formatMoment(event.time)}</a>}
      </td>
      <td class="lead">
        {event.action} {event.result !== 'done' && <span class={`badge ${BADGES[event.result]}`}>{e.value.results[event.result]}</span>}
        {event.detail && <div class="note">{event.detail}</div>}
      </td>
      <td data-label={e.value.object} class="event-object">{event.object ?? '–'}</td>
      <td data-label={e.value.who}>{event.user ?? (event.from ? e.value.stranger : e.value.server)}{event.from && <div class="note">{event.from}</div>}</td>
    </tr>
  );
}

function Filters({ filter }: { filter: Filter }) {
  const [typed, setTyped] = useState(filter.q);
  const set = (change: Record<string, string>) => replaceQuery({ ...place.value.query, ...Object.fromEntries(Object.entries(change).map(([k, v]) => [k, v || undefined])) });
  // the address may change by a link
  useEffect(() => setTyped(filter.q), [filter.q]);
  useEffect(() => {
    const timer = setTimeout(() => { if (typed !== filter.q) set({ q: typed }); }, TYPED_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <div class="toolbar">
      <div class="grow">
        <input type="search" aria-label={e.value.search} placeholder={e.value.searchPlaceholder} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
      </div>
      <Select compact label={e.value.topic} value={filter.topic} options={[['', e.value.anyTopic], ...TOPICS.map((one) => [one, e.value.topics[one]] as const)] as [string, string][]} onChange={(topic) => set({ topic })} />
      <Select compact label={e.value.result} value={filter.result} options={[['', e.value.anyResult], ...RESULTS.map((one) => [one, e.value.results[one]] as const)] as [string, string][]} onChange={(result) => set({ result })} />
    </div>
  );
}

/** The events that came since the page was opened, the newest first. */
function useNew(filter: Filter, off: boolean, reload: () => void): ClusterEvent[] {
  const [fresh, setFresh] = useState<ClusterEvent[]>([]);
  const chosen = useRef(filter);
  chosen.current = filter;
  const key = JSON.stringify(filter);
  useEffect(() => {
    setFresh([]);
    if (off) return undefined;
    return listen((event) => {
      if (!event) reload();
      else if (event.id !== null && fits(event, chosen.current)) setFresh((old) => [event, ...old].slice(0, MAX_LIVE));
    });
  }, [key, off]);
  return fresh;
}

export default function EventsPage() {
  const { topic = '', result = '', q = '', id = '' } = place.value.query;
  const filter = { topic, result, q };
  const only = /^\d+$/.test(id) ? Number(id) : null;
  const first = useResource((signal) => look(filter, only === null ? null : only + 1, signal), [topic, result, q, id]);
  const fresh = useNew(filter, only !== null, first.reload);
  const [older, setOlder] = useState<Found | null>(null);
  useEffect(() => setOlder(null), [first.data]);
  const before = older ? older.before : first.data?.before ?? null;
  const more = async () => {
    try {
      const found = await look(filter, before);
      setOlder((old) => ({ events: [...(old?.events ?? []), ...found.events], before: found.before }));
    } catch (error) {
      toast(explainProblem(asProblem(error)));
    }
  };
  const known = new Set(first.data?.events.map((event) => event.id));
  const events = [...fresh.filter((event) => !known.has(event.id)), ...(first.data?.events ?? []), ...(older?.events ?? [])];
  return (
    <>
      <PageTitle>{adminTexts.value.events}</PageTitle>
      <Filters filter={filter} />
      {only !== null && <p class="note only-event">{e.value.only(id)} <a href="/admin/events">{e.value.toNewest}</a></p>}
      {!first.data && first.loading && <Loading />}
      {!first.data && first.error && <ProblemMessage problem={first.error} retry={first.reload} />}
      {first.data && events.length === 0 && <Message icon="events" title={e.value.none}>{e.value.noneText}</Message>}
      {events.length > 0 && (
        <div class="card">
          <div class="table-box">
            <table class="stack events-table">
              <thead><tr><th scope="col">{e.value.time}</th><th scope="col">{e.value.what}</th><th scope="col">{e.value.object}</th><th scope="col">{e.value.who}</th></tr></thead>
              <tbody>{events.map((event) => <Row key={event.id ?? event.time + event.action} event={event} marked={only !== null && event.id === only} />)}</tbody>
            </table>
          </div>
        </div>
      )}
      {first.data && (
        <div class="more">
          {before !== null ? <button type="button" class="button" onClick={() => void more()}>{e.value.older}</button> : <p class="note">{e.value.end}</p>}
        </div>
      )}
      {only === null && <p class="note live-note"><Icon name="info" />{e.value.live}</p>}
    </>
  );
}
