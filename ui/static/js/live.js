// Pages stay current: the node sends what changes (server-sent events), and the
// regions of the page marked data-live are taken anew from the server, which is
// the only one that renders anything. Progress within a document is shown at once.
import { stageText, stateText, text } from './texts.js';
import { showTimes } from './times.js';

const listeners = new Set();
const regions = new Map(); // name to the HTML last received, to see what differs
let timer = 0;
let running = false;
let again = false;
let missed = false; // something changed while nobody looked

// onEvent calls f with each event of the node: {kind, id, state, …}; kind hello
// says that the stream (again) works and that events may have been missed.
export function onEvent(f) { listeners.add(f); }

// refresh takes the live regions anew, soon, and never more than one at a time.
export function refresh(delay = 400) {
  if (document.hidden) { missed = true; return; }
  if (timer) return;
  timer = setTimeout(async () => {
    timer = 0;
    if (running) { again = true; return; }
    running = true;
    try { await renew(); } finally {
      running = false;
      if (again) { again = false; refresh(); }
    }
  }, delay);
}

// renew fetches this page and replaces the regions that differ.
async function renew() {
  const address = location.href;
  let answer;
  try {
    answer = await fetch(address, { headers: { Accept: 'text/html' } });
  } catch { return; } // the node is away: the stream tells when it is back
  if (answer.redirected && new URL(answer.url).pathname === '/login') { location.assign(answer.url); return; }
  if (!answer.ok || address !== location.href) return;
  swap(new DOMParser().parseFromString(await answer.text(), 'text/html'));
}

// swap takes the live regions from another rendering of this page.
export function swap(page) {
  for (const fresh of page.querySelectorAll('[data-live]')) {
    const name = fresh.dataset.live;
    const html = fresh.outerHTML;
    const old = document.querySelector(`[data-live="${name}"]`);
    if (!old || regions.get(name) === html || busy(old)) continue;
    regions.set(name, html);
    replace(old, document.adoptNode(fresh));
  }
}

// busy says whether a person types something there that must not be lost.
function busy(region) {
  const at = document.activeElement;
  return region.contains(at) && at.matches('input, select, textarea') && at.value !== at.defaultValue;
}

// replace puts fresh in the place of old and keeps focus, opened details, and
// where it was scrolled to.
function replace(old, fresh) {
  const at = old.contains(document.activeElement) ? document.activeElement : null;
  const revisions = new Map([...old.querySelectorAll('[data-key]')].map((row) => [row.dataset.key, row.dataset.revision]));
  const folds = [...old.querySelectorAll('details')];
  [...fresh.querySelectorAll('details')].forEach((fold, i) => { if (folds[i]?.open) fold.open = true; });
  showTimes(fresh);
  const scrolled = [...old.querySelectorAll('[data-sheets], .scroll-x')].map((element) => [element.scrollLeft, element.scrollTop]);
  old.replaceWith(fresh);
  [...fresh.querySelectorAll('[data-sheets], .scroll-x')].forEach((element, i) => { if (scrolled[i]) element.scrollTo({ left: scrolled[i][0], top: scrolled[i][1], behavior: 'instant' }); });
  for (const row of revisions.size ? fresh.querySelectorAll('[data-key]') : []) {
    if (revisions.get(row.dataset.key) !== row.dataset.revision) row.classList.add('fresh');
  }
  if (at) {
    const same = at.id ? document.getElementById(at.id) : fresh.querySelector(at.getAttribute('href') ? `a[href="${CSS.escape(at.getAttribute('href'))}"]` : ':not(*)');
    same?.focus({ preventScroll: true });
  }
  document.dispatchEvent(new CustomEvent('recto:swapped', { detail: { region: fresh.dataset.live } }));
}

// progressText says what is done to a document right now.
export function progressText(event) {
  const stage = stageText(event.stage);
  return event.pages ? text('js.read_page', stage, Math.min((event.page ?? 0) + 1, event.pages), event.pages) : stage;
}

function showProgress(event) {
  for (const badge of document.querySelectorAll(`[data-progress="${event.id}"]`)) {
    badge.dataset.state = 'reading';
    badge.lastElementChild.textContent = event.pages > 1 ? `${stateText('reading')} ${event.page ?? 0}/${event.pages}` : stateText('reading');
  }
  const card = document.querySelector(`[data-doc="${event.id}"] [data-doc-progress]`);
  if (!card) return;
  card.querySelector('[data-progress-text]').textContent = progressText(event);
  if (event.pages) card.querySelector('[data-progress-bar]').value = Math.round(100 * (event.page ?? 0) / event.pages);
}

function tell(event) {
  const only = document.querySelector('[data-live-only]')?.dataset.liveOnly;
  const shown = !only || event.id === only || document.querySelector(`[data-progress="${event.id}"]`);
  if (event.kind === 'progress') showProgress(event);
  else if (event.kind === 'revision' && shown) refresh();
  for (const f of listeners) f(event);
}

function connect() {
  const sign = document.querySelector('[data-link]');
  const source = new EventSource('/api/v1/events');
  let before = false;
  const hear = (kind) => (message) => tell({ kind, ...JSON.parse(message.data) });
  source.addEventListener('progress', hear('progress'));
  source.addEventListener('revision', hear('revision'));
  source.addEventListener('hello', () => {
    if (sign) { sign.hidden = false; sign.classList.remove('lost'); sign.lastElementChild.textContent = text('js.live'); }
    if (before) refresh(0); // what happened meanwhile was not sent
    before = true;
    tell({ kind: 'hello' });
  });
  source.addEventListener('error', () => {
    if (sign) { sign.hidden = false; sign.classList.add('lost'); sign.lastElementChild.textContent = text('js.reconnecting'); }
    if (source.readyState === EventSource.CLOSED) setTimeout(() => { refresh(0); connect(); }, 5000); // refused: signed out, or starting
  });
  addEventListener('pagehide', () => source.close(), { once: true });
}

export function startLive() {
  for (const region of document.querySelectorAll('[data-live]')) regions.set(region.dataset.live, region.outerHTML);
  document.addEventListener('visibilitychange', () => { if (!document.hidden && missed) { missed = false; refresh(0); } });
  addEventListener('pageshow', (e) => { if (e.persisted) location.reload(); });
  const poll = Number(document.querySelector('[data-poll]')?.dataset.poll);
  if (poll) setInterval(() => refresh(0), poll * 1000);
  if ('events' in document.body.dataset) connect();
}
