// SPDX-License-Identifier: LGPL-2.1-or-later
// The players and browsers that were used lately.
import { listClients, type Client } from '../../api/cluster';
import { useLive } from '../../api/live';
import { adminTexts } from '../../i18n/admin-names';
import { c } from '../../i18n/admin-common';
import { p } from '../../i18n/admin-people';
import { formatAgo, formatNumber, formatRate } from '../../i18n/format';
import { AsOf } from '../../parts/as-of';
import { Loading, Message, PageTitle, ProblemMessage } from '../../parts/page';

const REFRESH_S = 10;

function Row({ client }: { client: Client }) {
  return (
    <tr>
      <td class="lead client-name">{client.client ?? c.value.unknown}</td>
      <td data-label={c.value.user}>{client.user}</td>
      <td data-label={p.value.from}>{client.address}</td>
      <td data-label={p.value.lastSeen}>{formatAgo(client.last_seen)}</td>
      <td data-label={p.value.streams} class="number">{formatNumber(client.sessions)}</td>
      <td data-label={p.value.rate} class="number">{client.rate === null ? '–' : formatRate(client.rate)}</td>
      <td data-label={p.value.lateUnits} class="number">{client.late === null ? '–' : formatNumber(client.late)}</td>
    </tr>
  );
}

export default function ClientsPage() {
  const { data, error, loading, reload, asOf } = useLive(listClients, ['sessions'], { refresh: REFRESH_S });
  return (
    <>
      <PageTitle actions={data && <AsOf at={asOf} reload={reload} />}>{adminTexts.value.clients}</PageTitle>
      {!data && loading && <Loading />}
      {!data && error && <ProblemMessage problem={error} retry={reload} />}
      {data?.length === 0 && <Message icon="clients" title={p.value.noClientsTitle}>{p.value.noClientsText}</Message>}
      {data && data.length > 0 && (
        <div class="card table-box">
          <table class="stack">
            <thead><tr>
              <th scope="col">{p.value.player}</th><th scope="col">{c.value.user}</th><th scope="col">{p.value.from}</th><th scope="col">{p.value.lastSeen}</th>
              <th scope="col" class="number">{p.value.streams}</th><th scope="col" class="number">{p.value.rate}</th><th scope="col" class="number">{p.value.lateUnits}</th>
            </tr></thead>
            <tbody>{data.map((client) => <Row key={`${client.user} ${client.address} ${client.client}`} client={client} />)}</tbody>
          </table>
        </div>
      )}
    </>
  );
}
