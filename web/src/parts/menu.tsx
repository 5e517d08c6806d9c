// SPDX-License-Identifier: LGPL-2.1-or-later
// A button that opens a panel below it. Escape, a click elsewhere, and leaving it close it.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { place } from '../app/router';
import { Icon, type IconName } from './icon';

interface Props {
  class?: string;
  icon?: IconName;
  /** In place of an icon by name. */
  drawn?: ComponentChildren;
  label: string;
  text?: string;
  children: ComponentChildren;
}

export function Menu({ class: className = '', icon, drawn, label, text, children }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const key = place.value.key;
  useEffect(() => setOpen(false), [key]);
  useEffect(() => {
    if (!open) return undefined;
    const onDown = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      // the key is not for the page around it as well
      event.preventDefault();
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener('pointerdown', onDown);
    document.addEventListener('focusin', onDown);
    document.addEventListener('keydown', onKey, { capture: true });
    return () => {
      document.removeEventListener('pointerdown', onDown);
      document.removeEventListener('focusin', onDown);
      document.removeEventListener('keydown', onKey, { capture: true });
    };
  }, [open]);
  return (
    <div ref={box} class={`menu ${className}`}>
      <button ref={button} type="button" class="button quiet" aria-expanded={open} aria-controls={id} aria-label={text ? `${label}: ${text}` : label}
        onClick={() => setOpen(!open)}>
        {icon ? <Icon name={icon} /> : drawn}
        {text && <span class="menu-text">{text}</span>}
      </button>
      <div id={id} class="menu-panel" hidden={!open}>{children}</div>
    </div>
  );
}
