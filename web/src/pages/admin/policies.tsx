// SPDX-License-Identifier: LGPL-2.1-or-later
// Policies: rules by name, type and size that say how uploads are stored.
import { useState } from 'preact/hooks';
import { Problem } from '../../api/client';
import { choosePolicy, getCluster, listPolicies, removePolicy, setPolicy, type Choice, type Policy } from '../../api/cluster';
import { useLive } from '../../api/live';
import { asProblem, useResource } from '../../api/resource';
import { mayAct } from '../../app/session';
import { c } from '../../i18n/admin-common';
import { adminTexts } from '../../i18n/admin-names';
import { l } from '../../i18n/admin-policies';
import { formatSize } from '../../i18n/format';
import { Ask } from '../../parts/dialog';
import { Select, TextField } from '../../parts/fields';
import { explainProblem, Loading, Message, Notice, PageTitle, ProblemMessage } from '../../parts/page';

const MB = 1e6;
const KIB = 1024;
const MIB = 1024 * 1024;
const EMPTY: Policy = { name: '', order: 100, match: { names: null, types: null, min_size: null, max_size: null }, redundancy: null, unit: null, extent: null, keep_original: null };

function sayMatch({ match }: Policy): string {
  const parts = [match.names, match.types].filter((part): part is string => part !== null);
  const [low, high] = [match.min_size, match.max_size];
  if (low !== null && high !== null) parts.push(l.value.between(formatSize(low), formatSize(high)));
  else if (low !== null) parts.push(l.value.from(formatSize(low)));
  else if (high !== null) parts.push(l.value.upTo(formatSize(high)));
  return parts.join(' · ') || l.value.everything;
}

function sayGives(policy: Policy): string {
  const parts = [];
  if (policy.redundancy) parts.push(policy.redundancy);
  if (policy.unit !== null) parts.push(l.value.unitIs(formatSize(policy.unit)));
  if (policy.extent !== null) parts.push(l.value.extentIs(formatSize(policy.extent)));
  if (policy.keep_original !== null) parts.push(`${l.value.keep}: ${policy.keep_original ? l.value.keeps : l.value.drops}`);
  return parts.join(' · ');
}

const show = (value: number | null, scale: number): string => (value === null ? '' : String(value / scale));

/** "": it says nothing. */
function read(text: string, scale: number): number | null {
  if (text.trim() === '') return null;
  const value = Number(text.replace(',', '.'));
  if (!Number.isFinite(value) || value < 0) throw new Problem(400, l.value.badNumber);
  return Math.round(value * scale);
}

function Edit({ policy, onClose, onDone }: { policy: Policy; onClose: () => void; onDone: () => void }) {
  const isNew = policy.name === '';
  const [form, setForm] = useState({
    name: policy.name, order: String(policy.order), names: policy.match.names ?? '', types: policy.match.types ?? '',
    min: show(policy.match.min_size, MB), max: show(policy.match.max_size, MB), redundancy: policy.redundancy ?? '',
    unit: show(policy.unit, KIB), extent: show(policy.extent, MIB), keep: policy.keep_original === null ? '' : String(policy.keep_original),
  });
  const field = (key: keyof typeof form) => ({ value: form[key], onInput: (value: string) => setForm((old) => ({ ...old, [key]: value })) });
  const save = async () => {
    await setPolicy({
      name: form.name.trim(), order: read(form.order, 1) ?? 0,
      match: { names: form.names.trim() || null, types: form.types.trim() || null, min_size: read(form.min, MB), max_size: read(form.max, MB) },
      redundancy: form.redundancy.trim() || null, unit: read(form.unit, KIB), extent: read(form.extent, MIB),
      keep_original: form.keep === '' ? null : form.keep === 'true',
    });
  };
  return (
    <Ask title={isNew ? l.value.add : l.value.editTitle(policy.name)} label={c.value.save} act={save} onClose={onClose} onDone={onDone}>
      {isNew && <TextField label={l.value.policyName} {...field('name')} name="policy" required autofocus />}
      <p class="note">{l.value.emptyHint}</p>
      <div class="upload-fields">
        <TextField label={l.value.names} {...field('names')} name="names" hint={l.value.namesHint} />
        <TextField label={l.value.types} {...field('types')} hint={l.value.typesHint} />
        <TextField label={l.value.minSize} {...field('min')} />
        <TextField label={l.value.maxSize} {...field('max')} />
        <TextField label={l.value.redundancy} {...field('redundancy')} name="redundancy" />
        <Select label={l.value.keep} value={form.keep} options={[['', l.value.says], ['true', l.value.keeps], ['false', l.value.drops]]} onChange={(keep) => setForm((old) => ({ ...old, keep }))} />
        <TextField label={l.value.unit} {...field('unit')} />
        <TextField label={l.value.extent} {...field('extent')} />
        <TextField label={l.value.order} {...field('order')} hint={l.value.orderHint} />
      </div>
    </Ask>
  );
}

