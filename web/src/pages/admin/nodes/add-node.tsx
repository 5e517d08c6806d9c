// SPDX-License-Identifier: LGPL-2.1-or-later
// Shows the line that starts a new storage server, and waits for it.
import { useState } from 'preact/hooks';
import { makeJoinToken } from '../../../api/cluster';
import { asProblem } from '../../../api/resource';
import { t } from '../../../i18n';
import { n } from '../../../i18n/admin-nodes';
import { formatTime } from '../../../i18n/format';
import { CopyLine } from '../../../parts/copy-line';
import { Dialog } from '../../../parts/dialog';
import { TextField } from '../../../parts/fields';
import { explainProblem, Notice } from '../../../parts/page';

const quote = (text: string): string => (/^[\w.:/-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`);

function makeLine(token: string, zone: string): string {
  return `pmss-storage --control=${location.origin} --join-token=${token} --data=/var/lib/pmss-storage${zone ? ` --zone=${quote(zone)}` : ''}`;
}

interface Props {
  /** The server that joined last; null: none since the page was opened. */
  joined: number | null;
  onClose: () => void;
}

export function AddNode({ joined, onClose }: Props) {
  const [zone, setZone] = useState('');
  const [token, setToken] = useState<{ join_token: string; expires: string } | null>(null);
  const [before, setBefore] = useState<number | null>(null);
  const [error, setError] = useState<string | null>(null);
  const make = async (event: Event) => {
    event.preventDefault();
    try {
      setBefore(joined);
      setToken(await makeJoinToken(zone.trim()));
    } catch (refusal) {
      setError(explainProblem(asProblem(refusal)));
    }
  };
  return (
    <Dialog title={n.value.add} onClose={onClose}>
      {!token && (
        <form onSubmit={(event) => void make(event)}>
          <p>{n.value.addText}</p>
          <TextField label={n.value.addZone} value={zone} onInput={setZone} hint={n.value.addZoneHint} />
          {error && <Notice kind="error">{error}</Notice>}
          <div class="dialog-actions"><button type="submit" class="button primary">{n.value.addMake}</button></div>
        </form>
      )}
      {token && (
        <>
          <p>{n.value.addText}</p>
          <CopyLine name={n.value.addLine} line={makeLine(token.join_token, zone.trim())} />
          <p class="note">{n.value.addData} {n.value.expires(formatTime(token.expires))}</p>
          {joined !== before ? <Notice kind="good">{n.value.joined(String(joined))}</Notice>
            : <p class="waiting" role="status"><span class="spinner" aria-hidden="true" />{n.value.addWaiting}</p>}
          <div class="dialog-actions"><button type="button" class="button" onClick={onClose}>{t.value.close}</button></div>
        </>
      )}
    </Dialog>
  );
}
