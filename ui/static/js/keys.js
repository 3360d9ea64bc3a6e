// Single keys for those who work with the keyboard. They can be switched off,
// and never act while one types.
const selectors = '.rows .cell-name a, .field[tabindex], .items td[tabindex]';

const on = () => { try { return localStorage.getItem('keys') !== 'off'; } catch { return true; } };

function step(by) {
  const all = [...document.querySelectorAll(selectors)];
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
  all[to].focus();
}

function search() {
  const field = document.querySelector('[data-search]');
  if (field) { field.focus(); field.select(); } else location.assign('/documents');
}

export function startKeys() {
  const dialog = document.querySelector('[data-shortcuts-dialog]');
  if (!dialog) return;
  const box = dialog.querySelector('[data-keys-on]');
  box.checked = on();
  box.addEventListener('change', () => { try { localStorage.setItem('keys', box.checked ? 'on' : 'off'); } catch { /* until the next page */ } });
  document.addEventListener('click', (e) => { if (e.target.closest('[data-shortcuts]')) dialog.showModal(); });
  document.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || dialog.open || !box.checked) return;
    if (e.target.matches?.('input, select, textarea, [contenteditable]')) return;
    const act = { '/': search, '?': () => dialog.showModal(), j: () => step(1), k: () => step(-1) }[e.key];
    if (act) { e.preventDefault(); act(); return; }
    document.dispatchEvent(new CustomEvent('recto:key', { detail: e.key }));
  });
}
