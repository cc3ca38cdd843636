// Points into pixels: small shapes with soft edges, the nearer over the farther. A hundred thousand take some milliseconds,
// without a graphics card, where plotly's 3D markers take seconds.

// the shapes of plots/palettes.py, in that order
const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "ring", "star"];
const FINE = 4; // samples across a pixel

const inside = {
  circle: (x, y) => Math.hypot(x, y) < 1,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.86,
  triangle: (x, y) => y < 0.75 && y > -1.05 + 1.9 * Math.abs(x),
  diamond: (x, y) => Math.abs(x) + Math.abs(y) < 1.15,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) < 0.34 && Math.max(Math.abs(x), Math.abs(y)) < 1.1,
  ring: (x, y) => Math.hypot(x, y) < 1.1 && Math.hypot(x, y) > 0.55,
  star: (x, y) => Math.hypot(x, y) < 0.72 + 0.42 * Math.cos(5 * Math.atan2(x, -y)),
};

// the pixels that a shape touches, from its middle, and how much of each it covers, 0 to 255
const stencils = new Map();
function stencil(shape, radius) {
  const key = `${shape} ${radius}`;
  if (stencils.has(key)) return stencils.get(key);
  const reach = Math.ceil(radius * 1.2);
  const touched = [];
  for (let down = -reach; down <= reach; down++) {
    for (let across = -reach; across <= reach; across++) {
      let hits = 0;
      for (let s = 0; s < FINE * FINE; s++) {
        const [x, y] = [across - 0.5 + ((s % FINE) + 0.5) / FINE, down - 0.5 + (Math.floor(s / FINE) + 0.5) / FINE];
        hits += inside[SHAPES[shape]](x / radius, y / radius);
      }
      if (hits) touched.push([across, down, Math.round((255 * hits) / (FINE * FINE))]);
    }
  }
  const [across, down, covers] = [0, 1, 2].map((k) => Int16Array.from(touched, (pixel) => pixel[k]));
  stencils.set(key, { across, down, covers });
  return stencils.get(key);
}

export class Splatter {
  constructor() {
    this.width = this.height = 0;
  }

  // clears the picture; sizes in device pixels
  begin(width, height) {
    if (width !== this.width || height !== this.height) {
      [this.width, this.height] = [width, height];
      this.image = new ImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
      this.depths = new Float32Array(width * height);
    }
    this.pixels.fill(0);
    this.depths.fill(Infinity);
  }

  // one point; colour is 0xRRGGBB, faded towards paper by 0 to 1
  point(x, y, depth, radius, shape, colour, fade = 0, paper = 0xffffff) {
    const { across, down, covers } = stencil(shape, radius);
    const [column, row] = [Math.round(x), Math.round(y)];
    const { width, height, pixels, depths } = this;
    let [r, g, b] = [colour >> 16, (colour >> 8) & 255, colour & 255];
    if (fade) {
      r += (fade * ((paper >> 16) - r)) | 0;
      g += (fade * (((paper >> 8) & 255) - g)) | 0;
      b += (fade * ((paper & 255) - b)) | 0;
    }
    const bare = (b << 16) | (g << 8) | r;
    for (let k = 0; k < covers.length; k++) {
      const left = column + across[k];
      const top = row + down[k];
      if (left < 0 || top < 0 || left >= width || top >= height) continue;
      const at = top * width + left;
      const part = covers[k];
      if (depths[at] < depth) continue;
      const under = pixels[at];
      if (part === 255) {
        pixels[at] = 0xff000000 | bare;
        depths[at] = depth;
      } else if (!under) pixels[at] = (part << 24) | bare;
      else {
        // over what is there, by shares of 255
        const alpha = part + ((under >>> 24) * (255 - part)) / 255;
        const own = part / alpha;
        const red = (under & 255) + (r - (under & 255)) * own;
        const green = ((under >> 8) & 255) + (g - ((under >> 8) & 255)) * own;
        const blue = ((under >> 16) & 255) + (b - ((under >> 16) & 255)) * own;
        pixels[at] = (alpha << 24) | (blue << 16) | (green << 8) | red;
      }
    }
  }
}
