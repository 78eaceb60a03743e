// Sorting, finding, filtering and choosing columns; what is chosen is kept in the address, so that it can be sent on.
"use strict";
var genbench = {};
(function (my) {
  var all = my.all = function (selector, inside) { return Array.from((inside || document).querySelectorAll(selector)); };
  var make = my.make = function (name, attributes, children) {
    var element = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) { element.setAttribute(key, attributes[key]); });
    (children || []).forEach(function (child) { element.append(child); });
    return element;
  };
  my.button = function (text, act, attributes) {
    var button = make("button", Object.assign({ type: "button" }, attributes), [text]);
    button.addEventListener("click", act);
    return button;
  };

  function value(cell, kind) {
    if (!cell) return null;
    if (kind === "text") return cell.textContent.trim().toLowerCase();
    return cell.hasAttribute("data-v") ? Number(cell.getAttribute("data-v")) : null;
  }
  function sort(table, head, kind) {
    var heads = all("tr.heads > *", table), column = heads.indexOf(head), was = head.getAttribute("aria-sort");
    var best = head.getAttribute("data-first") === "down" ? "descending" : "ascending";
    var order = was === null ? best : was === "ascending" ? "descending" : "ascending";
    heads.forEach(function (h) { h.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", order);
    var sign = order === "ascending" ? 1 : -1;
    Array.from(table.tBodies).forEach(function (body) {
      var rows = Array.from(body.rows).filter(function (r) { return !r.classList.contains("sep"); });
      rows.sort(function (a, b) {
        var x = value(a.cells[column], kind), y = value(b.cells[column], kind);
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * (x < y ? -1 : x > y ? 1 : 0);
      });
      rows.forEach(function (row) { body.appendChild(row); });
    });
  }
  all("table.sort th[data-sort]").forEach(function (head) {
    var button = make("button", { type: "button" });
    while (head.firstChild) button.appendChild(head.firstChild);
    head.appendChild(button);
    button.addEventListener("click", function () { sort(head.closest("table"), head, head.getAttribute("data-sort")); });
  });

  // ---- find and filter -------------------------------------------------------------------------------------------
  var bar = document.querySelector(".filter"), search = bar.querySelector("input"), status = bar.querySelector("[role=status]");
  var buttons = all("button[data-family]", bar), clear = bar.querySelector(".clear");
  var honest = bar.querySelector(".honest"), chosen = new Set(), text = "", strict = false;
  honest.hidden = !all(".ranked .mk").some(isCopy);
  bar.hidden = false;
  document.documentElement.classList.add("js");
  function isCopy(mark) { return mark.textContent === "(copies)"; }
  function fits(element) {
    var own = element.getAttribute("data-f");
    if (own === "ref" || own === "f-reference") return true;
    if (chosen.size && !chosen.has(own)) return false;
    if (strict && !element.closest(".places, .card") && all(".mk", element).some(isCopy)) return false;
    return !text || !element.hasAttribute("data-m") || element.getAttribute("data-m").toLowerCase().includes(text);
  }
  function filter() {
    var shown = new Set(), any = chosen.size > 0 || text !== "" || strict;
    all("[data-f]").forEach(function (element) {
      var fit = fits(element);
      if (element instanceof SVGElement) element.classList.toggle("off", !fit);
      else element.hidden = !fit;
    });
    all("table.ranked").forEach(function (table) {
      var left = all("tbody:not(.refs) tr[data-m]:not([hidden])", table);
      left.forEach(function (row) { shown.add(row.getAttribute("data-m")); });
      var none = table.closest(".board").querySelector(".none");
      none.hidden = left.length > 0 || !any;
      if (!none.hidden) none.textContent = "No model on this board " + words() + ".";
    });
    buttons.forEach(function (b) { b.setAttribute("aria-pressed", String(chosen.has(b.getAttribute("data-family")))); });
    honest.setAttribute("aria-pressed", String(strict));
    clear.hidden = !any;
    status.textContent = any ? shown.size + " shown on the boards, and the reference rows" : "";
    all("table.wide").forEach(hideEmpty);
  }
  function words() {
    var names = buttons.filter(function (b) { return chosen.has(b.getAttribute("data-family")); })
      .map(function (b) { return b.firstElementChild.nextSibling.textContent.trim().toLowerCase(); });
    return (names.length ? "is " + names.join(" or ") : "") + (names.length && text ? " and " : "") + (text ? "is called “" + text + "”" : "") + (!names.length && !text ? "is without copies" : "");
  }
  buttons.forEach(function (button) {
    button.addEventListener("click", function () {
      var family = button.getAttribute("data-family");
      if (!chosen.delete(family)) chosen.add(family);
      filter();
      keep();
    });
  });
  search.addEventListener("input", function () { text = search.value.trim().toLowerCase(); filter(); keep(); });
  honest.addEventListener("click", function () { strict = !strict; filter(); keep(); });
  function forget() { chosen.clear(); search.value = text = ""; strict = false; filter(); }
  clear.addEventListener("click", function () { forget(); keep(); });

  // ---- the address: #TARGET?f=FAMILY,FAMILY&q=TEXT&copies=no ------------------------------------------------------------------
  function parsed() {
    var parts = location.hash.slice(1).split("?");
    return { target: decodeURIComponent(parts[0]), more: parts.length > 1 ? new URLSearchParams(parts.slice(1).join("?")) : null };
  }
  function keep(target) {
    var more = new URLSearchParams();
    if (chosen.size) more.set("f", Array.from(chosen, function (f) { return f.slice(2); }).join(","));
    if (text) more.set("q", text);
    if (strict) more.set("copies", "no");
    var tail = more.toString();
    history.replaceState(null, "", "#" + encodeURIComponent(target === undefined ? parsed().target : target) + (tail ? "?" + tail : ""));
  }
  function follow() {
    var at = parsed(), target = at.target && document.getElementById(at.target);
    if (at.more) {
      chosen = new Set((at.more.get("f") || "").split(",").filter(Boolean).map(function (f) { return "f-" + f; }));
      search.value = text = (at.more.get("q") || "").toLowerCase();
      strict = at.more.get("copies") === "no";
      filter();
    } else if (chosen.size || text || strict) {
      if (target && target.hidden) forget();
      keep(at.target);
    }
    all(".target").forEach(function (e) { e.classList.remove("target"); });
    if (target) {
      for (var fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
      target.classList.add("target");
      target.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", follow);

  // ---- columns ---------------------------------------------------------------------------------------------------
  function hold(held) { // a board that is too wide scrolls in a window of its own, under its own header
    held.classList.remove("over");
    held.classList.toggle("over", held.scrollWidth > held.clientWidth + 1);
  }
  var width = 0;
  function holdAll() {
    if (width !== window.innerWidth) all(".scroll.held").forEach(hold);
    width = window.innerWidth;
  }
  window.addEventListener("resize", holdAll);
  holdAll();
  var COLUMNS = { fam: "Family", priv: "Private", move: "Move", find: "Findings" };
  all(".board > .tools").forEach(function (tools) {
    var table = tools.parentElement.querySelector("table.ranked"), list = make("div", { "class": "menu" });
    Object.keys(COLUMNS).forEach(function (name) {
      var head = table.querySelector("th.c-" + name);
      if (!head) return;
      var box = make("input", { type: "checkbox" });
      list.append(make("label", {}, [box, " " + COLUMNS[name]]));
      box.addEventListener("change", function () {
        table.classList.toggle("on-" + name, box.checked);
        table.classList.toggle("off-" + name, !box.checked);
        hold(table.parentElement);
      });
      list.reset = (list.reset || []).concat(function () { box.checked = getComputedStyle(head).display !== "none"; });
    });
    var fold = make("details", { "class": "cols" }, [make("summary", {}, ["Columns"]), list]);
    fold.addEventListener("toggle", function () { list.reset.forEach(function (reset) { reset(); }); });
    tools.append(fold);
    tools.hidden = false;
  });
  function cellsOf(table, column) {
    return Array.from(table.rows).slice(1).map(function (row) { return row.cells[column]; }).filter(Boolean);
  }
  function hideEmpty(table) {
    if (!table.closest("details").open) return;
    var groups = all("th.group", table), off = table.off || new Set(), column = 1;
    groups.forEach(function (group) {
      var span = Number(group.getAttribute("data-span") || group.colSpan), left = 0;
      group.setAttribute("data-span", span);
      for (var i = 0; i < span; i += 1, column += 1) {
        var cells = cellsOf(table, column);
        var empty = !cells.slice(1).some(function (c) { return !c.parentElement.hidden && c.hasAttribute("data-v"); });
        var hide = empty || off.has(group);
        cells.forEach(function (c) { c.hidden = hide; });
        if (!hide) left += 1;
      }
      group.hidden = left === 0;
      if (left) group.colSpan = left;
    });
  }
  all("details.all").forEach(function (fold) {
    var table = fold.querySelector("table"), groups = fold.querySelector(".groups");
    fold.addEventListener("toggle", function () {
      if (!fold.open || groups.childElementCount) return;
      table.off = new Set();
      all("th.group", table).forEach(function (group) {
        var box = make("input", { type: "checkbox", checked: "" });
        box.addEventListener("change", function () {
          if (box.checked) table.off.delete(group); else table.off.add(group);
          hideEmpty(table);
        });
        groups.append(make("label", {}, [box, " " + group.textContent]));
      });
      groups.hidden = false;
      hideEmpty(table);
    });
  });

  // ---- costs, contents --------------------------------------------------------------------------------------------
  all("fieldset.costs-of").forEach(function (choice) {
    var figures = all(".speed", choice.parentElement);
    function show() {
      var value = choice.querySelector(":checked").value;
      figures.forEach(function (f) { f.hidden = f.getAttribute("data-cost") !== value; });
    }
    choice.addEventListener("change", show);
    show();
  });
  var wide = window.matchMedia("(min-width: 70rem)"), toc = document.querySelector(".toc");
  function fold() { toc.open = wide.matches; }
  fold();
  wide.addEventListener("change", fold);
  toc.addEventListener("click", function (event) {
    if (event.target.closest("a") && !wide.matches) toc.open = false;
  });
  my.start = function () { if (location.hash) follow(); };
}(genbench));
