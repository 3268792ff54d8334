// Sorting of the table: every column heading becomes a button. What is not measured stays last either way.
(() => {
  const table = document.querySelector("table.ways");
  const said = document.querySelector("#sorted");
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const text = row.cells[column].dataset.value;
    return text === undefined ? null : column === 0 ? text : Number(text);
  };
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);

  function sort(column) {
    const head = heads[column];
    const turned = { ascending: "descending", descending: "ascending" };
    const order = turned[head.getAttribute("aria-sort")] ?? head.dataset.first;
    const rows = [...table.tBodies[0].rows].sort((one, other) => {
      const a = value(one, column), b = value(other, column);
      if (a === null || b === null) return (a === null) - (b === null);
      return order === "ascending" ? compare(a, b) : compare(b, a);
    });
    table.tBodies[0].append(...rows);
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    said.textContent = `Sorted by ${head.dataset.name}, ${order}.`;
  }

  function addButtons() {
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(column));
      head.append(button);
    });
    table.classList.add("sortable");
  }

  // Headings repeat on every printed page, and Chromium leaves buttons out of those.
  function removeButtons() {
    for (const head of heads) head.replaceChildren(...head.firstElementChild.childNodes);
    table.classList.remove("sortable");
  }

  addEventListener("beforeprint", removeButtons);
  addEventListener("afterprint", addButtons);
  addButtons();
})();
