// SPDX-License-Identifier: LGPL-2.1-or-later
// The unfinished uploads that this page does not send: of others, or of other browsers.
import { useState } from 'preact/hooks';
import { listUnfinished, type Unfinished } from '../../../api/cluster';
import { useLive } from '../../../api/live';
import { m } from '../../../i18n/admin-media';
import { c } from '../../../i18n/admin-common';
import { formatSize, formatTime } from '../../../i18n/format';
import { Ask } from '../../../parts/dialog';
import { Meter } from '../../../parts/meter';
import { removeUnfinished, uploads } from '../../../upload/queue';

function Row({ upload, reload }: { upload: Unfinished; reload: () => void }) {
  const [asking, setAsking] = useState(false);
  const share = upload.size > 0 ? upload.offset / upload.size : 0;
  const text = m.value.othersText(formatSize(upload.offset), formatSize(upload.size), upload.user, formatTime(upload.expires));
  return (
    <li class="upload">
      <div class="upload-name"><span>{upload.name}</span></div>
      <button type="button" class="text-button" aria-label={`${c.value.remove}: ${upload.name}`} onClick={() => setAsking(true)}>{c.value.remove}</button>
      <div class="upload-word"><Meter value={share} label={text} /><span class="note">{text}</span></div>
      {asking && (
        <Ask danger title={m.value.cancelUpload(upload.name)} label={c.value.remove} act={() => removeUnfinished(upload.id)} onClose={() => setAsking(false)} onDone={reload}>
          <p>{m.value.othersRemove(upload.user)}</p>
        </Ask>
      )}
    </li>
  );
}

export function OtherUploads() {
  const { data, reload } = useLive(listUnfinished, ['uploads']);
  const mine = new Set(uploads.value.map((item) => item.name));
  const others = data?.filter((upload) => !mine.has(upload.name)) ?? [];
  if (others.length === 0) return null;
  return (
    <section class="card" aria-label={m.value.others}>
      <h2>{m.value.others}</h2>
      <ul>{others.map((upload) => <Row key={upload.id} upload={upload} reload={reload} />)}</ul>
    </section>
  );
}
