// SPDX-License-Identifier: LGPL-2.1-or-later
// Fields of forms, each with its label, its hint and its error tied to it.
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { t } from '../i18n';
import { Icon } from './icon';

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: ComponentChildren;
  autocomplete?: string;
  required?: boolean;
  autofocus?: boolean;
  minLength?: number;
  name?: string;
}

export function TextField({ label, value, onInput, hint, autofocus, ...rest }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} type="text" value={value} spellcheck={false} autocapitalize="none" autoFocus={autofocus}
        aria-describedby={hint ? `${id}-hint` : undefined} onInput={(event) => onInput(event.currentTarget.value)} {...rest} />
      {hint && <p id={`${id}-hint`} class="hint">{hint}</p>}
    </div>
  );
}

export function PasswordField({ label, value, onInput, hint, autofocus, ...rest }: FieldProps) {
  const id = useId();
  const [shown, setShown] = useState(false);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="with-button">
        <input id={id} type={(shown ? 'text' : 'password') as 'text'} value={value} spellcheck={false} autocapitalize="none" autoFocus={autofocus}
          aria-describedby={hint ? `${id}-hint` : undefined} onInput={(event) => onInput(event.currentTarget.value)} {...rest} />
        <button type="button" class="icon-button" aria-pressed={shown} aria-label={shown ? t.value.hidePassword : t.value.showPassword}
          onClick={() => setShown(!shown)}>
          <Icon name="eye" />
        </button>
      </div>
      {hint && <p id={`${id}-hint`} class="hint">{hint}</p>}
    </div>
  );
}

interface SelectProps<V extends string> {
  label: string;
  value: V;
  options: readonly (readonly [V, string])[];
  onChange: (value: V) => void;
  /** The label is for screen readers alone. */
  compact?: boolean;
}

export function Select<V extends string>({ label, value, options, onChange, compact }: SelectProps<V>) {
  const id = useId();
  return (
    <div class={compact ? 'select compact' : 'select field'}>
      <label for={id} class={compact ? 'visually-hidden' : ''}>{label}</label>
      <div class="select-box">
        <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value as V)}>
          {options.map(([key, text]) => <option key={key} value={key} selected={key === value}>{text}</option>)}
        </select>
        <Icon name="down" />
      </div>
    </div>
  );
}
