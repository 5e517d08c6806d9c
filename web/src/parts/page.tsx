// SPDX-License-Identifier: LGPL-2.1-or-later
// What every page has: a title, which is announced and is where the focus goes, and its messages.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Problem } from '../api/client';
import { place } from '../app/router';
import { t } from '../i18n';
import { Icon, type IconName } from './icon';

interface TitleProps {
  children: string;
  /** Beside the title: buttons. */
  actions?: ComponentChildren;
  /** Seen by screen readers alone. */
  hidden?: boolean;
}

let first = true;

/** The heading of a page. It takes the focus when the page is gone to, not when it is the first one. */
export function PageTitle({ children, actions, hidden }: TitleProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const path = place.value.path;
  useEffect(() => {
    document.title = `${children} · ${t.value.product}`;
  }, [children, t.value]);
  useEffect(() => {
    if (!first && !document.activeElement?.matches('input, select, textarea')) heading.current?.focus({ preventScroll: true });
    first = false;
  }, [path]);
  return (
    <div class={hidden ? 'page-title visually-hidden' : 'page-title'}>
      <h1 ref={heading} tabIndex={-1}>{children}</h1>
      {actions && <div class="page-actions">{actions}</div>}
    </div>
  );
}

interface MessageProps {
  icon?: IconName;
  title: string;
  children?: ComponentChildren;
  actions?: ComponentChildren;
}

/** In place of content that is not there. */
export function Message({ icon = 'info', title, children, actions }: MessageProps) {
  return (
    <div class="message">
      <div class="message-icon"><Icon name={icon} /></div>
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {actions && <div class="message-actions">{actions}</div>}
    </div>
  );
}

export function explainProblem(problem: Problem): string {
  return problem.status === 0 ? t.value.unreachable : problem.detail;
}

/** What a request was refused with, and the way on. */
export function ProblemMessage({ problem, retry }: { problem: Problem; retry?: () => void }) {
  return (
    <Message icon="alert" title={problem.status === 0 ? t.value.unreachableTitle : t.value.failedTitle}
      actions={retry && <button type="button" class="button" onClick={retry}>{t.value.tryAgain}</button>}>
      {problem.status === 0 ? t.value.unreachableText : problem.detail}
    </Message>
  );
}

/** In place of a medium's page. */
export function MediumProblem({ name, problem, retry }: { name: string; problem: Problem; retry: () => void }) {
  if (problem.status !== 404) return <ProblemMessage problem={problem} retry={retry} />;
  return (
    <>
      <PageTitle hidden>{t.value.noMediumTitle}</PageTitle>
      <Message icon="search" title={t.value.noMediumTitle} actions={<a class="button" href="/library">{t.value.toLibrary}</a>}>
        {t.value.noMediumText(name)}
      </Message>
    </>
  );
}

/** A line beside a form: an error is read out at once, good news when there is time. */
export function Notice({ kind, children }: { kind: 'error' | 'good' | 'info'; children: ComponentChildren }) {
  return (
    <p class={`notice ${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      <Icon name={kind === 'error' ? 'alert' : kind === 'good' ? 'check' : 'info'} />
      <span>{children}</span>
    </p>
  );
}

export function Loading() {
  return <div class="loading" role="status"><span class="spinner" aria-hidden="true" /><span class="visually-hidden">{t.value.loading}</span></div>;
}
