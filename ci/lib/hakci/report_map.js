// SPDX-License-Identifier: MIT
// A SuperSlab's picture: 4 rows of 8 granules, in each the blocks that begin in it.
const COLUMNS = 8, ROWS = 4, GRANULE_BYTES = 65536;
const LETTERS = { h: "held", c: "cached", r: "remote", f: "free" };

// "h3f" -> "hhhf"
const unfold = places => places.replace(/([fchr])(\d+)/g, (_, letter, count) =>
  letter.repeat(Number(count)));

function rgb(name) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = colour("--" + name);
  pen.fillRect(0, 0, 1, 1);
  return pen.getImageData(0, 0, 1, 1).data;
}

// Blocks as the pixels of a small square image.
function specks(letters, colours) {
  const side = Math.max(1, Math.ceil(Math.sqrt(letters.length)));
  const rows = Math.max(1, Math.ceil(letters.length / side));
  const image = new ImageData(side, rows);
  for (let i = 0; i < letters.length; i++) {
    image.data.set(colours[letters[i]], 4 * i);
  }
  const small = document.createElement("canvas");
  small.width = side;
  small.height = rows;
  small.getContext("2d").putImageData(image, 0, 0);
  return small;
}

// granule -> the letters of the blocks that begin in it, and its slab
function granulesOf(map) {
  const found = new Map();
  for (const slab of map.slabs) {
    const letters = unfold(slab.places);
    const each = slab.granules === 1 ? letters.length : GRANULE_BYTES / slab.stride_bytes;
    for (let g = 0; g < slab.granules; g++) {
      found.set(slab.granule + g, { slab,
        letters: letters.slice(Math.ceil(g * each), Math.ceil((g + 1) * each)) });
    }
  }
  return found;
}

function sayGranule(map, granules, number) {
  const found = granules.get(number);
  if (!found) {
    const isDirty = (map.dirty >>> number) & 1;
    return `Granule ${number}: in no slab` +
      (isDirty ? "; its memory may still be resident." : "; its memory is with the OS.");
  }
  const { slab } = found;
  return `Granule ${number}: a slab of ${slab.stride_bytes}-byte blocks; of ${slab.blocks}: ` +
    `${slab.held} held, ${slab.cached} cached, ${slab.remote} remote, ${slab.free} free.`;
}

function drawMap(map) {
  const canvas = document.getElementById(map.id);
  const scale = Math.max(1, window.devicePixelRatio || 1);
  const width = Math.round(canvas.clientWidth * scale), tile = width / COLUMNS;
  canvas.width = width;
  canvas.height = Math.round(tile * ROWS);
  const pen = canvas.getContext("2d");
  const colours = Object.fromEntries(Object.entries(LETTERS).map(([letter, name]) =>
    [letter, rgb(name)]));
  const granules = granulesOf(map);
  pen.fillStyle = colour("--line");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const edge = Math.max(1, Math.round(scale));
  for (let g = 0; g < COLUMNS * ROWS; g++) {
    const x = Math.round((g % COLUMNS) * tile), y = Math.round(Math.floor(g / COLUMNS) * tile);
    const right = Math.round((g % COLUMNS + 1) * tile) - edge;
    const below = Math.round((Math.floor(g / COLUMNS) + 1) * tile) - edge;
    const letters = granules.has(g) ? granules.get(g).letters : "";
    pen.fillStyle = colour(granules.has(g) ? "--free" : "--empty");
    pen.fillRect(x, y, right - x, below - y);
    if (letters.length > 0) {
      const image = specks(letters, colours);
      pen.imageSmoothingEnabled = image.width > right - x;
      pen.drawImage(image, x, y, right - x, below - y);
    }
  }
  const hint = document.getElementById(map.hint);
  canvas.onpointermove = canvas.onpointerdown = event => {
    const column = Math.floor(event.offsetX / canvas.clientWidth * COLUMNS);
    const row = Math.floor(event.offsetY / canvas.clientHeight * ROWS);
    hint.textContent = sayGranule(map, granules, Math.min(31, Math.max(0, row * COLUMNS + column)));
  };
}
