// Pieces of the page. Names come from a folder that anybody may write to: they are only ever text.

/** An element with attributes and children; strings become text. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Text with a button that copies it. */
export function copyable(label, text) {
  const button = element("button", { type: "button", "aria-label": `Copy ${label}` }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await copied(text, code)) ? "Copied" : "Press Ctrl-C";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  const code = element("code", { tabindex: "0" }, text);
  return element("span", { class: "copyable" }, element("span", { class: "label" }, label), code, button);
}

// Where the page came by plain http from another machine, browsers have no clipboard for it.
async function copied(text, code) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(code);
    return document.execCommand?.("copy") ?? false;
  }
}

/** Puts rows into a table's body: lists of texts. `empty`: what it says instead of none. */
export function fill(table, rows, empty) {
  const columns = table.tHead.rows[0].cells.length;
  const made = rows.map((cells) =>
    element("tr", {}, ...cells.map((text, column) => element("td", { class: column ? "number" : null }, text))),
  );
  if (!made.length) made.push(element("tr", {}, element("td", { colspan: columns, class: "empty" }, empty)));
  table.tBodies[0].replaceChildren(...made);
}
