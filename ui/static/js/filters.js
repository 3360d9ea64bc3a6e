// Search and filters of the list act while one types; the address follows, so
// that it can be kept, sent, and gone back to.
import { swap } from './live.js';

export function startFilters() {
  const form = document.querySelector('[data-filters]');
  if (!form) return;
  let timer = 0;
  let last = null; // the request under way

  async function apply() {
    const wanted = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) wanted.set(name, value);
    const address = `${form.getAttribute('action')}${wanted.size ? `?${wanted}` : ''}`;
    last?.abort();
    last = new AbortController();
    history.replaceState(null, '', address);
    try {
      const answer = await fetch(address, { headers: { Accept: 'text/html' }, signal: last.signal });
      if (answer.redirected) { location.assign(answer.url); return; }
      if (!answer.ok) { location.assign(address); return; }
      swap(new DOMParser().parseFromString(await answer.text(), 'text/html'));
    } catch (error) {
      if (error.name !== 'AbortError') location.assign(address);
    }
  }
  const soon = (delay) => { clearTimeout(timer); timer = setTimeout(apply, delay); };
  form.addEventListener('input', (e) => soon(e.target.type === 'search' ? 220 : 0));
  form.addEventListener('submit', (e) => { e.preventDefault(); soon(0); });
}
