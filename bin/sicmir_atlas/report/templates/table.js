"use strict";
(() => {
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const search = document.getElementById("search");
  const shown = document.getElementById("shown");
  const more = document.getElementById("more");
  const AT_ONCE = window.matchMedia("(max-width: 48rem)").matches ? 15 : 50;
  let limit = AT_ONCE;

  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const status = document.querySelector("input[name=status]:checked").value;
    const found = [...body.rows].filter((row) => {
      const wanted = (!status || row.dataset.status === status) &&
        words.every((word) => texts.get(row).includes(word));
      row.classList.toggle("out", !wanted);
      return wanted;
    });
    found.forEach((row, i) => row.classList.toggle("later", i >= limit));
    const some = Math.min(limit, found.length);
    shown.textContent = `${some} of ${found.length} shown`;
    more.parentElement.hidden = found.length <= limit;
    more.textContent = `Show all ${found.length}`;
  }

  function sortBy(column, header) {
    const down = header.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.cells[column].dataset.sort;
    const compare = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (!x || !y) return (x ? 0 : 1) - (y ? 0 : 1);
      const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
      return down ? -order : order;
    };
    body.append(...[...body.rows].sort(compare));
    show();
  }

  [...table.tHead.rows[0].cells].forEach((header, column) => {
    // no button element: printed on every page, headers would come without their words
    const button = document.createElement("span");
    button.role = "button";
    button.tabIndex = 0;
    button.append(...header.childNodes);
    button.addEventListener("click", () => sortBy(column, header));
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      sortBy(column, header);
    });
    header.append(button);
  });
  search.addEventListener("input", () => { limit = AT_ONCE; show(); });
  for (const choice of document.querySelectorAll("input[name=status]")) {
    choice.addEventListener("change", () => { limit = AT_ONCE; show(); });
  }
  more.addEventListener("click", () => { limit = Infinity; show(); });
  document.querySelector(".controls").hidden = false;
  show();

  const closed = [];
  window.addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details:not([open])")) {
      part.open = true;
      closed.push(part);
    }
  });
  window.addEventListener("afterprint", () => {
    while (closed.length) closed.pop().open = false;
  });
})();
