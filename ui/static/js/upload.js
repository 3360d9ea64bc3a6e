// Files are added by dropping them anywhere or choosing them; each has a line in
// the tray with its own progress: first bytes sent, then pages read, then the
// answer. What was sent stays in the tray on the next page, too.
import { onEvent, progressText } from './live.js';
import { stateText, text } from './texts.js';

const settled = ['review', 'done', 'held', 'failed', 'erased'];
const atOnce = 3; // files sent at the same time
const waiting = [];
const items = new Map(); // document id to its lines in the tray
const before = []; // what the tray holds, for the next page
let sending = 0;
let tray;

function line(name) {
  const item = document.getElementById('tray-item').content.firstElementChild.cloneNode(true);
  item.querySelector('.tray-name').textContent = name;
  tray.hidden = false;
  tray.querySelector('[data-tray-list]').prepend(item);
  return item;
}

function show(item, state, badge, note = '') {
  item.dataset.state = state;
  const mark = item.querySelector('[data-tray-badge]');
  mark.dataset.state = state;
  mark.textContent = badge;
  item.querySelector('.tray-note').textContent = note;
  item.toggleAttribute('data-settled', settled.includes(state));
  sum();
}

function sum() {
  const all = tray.querySelectorAll('.tray-item');
  const ready = tray.querySelectorAll('.tray-item[data-settled]');
  tray.querySelector('[data-tray-sum]').textContent = text('js.sum', ready.length, all.length);
}

function add(files, type) {
  for (const file of files) {
    const item = line(file.name);
    show(item, 'upload', text('js.waiting'));
    waiting.push({ file, type, item });
  }
  next();
}

function next() {
  while (sending < atOnce && waiting.length) {
    sending++;
    send(waiting.shift()).catch(() => {}).finally(() => { sending--; next(); });
  }
}

// send delivers one file. XMLHttpRequest, because fetch does not tell how much
// of a body has been sent.
function send({ file, type, item }) {
  const bar = item.querySelector('progress');
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const query = type ? `?type=${encodeURIComponent(type)}` : '';
    request.open('PUT', `/api/v1/documents/${encodeURIComponent(file.name || 'document')}${query}`);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = (e) => {
      if (!e.lengthComputable) return;
      const done = Math.floor(100 * e.loaded / e.total);
      bar.value = done;
      show(item, 'upload', `${done} %`, text('js.uploading'));
    };
    request.onload = () => {
      if (request.status < 300 && request.response?.id) arrived(item, file.name, request.response);
      else if (request.status === 401) location.reload();
      else show(item, 'failed', text('js.failed'), request.response?.error?.message ?? text('js.network'));
    };
    request.onerror = () => show(item, 'failed', text('js.failed'), text('js.network'));
    request.onloadend = resolve;
    request.send(file);
  });
}

// arrived follows a document that the node has taken.
function arrived(item, name, receipt) {
  const note = receipt.duplicate ? text('js.duplicate') : '';
  item.querySelector('progress').removeAttribute('value');
  show(item, receipt.state, stateText(receipt.state), note);
  follow(item, name, receipt.id);
  look(receipt.id, note);
}

function follow(item, name, id) {
  const link = item.querySelector('.tray-name');
  if ('events' in document.body.dataset) link.href = `/documents/${id}`;
  if (!items.has(id)) items.set(id, []);
  items.get(id).push(item);
  if (!before.some((b) => b.id === id)) before.push({ id, name });
  keep();
}

// look asks how a document stands, for what happened before we listened.
async function look(id, note = '') {
  if (!('events' in document.body.dataset)) return;
  const answer = await fetch(`/api/v1/documents/${id}`);
  if (!answer.ok) { drop(id); return; }
  const record = await answer.json();
  for (const item of items.get(id) ?? []) show(item, record.state, stateText(record.state), record.reason?.message ?? note);
}

function drop(id) {
  for (const item of items.get(id) ?? []) item.remove();
  items.delete(id);
  before.splice(0, before.length, ...before.filter((b) => b.id !== id));
  keep();
}

function keep() {
  try { sessionStorage.setItem('tray', JSON.stringify(before.slice(-20))); } catch { /* then not */ }
}

function hear(event) {
  if (event.kind === 'hello') { for (const id of items.keys()) look(id); return; }
  const lines = items.get(event.id);
  if (!lines) return;
  if (event.kind === 'revision') { look(event.id); return; }
  for (const item of lines) {
    show(item, 'reading', stateText('reading'), progressText(event));
    if (event.pages) item.querySelector('progress').value = Math.round(100 * (event.page ?? 0) / event.pages);
  }
}

function recall() {
  let kept = [];
  try { kept = JSON.parse(sessionStorage.getItem('tray') ?? '[]'); } catch { /* nothing kept */ }
  for (const { id, name } of kept) {
    const item = line(name);
    item.querySelector('progress').removeAttribute('value');
    follow(item, name, id);
    look(id);
  }
}

function chosenType() { return document.querySelector('[data-type]')?.value ?? ''; }

function listenForDrops() {
  const veil = document.querySelector('[data-veil]');
  const files = (e) => e.dataTransfer?.types.includes('Files');
  let depth = 0;
  addEventListener('dragenter', (e) => { if (files(e)) { depth++; veil.hidden = false; } });
  addEventListener('dragleave', (e) => { if (files(e) && --depth <= 0) { depth = 0; veil.hidden = true; } });
  addEventListener('dragover', (e) => { if (files(e)) { e.preventDefault(); e.dataTransfer.dropEffect = 'copy'; } });
  addEventListener('drop', (e) => {
    if (!files(e)) return;
    e.preventDefault();
    depth = 0;
    veil.hidden = true;
    add([...e.dataTransfer.files], chosenType());
  });
}

export function startUpload() {
  tray = document.querySelector('[data-tray]');
  if (!tray) return;
  const picker = document.querySelector('[data-files]');
  const take = (input) => { add([...input.files], chosenType()); input.value = ''; };
  picker.addEventListener('change', () => take(picker));
  document.addEventListener('change', (e) => { if (e.target.matches('[data-drop-files]')) take(e.target); });
  document.addEventListener('click', (e) => {
    if (e.target.closest('[data-pick]')) picker.click();
    if (e.target.closest('[data-tray-close]')) { tray.hidden = true; before.length = 0; keep(); }
  });
  addEventListener('beforeunload', (e) => { if (sending) { e.preventDefault(); e.returnValue = text('js.leave'); } });
  onEvent(hear);
  listenForDrops();
  recall();
}
