"use strict";
// What only the script can do: filter the packages, open and close all layers.
for (const box of document.querySelectorAll(".packages")) {
  // Words of one cell do not run into those of the next.
  const words = (node) => Array.from(node.childNodes, (part) => part.textContent).join(" ");
  const tools = box.querySelector(".tools");
  const filter = tools.querySelector("input");
  const status = box.querySelector(".status");
  const all = status.textContent;
  const layers = Array.from(box.querySelectorAll(".layer"), (element) => ({
    element,
    number: element.querySelector(".number"),
    said: element.querySelector(".number").textContent,
    open: element.open,
    rows: Array.from(element.querySelectorAll("tbody tr"), (row) => ({
      row,
      text: Array.from(row.cells, words).join(" ").toLowerCase(),
    })),
  }));
  let filtered = false;
  const apply = () => {
    const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (wanted.length > 0 && !filtered) {
      for (const layer of layers) layer.open = layer.element.open;
    }
    let shown = 0;
    for (const layer of layers) {
      let here = 0;
      for (const { row, text } of layer.rows) {
        const fits = wanted.every((word) => text.includes(word));
        row.hidden = !fits;
        if (fits) here += 1;
      }
      shown += here;
      const none = wanted.length > 0 && here === 0;
      layer.element.hidden = none;
      layer.number.textContent = wanted.length > 0 ? `${here} of ${layer.said}` : layer.said;
      if (wanted.length > 0) layer.element.open = here > 0;
      else if (filtered) layer.element.open = layer.open;
    }
    filtered = wanted.length > 0;
    status.textContent = filtered ? `${shown} of ${all} shown` : all;
  };
  filter.addEventListener("input", apply);
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && filter.value !== "") {
      filter.value = "";
      apply();
      event.preventDefault();
    }
  });
  for (const button of tools.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      for (const layer of layers) layer.element.open = button.dataset.do === "open";
    });
  }
  // A browser may remember what was typed.
  apply();
  tools.hidden = false;
}
