// SPDX-License-Identifier: LGPL-2.1-or-later
// One medium: what it is, how it is, where it lies, and what can be done about it.
import { useState } from 'preact/hooks';
import { changeMedium, deleteMedium, getMediumHealth, renameMedium, verifyMedium, type MediumWithHealth } from '../../../api/cluster';
import { useLive } from '../../../api/live';
import { encodeName, navigate } from '../../../app/router';
import { c } from '../../../i18n/admin-common';
import { m } from '../../../i18n/admin-media';
import { formatClock, formatNumber, formatRate, formatSize, formatTime } from '../../../i18n/format';
import { Ask } from '../../../parts/dialog';
import { TextField } from '../../../parts/fields';
import { Icon } from '../../../parts/icon';
import { Loading, PageTitle, ProblemMessage } from '../../../parts/page';
import { toast } from '../../../parts/toast';
import { Layout } from './layout';

const MEDIUM_BADGES = { uploading: 'accent', ingesting: 'accent', ready: 'good', failed: 'bad', deleting: '' };
const HEALTH_BADGES = { whole: 'good', degraded: 'warn', unavailable: 'bad', damaged: 'bad' };

type Question = 'verify' | 'rename' | 'remove' | 'original';

function Actions({ medium, reload }: { medium: MediumWithHealth; reload: () => void }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const [name, setName] = useState(medium.name);
  const shared = { onClose: () => setQuestion(null) };
  const ready = medium.state === 'ready';
  const verify = async () => {
    const { job } = await verifyMedium(medium.name);
    toast(m.value.verifyStarted(String(job)));
  };
  const rename = async () => {
    const renamed = await renameMedium(medium.name, name.trim());
    navigate(`/admin/media/${encodeName(renamed.name)}`, { replace: true });
  };
  const remove = async () => {
    await deleteMedium(medium.name);
    toast(m.value.removed(medium.name));
    navigate('/admin/media', { replace: true });
  };
  return (
    <>
      {ready && <a class="button primary" href={`/watch/${encodeName(medium.name)}`}><Icon name="play" solid />{m.value.watch}</a>}
      {ready && <button type="button" class="button" onClick={() => setQuestion('verify')}>{m.value.verify}</button>}
      {ready && <button type="button" class="button" onClick={() => setQuestion('original')}>{medium.keep_original ? m.value.dropDo : m.value.keepDo}</button>}
      <button type="button" class="button" onClick={() => { setName(medium.name); setQuestion('rename'); }}>{m.value.rename}</button>
      <button type="button" class="button danger" onClick={() => setQuestion('remove')}>{m.value.remove}</button>
      {question === 'verify' && <Ask {...shared} title={m.value.verify} label={m.value.verify} act={verify}><p>{m.value.verifyText}</p></Ask>}
      {question === 'rename' && (
        <Ask {...shared} title={m.value.rename} label={m.value.rename} act={rename}>
          <TextField label={m.value.renameLabel} value={name} onInput={setName} hint={m.value.renameHint} required autofocus />
        </Ask>
      )}
      {question === 'original' && (
        <Ask {...shared} danger={medium.keep_original} title={medium.keep_original ? m.value.dropDo : m.value.keepDo} label={medium.keep_original ? m.value.dropDo : m.value.keepDo}
          act={() => changeMedium(medium.name, { keep_original: !medium.keep_original })}
          onDone={() => { toast(medium.keep_original ? m.value.originalDropped : m.value.originalStarted); reload(); }}>
          <p>{medium.keep_original ? m.value.dropText : m.value.keepText}</p>
        </Ask>
      )}
      {question === 'remove' && (
        <Ask {...shared} danger title={m.value.removeTitle(medium.name)} label={m.value.remove} act={remove}>
          <ul class="consequences">{m.value.removeConsequences.map((text) => <li key={text}>{text}</li>)}</ul>
        </Ask>
      )}
    </>
  );
}

function Health({ medium }: { medium: MediumWithHealth }) {
  const { health } = medium;
  if (!health) return null;
  return (
    <section class="card">
      <h2>{m.value.health}</h2>
      <p><span class={`badge ${HEALTH_BADGES[health.state]}`}>{m.value.healthStates[health.state]}</span> {m.value.healthTexts[health.state]}</p>
      {health.nodes_down.length > 0 && (
        <p class="warn-text">{m.value.nodesDown(health.nodes_down.join(', '))} <a href={`/admin/nodes#node-${health.nodes_down[0]}`}>{m.value.repairNode(String(health.nodes_down[0]))}</a></p>
      )}
      {health.bad_shards > 0 && <p class="note">{m.value.badShards(c.value.shard(health.bad_shards, formatNumber(health.bad_shards)))}</p>}
    </section>
  );
}

function Facts({ medium }: { medium: MediumWithHealth }) {
  const facts: [string, string | null][] = [
    [m.value.title, medium.title],
    [m.value.type, medium.content_type],
    [m.value.container, medium.container],
    [c.value.size, medium.size === null ? null : `${formatSize(medium.size)} (${formatNumber(medium.size)})`],
    [m.value.duration, medium.duration_ns ? formatClock(medium.duration_ns / 1e9) : null],
    [m.value.bitrate, medium.avg_bitrate ? formatRate(medium.avg_bitrate) : null],
    [m.value.redundancy, medium.redundancy],
    [m.value.original, medium.keep_original ? m.value.originalKept : m.value.originalNot],
    [m.value.added, formatTime(medium.created)],
    [m.value.checksum, medium.sha256],
  ];
  return (
    <section class="card">
      <dl class="facts">
        <dt>{c.value.state}</dt>
        <dd>
          <span class={`badge ${MEDIUM_BADGES[medium.state]}`}>{m.value.mediumStates[medium.state]}</span>
          {medium.job !== null && medium.state !== 'ready' && <> <a href="/admin/jobs">#{medium.job}</a></>}
        </dd>
        {facts.filter(([, value]) => value).map(([label, value]) => [<dt key={label}>{label}</dt>, <dd key={`${label}-`}>{value}</dd>])}
      </dl>
    </section>
  );
}

export function MediumPage({ name }: { name: string }) {
  const { data, error, loading, reload } = useLive((signal) => getMediumHealth(name, signal), ['media', 'health', 'nodes', 'jobs'], { inputs: [name] });
  return (
    <>
      <p class="crumb"><a href="/admin/media"><Icon name="back" />{m.value.back}</a></p>
      <PageTitle actions={data && <Actions medium={data} reload={reload} />}>{name}</PageTitle>
      {!data && loading && <Loading />}
      {!data && error && <ProblemMessage problem={error} retry={reload} />}
      {data && (
        <>
          <Health medium={data} />
          {data.state === 'ready' && <Layout name={name} />}
          <Facts medium={data} />
        </>
      )}
    </>
  );
}
