// The document page: a value and its place on the page light up together, pages
// can be made larger and smaller, and all words of a page can be shown.
import { text } from './texts.js';

const svg = 'http://www.w3.org/2000/svg';
const steps = [0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4];
let zoom = 'width'; // width, page, or a factor: screen pixels for one of the picture
let words = false;
let watcher;

const viewer = () => document.querySelector('[data-viewer]');
const sheets = () => [...document.querySelectorAll('.sheet')];
const scroller = () => document.querySelector('[data-sheets]');
const joined = (key) => document.querySelectorAll(`[data-field="${key}"]`);

// light marks everything of one field, or of none, as lit.
function light(key) {
  for (const element of document.querySelectorAll('.lit')) element.classList.remove('lit');
  viewer()?.classList.toggle('has-lit', Boolean(key) && Boolean(document.querySelector(`.box[data-field="${key}"]`)));
  if (key) for (const element of joined(key)) element.classList.add('lit');
}

// showPlace scrolls the pages so that a field's box is in view.
function showPlace(key) {
  const box = document.querySelector(`.box[data-field="${key}"]`);
  const area = scroller();
  if (!area) return;
  const target = box ?? document.getElementById(`page-${document.getElementById(`field-${key}`)?.dataset.onPage}`);
  if (!target) return;
  const at = target.getBoundingClientRect();
  const frame = area.getBoundingClientRect();
  const margin = 24;
  if (at.top >= frame.top + margin && at.bottom <= frame.bottom - margin && at.left >= frame.left && at.right <= frame.right) return;
  area.scrollTo({
    top: area.scrollTop + at.top - frame.top - (box ? frame.height / 2 - at.height / 2 : margin),
    left: area.scrollLeft + at.left - frame.left - Math.max(margin, frame.width / 2 - at.width / 2),
  });
}

function showValue(key) {
  const field = document.getElementById(`field-${key}`);
  if (!field) return;
  field.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'smooth' });
}

// meet is called when pointer or focus comes to a field or a box.
function meet(target) {
  const key = target?.closest?.('[data-field]')?.dataset.field;
  light(key);
  if (!key) return;
  if (target.closest('.box')) showValue(key);
  else showPlace(key);
}

// cross moves the focus from a value to its box, and back.
function cross(target) {
  const box = target.closest('.box');
  const key = target.closest('[data-field]').dataset.field;
  const other = box ? document.getElementById(`field-${key}`) : document.querySelector(`.box[data-field="${key}"]`);
  other?.focus({ preventScroll: true });
  return Boolean(other);
}

function natural(sheet) {
  const img = sheet.querySelector('img');
  return { width: Number(sheet.dataset.width) || img.naturalWidth, height: Number(sheet.dataset.height) || img.naturalHeight };
}

// factor is how large a sheet is shown right now.
function factor(sheet) {
  const { width, height } = natural(sheet);
  const area = scroller();
  const room = area.clientWidth - 32;
  if (!width) return 1;
  if (zoom === 'width') return Math.min(room / width, 1);
  if (zoom === 'page') return Math.min(room / width, (area.clientHeight - 32) / height);
  return zoom;
}

function layout() {
  const area = scroller();
  if (!area) return;
  area.classList.add('zoomed');
  for (const sheet of sheets()) {
    const { width, height } = natural(sheet);
    const overlay = sheet.querySelector('.overlay');
    if (width && !overlay.hasAttribute('viewBox')) overlay.setAttribute('viewBox', `0 0 ${width} ${height}`);
    const picture = sheet.querySelector('img');
    sheet.classList.toggle('loading', !picture.complete);
    if (width) sheet.style.width = `${Math.max(40, Math.round(width * factor(sheet)))}px`;
  }
  const level = document.querySelector('[data-zoom-level]');
  const first = sheets()[0];
  if (level && first) level.textContent = `${Math.round(100 * factor(first))} %`;
}

// setZoom changes the size and keeps the middle of the view where it is.
function setZoom(how) {
  const area = scroller();
  const first = sheets()[0];
  if (!area || !first) return;
  const now = factor(first);
  if (how === 'in') zoom = steps.find((s) => s > now * 1.02) ?? steps.at(-1);
  else if (how === 'out') zoom = steps.findLast((s) => s < now * 0.98) ?? steps[0];
  else zoom = how === 'full' ? 1 : how;
  const middle = (area.scrollTop + area.clientHeight / 2) / area.scrollHeight;
  const centre = (area.scrollLeft + area.clientWidth / 2) / area.scrollWidth;
  layout();
  area.scrollTo({ top: middle * area.scrollHeight - area.clientHeight / 2, left: centre * area.scrollWidth - area.clientWidth / 2, behavior: 'instant' });
}

