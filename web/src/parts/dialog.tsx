// SPDX-License-Identifier: LGPL-2.1-or-later
// A question over the page. Escape and a click outside close it, the focus goes back to its button.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { asProblem } from '../api/resource';
import { t } from '../i18n';
import { explainProblem, Notice } from './page';
import { Icon } from './icon';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    box.current?.showModal();
    return () => before?.focus?.();
  }, []);
  return (
    <dialog ref={box} aria-labelledby={id} onClose={onClose} onMouseDown={(event) => { if (event.target === box.current) onClose(); }}>
      <div class="dialog-body">
        <div class="dialog-head">
          <h2 id={id}>{title}</h2>
          <button type="button" class="icon-button" aria-label={t.value.close} onClick={onClose}><Icon name="close" /></button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

interface AskProps {
  title: string;
  /** Of the button that does it. */
  label: string;
  danger?: boolean;
  children?: ComponentChildren;
  act: () => Promise<unknown>;
  onClose: () => void;
  onDone?: () => void;
}

/** Asks, does it, and says what went wrong without closing. */
export function Ask({ title, label, danger, children, act, onClose, onDone }: AskProps) {
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await act();
      onDone?.();
      onClose();
    } catch (refusal) {
      setError(explainProblem(asProblem(refusal)));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        {children}
        {error && <Notice kind="error">{error}</Notice>}
        <div class="dialog-actions">
          <button type="button" class="button quiet" onClick={onClose}>{t.value.cancel}</button>
          <button type="submit" class={danger ? 'button danger' : 'button primary'} disabled={busy}>{label}</button>
        </div>
      </form>
    </Dialog>
  );
}
