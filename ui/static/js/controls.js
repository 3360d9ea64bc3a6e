// Small controls: theme, copy, forms that must not be sent twice, menus, JSON.
import { text } from './texts.js';

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  try { localStorage.setItem('theme', root.dataset.theme); } catch { /* for this page only, then */ }
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch { return; } // not allowed here: the value can be marked by hand
  const before = button.title;
  button.title = text('js.copied');
  button.classList.add('good-text');
  setTimeout(() => { button.title = before; button.classList.remove('good-text'); }, 1500);
}

async function showJSON(fold) {
  const code = fold.querySelector('code');
  const answer = await fetch(fold.dataset.json);
  const value = await answer.json();
  code.textContent = JSON.stringify(value, null, 2);
}

export function startControls() {
  document.addEventListener('click', (e) => {
    if (e.target.closest('[data-theme-toggle]')) toggleTheme();
    const button = e.target.closest('[data-copy]');
    if (button) copy(button);
    for (const menu of document.querySelectorAll('details.menu[open]')) if (!menu.contains(e.target)) menu.open = false;
  });
  document.addEventListener('keydown', (e) => {
    const menu = e.key === 'Escape' && document.querySelector('details.menu[open]');
    if (menu) { menu.open = false; menu.querySelector('summary').focus(); }
  });
  document.addEventListener('submit', (e) => {
    if (!e.target.matches('[data-once]')) return;
    const button = e.target.querySelector('button');
    setTimeout(() => { button.disabled = true; });
    addEventListener('pageshow', () => { button.disabled = false; }, { once: true });
  });
  document.addEventListener('toggle', (e) => { if (e.target.open && e.target.dataset.json) showJSON(e.target); }, true);
}