async function drawWords(group) {
  if (group.dataset.drawn) return;
  group.dataset.drawn = 'yes';
  const id = document.querySelector('[data-doc]').dataset.doc;
  const answer = await fetch(`/api/v1/documents/${id}/pages/${group.dataset.wordsOf}/words`);
  if (!answer.ok) { delete group.dataset.drawn; return; }
  const page = await answer.json();
  for (const word of page.words) {
    const rect = document.createElementNS(svg, 'rect');
    const [x0, y0, x1, y1] = word.box;
    for (const [name, value] of Object.entries({ x: x0, y: y0, width: x1 - x0, height: y1 - y0 })) rect.setAttribute(name, value);
    const title = document.createElementNS(svg, 'title');
    title.textContent = `${word.text} · ${Math.floor(100 * word.confidence)} %`;
    rect.append(title);
    group.append(rect);
  }
}

function showWords() {
  document.querySelector('[data-words]')?.setAttribute('aria-pressed', String(words));
  for (const group of document.querySelectorAll('[data-words-of]')) {
    group.toggleAttribute('hidden', !words);
    group.style.display = words ? '' : 'none';
    if (words) drawWords(group);
  }
}

// watchPages tells which page is in view.
function watchPages() {
  watcher?.disconnect();
  const all = sheets();
  const seen = new Map();
  watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) seen.set(entry.target, entry.intersectionRect.height);
    const most = all.reduce((a, b) => ((seen.get(b) ?? 0) > (seen.get(a) ?? 0) ? b : a), all[0]);
    const number = most?.dataset.page;
    const count = document.querySelector('[data-page-count]');
    if (count) count.textContent = text('js.page_of', number, all.length);
    for (const thumb of document.querySelectorAll('[data-thumb]')) {
      if (thumb.dataset.thumb === number) thumb.setAttribute('aria-current', 'true');
      else thumb.removeAttribute('aria-current');
    }
  }, { root: scroller(), threshold: [0, 0.1, 0.25, 0.5, 0.75, 1] });
  all.forEach((sheet) => watcher.observe(sheet));
}

function nextToCheck() {
  const all = [...document.querySelectorAll('[data-unsure]')];
  if (!all.length) return;
  all[(all.indexOf(document.activeElement) + 1) % all.length].focus();
}

// moved says whether the pointer came to where it is, and not the page to it:
// what scrolls past under a resting pointer must not put out the light.
const moved = (() => {
  let x = -1;
  let y = -1;
  return (e) => {
    const yes = e.screenX !== x || e.screenY !== y;
    [x, y] = [e.screenX, e.screenY];
    return yes;
  };
})();

// watch lays out the pages as soon as they are there, and whenever their room changes.
const room = new ResizeObserver(() => layout());
function watch() {
  room.disconnect();
  if (!viewer()) return;
  room.observe(viewer());
  layout();
  showWords();
  watchPages();
}

function listen() {
  document.addEventListener('pointerover', (e) => { if (moved(e) && e.pointerType !== 'touch') meet(e.target); });
  document.addEventListener('focusin', (e) => meet(e.target));
  document.addEventListener('click', (e) => {
    const how = e.target.closest('[data-zoom]')?.dataset.zoom;
    if (how) setZoom(how);
    if (e.target.closest('[data-words]')) { words = !words; showWords(); }
    if (e.target.closest('[data-next-check]')) nextToCheck();
    const thumb = e.target.closest('[data-thumb]');
    if (thumb) {
      e.preventDefault();
      document.getElementById(`page-${thumb.dataset.thumb}`).scrollIntoView({ block: 'start', behavior: 'smooth' });
    }
    if (e.target.closest('.field, .items td') && !e.target.closest('button, summary, a')) meet(e.target);
  });
  document.addEventListener('keydown', (e) => {
    if ((e.key === 'Enter' || e.key === ' ') && e.target.matches?.('[data-field]') && cross(e.target)) e.preventDefault();
    if (e.key === 'Escape' && e.target.matches?.('.box')) cross(e.target);
  });
  document.addEventListener('recto:swapped', watch);
  document.addEventListener('load', (e) => { if (e.target.closest?.('.sheet')) layout(); }, true);
  document.addEventListener('recto:key', (e) => {
    const action = { '+': 'in', '=': 'in', '-': 'out', 0: 'width', 1: 'full', 2: 'page' }[e.detail];
    if (action) setZoom(action);
    if (e.detail === 'w') { words = !words; showWords(); }
    if (e.detail === 'n') nextToCheck();
  });
}

export function startViewer() {
  if (!document.querySelector('[data-doc]')) return;
  listen();
  watch();
}
