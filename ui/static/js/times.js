// Times come in UTC; readers see them in their own zone.
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

function show(element) {
  const at = new Date(element.dateTime);
  const now = new Date();
  if (Number.isNaN(at.getTime())) return;
  const age = now - at;
  const format = at.toDateString() === now.toDateString() ? clock : age < 300 * 86400e3 ? day : date;
  element.textContent = format.format(at);
  element.title = full.format(at);
}

// showTimes sets all times below an element.
export function showTimes(root) {
  for (const element of root.querySelectorAll('time[datetime]')) show(element);
}

export function startTimes() { showTimes(document); }
