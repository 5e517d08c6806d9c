// SPDX-License-Identifier: LGPL-2.1-or-later
// Who watches what, from which storage servers, and ending a stream.
import { useState } from 'preact/hooks';
import { endSession, listSessions, type StreamSession } from '../../api/cluster';
import { useLive } from '../../api/live';
import { encodeName } from '../../app/router';
import { c } from '../../i18n/admin-common';
import { adminTexts } from '../../i18n/admin-names';
import { p } from '../../i18n/admin-people';
import { formatAgo, formatNumber, formatRate, formatSize } from '../../i18n/format';
import { AsOf } from '../../parts/as-of';
import { Ask } from '../../parts/dialog';
import { Loading, Message, PageTitle, ProblemMessage } from '../../parts/page';
import { toast } from '../../parts/toast';

const REFRESH_S = 5;

function Nodes({ session }: { session: StreamSession }) {
  const nodes = session.nodes ?? [];
  if (nodes.length === 0) return <>–</>;
  const rebuilt = nodes.reduce((sum, node) => sum + node.rebuilt, 0);
  const late = nodes.reduce((sum, node) => sum + node.late, 0);
  return (
    <>
      <ul class="inline-list">{nodes.map((node) => <li key={node.id}>{p.value.nodeLine(String(node.id), node.rate === null ? '–' : formatRate(node.rate))}</li>)}</ul>
      {(rebuilt > 0 || late > 0) && <div class="warn-text">{p.value.rebuilt(formatNumber(rebuilt))}, {p.value.late(formatNumber(late))}</div>}
    </>
  );
}

function Row({ session, reload }: { session: StreamSession; reload: () => void }) {
  const [asking, setAsking] = useState(false);
  return (
    <tr>
      <td class="lead">
        <strong>{session.user}</strong>
        <div class="job-medium"><a href={`/admin/media/${encodeName(session.medium)}`}>{session.medium}</a></div>
      </td>
      <td data-label={p.value.from}>{session.address}{session.client && <div class="note client-name">{session.client}</div>}</td>
      <td data-label={p.value.since}>{formatAgo(session.created)}</td>
      <td data-label={p.value.rate} class="number">{session.rate === null ? '–' : formatRate(session.rate)}</td>
      <td data-label={p.value.buffer} class="number">{session.buffer_bytes === undefined || session.buffer_bytes === null ? '–' : formatSize(session.buffer_bytes)}</td>
      <td data-label={p.value.nodesUsed}><Nodes session={session} /></td>
      <td class="acts">
        <div class="row-actions"><button type="button" class="button danger" onClick={() => setAsking(true)}>{c.value.end}</button></div>
        {asking && (
          <Ask danger title={p.value.endTitle} label={p.value.endDo} act={() => endSession(session.id)} onClose={() => setAsking(false)} onDone={() => { toast(p.value.ended); reload(); }}>
            <p>{p.value.endText(session.user, session.medium)}</p>
          </Ask>
        )}
      </td>
    </tr>
  );
}

export default function SessionsPage() {
  const { data, error, loading, reload, asOf } = useLive(listSessions, ['sessions'], { refresh: REFRESH_S });
  return (
    <>
      <PageTitle actions={data && <AsOf at={asOf} reload={reload} />}>{adminTexts.value.sessions}</PageTitle>
      {!data && loading && <Loading />}
      {!data && error && <ProblemMessage problem={error} retry={reload} />}
      {data?.length === 0 && <Message icon="sessions" title={p.value.noSessionsTitle}>{p.value.noSessionsText}</Message>}
      {data && data.length > 0 && (
        <div class="card table-box">
          <table class="stack">
            <thead><tr>
              <th scope="col">{p.value.who}</th><th scope="col">{p.value.from}</th><th scope="col">{p.value.since}</th><th scope="col" class="number">{p.value.rate}</th>
              <th scope="col" class="number">{p.value.buffer}</th><th scope="col">{p.value.nodesUsed}</th><th scope="col"><span class="visually-hidden">{c.value.actions}</span></th>
            </tr></thead>
            <tbody>{data.map((session) => <Row key={session.id} session={session} reload={reload} />)}</tbody>
          </table>
        </div>
      )}
    </>
  );
}
