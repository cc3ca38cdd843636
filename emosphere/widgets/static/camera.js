// A turntable around the sphere, and where it puts points on a picture: the perspective of plotly's 3D scenes
// (an angle of 45° from top to bottom, a cube of data from -REACH to REACH as 1 x 1 x 1).

export const REACH = 1.2;
const FOCUS = 1 / Math.tan(Math.PI / 8);
const START = { turn: -0.882, rise: 0.348 }; // arousal to the right, valence into the depth, dominance up

export class Camera {
  // farthest: radius of what is to fit into the picture however it is turned
  constructor(farthest) {
    this.home = Math.max(1.26, Math.min(1.75, farthest / (2 * REACH) / Math.sin(Math.PI / 8)));
    this.reset();
  }

  reset() {
    Object.assign(this, START, { distance: this.home });
  }

  turnBy(turn, rise) {
    this.turn += turn;
    this.rise = Math.max(-1.55, Math.min(1.55, this.rise + rise));
  }

  zoomBy(factor) {
    this.distance = Math.max(0.5, Math.min(4, this.distance * factor));
  }

  // a picture narrower than high shows the sphere smaller, not cut
  fit(width, height) {
    [this.width, this.height] = [width, height];
    this.far = this.distance * Math.max(1, height / width);
    const [ct, st, cr, sr] = [Math.cos(this.turn), Math.sin(this.turn), Math.cos(this.rise), Math.sin(this.rise)];
    this.eye = [this.far * cr * ct, this.far * cr * st, this.far * sr]; // x, y, z
    this.forward = [-cr * ct, -cr * st, -sr];
    this.right = [-st, ct, 0];
    this.up = [-sr * ct, -sr * st, cr];
    return this;
  }

  get plotly() {
    const [x, y, z] = this.eye;
    return {
      eye: { x, y, z },
      center: { x: 0, y: 0, z: 0 },
      up: { x: 0, y: 0, z: 1 },
      projection: { type: "perspective" },
    };
  }

  // (3 n) points as valence, arousal, dominance into x and y (pixels) and depth (1 is the middle of the sphere)
  project(points, x, y, depth) {
    const { right, up, forward, far, width, height } = this;
    const [scale, half, middle, size] = [1 / (2 * REACH), width / 2, height / 2, (FOCUS * height) / 2];
    for (let i = 0; i < x.length; i++) {
      const [py, px, pz] = [points[3 * i] * scale, points[3 * i + 1] * scale, points[3 * i + 2] * scale];
      const away = far + px * forward[0] + py * forward[1] + pz * forward[2];
      const zoom = size / away;
      x[i] = half + zoom * (px * right[0] + py * right[1]);
      y[i] = middle - zoom * (px * up[0] + py * up[1] + pz * up[2]);
      depth[i] = away / far;
    }
  }

  // one point as {x, y, depth}
  spot(point) {
    const [x, y, depth] = [new Float64Array(1), new Float64Array(1), new Float64Array(1)];
    this.project(point, x, y, depth);
    return { x: x[0], y: y[0], depth: depth[0] };
  }

  // where the ray through a pixel enters the unit sphere, as [valence, arousal, dominance]; null beside it
  enter(px, py) {
    const size = (FOCUS * this.height) / 2;
    const [across, above] = [(px - this.width / 2) / size, (this.height / 2 - py) / size];
    const ray = [0, 1, 2].map((i) => this.forward[i] + across * this.right[i] + above * this.up[i]);
    const start = this.eye.map((value) => value * 2 * REACH);
    const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    const [a, b, c] = [dot(ray, ray), 2 * dot(start, ray), dot(start, start) - 1];
    const root = b * b - 4 * a * c;
    if (root < 0) return null;
    const way = (-b - Math.sqrt(root)) / (2 * a);
    const [x, y, z] = start.map((value, i) => value + way * ray[i]);
    return [y, x, z];
  }
}
