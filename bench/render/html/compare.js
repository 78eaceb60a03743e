// Two or three rows of a board compared metric by metric, as `bench compare` does: Welch's test, blocks of rows paired, Holm over the table.
(function (my) {
  var all = my.all, make = my.make;

  function number(v) {
    if (v === 0) return "0";
    var size = Math.abs(v), text;
    if (size >= 0.001 && size < 999.5) text = v.toFixed(Math.max(0, 2 - Math.floor(Math.log10(Number(size.toPrecision(3))))));
    else if (size >= 999.5 && size < 1e6) text = Math.round(v).toLocaleString("en-US");
    else {
      var parts = v.toExponential(1).split("e");
      text = parts[0] + "×10" + String(Number(parts[1])).replace(/./g, function (c) { return "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]; });
    }
    return text.replace(/-/g, "−");
  }

  function quantity(v, unit) { return unit === "count" && v === Math.round(v) ? v.toLocaleString("en-US") : number(v); }

  // ---- Student's t: P(|T| > t) by the continued fraction of the incomplete beta function ----------------------------------
  function logGamma(x) {
    var c = [76.18009172947146, -86.50532032941677, 24.01409824083091, -1.231739572450155, 0.001208650973866179, -0.000005395239384953];
    var t = x + 5.5, sum = 1.000000000190015;
    t -= (x + 0.5) * Math.log(t);
    c.forEach(function (one, i) { sum += one / (x + 1 + i); });
    return -t + Math.log(2.5066282746310005 * sum / x);
  }
  function fraction(a, b, x) {
    var tiny = 1e-300, c = 1, d = 1 - (a + b) * x / (a + 1), h;
    d = 1 / (Math.abs(d) < tiny ? tiny : d);
    h = d;
    for (var m = 1; m < 300; m += 1) {
      var up = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
      d = 1 / (1 + up * d || tiny); c = 1 + up / c || tiny; h *= d * c;
      var down = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
      d = 1 / (1 + down * d || tiny); c = 1 + down / c || tiny;
      var step = d * c;
      h *= step;
      if (Math.abs(step - 1) < 1e-12) break;
    }
    return h;
  }
  function beta(a, b, x) {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    var front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x));
    return x < (a + 1) / (a + b + 2) ? front * fraction(a, b, x) / a : 1 - front * fraction(b, a, 1 - x) / b;
  }
  function twoSided(t, df) {
    df = Math.min(df, 1e7); // there Student's law is the normal one to seven digits
    return beta(df / 2, 0.5, df / (df + t * t));
  }
  function quantile(df) {
    var low = 0, high = 1e4;
    for (var i = 0; i < 200; i += 1) {
      var middle = (low + high) / 2;
      if (twoSided(middle, df) > 0.05) low = middle; else high = middle;
    }
    return high;
  }

  // ---- Welch and Holm ----------------------------------------------------------------------------------------------
  function centre(packed) {
    var codes = atob(packed[6]), blocks = [];
    for (var i = 0; i < codes.length; i += 1) blocks.push(packed[5] * codes.charCodeAt(i));
    return { centre: packed[0], scaled: packed[1], seeds: packed[2], k: packed[3], rows: packed[4], blocks: blocks };
  }
  function varianceOfMean(x) {
    var mean = x.reduce(function (a, b) { return a + b; }, 0) / x.length;
    return x.length > 1 ? x.reduce(function (a, b) { return a + (b - mean) * (b - mean); }, 0) / (x.length - 1) / x.length : 0;
  }
  function compare(a, b) {
    var value = a.scaled - b.scaled;
    if ((a.seeds === null && !a.blocks.length) || (b.seeds === null && !b.blocks.length)) return { value: value, p: 1 };
    var parts = [[a.seeds || 0, a.k - 1], [b.seeds || 0, b.k - 1]];
    if (a.blocks.length && a.blocks.length === b.blocks.length) {
      parts.push([varianceOfMean(a.blocks.map(function (x, i) { return x - b.blocks[i]; })), a.blocks.length - 1]);
    } else {
      parts.push([a.rows, a.blocks.length - 1], [b.rows, b.blocks.length - 1]);
    }
    var total = 0, below = 0;
    parts.forEach(function (part) { total += part[0]; if (part[1] > 0) below += part[0] * part[0] / part[1]; });
    var se = Math.sqrt(total), df = below > 0 ? total * total / below : Infinity;
    if (!(se > 0)) return { value: value, p: value === 0 ? 1 : 0, low: value, high: value };
    var half = quantile(df) * se;
    return { value: value, low: value - half, high: value + half, p: twoSided(value / se, df) };
  }
  function holm(tests) {
    var order = tests.slice().sort(function (a, b) { return a.p - b.p; }), most = 0;
    order.forEach(function (test, i) { test.holm = most = Math.max(most, Math.min(1, (tests.length - i) * test.p)); });
  }
  my.twoSided = twoSided;
  my.quantile = quantile;
  my.compared = function (data, names) {
    var places = names.map(function (name) { return String(data.rows.findIndex(function (r) { return r.m === name; })); }), pairs = [];
    names.forEach(function (_, i) { for (var j = i + 1; j < names.length; j += 1) pairs.push([i, j]); });
    var lines = data.metrics.map(function (metric) {
      var sides = places.map(function (p) { return metric.e[p] ? centre(metric.e[p]) : null; });
      return { metric: metric, sides: sides, tests: pairs.map(function (pair) {
        return sides[pair[0]] && sides[pair[1]] ? compare(sides[pair[0]], sides[pair[1]]) : null;
      }) };
    });
    pairs.forEach(function (_, i) { holm(lines.map(function (line) { return line.tests[i]; }).filter(Boolean)); });
    return { lines: lines.filter(function (l) { return l.sides.filter(Boolean).length > 1; }), pairs: pairs };
  };
  function winner(metric, test, a, b) {
    if (test.holm >= 0.05) return "no difference shown";
    if (metric.w === "none" || test.value === 0) return "they differ";
    return ((test.value < 0) === (metric.w === "lower") ? a : b) + " is better";
  }

  // ---- ticks and dialog --------------------------------------------------------------------------------------------
  var versus = document.querySelector(".versus"), ticked = null, view = null;
  function said() {
    var count = ticked ? ticked.names.length : 0;
    versus.hidden = count < 1;
    versus.disabled = count < 2;
    versus.textContent = count < 2 ? "Tick another to compare" : "Compare " + ticked.names.join(", ");
  }
  function tick(board, box, name) {
    if (!ticked || ticked.board !== board) {
      all("input.tick:checked").forEach(function (other) { if (other !== box) other.checked = false; });
      ticked = { board: board, names: [] };
    }
    ticked.names = box.checked ? ticked.names.concat(name) : ticked.names.filter(function (n) { return n !== name; });
    if (ticked.names.length > 3) {
      var gone = ticked.names.shift();
      all("input.tick:checked", board).forEach(function (b) { if (b.value === gone) b.checked = false; });
    }
    said();
  }
  function cell(name, children, kind) { return make(name, kind ? { "class": kind } : {}, children); }
  function table(found, names) {
    var heads = names.concat(found.pairs.map(function (p) { return names[p[0]] + " − " + names[p[1]]; }));
    var head = make("tr", {}, [make("th", { scope: "col" }, ["Metric"])].concat(heads.map(function (h) { return make("th", { scope: "col" }, [h]); })));
    var body = make("tbody", {}, found.lines.map(function (line) {
      var metric = line.metric, arrow = { lower: " ↓", higher: " ↑" }[metric.w] || "";
      var row = [make("th", { scope: "row" }, [metric.m + arrow, " ", cell("small", [metric.b + (metric.s === "raw" ? "" : ", " + metric.s + " scale")])])];
      line.sides.forEach(function (side) { row.push(cell("td", [side ? quantity(side.centre, metric.u) : "–"], "n")); });
      line.tests.forEach(function (test, i) {
        if (!test) return row.push(cell("td", ["–"]));
        var ends = test.low === undefined ? "" : " [" + number(test.low) + ", " + number(test.high) + "]";
        var told = winner(metric, test, names[found.pairs[i][0]], names[found.pairs[i][1]]);
        row.push(cell("td", [number(test.value) + ends, " ", cell("small", ["Holm p " + (test.holm < 1e-4 ? "< 0.0001" : test.holm.toPrecision(2)) + ": " + told])], test.holm < 0.05 ? "sure" : ""));
      });
      return make("tr", {}, row);
    }));
    return make("table", {}, [make("caption", { "class": "vh" }, ["every metric of " + names.join(", ")]), make("thead", {}, [head]), body]);
  }
  versus.addEventListener("click", function () {
    var board = ticked.board, names = ticked.names;
    view = view || my.dialog("pairs", "");
    var found = my.compared(JSON.parse(board.querySelector("script.pairs").textContent), names);
    view.heading.textContent = names.slice(0, -1).join(", ") + " and " + names[names.length - 1] + " on " + board.querySelector("h3").textContent;
    var figures = ["oracle"].concat(names).map(function (name) {
      var figure = all(".pics:not(.near .pics) figure", board).find(function (f) { return f.getAttribute("data-m") === name; });
      return figure && figure.cloneNode(true);
    }).filter(Boolean);
    figures.forEach(function (f) { f.hidden = false; all("[role=button]", f).forEach(function (p) { p.removeAttribute("role"); p.removeAttribute("tabindex"); p.removeAttribute("aria-label"); }); });
    var kind = board.querySelector(".pics");
    view.inside.replaceChildren(
      make("div", { "class": kind ? kind.className : "pics" }, figures),
      make("p", { "class": "key" }, ["Difference on the metric's scale, first − second, with its 95 % interval; Welch's test over seeds and held-out rows, Holm over the table of each pair, as bench compare does."]),
      make("div", { "class": "scroll", tabindex: "0", role: "region", "aria-label": "comparison" }, [table(found, names)]));
    view.box.showModal();
  });
  all("script.pairs").forEach(function (script) {
    var board = script.closest(".board"), text = script.textContent; // its rows stand first: the rest is read when it is asked for
    var known = new Set(JSON.parse(text.slice(0, text.indexOf(',"metrics"')) + "}").rows.map(function (row) { return row.m; }));
    all("table.ranked tr[data-m]", board).forEach(function (row) {
      if (!known.has(row.getAttribute("data-m"))) return;
      var name = row.getAttribute("data-m"), box = make("input", { type: "checkbox", "class": "tick", "aria-label": "compare " + name });
      box.value = name;
      box.addEventListener("change", function () { tick(board, box, name); });
      row.cells[0].append(box);
    });
  });
  my.start();
}(genbench));
