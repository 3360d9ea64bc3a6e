// Everything a page does by itself. Each part looks whether the page has
// something for it and does nothing otherwise; pages work without any of it.
import { startTimes } from './times.js';
import { startLive } from './live.js';
import { startUpload } from './upload.js';
import { startFilters } from './filters.js';
import { startViewer } from './viewer.js';
import { startKeys } from './keys.js';
import { startControls } from './controls.js';

const parts = { startLive, startTimes, startControls, startUpload, startFilters, startViewer, startKeys };
for (const start of Object.values(parts)) start();
document.documentElement.dataset.started = '';
