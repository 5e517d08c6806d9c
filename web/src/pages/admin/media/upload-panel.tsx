// SPDX-License-Identifier: LGPL-2.1-or-later
// Where files are dropped or chosen, and how far each upload is: what was sent, and what is durable.
import { useEffect, useRef, useState } from 'preact/hooks';
import { getCluster } from '../../../api/cluster';
import { useResource } from '../../../api/resource';
import { me } from '../../../app/session';
import { m } from '../../../i18n/admin-media';
import { formatNumber } from '../../../i18n/format';
import { Select, TextField } from '../../../parts/fields';
import { Icon } from '../../../parts/icon';
import { Notice } from '../../../parts/page';
import { fromDrop, fromList, type PickedFile } from '../../../upload/files';
import { addFiles, clearEnded, recallLost, shownUploads, uploads } from '../../../upload/queue';
import { UploadRow } from './upload-row';

const REDUNDANCIES = ['1+0', '1+1', '2+1', '3+1', '4+2', '6+2', '6+3', '8+3', '10+4'] as const;

/** Files over the whole page are taken, so that nothing dropped beside the box opens in the browser. */
function useDrop(add: (files: PickedFile[]) => void): boolean {
  const [over, setOver] = useState(false);
  const handler = useRef(add);
  handler.current = add;
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const onOver = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      if (!hasFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      setOver(false);
      void fromDrop(event.dataTransfer).then((files) => handler.current(files));
    };
    addEventListener('dragover', onOver);
    addEventListener('dragleave', onLeave);
    addEventListener('drop', onDrop);
    return () => {
      removeEventListener('dragover', onOver);
      removeEventListener('dragleave', onLeave);
      removeEventListener('drop', onDrop);
    };
  }, []);
  return over;
}

function Picker({ label, folder, primary, onPick }: { label: string; folder?: boolean; primary?: boolean; onPick: (files: PickedFile[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (folder && input.current) input.current.webkitdirectory = true;
  }, []);
  return (
    <>
      <button type="button" class={primary ? 'button primary' : 'button'} onClick={() => input.current?.click()}>
        <Icon name={folder ? 'folder' : 'upload'} />{label}
      </button>
      <input ref={input} type="file" multiple hidden aria-label={label} class={folder ? 'pick-folder' : 'pick-files'}
        onChange={(event) => { onPick(fromList(event.currentTarget.files)); event.currentTarget.value = ''; }} />
    </>
  );
}

function UploadList() {
  const items = shownUploads();
  if (items.length === 0) return null;
  const done = uploads.value.filter((item) => item.state === 'done').length;
  const lost = uploads.value.filter((item) => item.state === 'lost').length;
  return (
    <section class="uploads" aria-label={m.value.uploads}>
      <div class="uploads-head">
        <h2>{m.value.uploads}</h2>
        <span class="note" role="status">{m.value.summary(formatNumber(done), formatNumber(uploads.value.length))}</span>
        {uploads.value.some((item) => item.state === 'done' || item.state === 'failed') && (
          <button type="button" class="text-button" onClick={clearEnded}>{m.value.clearEnded}</button>
        )}
      </div>
      {lost > 0 && <Notice kind="info">{m.value.lostNotice(lost)}</Notice>}
      <ul>{items.map((item) => <UploadRow key={item.key} item={item} />)}</ul>
    </section>
  );
}

export function UploadPanel() {
  const [folder, setFolder] = useState('');
  const [redundancy, setRedundancy] = useState('');
  const [keep, setKeep] = useState<'' | 'true' | 'false'>('');
  const cluster = useResource(getCluster, []);
  const add = (files: PickedFile[]) => addFiles(files, { folder, redundancy: redundancy || null, keepOriginal: keep === '' ? null : keep === 'true' });
  const over = useDrop(add);
  useEffect(() => {
    recallLost(me.value!.user).catch(() => undefined);
  }, []);
  const standard = cluster.data?.defaults.redundancy;
  const choices = [['', m.value.asPolicies], ...[...new Set([...REDUNDANCIES, ...(standard ? [standard] : [])])].map((one) => [one, one] as const)] as [string, string][];
  return (
    <section class={over ? 'card upload-card over' : 'card upload-card'}>
      <h2 class="visually-hidden">{m.value.upload}</h2>
      <div class="drop-zone">
        <Icon name="upload" />
        <p>{over ? m.value.dropNow : m.value.drop}</p>
        <div class="drop-buttons">
          <Picker primary label={m.value.chooseFiles} onPick={add} />
          <Picker folder label={m.value.chooseFolder} onPick={add} />
        </div>
      </div>
      <details class="upload-options">
        <summary>{m.value.how}{folder && `: ${folder}`}</summary>
        <div class="upload-fields">
          <TextField label={m.value.folder} value={folder} onInput={setFolder} hint={m.value.folderHint} name="folder" />
          <Select label={m.value.redundancy} value={redundancy} options={choices} onChange={setRedundancy} />
          <Select label={m.value.keepOriginal} value={keep} options={[['', m.value.asPolicies], ['true', m.value.keepYes], ['false', m.value.keepNo]]} onChange={setKeep} />
        </div>
        <p class="note">{m.value.redundancyHint} {m.value.keepHint}</p>
      </details>
      <UploadList />
    </section>
  );
}
