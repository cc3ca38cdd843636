// Lines and single points in the sphere beside the utterances: outlines, ways to predictions, a voice over time.
// A mark is {kind: "line" | "point", points: [[v, a, d], ...], colour or colours, width, dash, tip, symbol, size, text, hover, press}.

const DASHES = { solid: [], dash: [8, 4], dot: [2, 3], longdash: [14, 5], dashdot: [8, 3, 2, 3] };

export function drawMark(context, camera, mark, theme) {
  const spots = mark.points.map((point) => camera.spot(point));
  const colour = (i) => mark.colours?.[i] ?? mark.colour ?? theme.ink;
  context.save();
  [context.lineJoin, context.lineCap] = ["round", "round"];
  if (mark.kind === "line") {
    context.setLineDash(DASHES[mark.dash] ?? []);
    context.lineWidth = mark.width ?? 2;
    spots.slice(1).forEach((spot, i) => {
      const from = spots[i];
      if (Number.isNaN(from.x + spot.x)) return;
      context.globalAlpha = (from.depth + spot.depth) / 2 > 1.03 ? 0.45 : 1; // behind the middle
      context.strokeStyle = colour(i + 1);
      context.beginPath();
      context.moveTo(from.x, from.y);
      context.lineTo(spot.x, spot.y);
      context.stroke();
    });
    context.setLineDash([]);
    context.globalAlpha = 1;
    if (mark.tip) symbolAt(context, mark.tip, spots.at(-1), (mark.width ?? 2) + 2.5, colour(spots.length - 1), theme);
  } else {
    spots.forEach((spot, i) => {
      if (Number.isNaN(spot.x)) return;
      symbolAt(context, mark.symbol ?? "circle", spot, mark.size ?? 5, colour(i), theme);
      const text = Array.isArray(mark.text) ? mark.text[i] : mark.text;
      if (text) writeBeside(context, text, spot, mark.size ?? 5, mark.place?.[i], theme);
    });
  }
  context.restore();
}

export function symbolAt(context, symbol, { x, y }, size, colour, theme) {
  const corners = {
    square: [
      [-1, -1],
      [1, -1],
      [1, 1],
      [-1, 1],
    ],
    diamond: [
      [0, -1.35],
      [1.35, 0],
      [0, 1.35],
      [-1.35, 0],
    ],
    triangle: [
      [0, -1.3],
      [1.2, 0.9],
      [-1.2, 0.9],
    ],
  };
  [context.fillStyle, context.strokeStyle, context.lineWidth] = [colour, colour, Math.max(2, size / 3)];
  context.beginPath();
  const open = symbol === "ring" || symbol.endsWith("-open");
  const plain = symbol.replace("-open", "");
  if (plain === "cross" || plain === "x") {
    const lines =
      plain === "x"
        ? [
            [-1, -1, 1, 1],
            [-1, 1, 1, -1],
          ]
        : [
            [0, -1.2, 0, 1.2],
            [-1.2, 0, 1.2, 0],
          ];
    for (const [a, b, c, d] of lines) {
      context.moveTo(x + a * size, y + b * size);
      context.lineTo(x + c * size, y + d * size);
    }
    return context.stroke();
  }
  if (corners[plain])
    corners[plain].forEach(([a, b], i) => context[i ? "lineTo" : "moveTo"](x + a * size, y + b * size));
  else context.arc(x, y, size, 0, 2 * Math.PI);
  context.closePath();
  if (!open) return context.fill();
  context.lineWidth += 2.5; // a halo, to be seen on any ground
  context.strokeStyle = theme.paper;
  context.stroke();
  [context.lineWidth, context.strokeStyle] = [Math.max(2, size / 4), colour];
  return context.stroke();
}

function writeBeside(context, text, { x, y }, size, place = "top", theme) {
  const [dx, dy] = { top: [0, -size - 8], bottom: [0, size + 9], left: [-size - 5, 0], right: [size + 5, 0] }[place];
  context.font = "13px sans-serif";
  [context.textAlign, context.textBaseline] = [dx < 0 ? "right" : dx > 0 ? "left" : "center", "middle"];
  [context.strokeStyle, context.fillStyle, context.lineWidth] = [theme.paper, theme.ink, 3];
  context.strokeText(text, x + dx, y + dy);
  context.fillText(text, x + dx, y + dy);
}
