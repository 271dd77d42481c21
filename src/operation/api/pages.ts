// The pages that the process serves itself: how the network is, the API to try, and where to sign in.
// Nothing is fetched from anywhere else, and the browser is told so.

import { readFileSync } from 'node:fs';
import { type ApiContext, iso } from './context.ts';
import { networkInfo } from './network.ts';
import { addressText } from './peers.ts';

export const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

const file = (name: string): string =>
  readFileSync(new URL(`./pages/${name}`, import.meta.url), 'utf8');

/** Files by the path they are served under. */
export const FILES: Readonly<
  Record<string, { readonly type: string; readonly text: () => string }>
> = {
  '/api/v1/': { type: 'text/html; charset=utf-8', text: () => file('try.html') },
  '/pages/try.js': { type: 'text/javascript; charset=utf-8', text: () => file('try.js') },
  '/pages/style.css': { type: 'text/css; charset=utf-8', text: () => file('style.css') },
};

/** Files without which the page where one signs in would look bare. */
export const OPEN_FILES: ReadonlySet<string> = new Set(['/pages/style.css']);

/** `/` for now: what runs, where, and how much it has to do. */
export async function statusPage(context: ApiContext): Promise<string> {
  const info = await networkInfo(context);
  const { functions, load } = info;
  const counts = Object.assign({}, ...functions.map(one => one.load)) as Record<string, number>;
  const isServing = functions.every(one => one.serving || !one.here);
  const rows = functions.map(one => {
    const where = one.listening
      .map(
        ({ point, protocol, host, port }) => `${point} ${protocol} ${addressText({ host, port })}`,
      )
      .join('<br>');
    const state = one.serving ? 'serves' : escaped(one.because ?? 'does not serve');
    const mark = one.serving ? 'good' : one.here ? 'bad' : 'away';
    return `<tr><th scope="row">${escaped(one.instance)}</th><td class="${mark}">${state}</td><td>${where || 'in this process only'}</td></tr>`;
  });
  const figures = (['subscribers', 'registrations', 'contacts', 'calls'] as const)
    .filter(name => counts[name] !== undefined)
    .map(name => `<div><dt>${name}</dt><dd>${counts[name]}</dd></div>`);
  return page(
    `${info.name} – Carillon`,
    `<h1>${escaped(info.name)}</h1>
<p class="${isServing ? 'good' : 'bad'}">${isServing ? 'Every function serves.' : 'Not every function serves.'}</p>
<p>Home domain <code>${escaped(info.home)}</code>, up since <time datetime="${info.started}">${escaped(shortTime(info.started))}</time> UTC.</p>
<dl>${figures.join('')}</dl>
<table>
<thead><tr><th scope="col">function</th><th scope="col">state</th><th scope="col">listens on</th></tr></thead>
<tbody>${rows.join('')}</tbody>
</table>
<p>${Math.round(load.memory / 1_000_000)} MB of memory, ${Math.round(load.cpu * 100)} % of one processor since the start, ${load.traceEvents} trace events remembered.</p>
<p><a href="/api/v1/">The API, to try out</a> · <a href="/metrics">metrics</a> · <a href="/health">health</a></p>
<p class="quiet">Carillon ${escaped(info.version)}, as of ${escaped(shortTime(iso(Date.now())))} UTC. This page renews itself.</p>`,
    '<meta http-equiv="refresh" content="10">',
  );
}

export function signInPage(isWrong: boolean): string {
  return page(
    'Sign in – Carillon',
    `<h1>Carillon</h1>
<form method="post" action="/sign-in">
<label for="token">Token of the network file (console.token)</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Sign in</button>
${isWrong ? '<p class="bad" role="alert">That is not the token.</p>' : ''}
</form>`,
  );
}

function page(title: string, body: string, head = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${head}
<title>${escaped(title)}</title>
<link rel="stylesheet" href="/pages/style.css">
<link rel="icon" href="data:,">
</head>
<body><main>${body}</main></body>
</html>
`;
}

const shortTime = (time: string): string => time.slice(0, 19).replace('T', ' ');

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
