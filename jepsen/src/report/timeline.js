"use strict";
// Draws the operations of a run over its time. Everything that comes from the run is drawn as text, never as markup.
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const canvas = document.getElementById("canvas");
  const told = document.getElementById("told");
  const span = document.getElementById("span");
  const pen = canvas.getContext("2d");
  const LEFT = 70, TOP = 34, ROW = 16, BAR = 11, FINGER = 3;
  const COLOURS = ["#6aa6d6", "#b9b9b9", "#e2a33d", "#8fc7a1"];
  const OUTCOMES = ["answered", "did not happen", "unknown", "watch"];
  const ACCUSED = "#c0202e", BAND = "#f4c9cf";
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
    page.lanes.forEach((lane, row) => pen.fillText(lane, 4, TOP + row * ROW + BAR / 2 + 1));
    span.textContent = seconds(from) + " to " + seconds(to);
  }

  function drawBands() {
    for (const band of page.bands) {
      if (band.to < from || band.from > to) continue;
      pen.fillStyle = BAND;
      pen.globalAlpha = 0.45;
      pen.fillRect(x(band.from), 0, Math.max(1, x(band.to) - x(band.from)), height);
      pen.globalAlpha = 1;
      pen.fillStyle = "#8a2331";
      pen.fillText(band.name, Math.max(LEFT + 3, x(band.from) + 3), 8);
    }
  }

  function drawTicks() {
    const wanted = (to - from) / Math.max(2, width() / 130);
    const power = Math.pow(10, Math.floor(Math.log10(wanted)));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= wanted);
    pen.strokeStyle = "#ddd";
    pen.fillStyle = "#666";
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      pen.beginPath();
      pen.moveTo(x(at), TOP - 8);
      pen.lineTo(x(at), height);
      pen.stroke();
      pen.fillText(seconds(at), x(at) + 2, 22);
    }
  }

  function drawBars() {
    for (const bar of bars) {
      if (bar.end < from || bar.start > to) continue;
      const left = x(bar.start), long = Math.max(1.2, x(bar.end) - left);
      const thin = bar.outcome === 3;
      pen.fillStyle = COLOURS[bar.outcome];
      pen.fillRect(left, TOP + bar.row * ROW + (thin ? BAR - 3 : 0), long, thin ? 3 : BAR);
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
    const row = Math.floor((top - TOP) / ROW);
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
    return { bands: page.bands.filter((band) => band.from <= when && when <= band.to) };
  }

  function tell(found) {
    if (found.bar) {
      const bar = found.bar;
      told.textContent = "operation " + bar.index + ", client " + page.lanes[bar.row] + ", " + seconds(bar.start) +
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
    told.textContent = charge.judge + ": " + charge.rule + "\n" + charge.message;
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
