// SPDX-License-Identifier: LGPL-2.1-or-later
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { CurrentPage } from './app/routes';
import { navigate, place, startRouter } from './app/router';
import { me, safeNext, signInPath, startSession } from './app/session';
import { ConnectionNote, Shell } from './app/shell';
import { startTheme } from './app/theme';
import { startLanguage } from './i18n';
import { OneTimePage, SignInPage } from './pages/sign-in';
import { Loading } from './parts/page';
import './style/main.css';

function App() {
  const who = me.value;
  const { path, query } = place.value;
  const signingIn = path === '/sign-in';
  useEffect(() => {
    if (who === null && !signingIn) navigate(signInPath(), { replace: true });
    else if (who && !who.one_time_password && signingIn) navigate(safeNext(query.next), { replace: true });
  }, [who, signingIn]);
  if (who === undefined) return <><Loading /><ConnectionNote /></>;
  if (who === null) return <SignInPage />;
  if (who.one_time_password) return <OneTimePage />;
  return <Shell><CurrentPage /></Shell>;
}

startTheme();
startLanguage();
startRouter();
startSession();
render(<App />, document.getElementById('app')!);
