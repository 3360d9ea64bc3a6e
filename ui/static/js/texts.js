// The texts of this page's language, as the server sent them with the page.
const texts = JSON.parse(document.getElementById('texts').textContent);

// text gives the text of a key with its %s and %d filled in, in order.
export function text(key, ...args) {
  let i = 0;
  return (texts[key] ?? key.split('.').pop()).replace(/%[sd]/g, () => String(args[i++]));
}

// stateText and stageText name what a document is doing.
export const stateText = (state) => text(`state.${state}`);
export const stageText = (stage) => text(`stage.${stage}`);
