"use strict";
// Draws the operations of a run over its time. Everything that comes from the run is drawn as text, never as markup.
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const canvas = document.getElementById("canvas");
  const told = document.getElementById("told");
  const span = document.getElementById("span");
  const pen = canvas.getContext("2d");
  const LEFT = 150, AXIS = 18, ROW = 16, BAR = 11, FINGER = 3, READABLE = 60;
  const COLOURS = ["#6aa6d6", "#b9b9b9", "#e2a33d", "#8fc7a1"];
  const OUTCOMES = ["answered", "did not happen", "unknown", "watch"];
  const ACCUSED = "#c0202e", BAND = "#f4c9cf", FAULT = "#e08a96";
  // Faults come first, each in the first row that is free while it is on, so that no name lies on another.
  const ends = [];
  for (const band of page.bands) {
    const free = ends.findIndex((end) => end <= band.from);
    band.row = free < 0 ? ends.length : free;
    ends[band.row] = band.to;
  }
  const TOP = AXIS + ends.length * ROW + 6;
  const bars = page.bars.map(([row, start, end, outcome, accused, index, call, answer]) =>
    ({ row, start, end: end || page.end, outcome, accused, index, call, answer }));
  const byIndex = new Map(bars.map((bar) => [bar.index, bar]));
  let from = 0, to = page.end, kept = null, marked = [], frame = 0;

  const height = TOP + page.lanes.length * ROW + 6;
  const width = () => canvas.clientWidth;
  const x = (time) => LEFT + (time - from) / (to - from) * (width() - LEFT);
  const time = (place) => from + (place - LEFT) / (width() - LEFT) * (to - from);
  const seconds = (micros) => (micros / 1e6).toFixed(to - from < 1e6 ? 6 : 3) + " s";

  function draw() {
    frame = 0;
    const ratio = window.devicePixelRatio || 1;
    canvas.style.height = height + "px";
    canvas.width = width() * ratio;
    canvas.height = height * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width(), height);
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, width() - LEFT, height);
    pen.clip();
    drawBands();
    drawTicks();
    drawBars();
    drawLinks();
    pen.restore();
    pen.fillStyle = "#333";
    ends.forEach((_, row) => pen.fillText(row ? "" : "faults", 4, AXIS + row * ROW + BAR / 2 + 1));
    page.lanes.forEach((lane, row) => pen.fillText(lane, 4, TOP + row * ROW + BAR / 2 + 1, LEFT - 8));
    span.textContent = seconds(from) + " to " + seconds(to);
  }

  function drawBands() {
    for (const band of page.bands) {
      if (band.to < from || band.from > to) continue;
      const left = x(band.from), long = Math.max(2, x(band.to) - left), top = AXIS + band.row * ROW;
      pen.fillStyle = BAND;
      pen.globalAlpha = 0.45;
      pen.fillRect(left, top, long, height - top);
      pen.globalAlpha = 1;
      pen.fillStyle = FAULT;
      pen.fillRect(left, top, long, BAR + 2);
      // A name may be longer than its fault, but not run into the next one of its row.
      const next = page.bands.find((other) => other.row === band.row && other.from >= band.to && other !== band);
      const name = Math.max(LEFT + 3, left + 3), room = (next ? Math.min(x(next.from), width()) : width()) - name - 3;
      pen.fillStyle = "#5c0f1a";
      write(band.name, name, top + BAR / 2 + 1, room);
    }
  }

  // As much of a text as there is room for.
  function write(text, left, middle, room) {
    let shown = text;
    while (shown && pen.measureText(shown).width > room) shown = shown.slice(0, -1);
    if (shown.length > 2 || shown === text) pen.fillText(shown, left, middle);
  }

  function drawTicks() {
    const wanted = (to - from) / Math.max(2, width() / 130);
    const power = Math.pow(10, Math.floor(Math.log10(wanted)));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= wanted);
    pen.strokeStyle = "#ddd";
    pen.fillStyle = "#666";
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      pen.beginPath();
      pen.moveTo(x(at), 0);
      pen.lineTo(x(at), height);
      pen.stroke();
      pen.fillText(seconds(at), x(at) + 3, 8);
    }
  }

  function drawBars() {
    for (const bar of bars) {
      if (bar.end < from || bar.start > to) continue;
      const left = x(bar.start), long = Math.max(1.2, x(bar.end) - left);
      const thin = bar.outcome === 3;
      pen.fillStyle = COLOURS[bar.outcome];
      pen.fillRect(left, TOP + bar.row * ROW + (thin ? BAR - 3 : 0), long, thin ? 3 : BAR);
      if (long > READABLE && !thin) {
        pen.fillStyle = "#10202c";
        const seen = Math.max(left, LEFT) + 3;
        write(bar.call, seen, TOP + bar.row * ROW + BAR / 2 + 1, Math.min(left + long, width()) - seen - 3);
      }
    }
    for (const bar of bars) {
      const mark = bar === kept || marked.includes(bar);
      if (!(bar.accused || mark) || bar.end < from || bar.start > to) continue;
      pen.strokeStyle = bar.accused ? ACCUSED : "#111";
      pen.lineWidth = mark ? 2.5 : 1.3;
      pen.strokeRect(x(bar.start) - 1, TOP + bar.row * ROW - 1, Math.max(3, x(bar.end) - x(bar.start) + 2), BAR + 2);
      pen.lineWidth = 1;
    }
  }

  function drawLinks() {
    pen.strokeStyle = ACCUSED;
    pen.setLineDash([4, 3]);
    for (let n = 1; n < marked.length; n += 1) {
      const [one, other] = [marked[n - 1], marked[n]];
      pen.beginPath();
      pen.moveTo(x(one.start), TOP + one.row * ROW + BAR / 2);
      pen.lineTo(x(other.start), TOP + other.row * ROW + BAR / 2);
      pen.stroke();
    }
    pen.setLineDash([]);
    // The numbers by which the contradiction tells of them.
    pen.font = "bold 11px system-ui, sans-serif";
    for (const bar of marked) {
      const number = String(bar.index), wide = pen.measureText(number).width;
      const left = Math.min(x(bar.end) + 4, width() - wide - 3), top = TOP + bar.row * ROW;
      pen.fillStyle = "#fff";
      pen.fillRect(left - 2, top - 1, wide + 4, BAR + 2);
      pen.fillStyle = ACCUSED;
      pen.fillText(number, left, top + BAR / 2 + 1);
    }
    pen.font = "11px system-ui, sans-serif";
  }

  function redraw() {
    if (!frame) frame = requestAnimationFrame(draw);
  }

  function show(low, high) {
    const least = 20;
    const long = Math.min(page.end, Math.max(least, high - low));
    from = Math.max(0, Math.min(low, page.end - long));
    to = from + long;
    redraw();
  }

  function zoom(factor, around) {
    const middle = around === undefined ? (from + to) / 2 : around;
    show(middle - (middle - from) * factor, middle + (to - middle) * factor);
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    const row = Math.floor((top - TOP) / ROW), fault = Math.floor((top - AXIS) / ROW);
    let best = null, far = FINGER + 1;
    for (const bar of bars) {
      if (bar.row !== row) continue;
      const away = Math.max(x(bar.start) - left, left - x(bar.end), 0);
      // Of those that overlap the shortest: a watch lies below everything else of its client.
      if (away < far || (away === far && best && bar.end - bar.start < best.end - best.start)) {
        best = bar;
        far = away;
      }
    }
    if (best) return { bar: best };
    const when = time(left);
    const slack = FINGER / (width() - LEFT) * (to - from);
    const own = page.bands.filter((band) => band.from - slack <= when && when <= band.to + slack);
    return { bands: top < TOP ? own.filter((band) => band.row === fault) : own };
  }

  function tell(found) {
    if (found.bar) {
      const bar = found.bar;
      told.textContent = "operation " + bar.index + ", " + page.lanes[bar.row] + ", " + seconds(bar.start) +
        " to " + seconds(bar.end) + ", " + OUTCOMES[bar.outcome] + (bar.accused ? ", accused" : "") +
        "\n" + bar.call + "\n" + bar.answer;
    } else if (found.bands && found.bands.length) {
      told.textContent = found.bands.map((band) =>
        band.name + ", " + seconds(band.from) + " to " + seconds(band.to) + ": " + band.detail).join("\n");
    }
  }

  function accuse(number) {
    const charge = page.violations[number];
    marked = charge.bars.map((index) => byIndex.get(index)).filter((bar) => bar);
    told.textContent = charge.judge + ": " + charge.rule + "\n" + charge.meaning + "\n" + charge.message;
    if (!marked.length) return;
    const low = Math.min(...marked.map((bar) => bar.start));
    // What is open to the end says little by its end.
    const high = Math.max(...marked.map((bar) => Math.min(bar.end, bar.start + page.end / 20)));
    const room = Math.max((high - low) * 0.5, 2000);
    show(low - room, high + room);
  }

  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    drag = { left: event.clientX, from, to, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) {
      if (!kept) tell(at(event));
      return;
    }
    const moved = event.clientX - drag.left;
    drag.moved = drag.moved || Math.abs(moved) > FINGER;
    const by = moved / (width() - LEFT) * (drag.to - drag.from);
    show(drag.from - by, drag.to - by);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved) {
      const found = at(event);
      kept = found.bar && found.bar !== kept ? found.bar : null;
      tell(found);
      redraw();
    }
    drag = null;
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, time(event.clientX - canvas.getBoundingClientRect().left));
  }, { passive: false });
  document.getElementById("in").addEventListener("click", () => zoom(0.5));
  document.getElementById("out").addEventListener("click", () => zoom(2));
  document.getElementById("all").addEventListener("click", () => show(0, page.end));
  for (const link of document.querySelectorAll("a.charge")) {
    link.addEventListener("click", () => accuse(Number(link.dataset.number)));
  }
  window.addEventListener("resize", redraw);
  if (page.violations.length) accuse(0);
  redraw();
})();