function Row({ policy, reload }: { policy: Policy; reload: () => void }) {
  const [question, setQuestion] = useState<'edit' | 'remove' | null>(null);
  const close = () => setQuestion(null);
  return (
    <tr>
      <td class="lead"><strong>{policy.name}</strong></td>
      <td data-label={l.value.order} class="number">{policy.order}</td>
      <td data-label={l.value.fits}>{sayMatch(policy)}</td>
      <td data-label={l.value.gives}>{sayGives(policy)}</td>
      <td class="acts">
        {mayAct('admin') && (
          <div class="row-actions">
            <button type="button" class="button" onClick={() => setQuestion('edit')}>{l.value.edit}</button>
            <button type="button" class="button danger" onClick={() => setQuestion('remove')}>{c.value.remove}</button>
          </div>
        )}
        {question === 'edit' && <Edit policy={policy} onClose={close} onDone={reload} />}
        {question === 'remove' && (
          <Ask danger title={l.value.removeTitle(policy.name)} label={c.value.remove} act={() => removePolicy(policy.name)} onClose={close} onDone={reload}><p>{l.value.removeText}</p></Ask>
        )}
      </td>
    </tr>
  );
}

function sayWhy(why: string): string {
  return l.value.because(why.startsWith('policy ') ? l.value.policy(why.slice(7)) : l.value.clusterDefault);
}

function Try() {
  const [name, setName] = useState('films/example.mp4');
  const [size, setSize] = useState('1000');
  const [choice, setChoice] = useState<Choice | null>(null);
  const [error, setError] = useState<string | null>(null);
  const ask = async (event: Event) => {
    event.preventDefault();
    try {
      setChoice(await choosePolicy(name.trim(), null, read(size, MB) ?? 0));
      setError(null);
    } catch (refusal) {
      setError(explainProblem(asProblem(refusal)));
    }
  };
  return (
    <section class="card">
      <h2>{l.value.tryTitle}</h2>
      <p class="note try-text">{l.value.tryText}</p>
      <form class="try-form" onSubmit={(event) => void ask(event)}>
        <TextField label={l.value.tryName} value={name} onInput={setName} />
        <TextField label={l.value.trySize} value={size} onInput={setSize} />
        <button type="submit" class="button">{l.value.tryDo}</button>
      </form>
      {error && <Notice kind="error">{error}</Notice>}
      {choice && !error && (
        <div role="status"><dl class="facts try-answer">
          <dt>{l.value.redundancy}</dt><dd>{choice.redundancy} <span class="note">{sayWhy(choice.why.redundancy)}</span></dd>
          <dt>{l.value.keep}</dt><dd>{choice.keep_original ? l.value.keeps : l.value.drops} <span class="note">{sayWhy(choice.why.keep_original)}</span></dd>
          <dt>{l.value.unit}</dt><dd>{choice.unit / KIB} <span class="note">{sayWhy(choice.why.unit)}</span></dd>
          <dt>{l.value.extent}</dt><dd>{choice.extent / MIB} <span class="note">{sayWhy(choice.why.extent)}</span></dd>
        </dl></div>
      )}
    </section>
  );
}

export default function PoliciesPage() {
  const { data, error, loading, reload } = useLive(listPolicies, ['accounts']);
  const cluster = useResource(getCluster, []);
  const [adding, setAdding] = useState(false);
  const add = mayAct('admin') && <button type="button" class="button primary" onClick={() => setAdding(true)}>{l.value.add}</button>;
  return (
    <>
      <PageTitle actions={add}>{adminTexts.value.policies}</PageTitle>
      <p class="muted page-intro">{l.value.intro}</p>
      {!data && loading && <Loading />}
      {!data && error && <ProblemMessage problem={error} retry={reload} />}
      {data?.length === 0 && <Message icon="layers" title={l.value.emptyTitle}>{l.value.emptyText(cluster.data?.defaults.redundancy ?? '…')}</Message>}
      {data && data.length > 0 && (
        <div class="card table-box">
          <table class="stack">
            <thead><tr>
              <th scope="col">{c.value.name}</th><th scope="col" class="number">{l.value.order}</th><th scope="col">{l.value.fits}</th>
              <th scope="col">{l.value.gives}</th><th scope="col"><span class="visually-hidden">{c.value.actions}</span></th>
            </tr></thead>
            <tbody>{data.map((policy) => <Row key={policy.name} policy={policy} reload={reload} />)}</tbody>
          </table>
        </div>
      )}
      {data && <Try />}
      {adding && <Edit policy={EMPTY} onClose={() => setAdding(false)} onDone={reload} />}
    </>
  );
}
