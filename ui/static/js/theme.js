// Runs before the page is painted: the chosen theme, and that scripts run.
(() => {
  const root = document.documentElement;
  root.classList.add('scripted');
  try {
    const theme = localStorage.getItem('theme');
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  } catch { /* storage is forbidden: the system's theme it is */ }
})();
