// SPDX-License-Identifier: LGPL-2.1-or-later
// One upload: its two bars, and a clear word where it did not work.
import { encodeName } from '../../../app/router';
import { fileOf } from '../../../api/media';
import { t } from '../../../i18n';
import { c } from '../../../i18n/admin-common';
import { m } from '../../../i18n/admin-media';
import { formatPercent, formatSize } from '../../../i18n/format';
import { Icon } from '../../../parts/icon';
import { Meter } from '../../../parts/meter';
import { explainProblem } from '../../../parts/page';
import { asProblem } from '../../../api/resource';
import { toast } from '../../../parts/toast';
import { cancelUpload, retryUpload, type UploadItem } from '../../../upload/queue';

const BADGES: Record<UploadItem['state'], string> = { waiting: '', sending: 'accent', storing: 'accent', done: 'good', failed: 'bad', lost: 'warn' };

function Bars({ item }: { item: UploadItem }) {
  const sent = item.size > 0 ? item.sent / item.size : 0;
  return (
    <div class="bars">
      <span>{m.value.sent}</span>
      <Meter value={sent} label={`${m.value.sent}: ${formatPercent(sent)}`} />
      <span class="bar-number">{c.value.ofTotal(formatSize(item.sent), formatSize(item.size))}</span>
      <span>{m.value.durable}</span>
      <Meter value={item.durable} label={`${m.value.durable}: ${formatPercent(item.durable)}`} />
      <span class="bar-number">{formatPercent(item.durable)}</span>
    </div>
  );
}

function sayWhy(item: UploadItem): string | null {
  if (!item.choice) return null;
  const { redundancy, why } = item.choice;
  return m.value.stored(redundancy, why.startsWith('policy ') ? m.value.policy(why.slice(7)) : m.value.clusterDefault);
}

export function UploadRow({ item }: { item: UploadItem }) {
  const open = ['waiting', 'sending', 'storing', 'lost'].includes(item.state);
  const why = sayWhy(item);
  const cancel = () => cancelUpload(item.key).catch((error: unknown) => toast(explainProblem(asProblem(error))));
  return (
    <li class="upload" data-state={item.state}>
      <div class="upload-name">
        {item.state === 'done' || item.state === 'storing' ? <a href={`/admin/media/${encodeName(item.name)}`}>{item.name}</a> : <span>{item.name}</span>}
        {why && open && <span class="note">{why}</span>}
      </div>
      <span class={`badge ${BADGES[item.state]}`}>{m.value.states[item.state]}</span>
      <div class="upload-acts">
        {item.state === 'failed' && item.fault?.kind === 'room' && <button type="button" class="text-button" onClick={() => retryUpload(item.key)}>{m.value.retry}</button>}
        {item.state !== 'storing' && item.state !== 'done' && (
          <button type="button" class="icon-button" aria-label={open ? m.value.cancelUpload(item.name) : `${t.value.close}: ${item.name}`} onClick={() => void cancel()}><Icon name="close" /></button>
        )}
      </div>
      {open && item.state !== 'waiting' && <Bars item={item} />}
      {item.paused && <p class="upload-word warn-text">{m.value.pausedText}</p>}
      {item.state === 'lost' && <p class="upload-word warn-text">{m.value.lostText(fileOf(item.name), formatSize(item.sent))}</p>}
      {item.fault && (
        <p class="upload-word bad-text" role="alert">
          {m.value.faults[item.fault.kind]}
          {item.fault.detail && (item.fault.kind === 'other' || item.fault.kind === 'job' || item.fault.kind === 'room') && <span class="reason"> {item.fault.detail}</span>}
        </p>
      )}
    </li>
  );
}
