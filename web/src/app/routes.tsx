// SPDX-License-Identifier: LGPL-2.1-or-later
// Which page is at which address. paths.ts lists the same addresses for links and the server.
import type { ComponentType, FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { asProblem } from '../api/resource';
import type { Problem } from '../api/client';
import { t } from '../i18n';
import { ADMIN_PAGES, adminPath, type AdminPageProps } from '../pages/admin/table';
import { LibraryPage } from '../pages/library';
import { NotFoundPage } from '../pages/not-found';
import { Loading, Message, PageTitle, ProblemMessage } from '../parts/page';
import { decodeName, place } from './router';
import { mayAct } from './session';

type Page = FunctionComponent<AdminPageProps>;
type Loader = () => Promise<{ default: Page }>;

const VIEWER_PAGES: readonly { path: string; load: Loader }[] = [
  { path: '/about', load: () => import('../pages/about') },
  { path: '/watch', load: () => import('../pages/watch') },
  { path: '/account', load: () => import('../pages/account') },
];

const loaded = new Map<Loader, Page>();

/** A page whose code is loaded when it is first gone to. */
function LoadedPage({ load, rest }: { load: Loader; rest: string }) {
  const [, setTurn] = useState(0);
  const [problem, setProblem] = useState<Problem | null>(null);
  const page = loaded.get(load) as ComponentType<AdminPageProps> | undefined;
  const again = () => {
    setProblem(null);
    load().then(({ default: got }) => {
      loaded.set(load, got);
      setTurn((n) => n + 1);
    }, (error: unknown) => setProblem(asProblem(error)));
  };
  useEffect(() => {
    if (!loaded.has(load)) again();
  }, [load]);
  if (problem) return <ProblemMessage problem={problem} retry={again} />;
  if (!page) return <Loading />;
  const Loaded = page;
  return <Loaded rest={rest} />;
}

function NoRightPage({ role }: { role: string }) {
  return (
    <>
      <PageTitle hidden>{t.value.noRightTitle}</PageTitle>
      <Message icon="lock" title={t.value.noRightTitle} actions={<a class="button" href="/library">{t.value.toLibrary}</a>}>
        {t.value.noRightText(role)}
      </Message>
    </>
  );
}

/** What follows @start in @path, decoded; null: it begins otherwise. */
function restOf(path: string, start: string): string | null {
  if (path === start) return '';
  return path.startsWith(`${start}/`) ? decodeName(path.slice(start.length + 1)) : null;
}

export function CurrentPage() {
  const { path } = place.value;
  if (path === '/' || path === '/library') return <LibraryPage />;
  for (const page of VIEWER_PAGES) {
    const rest = restOf(path, page.path);
    if (rest !== null) return <LoadedPage key={page.path} load={page.load} rest={rest} />;
  }
  for (const page of ADMIN_PAGES) {
    const rest = restOf(path, adminPath(page.path));
    if (rest === null) continue;
    return mayAct(page.role) ? <LoadedPage key={page.path} load={page.load} rest={rest} /> : <NoRightPage role={t.value.roles[page.role]} />;
  }
  return <NotFoundPage />;
}
