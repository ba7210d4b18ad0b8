// Controls that narrow a list: shown only where this runs. A list without them is whole.
"use strict";
for (const controls of document.querySelectorAll("[data-filters]")) {
  const list = document.getElementById(controls.dataset.filters);
  const items = [...list.querySelectorAll("[data-item]")];
  const texts = new Map(items.map((item) => [item, item.textContent.toLowerCase()]));
  const narrow = () => {
    const asked = [...controls.querySelectorAll("[data-filter]")].map((control) => [
      control.dataset.filter, control.type === "checkbox" ? (control.checked ? "yes" : "") : control.value.trim().toLowerCase(),
    ]).filter(([, value]) => value);
    let shown = 0;
    for (const item of items) {
      item.hidden = !asked.every(([name, value]) =>
        name === "words" ? texts.get(item).includes(value) : item.dataset[name] === value);
      shown += !item.hidden;
    }
    for (const group of list.querySelectorAll("[data-group]")) group.hidden = !group.querySelector("[data-item]:not([hidden])");
    controls.querySelector("[data-count]").textContent = shown;
  };
  controls.addEventListener("input", narrow);
  controls.hidden = false;
  narrow(); // a browser that goes back keeps what was chosen
}
