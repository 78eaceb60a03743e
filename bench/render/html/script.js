"use strict";
(function () {
  var tables = document.querySelectorAll("table.sort");
  function value(cell, kind) {
    if (!cell) return null;
    if (kind === "text") return cell.textContent.trim().toLowerCase();
    return cell.hasAttribute("data-v") ? Number(cell.getAttribute("data-v")) : null;
  }
  function sort(table, head, kind) {
    var heads = table.querySelectorAll("tr.heads > *");
    var column = Array.prototype.indexOf.call(heads, head);
    var order = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    heads.forEach(function (h) { h.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", order);
    var sign = order === "ascending" ? 1 : -1;
    Array.prototype.forEach.call(table.tBodies, function (body) {
      var rows = Array.prototype.filter.call(body.rows, function (r) { return !r.classList.contains("sep"); });
      rows.sort(function (a, b) {
        var x = value(a.cells[column], kind), y = value(b.cells[column], kind);
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * (x < y ? -1 : x > y ? 1 : 0);
      });
      rows.forEach(function (row) { body.appendChild(row); });
    });
  }
  tables.forEach(function (table) {
    table.querySelectorAll("th[data-sort]").forEach(function (head) {
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () { sort(table, head, head.getAttribute("data-sort")); });
    });
  });
  var bar = document.querySelector(".filter");
  if (bar) {
    bar.hidden = false;
    var buttons = bar.querySelectorAll("button"), status = bar.querySelector("[role=status]");
    buttons.forEach(function (button) {
      button.addEventListener("click", function () {
        var family = button.getAttribute("data-family"), shown = {};
        buttons.forEach(function (b) { b.setAttribute("aria-pressed", String(b === button)); });
        document.querySelectorAll("[data-f]").forEach(function (row) {
          var own = row.getAttribute("data-f");
          row.hidden = family !== "" && own !== family && own !== "ref" && own !== "f-reference";
        });
        document.querySelectorAll(".ranked tr[data-f]:not([hidden]):not([data-f=ref]) th bdi").forEach(function (name) {
          shown[name.textContent] = true;
        });
        status.textContent = family === "" ? "" : Object.keys(shown).length + " shown on the boards, and the reference rows";
      });
    });
  }
  var wide = window.matchMedia("(min-width: 70rem)"), toc = document.querySelector(".toc");
  function fold() { toc.open = wide.matches; }
  fold();
  wide.addEventListener("change", fold);
  toc.addEventListener("click", function (event) {
    if (event.target.closest("a") && !wide.matches) toc.open = false;
  });
  function reveal() {
    var target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.hidden) document.querySelector(".filter button").click();
  }
  window.addEventListener("hashchange", reveal);
}());
