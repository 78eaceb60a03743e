// The visible rows of a board as CSV and Markdown, and its pictures enlarged beside real data.
(function (my) {
  var all = my.all, make = my.make;

  // ---- take away -------------------------------------------------------------------------------------------------
  function visible(table) {
    var heads = all("tr.heads > *", table), seen = heads.map(function (h) { return getComputedStyle(h).display !== "none"; });
    var names = heads.map(function (h) { return h.textContent.replace(/[↑↓]/g, "").trim(); });
    var bars = heads.map(function (h) { return h.classList.contains("barhead"); });
    var rows = all("tbody tr[data-m]", table).filter(function (r) { return !r.hidden; }).map(function (row) {
      return Array.from(row.cells).map(function (cell) { return { cell: cell, text: plain(cell) }; });
    });
    var keep = heads.map(function (_, i) { return seen[i] && !bars[i]; });
    return { names: names.filter(function (_, i) { return keep[i]; }), rows: rows.map(function (r) { return r.filter(function (_, i) { return keep[i]; }); }) };
  }
  function plain(cell) {
    var copy = cell.cloneNode(true);
    all(".pl, .vh, input", copy).forEach(function (e) { e.remove(); });
    return copy.textContent.replace(/\s+/g, " ").trim();
  }
  my.csv = function (table) {
    var seen = visible(table), quote = function (text) {
      if (/^[=+\-@\t\r]/.test(text) && isNaN(Number(text))) text = "'" + text;
      return /[",\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
    };
    var lines = [seen.names.reduce(function (list, name) {
      return list.concat(name === "Public" || name === "Private" ? [name, name + " interval"] : name);
    }, [])];
    seen.rows.forEach(function (row) {
      lines.push(row.reduce(function (list, one, i) {
        if (seen.names[i] !== "Public" && seen.names[i] !== "Private") return list.concat(one.text);
        var small = one.cell.querySelector("small");
        return list.concat(one.cell.getAttribute("data-v") || "", small ? small.textContent.replace(/−/g, "-") : "");
      }, []));
    });
    return lines.map(function (line) { return line.map(quote).join(","); }).join("\n") + "\n";
  };
  my.markdown = function (table) {
    var seen = visible(table), safe = function (text) { return text.replace(/[\\`*_{}\[\]<>|#!~&]/g, "\\$&"); };
    var lines = [seen.names.map(safe), seen.names.map(function () { return "---"; })];
    seen.rows.forEach(function (row) { lines.push(row.map(function (one) { return safe(one.text); })); });
    return lines.map(function (line) { return "| " + line.join(" | ") + " |"; }).join("\n") + "\n";
  };
  var dialog = function (name, title) {
    var inside = make("div", { "class": "inside" }), heading = make("h2", { id: name + "-h" }, [title]);
    var box = make("dialog", { "class": name, "aria-labelledby": name + "-h" }, [
      make("div", { "class": "top" }, [heading, my.button("Close", function () { box.close(); }, { "class": "close" })]), inside]);
    box.addEventListener("click", function (event) { if (event.target === box) box.close(); });
    document.body.append(box);
    return { box: box, inside: inside, heading: heading };
  };
  my.dialog = dialog;
  var taken = null;
  function take(table, kind, name) {
    taken = taken || dialog("take", "");
    var text = kind === "csv" ? my.csv(table) : my.markdown(table);
    var area = make("textarea", { readonly: "", rows: "12", spellcheck: "false", "aria-label": "the visible rows" }, [text]);
    var link = make("a", { download: name + "." + kind, href: "data:text/plain;charset=utf-8," + encodeURIComponent(text) }, ["Download " + name + "." + kind]);
    taken.heading.textContent = "The visible rows of " + name;
    taken.inside.replaceChildren(area, make("p", {}, [my.button("Copy", function () { area.select(); document.execCommand("copy"); }), " ", link]));
    taken.box.showModal();
    area.select();
  }
  all(".board > .tools").forEach(function (tools) {
    var table = tools.parentElement.querySelector("table.ranked"), name = tools.parentElement.querySelector("h3").textContent;
    tools.append(my.button("CSV", function () { take(table, "csv", name); }), my.button("Markdown", function () { take(table, "md", name); }));
  });

  // ---- look closely ----------------------------------------------------------------------------------------------
  var look = null, at = { figures: [], i: 0 };
  function large(image, title) {
    var room = Math.min(window.innerWidth - 48, window.innerWidth > 900 ? (window.innerWidth - 120) / 2 : 9999);
    var times = Math.floor(room / Number(image.getAttribute("width"))), copy = make("img", { src: image.src, alt: image.alt });
    var exact = image.closest(".images") && times >= 1;
    copy.style.width = (exact ? times * image.getAttribute("width") : Math.min(room, 640)) + "px";
    copy.className = exact ? "exact" : "";
    return make("figure", {}, [copy, make("figcaption", {}, [title])]);
  }
  function show(i) {
    at.i = (i + at.figures.length) % at.figures.length;
    var figure = at.figures[at.i], image = figure.querySelector("img"), real = at.figures[0].parentElement.querySelector("figure.first img");
    var title = figure.querySelector("figcaption").textContent.trim(), pair = [];
    if (real && real !== image) pair.push(large(real, "real data"));
    pair.push(large(image, title));
    look.heading.textContent = title;
    look.inside.replaceChildren(make("div", { "class": "pair" }, pair), make("p", { "class": "key" }, [
      my.button("← previous", function () { show(at.i - 1); }), " ", my.button("next →", function () { show(at.i + 1); }),
      " " + (at.i + 1) + " of " + at.figures.length]));
  }
  function open(figure) {
    look = look || dialog("look", "");
    at.figures = all("figure", figure.parentElement).filter(function (f) { return !f.hidden; });
    show(at.figures.indexOf(figure));
    look.box.showModal();
  }
  document.addEventListener("keydown", function (event) {
    if (!look || !look.box.open) return;
    if (event.key === "ArrowRight") show(at.i + 1);
    if (event.key === "ArrowLeft") show(at.i - 1);
  });
  all(".pic").forEach(function (pic) {
    pic.setAttribute("role", "button");
    pic.setAttribute("tabindex", "0");
    pic.setAttribute("aria-label", "enlarge: " + pic.querySelector("img").alt);
    pic.addEventListener("click", function () { open(pic.parentElement); });
    pic.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(pic.parentElement); }
    });
  });
}(genbench));
